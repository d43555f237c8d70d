"""Everything that a file holds beside its first image, on a file of each format made here."""

from __future__ import annotations

import io
import zlib
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from skimage import data as photographs

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.boxes import read_container
from neardup_cli.images.decode import decode
from neardup_cli.images.frames import spread_over
from neardup_cli.images.gamut import reaches_beyond_srgb
from neardup_cli.images.holdings import read_holdings
from neardup_cli.records.holdings import Holdings

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF", "HEIF"]
LOSSLESS = {"PNG", "GIF", "BMP", "TIFF", "JPEG2000"}
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 40


@cache
def photograph(width: int = 96, height: int = 64) -> Image.Image:
    astronaut: npt.NDArray[np.uint8] = photographs.astronaut()  # type: ignore[no-untyped-call]
    return Image.fromarray(astronaut).resize((width, height))


def encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if format_name == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, format_name, **options)
    return buffer.getvalue()


def with_segment(jpeg: bytes, marker: int, payload: bytes) -> bytes:
    return jpeg[:2] + bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload + jpeg[2:]


def with_xmp(jpeg: bytes, attributes: str, inside: str = "") -> bytes:
    return with_segment(jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet(attributes, inside))


def packet(attributes: str = "", inside: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
        f"{attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4) + kind + body


def held(image: Image.Image, format_name: str, **options: Any) -> Holdings:
    return read_holdings(encoded(image, format_name, **options))


# --- a plain file of each format ---


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_plain_file_holds_nothing(format_name: str) -> None:
    found = held(photograph(), format_name)
    quality, table = found.quality, found.table
    assert found == Holdings(lossless=format_name in LOSSLESS, quality=quality, table=table)
    assert (quality > 1) == (len(table) == 64) == (format_name == "JPEG")


def test_a_file_is_read_from_its_start_and_left_open() -> None:
    stream = io.BytesIO(encoded(photograph(), "PNG"))
    stream.seek(40)
    assert read_holdings(stream).lossless
    assert not stream.closed


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe1\0", b"RIFF\0\0\0\0WEBPVP8 "])
def test_what_is_no_image_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableImage):
        read_holdings(content)


# --- what stands behind the first image ---


def test_a_film_behind_a_jpeg() -> None:
    still = encoded(photograph(), "JPEG")
    assert read_holdings(still + FILM).film_bytes == len(FILM)
    samsung = still + b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + FILM + b"SEFH\x6b\0\0\0SEFT"
    assert read_holdings(samsung).film_bytes == len(FILM) + 12
    assert (
        read_holdings(with_xmp(still, 'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="9999"')).film_bytes
        == 0
    )


@pytest.mark.parametrize("tail", [b"", bytes(3000), b"junk" * 100, b"ftyp of nothing", b"\xff\xd9"])
def test_what_is_no_film_does_not_count(tail: bytes) -> None:
    assert read_holdings(encoded(photograph(), "JPEG") + tail).film_bytes == 0


@pytest.mark.parametrize("format_name", ["HEIF", "AVIF"])
def test_a_film_in_a_box(format_name: str) -> None:
    content = encoded(photograph(), format_name)
    assert read_holdings(content + box(b"mpvd", FILM)).film_bytes == len(FILM)
    assert read_holdings(content + box(b"free", FILM)).film_bytes == 0


def mpo(*others: Image.Image, **options: Any) -> bytes:
    return encoded(photograph(), "MPO", save_all=True, append_images=list(others), **options)


def test_second_images() -> None:
    found = read_holdings(mpo(Image.new("RGB", (96, 64)), Image.new("RGB", (96, 64), "red")))
    assert (found.pictures, found.gain_map, found.frames, found.film_bytes) == (2, False, 1, 0)
    cut = mpo(Image.new("RGB", (96, 64)))
    assert read_holdings(cut[: cut.rindex(b"\xff\xd8")]).pictures == 0  # promised, and not there


