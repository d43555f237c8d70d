import logging
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageDraw
from skimage import data as photographs

from neardup_cli.errors import UnreadableImage
from neardup_cli.images import decode as decode_module
from neardup_cli.images.decode import CANONICAL_SHORT_SIDE, DecodedImage, decode, flattened

FORMATS = [
    "JPEG",
    "PNG",
    "WEBP",
    "GIF",
    "BMP",
    "TIFF",
    "JPEG2000",
    "AVIF",
    "HEIF",
    "PPM",
    "TGA",
    "PCX",
    "DIB",
]
LOSSY = 12  # the largest mean difference of a grey level that a codec at these qualities may cause

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@cache
def photograph(width: int = 96, height: int = 64) -> Image.Image:
    astronaut: npt.NDArray[np.uint8] = photographs.astronaut()  # type: ignore[no-untyped-call]
    return Image.fromarray(astronaut).resize((width, height))


def encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    if format_name == "HEIF":
        return encoded_heif(image, **options)
    buffer = BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def encoded_heif(image: Image.Image, **options: Any) -> bytes:
    # Not through Pillow: decode() must do without a registered plugin, so that the tests register none.
    buffer = BytesIO()
    if isinstance(exif := options.pop("exif", None), Image.Exif):
        options["exif"] = exif.tobytes()
    pillow_heif.from_pillow(image).save(buffer, **options)
    return buffer.getvalue()


def array(image: Image.Image) -> npt.NDArray[np.int64]:
    return np.asarray(image, dtype=np.int64)


def rgb(decoded: DecodedImage) -> Image.Image:
    assert decoded.colour is not None
    return decoded.colour.convert("RGB")


def mean_difference(left: Image.Image, right: Image.Image) -> float:
    return float(np.abs(array(left) - array(right)).mean())


def quarters() -> Image.Image:
    """Red, green, blue and white quarters in an oblong: no turn or mirror image looks like another."""
    image = Image.new("RGB", (64, 32))
    for box, ink in (((0, 0), RED), ((32, 0), GREEN), ((0, 16), BLUE), ((32, 16), WHITE)):
        image.paste(ink, (*box, box[0] + 32, box[1] + 16))
    return image


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def refusal(content: bytes, **options: Any) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decode(content, **options)
    return str(caught.value)


# --- formats ---


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_gives_its_picture(format_name: str) -> None:
    picture = photograph()
    decoded = decode(encoded(picture, format_name))
    assert decoded.format == format_name
    assert (decoded.width, decoded.height) == picture.size == decoded.luma.size
    assert decoded.luma.mode == "L"
    assert mean_difference(decoded.luma, picture.convert("L")) < LOSSY
    assert mean_difference(rgb(decoded), picture) < LOSSY
    assert decoded.captured_at is None


@pytest.mark.parametrize("format_name", [*FORMATS[1:]])
def test_colour_of_other_formats_is_rgb_and_the_luma_made_of_it(format_name: str) -> None:
    decoded = decode(encoded(photograph(), format_name))
    assert decoded.colour is not None
    assert decoded.colour.mode == "RGB"
    assert decoded.colour.convert("L").tobytes() == decoded.luma.tobytes()


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_luma_is_the_same_with_and_without_colour(format_name: str, mode: str) -> None:
    content = encoded(photograph().convert(mode), format_name)
    grey = decode(content, colour=False)
    assert grey.colour is None
    assert grey.luma.tobytes() == decode(content).luma.tobytes()


def test_a_jpeg_2000_codestream_without_its_box() -> None:
    assert decode(encoded(photograph(), "JPEG2000", no_jp2=True)).format == "JPEG2000"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_compressed_tiff(compression: str) -> None:
    decoded = decode(encoded(photograph(), "TIFF", compression=compression))
    assert mean_difference(decoded.luma, photograph().convert("L")) < LOSSY


def test_big_tiff() -> None:
    assert decode(encoded(photograph(), "TIFF", big_tiff=True)).format == "TIFF"


@pytest.mark.parametrize(("brand", "format_name"), [(b"avif", "AVIF"), (b"heic", "HEIF")])
def test_a_brandless_container_is_told_by_its_compatible_brands(brand: bytes, format_name: str) -> None:
    content = encoded(photograph(), format_name)
    assert content[8:12] == brand
    assert content.find(brand, 16, 40) > 0
    assert decode(content[:8] + b"mif1" + content[12:]).format == format_name


