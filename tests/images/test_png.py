"""PNG files whose words are broken, and whose pixels are sound."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import decode, opened_header
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.integrity import damage_of
from neardup_cli.images.whole import decode_whole

MB = 1 << 20


def png(**options: Any) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(out, "PNG", **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes, wrong: int = 0) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ wrong)


def with_chunks(*chunks: bytes) -> bytes:
    sound = png()
    return sound[:33] + b"".join(chunks) + sound[33:]


TITLE = chunk(b"tEXt", b"Title\0a title")
UNREADABLE = {
    "a workflow of two megabytes": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 2 * MB)),
    "an international one": chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(b"x" * 2 * MB)),
    "a sum that is wrong": chunk(b"tEXt", b"Comment\0text", 1),
    "a method that is none": chunk(b"zTXt", b"x\0\7abc"),
    "a gamma of one byte": chunk(b"gAMA", b"\1"),
    "a resolution of none": chunk(b"pHYs", b""),
    "a profile of twenty megabytes": chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(20 * MB))),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_pixels_and_other_words_are_read(name: str) -> None:
    data = with_chunks(UNREADABLE[name], TITLE)
    assert decode(data).luma.tobytes() == decode(png()).luma.tobytes()
    assert (decode_whole(data).rgb == decode_whole(png()).rgb).all()
    assert read_holdings(data).words == {"a title"}


def test_a_wrong_sum_is_still_damage() -> None:
    data = with_chunks(UNREADABLE["a sum that is wrong"])
    assert damage_of(data, "PNG") == "wrong checksum of the metadata"


def test_many_texts_are_bounded() -> None:
    long = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * (MB - 1)))
    data = with_chunks(TITLE, *[long] * 80)
    assert read_holdings(data).words == {"a title"}


def test_a_long_profile_is_kept() -> None:
    """A scanner's tables; Pillow takes a megabyte."""
    profile = bytes(range(256)) * (5 * MB // 1024)
    assert len(profile) > MB
    with opened_header(io.BytesIO(with_chunks(chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))))) as image:
        assert image.info["icc_profile"] == profile


def test_text_behind_the_pixels() -> None:
    sound = png()
    data = sound[:-12] + UNREADABLE["a workflow of two megabytes"] + sound[-12:]
    assert decode(data).luma.tobytes() == decode(sound).luma.tobytes()


def test_what_is_wrong_with_the_pixels_stays_an_error() -> None:
    sound = png()
    broken = sound.replace(b"IHDR\0\0\0\x28", b"IHDR\0\0\0\x29")
    with pytest.raises(UnreadableImage):
        decode(broken)


def test_a_sound_one_is_read_as_pillow_does() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a title", zip=True)
    assert read_holdings(png(pnginfo=info)).words == {"a title"}
