"""What neardup keeps of a picture's EXIF: which way up it is, and when it was taken."""

import re
from datetime import datetime
from typing import NamedTuple

from PIL import ExifTags, Image

UPRIGHT = 1  # the EXIF orientation that needs no turning, and what a picture without one has

_FIRST_PHOTOGRAPH = 1826  # Niépce; an earlier year is a clock that was never set ("0001:01:01 …")
_TIMESTAMP = re.compile(
    r"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?(?!\d)", re.ASCII
)  # "2024:05:31 18:02:59", and the separators that careless software writes; what follows is ignored


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
    (SubSecTime*, OffsetTime*) are ignored: few cameras write them and editors drop them, so that copies would
    seem to differ.
    """
    try:
        exif = image.getexif()
    except Exception:  # the parser meets bytes from anywhere and has no closed list of what it raises
        return ExifFacts(UPRIGHT, None)
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
        details = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # an offset into nowhere: see read_exif
        details = {}
    # Some software writes all three into the first directory, so each is looked up in both.
    for tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized, ExifTags.Base.DateTime):
        for directory in (details, exif):
            try:
                moment = _parse_timestamp(directory.get(tag))
            except Exception:  # see read_exif
                continue
            if moment is not None:
                return moment
    return None


def _parse_timestamp(value: object) -> datetime | None:
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
