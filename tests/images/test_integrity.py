"""What decoders say of damaged files, and that they say nothing of sound ones, however odd."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import PngImagePlugin

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.integrity import damage_of
from tests.images.test_holdings import FILM, FORMATS, box, encoded, fade, mpo, photograph, with_segment

LARGE = (480, 360)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_sound_file_of_each_format(format_name: str) -> None:
    content = encoded(photograph(), format_name)
    assert damage_of(content, format_name) == ""
    assert damage_of(content, "another format") == ""


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_a_sound_file_of_several_frames(format_name: str) -> None:
    frames = fade(4)
    content = encoded(frames[0], format_name, save_all=True, append_images=frames[1:])
    assert damage_of(content, format_name) == ""


def jpeg(**options: Any) -> bytes:
    return encoded(photograph(*LARGE), "JPEG", **options)


@pytest.mark.parametrize(
    "content",
    [
        jpeg(progressive=True),
        jpeg(restart_marker_blocks=3),
        jpeg(restart_marker_rows=1),
        jpeg(optimize=True, subsampling=0, quality=100),
        jpeg(keep_rgb=True),
        encoded(photograph(*LARGE).convert("CMYK"), "JPEG"),
        encoded(photograph(*LARGE).convert("L"), "JPEG"),
        jpeg() + bytes(64),
        jpeg() + FILM,
        jpeg() + jpeg(),
        jpeg() + b"\xff\xda junk \xff\xc0 \xff\xd8" * 50,
        mpo(photograph().rotate(8)),
        with_segment(jpeg(), 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        with_segment(jpeg(), 0xEE, b"Adobe\0\x64\0\0\0\0\x09"),
        jpeg()[:-2] + b"\xff\xff\xff\xff\xd9",
        jpeg()[:-2] + b"\0\0\xff\xd9",
    ],
    ids=[
        *("progressive", "restart blocks", "restart rows", "best", "RGB", "CMYK", "grey", "zeros", "film"),
        *("twice", "junk", "MPO", "odd EXIF", "odd Adobe", "fill bytes", "two bytes more"),
    ],
)
def test_a_sound_jpeg_however_odd(content: bytes) -> None:
    decode(content)
    assert damage_of(content, "JPEG") == ""


def test_a_damaged_jpeg() -> None:
    good = jpeg(quality=90)
    start = good.index(b"\xff\xda") + 20
    hole = bytearray(good)
    hole[start + 2000 : start + 2600] = bytes(600)
    assert damage_of(bytes(hole), "JPEG") == "corrupt data"
    assert damage_of(bytes(hole) + bytes(64), "JPEG") == "corrupt data"
    assert damage_of(good[:-2], "JPEG") == "truncated"
    assert damage_of(good[: len(good) // 2], "JPEG") == "truncated"
    missing = good[: start + 2000] + good[start + 2500 :]
    assert damage_of(missing, "JPEG") == "corrupt data"


def test_a_damaged_jpeg_of_four_channels() -> None:
    good = encoded(photograph(*LARGE).convert("CMYK"), "JPEG")
    assert damage_of(good[: len(good) // 2], "JPEG") == "truncated"


def test_most_changed_places_in_a_jpeg_are_noticed() -> None:
    good = jpeg(quality=88)
    start = good.index(b"\xff\xda") + 20
    noticed = 0
    for place in range(start, len(good) - 10, (len(good) - start) // 40):
        bad = bytearray(good)
        bad[place : place + 4] = bytes(value ^ 0x5A for value in bad[place : place + 4])
        noticed += bool(damage_of(bytes(bad), "JPEG"))
    assert noticed >= 16  # of 40: the others look like data of another picture


def test_a_damaged_png() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "tram")
    good = encoded(photograph(*LARGE), "PNG", pnginfo=info)
    for place, reason in (
        (good.index(b"IDAT") + 500, "wrong checksum of the data"),
        (good.index(b"tram"), "wrong checksum of the metadata"),
    ):
        bad = bytearray(good)
        bad[place] ^= 1
        assert damage_of(bytes(bad), "PNG") == reason
    assert damage_of(good[:-12], "PNG") == "truncated"
    assert damage_of(good[:-500], "PNG") == "truncated"
    assert damage_of(good + b"and more", "PNG") == ""


@pytest.mark.parametrize("format_name", ["WEBP", "AVIF", "HEIF", "JPEG2000"])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_truncated_file(format_name: str, share: float) -> None:
    content = encoded(photograph(*LARGE), format_name)
    assert damage_of(content[: int(len(content) * share)], format_name) == "truncated"


def test_a_truncated_codestream() -> None:
    content = encoded(photograph(*LARGE), "JPEG2000", no_jp2=True)
    assert damage_of(content, "JPEG2000") == ""
    assert damage_of(content[:-500], "JPEG2000") == "truncated"


@pytest.mark.parametrize("format_name", ["GIF", "TIFF", "WEBP", "PNG", "AVIF"])
def test_a_truncated_last_frame(format_name: str) -> None:
    frames = fade(4)
    content = encoded(frames[0], format_name, save_all=True, append_images=frames[1:])
    assert damage_of(content[:-600], format_name) == "truncated"


def test_what_is_missing_without_harm() -> None:
    frames = fade(3)
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert damage_of(gif[:-1], "GIF") == ""
    assert damage_of(gif + bytes(9), "GIF") == ""
    assert damage_of(encoded(photograph(), "HEIF") + box(b"free", b"1234"), "HEIF") == ""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nothing_is_raised_whatever_a_decodable_file_holds(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FORMATS))
    content = bytearray(encoded(photograph(), name))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(content)).format
    except UnreadableImage:
        found = name
    assert isinstance(damage_of(bytes(content), found), str)


@pytest.mark.parametrize("size", [(480, 360), (1290, 1400), (2600, 2561), (3, 2), (1, 1)])
def test_decoding_grey_alone_tells_of_damage_by_the_way(size: tuple[int, int]) -> None:
    content = encoded(photograph(*size), "JPEG", quality=90)
    grey, both = decode(content, colour=False), decode(content)
    assert (grey.damage, both.damage) == ("", None)
    assert grey.luma.tobytes() == both.luma.tobytes()


def test_the_luma_of_a_damaged_jpeg_is_the_same_in_both_modes() -> None:
    good = jpeg(quality=90)
    start = good.index(b"\xff\xda") + 2000
    for content in (good[:start] + bytes(600) + good[start + 600 :], good[:-2] + bytes(40) + b"\xff\xd9"):
        grey, both = decode(content, colour=False), decode(content)
        assert grey.damage == "corrupt data" == damage_of(content, "JPEG")
        assert grey.luma.tobytes() == both.luma.tobytes()