def test_a_jpeg_with_a_second_picture_is_a_jpeg() -> None:
    content = encoded(photograph(), "MPO", save_all=True, append_images=[Image.new("RGB", (96, 64))])
    assert Image.open(BytesIO(content)).format == "MPO"
    decoded = decode(content)
    assert decoded.format == "JPEG"
    assert mean_difference(decoded.luma, photograph().convert("L")) < LOSSY


def test_a_file_is_read_from_its_start_and_left_open(tmp_path: Path) -> None:
    path = tmp_path / "really a PNG.jpg"
    path.write_bytes(encoded(photograph(), "PNG"))
    with path.open("rb") as file:
        file.seek(50)
        assert decode(file).format == "PNG"
        assert not file.closed


def test_a_compressed_tiff_from_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(photograph(), "TIFF", compression="tiff_lzw"))
    with path.open("rb") as file:
        assert decode(file).luma.tobytes() == photograph().convert("L").tobytes()


@pytest.mark.parametrize("format_name", ["EPS", "PDF", "SGI", "ICNS", "DDS"])
def test_other_plugins_of_pillow_are_never_asked(format_name: str) -> None:
    assert refusal(encoded(photograph(), format_name)) == "not an image"


def test_heif_is_imported_by_the_first_heif_only(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from PIL import Image\n"
        "from neardup_cli.images.decode import decode\n"
        "jpeg, heif = (open(path, 'rb').read() for path in sys.argv[1:])\n"
        "decode(jpeg)\n"
        "assert 'pillow_heif' not in sys.modules and 'numpy' not in sys.modules\n"
        "assert decode(heif).format == 'HEIF'\n"
        "assert 'HEIF' not in Image.OPEN\n"
    )
    for name in ("JPEG", "HEIF"):
        (tmp_path / name).write_bytes(encoded(photograph(), name))
    subprocess.run([sys.executable, "-c", program, tmp_path / "JPEG", tmp_path / "HEIF"], check=True)


# --- JPEG: the hot path ---


