"""What the camera and people have written into an image: EXIF, IPTC and XMP as one record.

No block of any content makes this fail: each entry is read for itself, and a broken one counts as not there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin, PngImagePlugin

from neardup_cli.images.metadata import capture_time, parse_timestamp
from neardup_cli.images.xmp import packet_of, value_of, values_of

_RATING, _RATING_PERCENT = 0x4746, 0x4749  # by Windows, and by many since
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS, _XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F  # UTF-16
_LONGEST_TEXT = 4000
_MOST_WORDS = 1000

_EXPOSURE = {
    "seconds": ExifTags.Base.ExposureTime,
    "aperture": ExifTags.Base.FNumber,
    "iso": ExifTags.Base.ISOSpeedRatings,
    "bias": ExifTags.Base.ExposureBiasValue,
    "brightness": ExifTags.Base.BrightnessValue,
    "focal length": ExifTags.Base.FocalLength,
    "focus distance": ExifTags.Base.SubjectDistance,
    "flash": ExifTags.Base.Flash,
    "zoom": ExifTags.Base.DigitalZoomRatio,
    "unique id": ExifTags.Base.ImageUniqueID,
    "sequence": ExifTags.Base.ImageNumber,
}

_IPTC_WORDS = ((2, 5), (2, 25), (2, 105), (2, 120))  # title, keywords, headline, caption
_XMP_WORDS = (
    "dc:title",
    "dc:description",
    "dc:subject",
    "lr:hierarchicalSubject",
    "photoshop:Headline",
    "Iptc4xmpExt:PersonInImage",
    "mwg-rs:Name",
    "MPReg:PersonDisplayName",
    "digiKam:TagsList",
    "MicrosoftPhoto:LastKeywordXMP",
)
_TEXT_CHUNKS = {b"eXIf", b"iTXt", b"tEXt", b"zTXt"}
_MOST_CHUNKS = 100_000
_PNG_WORDS = ("Title", "Description")
_OF_THE_CAMERA = re.compile(
    r"[A-Z0-9 .,-]*DIGITAL CAMERA|SONY DSC|SAMSUNG|DCIM.*|default|ASCII|.* Exif JPEG", re.ASCII
)
_ENCODINGS = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp"}


_COMMENTED = frozenset({"JPEG", "MPO", "GIF"})
# What programs write into the comment of a JPEG about themselves.
_BY_AN_ENCODER = re.compile(
    r"creator:|lavc|lead technologies|created with|optimi[sz]ed by|file written by|intel\(r\)|compressed by"
    r"|processed by|jpeg encoder|ffmpeg|appleMark|handmade software",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Written:
    """What is written; see `records.holdings.Holdings` for each."""

    captured_at: datetime | None
    offset: str
    exposure: tuple[tuple[str, str], ...]
    place: tuple[float, float] | None
    rating: int
    words: frozenset[str]
    make: str
    model: str
    software: str
    maker_note: bool
    adobe_rgb: bool
    packet: bytes


def read_written(image: ImageFile.ImageFile) -> Written:
    """Read what is written in an image, loaded or not; a PNG with text behind its pixels is loaded for it."""
    exif, details, gps = _directories(image)
    packet = packet_of(image, exif)
    captured_at, offset = capture_time(exif, details)
    if captured_at is None:
        captured_at = parse_timestamp(value_of(packet, "exif:DateTimeOriginal"))
    return Written(
        captured_at=captured_at or parse_timestamp(value_of(packet, "photoshop:DateCreated")),
        offset=offset,
        exposure=tuple(sorted(_exposure(details, exif))),
        place=_place(gps, packet),
        rating=_rating(exif, packet),
        words=frozenset(_some(_words(image, exif, details, packet))),
        make=_text(_get(exif, ExifTags.Base.Make)),
        model=_text(_get(exif, ExifTags.Base.Model)),
        software=_software(image, exif, packet),
        maker_note=bool(_get(details, ExifTags.Base.MakerNote)),
        adobe_rgb=_is_adobe_rgb(exif, details),
        packet=packet,
    )


def _directories(image: ImageFile.ImageFile) -> tuple[Image.Exif, dict[int, Any], dict[int, Any]]:
    try:
        exif = _exif_of(image)
    except Exception:  # the parser meets bytes from anywhere and has no closed list of what it raises
        return Image.Exif(), {}, {}
    return exif, _directory(exif, ExifTags.IFD.Exif), _directory(exif, ExifTags.IFD.GPSInfo)


def _exif_of(image: ImageFile.ImageFile) -> Image.Exif:
    """Return the EXIF; Pillow decodes a PNG for it, since it may stand behind the pixels, but seldom does."""
    if isinstance(image, PngImagePlugin.PngImageFile) and not _has_text_behind_pixels(image.fp):
        return Image.Image.getexif(image)
    return image.getexif()


def _has_text_behind_pixels(stream: Any) -> bool:  # noqa: ANN401 (Pillow's)
    position = stream.tell()
    try:
        at, kinds = 8, []
        for _ in range(_MOST_CHUNKS):
            stream.seek(at)
            head = stream.read(8)
            if len(head) < 8:
                break
            kinds.append(head[4:])
            at += int.from_bytes(head[:4]) + 12
    finally:
        stream.seek(position)
    behind = kinds[kinds.index(b"IDAT") :] if b"IDAT" in kinds else []
    return not _TEXT_CHUNKS.isdisjoint(behind)


def _directory(exif: Image.Exif, which: ExifTags.IFD) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(which))
    except Exception:  # an offset into nowhere
        return {}


def _get(directory: Any, tag: int) -> Any:  # noqa: ANN401 (EXIF values are of any type)
    try:
        return directory.get(tag)
    except Exception:  # entries are parsed when they are asked for
        return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value[:_LONGEST_TEXT].decode("utf-8", "replace")
    return value.partition("\0")[0].strip()[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:  # noqa: ANN401
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None


# --- the exposure ---------------------------------------------------------------------------------------


def _exposure(details: dict[int, Any], exif: Image.Exif) -> Iterator[tuple[str, str]]:
    for name, tag in _EXPOSURE.items():
        value = _get(details, tag)
        if value is None:  # some software writes everything into the first directory
            value = _get(exif, tag)
        if isinstance(value, str | bytes):
            if text := _text(value).strip("0"):  # an id of zeros is none
                yield name, text
        elif (number := _number(value)) is not None:
            yield name, f"{number:.6g}"


def _is_adobe_rgb(exif: Image.Exif, details: dict[int, Any]) -> bool:
    if _get(details, ExifTags.Base.ColorSpace) == 2:
        return True
    return _text(_get(_directory(exif, ExifTags.IFD.Interop), 1)) == "R03"


# --- the place ------------------------------------------------------------------------------------------


def _place(gps: dict[int, Any], packet: bytes) -> tuple[float, float] | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    if latitude is None or longitude is None:
        latitude = _degrees_of_xmp(value_of(packet, "exif:GPSLatitude"))
        longitude = _degrees_of_xmp(value_of(packet, "exif:GPSLongitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return round(latitude, 7), round(longitude, 7)


def _degrees(parts: object, reference: object, negative: str) -> float | None:
    if not isinstance(parts, tuple):
        return None
    numbers = [_number(part) for part in parts[:3]]
    if not numbers or None in numbers:
        return None
    degrees: float = sum(number / 60**power for power, number in enumerate(numbers) if number is not None)
    return -degrees if _text(reference).upper() == negative else degrees


def _degrees_of_xmp(value: str) -> float | None:
    """Read "38,42.5N" and "38,42,30N"."""
    match = re.fullmatch(
        r"(\d{1,3})(?:,(\d{1,9}(?:\.\d{1,12})?))?(?:,(\d{1,9}(?:\.\d{1,12})?))?([NSEW])", value
    )
    if match is None:
        return None
    degrees: float = sum(float(part or 0) / 60**power for power, part in enumerate(match.groups()[:3]))
    return -degrees if match[4] in "SW" else degrees


# --- what people wrote ----------------------------------------------------------------------------------


def _rating(exif: Image.Exif, packet: bytes) -> int:
    rating = _get(exif, _RATING)
    if isinstance(rating, int) and rating > 0:
        return min(rating, 5)
    stated = re.match(r"[+-]?\d{1,3}", value_of(packet, "xmp:Rating"))
    if stated and int(stated[0]):
        return max(-1, min(int(stated[0]), 5))
    percent = _get(exif, _RATING_PERCENT)
    return min(5, 1 + round(percent / 25)) if isinstance(percent, int) and percent > 0 else 0


def _some(words: Iterable[str]) -> Iterator[str]:
    for _, word in zip(range(_MOST_WORDS), words, strict=False):
        if word and not _OF_THE_CAMERA.fullmatch(word):
            yield word


def _words(
    image: ImageFile.ImageFile, exif: Image.Exif, details: dict[int, Any], packet: bytes
) -> Iterator[str]:
    yield _text(_get(exif, ExifTags.Base.ImageDescription))
    yield _comment(_get(details, ExifTags.Base.UserComment))
    for tag in (_XP_TITLE, _XP_COMMENT, _XP_SUBJECT):
        yield _wide_text(_get(exif, tag)).strip()
    yield from (word.strip() for word in _wide_text(_get(exif, _XP_KEYWORDS)).split(";"))
    for name in _XMP_WORDS:
        yield from (value[:_LONGEST_TEXT] for value in values_of(packet, name))
    yield from _iptc(image)
    yield from (_text(image.info.get(name)) for name in _PNG_WORDS)
    said = _text(image.info.get("comment")) if image.format in _COMMENTED else ""
    if not _BY_AN_ENCODER.match(said):
        yield said


def _wide_text(value: object) -> str:
    if isinstance(value, tuple):
        value = bytes(entry for entry in value if isinstance(entry, int) and 0 <= entry < 256)
    if not isinstance(value, bytes):
        return ""
    return value[: 2 * _LONGEST_TEXT].decode("utf-16-le", "replace").partition("\0")[0]


def _comment(value: object) -> str:
    if not isinstance(value, bytes):
        return _text(value)
    encoding, text = _ENCODINGS.get(value[:8]), value[8 : 8 + _LONGEST_TEXT]
    return _text(text.decode(encoding, "replace")) if encoding else ""


def _iptc(image: ImageFile.ImageFile) -> Iterator[str]:
    found: dict[Any, Any] = {}
    with suppress(Exception):  # blocks of any content; Pillow has no closed list of what it raises
        found = IptcImagePlugin.getiptcinfo(image) or {}
    for key in _IPTC_WORDS:
        entries = found.get(key, [])
        yield from (_text(entry) for entry in (entries if isinstance(entries, list) else [entries]))


def _software(image: ImageFile.ImageFile, exif: Image.Exif, packet: bytes) -> str:
    return (
        _text(_get(exif, ExifTags.Base.Software))
        or value_of(packet, "xmp:CreatorTool")[:_LONGEST_TEXT]
        or _text(image.info.get("Software"))
    )
