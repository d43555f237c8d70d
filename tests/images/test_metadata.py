from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from neardup_cli.images.metadata import ExifFacts, read_exif

NOTHING = ExifFacts(orientation=1, captured_at=None)
NOON = datetime(2024, 5, 31, 12, 0, 1)
NOON_TEXT = "2024:05:31 12:00:01"

ORIENTATION = ExifTags.Base.Orientation
ORIGINAL = ExifTags.Base.DateTimeOriginal
DIGITIZED = ExifTags.Base.DateTimeDigitized
CHANGED = ExifTags.Base.DateTime


def loaded(exif: Image.Exif | bytes, format_name: str = "JPEG") -> Image.Image:
    buffer = BytesIO()
    Image.new("RGB", (16, 8)).save(buffer, format_name, exif=exif)
    image = Image.open(buffer)
    image.load()
    return image


def exif_of(base: dict[int, Any], details: dict[int, Any] | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"  # some writers drop an Exif whose first directory is empty
    exif.update(base)
    if details:
        exif.get_ifd(ExifTags.IFD.Exif).update(details)
    written = Image.Exif()  # TIFF's writer keeps only a directory that was read from somewhere
    written.load(exif.tobytes())
    return written


def carrying(block: bytes) -> Image.Image:
    """An image that claims these bytes as its EXIF, without a writer that would refuse them."""
    image = Image.new("L", (1, 1))
    image.info["exif"] = block
    return image


def test_an_image_without_exif_is_upright_and_undated() -> None:
    assert read_exif(Image.new("L", (4, 4))) == NOTHING


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_capture_time_is_found_in_every_format(format_name: str) -> None:
    assert read_exif(loaded(exif_of({}, {ORIGINAL: NOON_TEXT}), format_name)).captured_at == NOON


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_eight_orientations(orientation: int) -> None:
    assert read_exif(loaded(exif_of({ORIENTATION: orientation}))).orientation == orientation


@pytest.mark.parametrize("orientation", [0, 9, 65_535, "6", (6, 6)])
def test_an_orientation_that_does_not_exist_means_upright(orientation: Any) -> None:
    image = Image.new("L", (1, 1))
    image.getexif()[ORIENTATION] = orientation
    assert read_exif(image).orientation == 1


@pytest.mark.parametrize(
    ("base", "details", "expected"),
    [
        ({CHANGED: "2020:01:01 00:00:00"}, {ORIGINAL: NOON_TEXT, DIGITIZED: "2021:01:01 00:00:00"}, NOON),
        ({CHANGED: "2020:01:01 00:00:00"}, {DIGITIZED: NOON_TEXT}, NOON),
        ({CHANGED: NOON_TEXT}, {}, NOON),
        ({ORIGINAL: NOON_TEXT, CHANGED: "2020:01:01 00:00:00"}, {}, NOON),
        ({CHANGED: NOON_TEXT}, {ORIGINAL: "0000:00:00 00:00:00"}, NOON),
    ],
    ids=["original", "digitized", "changed", "original in the first directory", "original absurd"],
)
def test_the_first_real_date_wins(base: dict[int, Any], details: dict[int, Any], expected: datetime) -> None:
    assert read_exif(loaded(exif_of(base, details))).captured_at == expected


@pytest.mark.parametrize(
    "text",
    ["2024-05-31 12:00:01", "2024:05:31T12:00:01", "2024/05/31 12:00:01+02:00", " 2024:05:31 12:00:01.250 "],
)
def test_careless_forms_of_a_date_are_read(text: str) -> None:
    assert read_exif(loaded(exif_of({CHANGED: text}))).captured_at == NOON


def test_subseconds_and_time_zone_are_ignored() -> None:
    details = {ORIGINAL: NOON_TEXT, 0x9291: "75", 0x9011: "+09:00"}
    moment = read_exif(loaded(exif_of({}, details))).captured_at
    assert moment == NOON
    assert moment.tzinfo is None


@pytest.mark.parametrize(
    "value",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        "0001:01:01 00:00:00",
        "2024:02:30 12:00:00",
        "2024:05:31 25:00:00",
        "2024:05:31 12:00:61",
        "2024:05:31",
        "yesterday",
        "２０２４:05:31 12:00:01",
        "\xff\xfe\x00",
        b"\xff\xd8\xff",
        20_240_531,
        (2024, 5, 31),
    ],
)
def test_what_is_no_date_is_no_date(value: Any) -> None:
    image = Image.new("L", (1, 1))
    image.getexif()[CHANGED] = value
    assert read_exif(image) == NOTHING


def test_a_date_in_bytes_is_read() -> None:
    image = Image.new("L", (1, 1))
    image.getexif()[CHANGED] = NOON_TEXT.encode() + b"\0"
    assert read_exif(image).captured_at == NOON


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"Exif\0\0garbage, and no TIFF header", b"II*\0", b"II*\0\xff\xff\xff\xff"]
)
def test_a_block_that_is_no_exif_is_as_good_as_none(block: bytes) -> None:
    assert read_exif(carrying(block)) == NOTHING


def test_a_details_directory_that_lies_nowhere_costs_only_itself() -> None:
    image = Image.new("L", (1, 1))
    exif = image.getexif()
    exif.load(exif_of({ORIENTATION: 6, CHANGED: NOON_TEXT}).tobytes())
    exif[ExifTags.IFD.Exif] = -1
    assert read_exif(image) == ExifFacts(6, NOON)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of corrupt EXIF; decode() is what keeps that quiet
@given(
    cut=st.integers(0, 200),
    flips=st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=6),
)
def test_damaged_exif_never_fails(cut: int, flips: list[tuple[int, int]]) -> None:
    block = bytearray(exif_of({ORIENTATION: 6, CHANGED: NOON_TEXT}, {ORIGINAL: NOON_TEXT}).tobytes())
    for position, value in flips:
        block[position % len(block)] = value
    facts = read_exif(carrying(bytes(block[: cut or None])))
    assert 1 <= facts.orientation <= 8