@pytest.mark.parametrize("size", [(96, 64), (641, 700), (1283, 1290), (1279, 1500), (2600, 2561), (31, 2000)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpegs_luma_is_its_y_plane_in_both_modes(
    size: tuple[int, int], subsampling: str, progressive: bool
) -> None:
    content = encoded(photograph(*size), "JPEG", subsampling=subsampling, progressive=progressive)
    both = decode(content)
    assert both.colour is not None
    assert both.colour.mode == "YCbCr"
    assert both.luma.tobytes() == both.colour.getchannel("Y").tobytes()
    assert both.luma.tobytes() == decode(content, colour=False).luma.tobytes()
    assert (both.width, both.height) == size
    expected = photograph(*size).resize(both.luma.size, Image.Resampling.BOX)
    assert mean_difference(both.luma, expected.convert("L")) < LOSSY


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((639, 3000), (639, 3000)),
        ((640, 640), (640, 640)),
        ((1279, 1279), (1279, 1279)),
        ((1280, 2001), (640, 1001)),
        ((2559, 3000), (1280, 1500)),
        ((2560, 2563), (640, 641)),
        ((5121, 5120), (641, 640)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_scaled_as_far_as_the_short_side_allows(
    mode: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    decoded = decode(encoded(Image.new(mode, size), "JPEG"), colour=False)
    assert decoded.luma.size == expected
    assert (decoded.width, decoded.height) == size
    assert min(expected) >= min(CANONICAL_SHORT_SIDE, *size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_and_scaled_jpeg_has_the_same_luma_in_both_modes(orientation: int) -> None:
    content = encoded(photograph(1290, 1400), "JPEG", exif=oriented(orientation))
    both, grey = decode(content), decode(content, colour=False)
    assert both.luma.size == ((645, 700) if orientation < 5 else (700, 645))
    assert both.luma.tobytes() == grey.luma.tobytes()
    assert (both.width, both.height) == ((1290, 1400) if orientation < 5 else (1400, 1290))


def test_a_jpeg_for_looking_at_keeps_more_pixels() -> None:
    content = encoded(photograph(3000, 2000), "JPEG")
    assert decode(content).luma.size == (1500, 1000)
    assert decode(content, short_side=1280).luma.size == (3000, 2000)
    assert decode(content, short_side=200).luma.size == (375, 250)
    small = decode(content, short_side=200)
    assert (small.width, small.height) == (3000, 2000)


def without_jfif(content: bytes) -> bytes:
    """Cut the APP0 segment out, as cameras leave it out, so that libjpeg must guess the colour space."""
    assert content[2:4] == b"\xff\xe0"
    (length,) = struct.unpack(">H", content[4:6])
    return content[:2] + content[4 + length :]


def test_a_jpeg_without_jfif_header_is_ycc() -> None:
    content = encoded(photograph(), "JPEG")
    bare = decode(without_jfif(content))
    assert bare.colour is not None
    assert bare.colour.mode == "YCbCr"
    assert bare.luma.tobytes() == decode(content).luma.tobytes()


@pytest.mark.parametrize("adobe", [True, False], ids=["by the Adobe marker", "by component names"])
def test_a_jpeg_stored_as_rgb(adobe: bool) -> None:
    content = encoded(photograph(), "JPEG", keep_rgb=True)
    start = content.index(b"\xff\xee")
    if not adobe:
        content = content[:start] + content[start + 16 :]
    decoded = decode(content)
    assert decoded.colour is not None
    assert decoded.colour.mode == "RGB"
    assert mean_difference(decoded.colour, photograph()) < LOSSY
    assert decoded.luma.tobytes() == decode(content, colour=False).luma.tobytes()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_of_other_modes(mode: str) -> None:
    decoded = decode(encoded(photograph().convert(mode), "JPEG"))
    assert decoded.colour is not None
    assert decoded.colour.mode == "RGB"
    assert mean_difference(decoded.luma, photograph().convert("L")) < LOSSY


# --- orientation and time ---


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF-LZW", "AVIF", "HEIF"])
def test_every_orientation_is_undone_once(format_name: str, orientation: int) -> None:
    turn_back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = quarters()
    stored = upright.transpose(turn_back[orientation]) if orientation > 1 else upright
    options: dict[str, Any] = {"quality": 95} if format_name in ("JPEG", "WEBP", "AVIF", "HEIF") else {}
    if format_name == "TIFF-LZW":
        format_name, options = "TIFF", {"compression": "tiff_lzw"}
    decoded = decode(encoded(stored, format_name, exif=oriented(orientation), **options))
    assert (decoded.width, decoded.height) == upright.size == decoded.luma.size
    assert mean_difference(rgb(decoded), upright) < LOSSY
    # Nothing is left behind that would have a later reader turn the picture again.
    assert decoded.luma.info == {}


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_capture_time(format_name: str) -> None:
    exif = oriented(1)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1999:12:31 23:59:58"
    written = Image.Exif()  # TIFF's writer keeps only a directory that was read from somewhere
    written.load(exif.tobytes())
    decoded = decode(encoded(photograph(), format_name, exif=written))
    assert decoded.captured_at == datetime(1999, 12, 31, 23, 59, 58)


def test_a_corrupt_exif_block_is_no_defect_and_no_warning() -> None:
    block = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 10
    decoded = decode(encoded(photograph(), "JPEG", exif=block))
    assert decoded.captured_at is None
    assert decoded.luma.tobytes() == decode(encoded(photograph(), "JPEG")).luma.tobytes()


# --- modes ---


@pytest.mark.parametrize(
    ("mode", "format_name"),
    [
        ("1", "PNG"),
        ("1", "TIFF"),
        ("L", "PNG"),
        ("P", "GIF"),
        ("YCbCr", "TIFF"),
        ("CMYK", "TIFF"),
        ("LAB", "TIFF"),
    ],
)
def test_opaque_modes(mode: str, format_name: str) -> None:
    stored = photograph().convert(mode)
    decoded = decode(encoded(stored, format_name))
    assert decoded.colour is not None
    assert decoded.colour.mode == "RGB"
    assert mean_difference(decoded.luma, stored.convert("RGB").convert("L")) < 2


def test_hsv_pixels() -> None:
    assert mean_difference(flattened(photograph().convert("HSV")), photograph()) < 3


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "La", "PA"])
def test_alpha_of_every_kind_lets_white_through(mode: str) -> None:
    image = Image.new("RGBA", (3, 1))
    for x, alpha in enumerate((0, 128, 255)):
        image.putpixel((x, 0), (0, 0, 0, alpha))
    base = {"RGBa": "RGBA", "La": "LA"}.get(mode, mode)
    flat = flattened(image.convert(base).convert(mode)).convert("L")
    assert array(flat).ravel().tolist() == [255, 127, 0]


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "AVIF", "JPEG2000", "HEIF"])
def test_transparency_is_laid_over_white(format_name: str) -> None:
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    picture.paste((*RED, 255), (0, 0, 32, 64))
    decoded = decode(encoded(picture, format_name))
    expected = Image.new("RGB", (64, 64), WHITE)
    expected.paste(RED, (0, 0, 32, 64))
    assert mean_difference(rgb(decoded), expected) < LOSSY
    assert decode(encoded(picture, format_name), colour=False).luma.tobytes() == decoded.luma.tobytes()


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 255])], ids=["one entry", "a table"])
def test_a_palette_with_transparency(transparency: int | bytes) -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([*RED, *GREEN, *BLUE])
    picture.putdata([0, 1, 2])
    decoded = decode(encoded(picture, "PNG", transparency=transparency))
    assert array(rgb(decoded)).tolist() == [[list(RED), list(WHITE), list(BLUE)]]


