"""What somebody wrote into a picture and would miss: the place, a rating, keywords.

Only looked for where a file is about to go away. What is found is a reason to warn, no more, so XMP is
searched as text: a packet that no XML parser would take still counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import opened_header

_RATING = 0x4746  # by Windows, and by many since
_XP_KEYWORDS = 0x9C9E  # UTF-16, separated by semicolons
_XMP_TAG = 700  # TIFF
_IPTC_KEYWORDS = (2, 25)

_XMP_RATING = re.compile(rb"""\bxmp:Rating(?:\s*=\s*["']|\s*>\s*)(-?\d)""")
_XMP_PLACE = re.compile(rb"\bexif:GPSLatitude\b")
_XMP_SUBJECT = re.compile(rb"<dc:subject\b.*?</dc:subject>", re.DOTALL)
_XMP_ITEM = re.compile(rb"<rdf:li\b[^>]*>\s*(.*?)\s*</rdf:li>", re.DOTALL)


class Facts(NamedTuple):
    """What a picture says about itself; `rating` is 0 without one."""

    has_place: bool = False
    rating: int = 0
    keywords: frozenset[str] = frozenset()


NO_FACTS = Facts()


def read_facts(path: bytes) -> Facts:
    """Read the facts of a file from EXIF, IPTC and XMP; a file that cannot be read has none."""
    try:
        with open(path, "rb") as stream, opened_header(stream) as image:
            return _facts(image)
    except (OSError, UnreadableImage):
        return NO_FACTS


def _facts(image: ImageFile.ImageFile) -> Facts:
    exif = image.getexif()
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    packet = _xmp(image, exif)
    rating = exif.get(_RATING)
    named = _XMP_RATING.search(packet)
    return Facts(
        has_place=ExifTags.GPS.GPSLatitude in place or _XMP_PLACE.search(packet) is not None,
        rating=rating if isinstance(rating, int) and rating > 0 else max(0, int(named[1])) if named else 0,
        keywords=frozenset(_keywords(image, exif, packet)) - {""},
    )


def _xmp(image: Image.Image, exif: Image.Exif) -> bytes:
    for found in (image.info.get("xmp"), image.info.get("XML:com.adobe.xmp"), exif.get(_XMP_TAG)):
        if isinstance(found, bytes):
            return found
        if isinstance(found, str):
            return found.encode("utf-8", "replace")
    return b""


def _keywords(image: ImageFile.ImageFile, exif: Image.Exif, packet: bytes) -> Iterator[str]:
    written = exif.get(_XP_KEYWORDS)
    if isinstance(written, tuple):
        written = bytes(value for value in written if isinstance(value, int) and 0 <= value < 256)
    if isinstance(written, bytes):
        yield from (word.strip(" \0") for word in written.decode("utf-16-le", "replace").split(";"))
    for subject in _XMP_SUBJECT.findall(packet):
        yield from (item.decode("utf-8", "replace") for item in _XMP_ITEM.findall(subject))
    iptc: dict[Any, Any] = IptcImagePlugin.getiptcinfo(image) or {}
    entries = iptc.get(_IPTC_KEYWORDS, [])
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, bytes):
            yield entry.decode("utf-8", "replace").strip(" \0")
