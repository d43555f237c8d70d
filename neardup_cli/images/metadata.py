"""What neardup keeps of a picture's EXIF: which way up it is, and when it was taken."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from PIL import ExifTags, Image

UPRIGHT = 1  # the EXIF orientation that needs no turning, and what a picture without one has

_FIRST_PHOTOGRAPH = 1826  # Niépce; an earlier year is a clock that was never set ("0001:01:01 …")
_TIMESTAMP = re.compile(
    r"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?(?!\d)", re.ASCII
)  # "2024:05:31 18:02:59", and the separators that careless software writes; what follows is ignored

_FRACTION = re.compile(r"\s*(\d{1,9})", re.ASCII)
_OFFSET = re.compile(r"\s*([+-]\d\d:\d\d)", re.ASCII)
_BELONGING = {  # in the order of trust: the entry with the fraction of its second, the one with its zone
    int(ExifTags.Base.DateTimeOriginal): (0x9291, 0x9011),
    int(ExifTags.Base.DateTimeDigitized): (0x9292, 0x9012),
    int(ExifTags.Base.DateTime): (0x9290, 0x9010),
}


class ExifFacts(NamedTuple):
    """The orientation (1 to 8, 1 = upright) and the capture time, in naive local time where known."""

    orientation: int
    captured_at: datetime | None


def read_exif(image: Image.Image) -> ExifFacts:
    """Read the orientation and capture time of a *loaded* image; never fails, whatever the EXIF holds.

    Load first: a PNG may carry its EXIF behind the pixels, and Pillow turns a TIFF upright while loading it
    and then says so here, so that it is not turned twice (pillow-heif and HEIC likewise).

    The orientation is that of EXIF; where EXIF has none, Pillow takes XMP's. The time is DateTimeOriginal,
    else DateTimeDigitized, else DateTime: the first that is a real date. Sub-seconds and the time zone
    (SubSecTime*, OffsetTime*) are left to `capture_time`: few cameras write them and editors drop them, so
    that copies would seem to differ.
    """
    try:
        exif = image.getexif()
    except Exception:  # the parser meets bytes from anywhere and has no closed list of what it raises
        return ExifFacts(UPRIGHT, None)
    return facts_of(exif)


def facts_of(exif: Image.Exif) -> ExifFacts:
    """Return what `read_exif` does, of EXIF that was read already."""
    if not exif:
        return ExifFacts(UPRIGHT, None)
    return ExifFacts(_orientation(exif), _captured_at(exif))


def _orientation(exif: Image.Exif) -> int:
    try:
        value = exif.get(ExifTags.Base.Orientation)
    except Exception:  # entries are parsed when they are asked for: see read_exif
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def _captured_at(exif: Image.Exif) -> datetime | None:
    try:
        details: Any = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # an offset into nowhere: see read_exif
        details = {}
    found = _moment(exif, details)
    return found[0] if found else None


def capture_time(exif: Image.Exif, details: Mapping[int, Any]) -> tuple[datetime | None, str]:
    """Return the time of `read_exif` with its fraction of a second, and its zone ("+02:00"), "" without one.

    Both are taken from the entries that belong to the entry which gave the time.
    """
    found = _moment(exif, details)
    if found is None:
        return None, ""
    moment, tag = found
    fraction_tag, offset_tag = _BELONGING[tag]
    fraction = _FRACTION.match(_ascii(_entry(details, fraction_tag) or _entry(exif, fraction_tag)))
    offset = _OFFSET.match(_ascii(_entry(details, offset_tag) or _entry(exif, offset_tag)))
    if fraction:
        moment = moment.replace(microsecond=int(fraction[1][:6].ljust(6, "0")))
    return moment, offset[1] if offset else ""


def _moment(exif: Image.Exif, details: Mapping[int, Any]) -> tuple[datetime, int] | None:
    # Some software writes all three into the first directory, so each is looked up in both.
    for tag in _BELONGING:
        for directory in (details, exif):
            moment = parse_timestamp(_entry(directory, tag))
            if moment is not None:
                return moment, tag
    return None


def _entry(directory: Any, tag: int) -> object:  # noqa: ANN401 (Pillow's Exif, or a dictionary)
    try:
        found: object = directory.get(tag)
    except Exception:  # see read_exif
        return None
    return found


def _ascii(value: object) -> str:
    if isinstance(value, bytes):
        return value[:40].decode("ascii", "replace")
    return value[:40] if isinstance(value, str) else ""


def parse_timestamp(value: object) -> datetime | None:
    """Read a time as EXIF or XMP writes it; None for anything else."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    match = _TIMESTAMP.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second)  # naive: EXIF knows no zone
    except ValueError:  # "0000:00:00 00:00:00", 31 February, 25 o'clock
        return None
    return moment if year >= _FIRST_PHOTOGRAPH else None