def test_a_gain_map_is_no_second_image() -> None:
    content = mpo(Image.new("L", (48, 32), 128))
    assert read_holdings(content).pictures == 1
    start = content.rindex(b"\xff\xd8")
    named = content[:start] + with_xmp(content[start:], 'hdrgm:Version="1.0" hdrgm:GainMapMax="2.3"')
    found = read_holdings(named)
    assert (found.pictures, found.gain_map) == (0, True)


def test_several_images_in_a_heif() -> None:
    file, buffer = pillow_heif.from_pillow(photograph()), io.BytesIO()
    for ink in ("red", "blue"):
        file.add_from_pillow(Image.new("RGB", (64, 64), ink))
    file.save(buffer)
    found = read_holdings(buffer.getvalue())
    assert (found.pictures, found.frames, found.gain_map) == (2, 1, False)


@pytest.mark.parametrize(
    ("name", "gain_map", "has_alpha"),
    [
        (b"urn:com:apple:photo:2020:aux:hdrgainmap", True, False),
        (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", False, True),
        (b"urn:mpeg:hevc:2015:auxid:2", False, False),
    ],
)
def test_auxiliary_images_by_their_names(name: bytes, gain_map: bool, has_alpha: bool) -> None:
    auxiliary = box(b"auxC", bytes(4) + name + b"\0")
    infos = b"".join(
        box(b"infe", b"\2\0\0\0" + item.to_bytes(2) + bytes(2) + b"hvc1\0") for item in (1, 2, 3, 4)
    )
    references = box(b"auxl", b"\0\2\0\1\0\1") + box(b"thmb", b"\0\3\0\1\0\1")
    meta = (
        bytes(4)
        + box(b"pitm", bytes(4) + b"\0\1")
        + box(b"iinf", bytes(4) + b"\0\4" + infos)
        + box(b"iref", bytes(4) + references)
        + box(b"iprp", box(b"ipco", auxiliary))
    )
    found = read_container(io.BytesIO(box(b"ftyp", b"heic" + bytes(4)) + box(b"meta", meta)))
    assert (found.gain_map, found.has_alpha, found.pictures) == (gain_map, has_alpha, 1)


# --- frames ---


def fade(count: int, size: tuple[int, int] = (96, 64)) -> list[Image.Image]:
    return [Image.blend(Image.new("RGB", size), photograph(*size), t / (count - 1)) for t in range(count)]


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation(format_name: str) -> None:
    frames = fade(6)
    content = encoded(frames[0], format_name, save_all=True, append_images=frames[1:], duration=150)
    found = read_holdings(content)
    assert (found.frames, found.duration_ms, found.pictures) == (6, 900, 0)
    assert [len(view) for view in found.frame_views] == [576] * 6
    assert [round(np.frombuffer(view, np.uint8).mean()) for view in found.frame_views] == sorted(
        round(np.frombuffer(view, np.uint8).mean()) for view in found.frame_views
    )
    assert found.shown_frame == decode(content).frame == 3
    assert decode(content, colour=False).luma.tobytes() == decode(content).luma.tobytes()


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_views_tell_animations_with_one_first_frame_apart(format_name: str) -> None:
    first, other = photograph(), photograph().rotate(90)
    views = [
        held(first, format_name, save_all=True, append_images=[first.rotate(9), end]).frame_views
        for end in (other, first.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    ]
    difference = [
        np.abs(np.frombuffer(a, np.uint8).astype(int) - np.frombuffer(b, np.uint8)).mean()
        for a, b in zip(*views, strict=True)
    ]
    assert max(difference[:2]) < 1
    assert difference[2] > 10


def test_pages_without_their_thumbnails() -> None:
    pages = [Image.new("L", (60, 90), ink) for ink in (0, 100, 200)]
    assert held(pages[0], "TIFF", save_all=True, append_images=pages[1:]).frames == 3
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    found = held(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert found.frames == 2
    assert [view[0] for view in found.frame_views] == [0, 200]


def test_views_are_spread_over_all_frames() -> None:
    assert spread_over(12) == list(range(12))
    assert spread_over(100) == [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]
    frames = [Image.new("L", (20, 20), number * 2) for number in range(100)]
    found = held(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (found.frames, len(found.frame_views)) == (100, 12)
    assert (found.frame_views[0][0], found.frame_views[-1][0]) == (0, 198)


def test_an_animation_that_shows_nothing_is_its_first_frame() -> None:
    frames = [Image.new("RGB", (20, 20), ink) for ink in ("red", "green", "blue")]
    assert held(frames[0], "GIF", save_all=True, append_images=frames[1:]).shown_frame == 0


# --- alpha, depth, gamut, codec ---


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "JPEG2000", "AVIF", "HEIF"])
@pytest.mark.parametrize("lowest", [0, 254, 255])
def test_alpha_counts_where_a_pixel_is_not_opaque(format_name: str, lowest: int) -> None:
    image = photograph().convert("RGBA")
    image.paste((200, 200, 200, lowest), (0, 0, 48, 64))
    options = {"quality": -1} if format_name == "HEIF" else {"quality": 100} if format_name == "AVIF" else {}
    assert held(image, format_name, **options).has_alpha == (lowest < 255)


def test_a_transparent_colour_counts_where_it_is_used() -> None:
    image = Image.new("P", (9, 9))
    image.putpalette([0, 0, 0, 9, 9, 9, 8, 8, 8])
    assert not held(image, "PNG", transparency=2).has_alpha
    assert held(image, "PNG", transparency=0).has_alpha
    deep = Image.fromarray(np.full((5, 5), 5000, np.uint16))
    assert held(deep, "PNG", transparency=5000).has_alpha
    assert not held(deep, "PNG", transparency=5001).has_alpha


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("values", "depth"),
    [
        (lambda v: v, 16),
        (lambda v: v >> 4, 12),
        (lambda v: v >> 4 << 4, 12),
        (lambda v: (v >> 8) * 257, 8),
        (lambda v: v >> 8 << 8, 8),
        (lambda v: v >> 8, 8),
    ],
    ids=["full", "12 low", "12 high", "twice", "zeros", "8 low"],
)
def test_the_depth_of_grey_that_carries_data(format_name: str, values: Any, depth: int) -> None:
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    found = held(Image.fromarray(values(ramp).astype(np.uint16)), format_name)
    assert (found.depth, found.lossless) == (depth, True)


def png_of_16_bit_colour(values: npt.NDArray[np.uint16]) -> bytes:
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([16, 2, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4) for kind, body in chunks
    )


@pytest.mark.parametrize(("factor", "depth"), [(1, 16), (257, 8), (256, 8), (16, 12)])
def test_the_depth_of_colour_that_carries_data(factor: int, depth: int) -> None:
    values = np.random.default_rng(1).integers(0, 65_536 // factor, (40, 30, 3)) * factor
    assert read_holdings(png_of_16_bit_colour(values.astype(np.uint16))).depth == depth


def test_ten_bits_in_a_heif() -> None:
    values = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) * 5
    file, buffer = pillow_heif.from_bytes("RGB;16", (64, 64), values.tobytes()), io.BytesIO()
    file.save(buffer)
    assert read_holdings(buffer.getvalue()).depth in (10, 12)


def profile(primaries: list[tuple[float, float, float]]) -> bytes:
    """A colour profile of nothing but a header and three primaries, D50."""
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = b"".join(
        name + (168 + 20 * number).to_bytes(4) + b"\0\0\0\x14" for number, name in enumerate(names)
    )
    bodies = b"".join(
        b"XYZ \0\0\0\0" + b"".join(round(v * 65_536).to_bytes(4, signed=True) for v in xyz)
        for xyz in primaries
    )
    return bytes(16) + b"RGB XYZ " + bytes(104) + b"\0\0\0\3" + tags + bodies


P3 = [(0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)]
ADOBE = [(0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)]
PROPHOTO = [(0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249)]
REC_2020 = [(0.6735, 0.2790, -0.0019), (0.1657, 0.6754, 0.0300), (0.1251, 0.0456, 0.7970)]
SRGB = [(0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]


@pytest.mark.parametrize(
    ("primaries", "wide"), [(P3, True), (ADOBE, True), (PROPHOTO, True), (REC_2020, True), (SRGB, False)]
)
def test_gamut_by_the_primaries_of_the_profile(
    primaries: list[tuple[float, float, float]], wide: bool
) -> None:
    icc = profile(primaries)
    assert reaches_beyond_srgb(icc) == wide
    for format_name in ("JPEG", "PNG", "WEBP", "TIFF"):
        assert held(photograph(), format_name, icc_profile=icc).wide_gamut == wide


def test_a_real_profile_of_srgb_is_not_wide() -> None:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert not reaches_beyond_srgb(made)
    assert not reaches_beyond_srgb(made[:200])
    assert not reaches_beyond_srgb(b"")


def test_lossless_codecs() -> None:
    assert held(photograph(), "WEBP", lossless=True).lossless
    frames = [photograph(), photograph().rotate(5)]
    for lossless in (True, False):
        options = {"save_all": True, "append_images": frames[1:], "lossless": lossless}
        assert held(frames[0], "WEBP", **options).lossless == lossless
    assert not held(photograph(), "TIFF", compression="jpeg").lossless
    assert held(photograph(), "TIFF", compression="tiff_lzw").lossless
    assert not held(photograph(), "JPEG2000", irreversible=True).lossless


def test_the_quantiser_of_a_jpeg() -> None:
    steps = [held(photograph(), "JPEG", quality=quality).quality for quality in (100, 90, 50, 10)]
    assert steps[0] == 1
    assert steps == sorted(steps)


# --- what the camera and people wrote ---


def exif() -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.Make], made[ExifTags.Base.Model] = "Canon ", "EOS 10D\0"
    made[ExifTags.Base.Software] = "darktable"
    made[ExifTags.Base.ImageDescription] = "OLYMPUS DIGITAL CAMERA"
    made[0x9C9E] = "tram;fête\0".encode("utf-16-le")
    made[0x9C9B] = "A title\0".encode("utf-16-le")
    made[0x4746] = 4
    details = made.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2024:05:01 10:00:00"
    details[ExifTags.Base.SubsecTimeOriginal] = "123"
    details[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    details[ExifTags.Base.ExposureTime] = 1 / 350
    details[ExifTags.Base.FNumber] = 4.5
    details[ExifTags.Base.ISOSpeedRatings] = 200
    details[ExifTags.Base.ExposureBiasValue] = -0.5
    details[ExifTags.Base.ImageUniqueID] = "ec4f17766ff2"
    details[ExifTags.Base.MakerNote] = b"notes"
    details[ExifTags.Base.UserComment] = b"ASCII\0\0\0a comment"
    gps = made.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] = (38.0, 42.0, 30.0), "N"
    gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] = (9.0, 8.0, 12.0), "W"
    read = Image.Exif()  # TIFF's writer keeps only a directory that was read from somewhere
    read.load(made.tobytes())
    return read


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_exif(format_name: str) -> None:
    written = exif().tobytes() if format_name == "HEIF" else exif()
    found = held(photograph(), format_name, exif=written)
    assert found.captured_at == datetime(2024, 5, 1, 10, 0, 0, 123_000)
    assert found.offset == "+02:00"
    assert dict(found.exposure) == {
        "seconds": "0.00285714",
        "aperture": "4.5",
        "iso": "200",
        "bias": "-0.5",
        "unique id": "ec4f17766ff2",
    }
    assert found.exposure == tuple(sorted(found.exposure))
    assert found.place == (38.7083333, -9.1366667)
    assert found.rating == 4
    assert found.words == {"tram", "fête", "A title", "a comment"}
    assert (found.make, found.model, found.software) == ("Canon", "EOS 10D", "darktable")
    assert found.maker_note
    assert found.from_camera