@pytest.mark.parametrize(
    ("mode", "ink", "key"), [("L", 40, 40), ("RGB", BLUE, BLUE), ("1", 0, 0), ("I;16", 5_000, 5_000)]
)
def test_one_transparent_colour_becomes_white(mode: str, ink: Any, key: Any) -> None:
    decoded = decode(encoded(Image.new(mode, (2, 2), ink), "PNG", transparency=key))
    assert decoded.luma.getextrema() == (255, 255)


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "JPEG2000"])
def test_16_bit_grey_keeps_its_high_byte(format_name: str) -> None:
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    decoded = decode(encoded(Image.fromarray(ramp), format_name))
    assert np.array_equal(array(decoded.luma), ramp >> 8)
    assert rgb(decoded).getpixel((0, 255)) == (255, 255, 255)


def test_big_endian_16_bit_grey() -> None:
    ramp = np.arange(256, dtype=">u2").reshape(16, 16) * 257
    image = Image.frombytes("I;16B", (16, 16), ramp.tobytes())
    assert np.array_equal(array(decode(encoded(image, "TIFF")).luma).ravel(), np.arange(256))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 100, 255], [0, 100, 255]),
        ([0, 25_700, 65_535], [0, 100, 255]),
        ([-1_000, 0, 1_000], [0, 128, 255]),
        ([0, 2**30, 2**31 - 1], [0, 128, 255]),
        ([-5, -5, -5], [0, 0, 0]),
    ],
    ids=["8 bits", "16 bits", "signed", "32 bits", "flat"],
)
def test_32_bit_integers(values: list[int], expected: list[int]) -> None:
    content = encoded(Image.fromarray(np.array([values], dtype=np.int32)), "TIFF")
    assert array(decode(content).luma).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([-3e38, 0.0, 3e38], [0, 128, 255]),
        ([np.nan, 2.0, 4.0, np.inf, -np.inf], [0, 0, 255, 255, 0]),
        ([np.nan, np.nan], [0, 0]),
        ([7.0, 7.0], [0, 0]),
    ],
    ids=["unit", "huge", "not finite", "no number", "flat"],
)
def test_floats_are_stretched_over_their_finite_range(values: list[float], expected: list[int]) -> None:
    content = encoded(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF")
    assert array(decode(content).luma).ravel().tolist() == expected


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF", "AVIF", "HEIF"])
def test_an_animation_is_its_first_frame(format_name: str) -> None:
    frames = [Image.new("RGB", (64, 64), ink) for ink in (RED, GREEN, BLUE)]
    if format_name == "HEIF":
        file, buffer = pillow_heif.from_pillow(frames[0]), BytesIO()
        for frame in frames[1:]:
            file.add_from_pillow(frame)
        file.save(buffer)
        content = buffer.getvalue()
    else:
        content = encoded(frames[0], format_name, save_all=True, append_images=frames[1:])
    decoded = decode(content)
    assert mean_difference(rgb(decoded), frames[0]) < LOSSY
    assert decode(content, colour=False).luma.tobytes() == decoded.luma.tobytes()


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"\0", "not an image"),
        (b"Dear diary,\n" * 100, "not an image"),
        (b"%PDF-1.7\n" + bytes(500), "not an image"),
        (b"\0\0\0\x18ftypmp42" + bytes(500), "not an image"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(500), "not an image"),
        (b"\xff\xd8\xff", "corrupt: incomplete header"),
    ],
    ids=["empty", "one byte", "text", "PDF", "MP4", "WAV", "JPEG's first bytes"],
)
def test_what_is_no_image(content: bytes, reason: str) -> None:
    assert refusal(content) == reason


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_truncated_file_is_an_error(format_name: str, share: float) -> None:
    content = encoded(photograph(), format_name)
    reason = refusal(content[: int(len(content) * share)])
    assert reason == "truncated" or reason.startswith("corrupt: ")


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "BMP", "TIFF"])
def test_a_file_without_its_last_quarter_is_called_truncated(format_name: str) -> None:
    content = encoded(photograph(), format_name)
    assert refusal(content[: len(content) * 3 // 4]) == "truncated"


@given(st.booleans(), st.floats(0.3, 1), st.integers(300, 9000), st.lists(st.integers(0, 2**32), max_size=5))
def test_how_much_of_a_jpeg_libjpeg_gets_at_once_changes_nothing(
    progressive: bool, share: float, at_once: int, damage: list[int]
) -> None:
    content = bytearray(encoded(photograph(320, 240), "JPEG", progressive=progressive))
    content = content[: int(len(content) * share)]
    for place in damage:
        content[place % len(content)] ^= 0x55

    def outcome() -> tuple[bytes, bytes] | str:
        try:
            image = decode(bytes(content))
        except UnreadableImage as error:
            return str(error)
        return image.luma.tobytes(), b"" if image.colour is None else image.colour.tobytes()

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode_module, "_JPEG_AT_ONCE", at_once)
        assert outcome() == whole


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def tiff_header(width: int, height: int) -> bytes:
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 99}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def gif_header(width: int, height: int) -> bytes:
    screen = struct.pack("<HH", width, height)
    frame = b"," + bytes(4) + screen + b"\0\x02\x02\x4c\x01\0"
    return b"GIF89a" + screen + b"\x80\0\0" + bytes(6) + frame + b";"


