"""JPEG XL: measured before it is decoded, upright, with what it says beside its pixels."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_jxl  # noqa: F401  (its plugin writes the files of these tests)
import pytest
from PIL import Image

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.images import jxl
from neardup_cli.images.decode import decode
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.jxl import read_header
from neardup_cli.images.whole import decode_whole
from tests.photographed import photographed


def photograph(width: int = 300, height: int = 200) -> Image.Image:
    return photographed("coffee").resize((width, height))


def encoded(image: Image.Image, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JXL", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (256, 256), (300, 200), (457, 123), (640, 480), (2000, 9)])
@pytest.mark.parametrize("use_container", [True, False])
def test_the_header_says_how_large_it_is(
    size: tuple[int, int], use_container: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded(photograph(*size), use_container=use_container)
    found = decode(content)
    assert (found.format, found.width, found.height) == ("JXL", *size)
    # Too many pixels are refused before libjxl is asked for one.
    monkeypatch.setattr(jxl, "_decoded", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(ImageTooLarge):
        decode(content, max_pixels=size[0] * size[1] - 1)


def test_pixels_are_what_they_were() -> None:
    picture = photograph()
    found = decode(encoded(picture, lossless=True))
    assert found.colour is not None
    assert np.array_equal(np.asarray(found.colour), np.asarray(picture))
    assert np.array_equal(decode_whole(encoded(picture, lossless=True)).rgb, np.asarray(picture))


@pytest.mark.parametrize("depth", [8, 16])
def test_what_it_holds(depth: int) -> None:
    picture = photograph().convert("L")
    if depth == 16:
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    held = read_holdings(encoded(picture, lossless=True))
    assert (held.depth, held.frames, held.has_alpha) == (depth, 1, False)
    seen_through = photograph().convert("RGBA")
    seen_through.putalpha(100)
    assert read_holdings(encoded(seen_through)).has_alpha
    assert decode(encoded(seen_through)).alpha is not None


def test_it_is_turned_once_and_dated() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2020:01:02 03:04:05"
    content = encoded(photograph(), exif=exif.tobytes(), use_container=True)
    found = decode(content)
    # The codestream says how it lies; what EXIF says beside it has been heeded or is void.
    assert (found.width, found.height) == (300, 200)
    assert found.captured_at == datetime(2020, 1, 2, 3, 4, 5)
    assert read_holdings(content).captured_at == found.captured_at


def test_a_packed_jpeg_is_that_jpeg_to_the_bit(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2020:01:02 03:04:05"
    path = tmp_path / "a.jpg"
    photograph(1600, 1400).save(path, exif=exif.tobytes(), quality=90)
    with Image.open(path) as image:
        buffer = BytesIO()
        image.save(buffer, "JXL", lossless_jpeg=True)
    found, jpeg = decode(buffer.getvalue()), decode(path.read_bytes())
    assert found.luma.tobytes() == jpeg.luma.tobytes()
    assert (
        (found.format, found.width, found.height) == ("JXL", jpeg.width, jpeg.height) == ("JXL", 1400, 1600)
    )
    assert found.captured_at == jpeg.captured_at is not None
    assert (
        np.abs(decode_whole(buffer.getvalue()).rgb.astype(int) - decode_whole(path.read_bytes()).rgb).max()
        <= 2
    )


def test_an_animation_is_known_to_have_more_than_one_frame() -> None:
    # 8 × 8 pixels; not all by default, extra fields, no orientation, no size, no preview, animated.
    bits = "1" + "00000" + "100" + "0" + "1" + "000" + "0" + "0" + "1"
    number = sum(int(bit) << place for place, bit in enumerate(bits))
    header = read_header(b"\xff\x0a" + number.to_bytes(8, "little"))
    assert (header.width, header.height, header.animated) == (8, 8, True)
    assert not read_header(encoded(photograph())[:64]).animated


def test_one_that_is_broken_says_so() -> None:
    content = encoded(photograph())
    for broken in (content[: len(content) // 2], content[:30], b"\xff\x0a" + bytes(50)):
        with pytest.raises(UnreadableImage):
            decode(broken)


def test_a_missing_decoder_is_not_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    content = encoded(photograph())
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageTooLarge, match="cannot be loaded here"):  # which is not kept against the file
        decode(content)