XMP = packet(
    'xmp:Rating="-1" exif:GPSLatitude="38,42.5N" exif:GPSLongitude="9,8,12W" xmp:CreatorTool="GIMP" '
    'exif:DateTimeOriginal="2024-05-01T10:00:00.25"',
    "<dc:subject><rdf:Bag><rdf:li>tram</rdf:li><rdf:li>a &amp; b</rdf:li></rdf:Bag></dc:subject>"
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default"> f\xeate </rdf:li></rdf:Alt></dc:title>'
    "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Ada</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>"
    '<mwg-rs:Regions><rdf:li><rdf:Description mwg-rs:Name="Bob"/></rdf:li></mwg-rs:Regions>'
    "<photoshop:Headline>News</photoshop:Headline>",
)


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "PNG", "TIFF", "HEIF", "AVIF"])
def test_xmp(format_name: str) -> None:
    options: dict[str, Any] = {"xmp": XMP}
    if format_name == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options.pop("xmp")
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    elif format_name == "TIFF":
        options = {"tiffinfo": {700: XMP}}
    found = held(photograph(), format_name, **options)
    assert found.words == {"tram", "a & b", "fête", "Ada", "Bob", "News"}
    assert (found.rating, found.software) == (-1, "GIMP")
    assert found.place == (38.7083333, -9.1366667)
    assert found.captured_at == datetime(2024, 5, 1, 10, 0, 0)


