"""An image at its full size: upright, in sRGB, with its alpha apart."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image, ImageCms

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.whole import decode_whole
from tests.images.test_holdings import FORMATS, encoded, fade, photograph, png_of_16_bit_colour, profile


def whole(image: Image.Image, format_name: str, **options: Any) -> npt.NDArray[np.uint8]:
    return decode_whole(encoded(image, format_name, **options)).rgb


def mean_difference(left: npt.ArrayLike, right: npt.ArrayLike | Image.Image) -> float:
    return float(np.abs(np.asarray(left, np.int64) - np.asarray(right, np.int64)).mean())


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format(format_name: str) -> None:
    found = decode_whole(encoded(photograph(900, 700), format_name))
    assert found.rgb.shape == (700, 900, 3)
    assert found.rgb.dtype == np.uint8
    assert found.alpha is None
    assert not found.grey
    assert (found.tables is not None) == (format_name == "JPEG")
    assert mean_difference(found.rgb, photograph(900, 700)) < 12


def test_a_jpegs_pixels_are_those_of_pillow_to_the_bit() -> None:
    for options in ({}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}, {"keep_rgb": True}):
        content = encoded(photograph(701, 433), "JPEG", **options)
        with Image.open(io.BytesIO(content)) as image:
            assert np.array_equal(decode_whole(content).rgb, np.asarray(image))
    for mode in ("L", "CMYK"):
        content = encoded(photograph(301, 233).convert(mode), "JPEG")
        with Image.open(io.BytesIO(content)) as image:
            assert np.array_equal(decode_whole(content).rgb, np.asarray(image.convert("RGB")))


def test_the_tables_of_a_jpeg() -> None:
    for number, name in enumerate(("4:4:4", "4:2:2", "4:2:0")):
        tables = decode_whole(encoded(photograph(), "JPEG", subsampling=number, quality=90)).tables
        assert tables is not None
        assert tables.subsampling == name
        assert [len(steps) for steps in tables.quantisation.values()] == [64, 64]
    grey = decode_whole(encoded(photograph().convert("L"), "JPEG")).tables
    assert grey is not None
    assert grey.subsampling == ""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_it_is_upright(format_name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options: dict[str, Any] = {"exif": exif.tobytes() if format_name == "HEIF" else exif}
    content = encoded(photograph(), format_name, **options)
    shown = decode(content).colour
    assert shown is not None
    assert mean_difference(decode_whole(content).rgb, shown.convert("RGB")) < 2


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "HEIF"])
def test_alpha_is_kept_apart_and_hidden_pixels_are_black(format_name: str) -> None:
    picture = photograph().convert("RGBA")
    picture.paste((10, 200, 30, 0), (0, 0, 20, 64))
    picture.paste((10, 200, 30, 128), (20, 0, 40, 64))
    options = {"lossless": True, "exact": True} if format_name == "WEBP" else {}
    found = decode_whole(encoded(picture, format_name, **options))
    assert found.alpha is not None
    assert [found.alpha[30, x] for x in (5, 30, 80)] == [0, 128, 255]
    assert found.rgb[found.alpha == 0].max() == 0
    assert mean_difference(found.rgb[30, 30], (10, 200, 30)) < 5  # not laid over anything
    opaque = photograph().convert("RGBA")
    assert decode_whole(encoded(opaque, format_name)).alpha is None


def test_transparent_palettes_and_colours() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    found = decode_whole(encoded(image, "PNG", transparency=1))
    assert found.alpha is not None
    assert found.alpha.tolist() == [[255, 0, 255]]
    assert found.rgb.tolist() == [[[255, 0, 0], [0, 0, 0], [0, 0, 255]]]
    deep = decode_whole(
        encoded(Image.fromarray(np.array([[5000, 60_000]], np.uint16)), "PNG", transparency=5000)
    )
    assert deep.alpha is not None
    assert deep.alpha.tolist() == [[0, 255]]
    assert deep.grey


def test_grey_is_told_by_its_pixels() -> None:
    grey = photograph().convert("L")
    for image in (grey, grey.convert("RGB"), grey.convert("RGBA"), grey.convert("LA")):
        assert decode_whole(encoded(image, "PNG")).grey
    nearly = grey.convert("RGB")
    nearly.putpixel((3, 5), (10, 10, 11))
    assert not decode_whole(encoded(nearly, "PNG")).grey


def test_16_bits_come_down_as_decode_does() -> None:
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    content = encoded(Image.fromarray(ramp), "PNG")
    assert np.array_equal(decode_whole(content).rgb[..., 0], ramp >> 4)
    assert np.array_equal(decode_whole(content).rgb[..., 0], np.asarray(decode(content).luma))
    values = np.random.default_rng(1).integers(0, 65_536, (20, 30, 3)).astype(np.uint16)
    assert np.array_equal(decode_whole(png_of_16_bit_colour(values)).rgb, values >> 8)


_ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


def rgb_profile(primaries: Sequence[tuple[float, float, float]] = _ADOBE) -> bytes:
    """A profile with other primaries, made by exchanging them in LittleCMS's own of sRGB."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(made[128:132])
    entries = {
        bytes(made[132 + 12 * i :][:4]): int.from_bytes(made[136 + 12 * i :][:4]) for i in range(count)
    }
    for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True):
        at = entries[name] + 8
        made[at : at + 12] = b"".join(round(value * 65_536).to_bytes(4, signed=True) for value in xyz)
    return bytes(made).replace("sRGB".encode("utf-16-be"), "aRGB".encode("utf-16-be"))