@pytest.mark.parametrize("header", [png_header, bmp_header, tiff_header, gif_header])
def test_a_bomb_is_refused_by_its_header(header: Callable[[int, int], bytes]) -> None:
    reason = refusal(header(50_000, 50_000))
    assert reason == "too many pixels (50000 x 50000 = 2500.0 MP, limit 500 MP)"


def webp_header(width: int, height: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<II", 10, 2) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_bomb_that_its_plugin_refuses() -> None:
    assert refusal(webp_header(16_000, 16_000), max_pixels=10_000_000) == "too many pixels (limit 10 MP)"


def test_the_limit_is_inclusive_and_the_callers() -> None:
    content = encoded(photograph(), "PNG")
    assert decode(content, max_pixels=96 * 64).width == 96
    assert refusal(content, max_pixels=96 * 64 - 1).startswith("too many pixels (96 x 64 = 0.0 MP")


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("limit", [1_000, 96 * 64 - 1], ids=["where Pillow refuses", "where Pillow warns"])
def test_our_limit_stands_in_for_pillows(
    format_name: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded(photograph(), format_name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert decode(content).width == 96
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "no memory"),
        (OSError(5, "Input/output error", "/home/ann/x.jpg"), "cannot be read: input/output error"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (OSError("broken data stream when reading image file"), "corrupt: broken data stream"),
        (SyntaxError("broken PNG file (chunk b'\\xff')"), "corrupt: broken PNG file"),
        (ValueError("two\nlines at <Thing object at 0x7f>"), "corrupt: two lines at"),
        (EOFError(), "truncated"),
        (struct.error("unpack requires a buffer of 4 bytes"), "truncated"),
        (zlib.error("Error -3 while decompressing data"), "corrupt: broken data stream"),
        (KeyError(26_625), "corrupt: inconsistent structure"),
        (IndexError("list index out of range"), "corrupt: inconsistent structure"),
        (TypeError("'NoneType' object is not callable"), "corrupt: inconsistent structure"),
        (OverflowError("too large"), "corrupt: too large"),
        (RuntimeError(""), "corrupt: inconsistent structure"),
        (AssertionError(), "corrupt: inconsistent structure"),
        (SyntaxError("cannot handle 12-bit layers"), "unsupported: cannot handle 12-bit layers"),
        (OSError("Unsupported BMP compression (9)"), "unsupported: BMP compression"),
        (ImportError("libheif.so.1"), "unsupported: the decoder of this format cannot be loaded here"),
        (ValueError("a" * 500), "corrupt: " + "a" * 80),
    ],
)
def test_whatever_a_decoder_raises_becomes_one_short_line(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plugin(stream: object, name: str) -> Image.Image:
        raise error

    monkeypatch.setattr(decode_module, "_plugin", lambda _: plugin)
    with pytest.raises(UnreadableImage) as caught:
        decode(encoded(photograph(), "PNG"))
    assert str(caught.value) == reason
    assert caught.value.__cause__ is error


def test_an_interrupt_is_no_defect_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def plugin(stream: object, name: str) -> Image.Image:
        raise KeyboardInterrupt

    monkeypatch.setattr(decode_module, "_plugin", lambda _: plugin)
    with pytest.raises(KeyboardInterrupt):
        decode(encoded(photograph(), "PNG"))


# --- quiet, and alone ---


def test_libtiff_does_not_talk_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(encoded(photograph(), "TIFF", compression="tiff_lzw"))
    content[200:2_000] = b"\xff" * 1_800
    assert refusal(bytes(content)) == "corrupt: broken data stream"
    assert capfd.readouterr() == ("", "")


def test_pillows_own_error_messages_have_nowhere_to_go() -> None:
    # A logger without any handler would print them on stderr.
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("PIL").handlers)


def test_the_hosts_warnings_are_left_as_they_were() -> None:
    before = list(warnings.filters)
    decode(encoded(photograph(), "PNG"))
    refusal(b"\x89PNG\r\n\x1a\n")
    assert list(warnings.filters) == before


def test_threads_do_not_disturb_each_other() -> None:
    contents = [encoded(photograph(), name, exif=oriented(6)) for name in ("JPEG", "PNG", "TIFF", "WEBP")] * 8
    before = list(warnings.filters)
    expected = [decode(content).luma.tobytes() for content in contents]
    with ThreadPoolExecutor(4) as pool:
        lumas = list(pool.map(lambda content: decode(content).luma.tobytes(), contents))
    assert lumas == expected
    assert list(warnings.filters) == before


@cache
def small(format_name: str) -> bytes:
    if format_name == "TIFF-LZW":
        return encoded(photograph(24, 16), "TIFF", compression="tiff_lzw")
    return encoded(photograph(24, 16), format_name)


@settings(deadline=None, max_examples=60)  # a first example pays for the import of its decoder
@pytest.mark.parametrize("format_name", [*FORMATS, "TIFF-LZW"])
@given(
    cut=st.one_of(st.just(1.0), st.floats(0, 1)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    in_header=st.booleans(),
)
def test_a_damaged_file_decodes_or_is_unreadable_and_nothing_else(
    format_name: str, cut: float, flips: list[tuple[float, int]], in_header: bool
) -> None:
    content = bytearray(small(format_name))
    for position, value in flips:
        content[int(position * (min(len(content), 64) if in_header else len(content)))] = value
    try:
        decoded = decode(bytes(content[: int(cut * len(content))]), max_pixels=1_000_000)
    except UnreadableImage as error:
        reason = str(error)
        assert reason.isprintable()
        assert 0 < len(reason) <= 100
        assert "0x" not in reason
    else:
        assert decoded.luma.mode == "L"
        assert decoded.luma.size == rgb(decoded).size


# --- what is laid under transparency, 12 bits in 16, animations that fade in ---


def drawing(ink: tuple[int, int, int], hidden: tuple[int, int, int] = WHITE) -> Image.Image:
    """A ring on transparency, over hidden pixels of any colour."""
    picture = Image.new("RGBA", (128, 96), (*hidden, 0))
    ImageDraw.Draw(picture).ellipse((30, 20, 90, 80), outline=(*ink, 255), width=6)
    return picture


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        (WHITE, 0),
        ((240, 240, 236), 0),
        ((200, 200, 200), 255),
        ((255, 255, 0), 255),
        ((0, 0, 0), 255),
        (RED, 255),
    ],
)
def test_what_would_vanish_on_white_is_laid_over_black(
    format_name: str, ink: tuple[int, int, int], ground: int
) -> None:
    options = {"lossless": True} if format_name == "WEBP" else {}
    decoded = decode(encoded(drawing(ink), format_name, **options))
    assert decoded.luma.getpixel((0, 0)) == ground
    assert decoded.luma.getextrema()[0] != decoded.luma.getextrema()[1]