def test_iptc() -> None:
    entries = ((5, b"Title"), (25, b"tram"), (25, b"Lisboa"), (120, b"f\xc3\xaate"), (80, b"the author"))
    records = b"".join(b"\x1c\x02" + bytes([kind]) + len(word).to_bytes(2) + word for kind, word in entries)
    padded = records + b"\0" * (len(records) % 2)
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(records).to_bytes(4) + padded
    found = read_holdings(with_segment(encoded(photograph(), "JPEG"), 0xED, block))
    assert found.words == {"Title", "tram", "Lisboa", "fête"}


@pytest.mark.parametrize(
    "inside",
    ["<dc:subject>" * 20_000, "<dc:subject><rdf:li>" * 9_000, '<a dc:title="' * 9_000, "</dc:title>" * 9_000],
)
def test_xmp_that_never_ends_is_read_in_no_time(inside: str) -> None:
    found = held(photograph(), "TIFF", tiffinfo={700: packet("", inside)})
    assert len(found.words) <= 1000


# --- hostile files ---


@cache
def rich_files() -> list[bytes]:
    frames = fade(3)
    many = {"save_all": True, "append_images": frames[1:]}
    layered = photograph().convert("RGBA")
    layered.putalpha(90)
    return [
        with_segment(mpo(photograph().rotate(3), exif=exif()), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
        + FILM,
        *(encoded(frames[0], name, **many) for name in ("PNG", "GIF", "WEBP", "TIFF", "AVIF")),
        *(encoded(layered, name) for name in ("HEIF", "AVIF", "WEBP", "JPEG2000")),
        encoded(Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)), "TIFF"),
        encoded(photograph(), "BMP"),
    ]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_bytes_raise_anything_else(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(rich_files())))
    edges = min(len(content), 1500)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, edges - 1) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    try:
        found = read_holdings(bytes(content))
    except UnreadableImage:
        return
    assert found.frames >= 1
    assert len(found.frame_views) <= 12


def test_text_behind_the_pixels_of_a_png() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    plain, rich = encoded(photograph(), "PNG"), encoded(photograph(), "PNG", pnginfo=info)
    start = rich.index(b"iTXt") - 4
    chunk = rich[start : start + 12 + int.from_bytes(rich[start : start + 4])]
    late = plain[:-12] + chunk + plain[-12:]
    assert read_holdings(late) == read_holdings(rich)
    assert read_holdings(late).rating == -1


@pytest.mark.parametrize(
    ("comment", "words"),
    [(b"grandmother, 1953", {"grandmother, 1953"}), (b"CREATOR: gd-jpeg v1.0", set()), (b"Lavc60.3", set())],
)
def test_the_comment_of_a_jpeg_is_words_unless_a_program_speaks_of_itself(
    comment: bytes, words: set[str]
) -> None:
    assert held(photograph(), "JPEG", comment=comment).words == words