def test_colours_are_brought_to_srgb() -> None:
    colour = (60, 160, 90)
    image = Image.new("RGB", (64, 64), colour)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for format_name in ("PNG", "TIFF", "JPEG"):
        plain = whole(image, format_name)
        assert np.array_equal(whole(image, format_name, icc_profile=srgb), plain)
        wide = whole(image, format_name, icc_profile=rgb_profile())[32, 32].astype(int)
        assert wide[0] < colour[0] - 20  # the same numbers mean a more saturated green
    assert np.array_equal(whole(image, "PNG", icc_profile=b"no profile"), whole(image, "PNG"))
    assert np.array_equal(
        whole(image, "PNG", icc_profile=profile([(0.4, 0.2, 0.0)] * 3)), whole(image, "PNG")
    )


def test_frames_and_pages() -> None:
    frames = fade(4)
    for format_name in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        content = encoded(frames[0], format_name, save_all=True, append_images=frames[1:])
        for number, frame in enumerate(frames):
            assert mean_difference(decode_whole(content, frame=number).rgb, frame) < 12
        with pytest.raises(UnreadableImage):
            decode_whole(content, frame=4)
    with pytest.raises(UnreadableImage, match="no frame 1"):
        decode_whole(encoded(photograph(), "JPEG"), frame=1)


def test_what_is_refused() -> None:
    with pytest.raises(ImageTooLarge):
        decode_whole(encoded(photograph(), "PNG"), max_pixels=96 * 64 - 1)
    for content in (b"", b"no image", encoded(photograph(), "PNG")[:400]):
        with pytest.raises(UnreadableImage):
            decode_whole(content)


def test_a_damaged_jpeg_says_so_and_shows_what_there_is() -> None:
    good = encoded(photograph(480, 360), "JPEG", quality=90)
    assert decode_whole(good).damage == ""
    start = good.index(b"\xff\xda") + 2000
    bad = decode_whole(good[:start] + bytes(600) + good[start + 600 :])
    assert bad.damage == "corrupt data"
    assert np.array_equal(bad.rgb[:8], decode_whole(good).rgb[:8])
    assert decode_whole(encoded(photograph(), "JPEG") + bytes(50)).damage == ""