@pytest.mark.parametrize("ink", [WHITE, (0, 0, 0), BLUE])
def test_hidden_pixels_never_count(ink: tuple[int, int, int]) -> None:
    lumas = {
        decode(encoded(drawing(ink, hidden), "PNG")).luma.tobytes() for hidden in (WHITE, RED, (0, 0, 0))
    }
    assert len(lumas) == 1


def test_the_ground_does_not_depend_on_the_size() -> None:
    for ink in (WHITE, (0, 0, 0)):
        large, small = drawing(ink), drawing(ink).resize((64, 48), Image.Resampling.LANCZOS)
        grounds = {decode(encoded(image, "PNG")).luma.getpixel((0, 0)) for image in (large, small)}
        assert len(grounds) == 1


def test_a_white_drawing_with_a_dark_line_stays_on_white() -> None:
    picture = drawing(WHITE)
    ImageDraw.Draw(picture).line((30, 50, 90, 50), fill=(20, 20, 20, 255), width=2)
    assert decode(encoded(picture, "PNG")).luma.getpixel((0, 0)) == 255


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_grey_of_fewer_bits_keeps_the_highest_eight_of_them(format_name: str, bits: int) -> None:
    ramp = np.arange(1 << bits, dtype=np.uint16).reshape(1 << bits // 2, -1)
    decoded = decode(encoded(Image.fromarray(ramp), format_name))
    assert np.array_equal(array(decoded.luma), ramp >> (bits - 8))


def test_grey_of_eight_bits_in_sixteen_and_a_dark_one_stay_as_they_are() -> None:
    small = np.arange(256, dtype=np.uint16).reshape(16, 16)
    assert np.array_equal(array(decode(encoded(Image.fromarray(small), "PNG")).luma), small)
    dark = np.arange(30_000, dtype=np.uint16).reshape(100, 300)
    assert np.array_equal(array(decode(encoded(Image.fromarray(dark), "PNG")).luma), dark >> 8)


def fading(count: int) -> list[Image.Image]:
    return [Image.blend(Image.new("RGB", (96, 64)), photograph(), t / (count - 1)) for t in range(count)]


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_that_fades_in_is_its_first_frame_with_half_the_contrast(format_name: str) -> None:
    frames = fading(6)
    content = encoded(frames[0], format_name, save_all=True, append_images=frames[1:], duration=100)
    decoded = decode(content)
    assert decoded.frame == 3
    assert mean_difference(rgb(decoded), frames[3]) < LOSSY
    assert decode(content, colour=False).luma.tobytes() == decoded.luma.tobytes()


def test_a_broken_frame_ends_the_search() -> None:
    frames = fading(6)
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    decoded = decode(content[: len(content) * 3 // 4])
    assert 0 < decoded.frame < 5


def test_the_search_is_bounded() -> None:
    black = Image.new("L", (20, 20))
    frames = [Image.new("L", (20, 20), number % 2) for number in range(80)]  # alike ones would be joined
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 20), np.uint8))
    content = encoded(black, "GIF", save_all=True, append_images=[*frames, noise])
    assert decode(content).frame == 0


def test_pages_are_no_animation() -> None:
    blank = Image.new("L", (96, 64), 255)
    content = encoded(blank, "TIFF", save_all=True, append_images=[photograph().convert("L")])
    assert (decode(content).frame, decode(content).luma.getextrema()) == (0, (255, 255))


def test_an_icon_gives_its_largest_picture() -> None:
    decoded = decode(encoded(photograph(256, 256), "ICO"))
    assert (decoded.format, decoded.width, decoded.height) == ("ICO", 256, 256)
    assert mean_difference(rgb(decoded), photograph(256, 256)) < LOSSY


def test_a_qoi_of_two_pixels() -> None:
    header = b"qoif" + (2).to_bytes(4) + (1).to_bytes(4) + b"\x03\x00"
    decoded = decode(header + b"\xfe\xff\x00\x00" + b"\xfe\x00\xff\x00" + bytes(7) + b"\x01")
    assert (decoded.format, decoded.width, decoded.height) == ("QOI", 2, 1)
    assert [rgb(decoded).getpixel((x, 0)) for x in (0, 1)] == [RED, GREEN]
