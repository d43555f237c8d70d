"""What a sidecar says of its image: when, where, how good, in which words; and whether it holds an edit.

Read only where a file is about to go away. XMP is searched as text, as in `facts.py`: a packet that no XML
parser would take still counts. JSON is Google Takeout's where it has one of its keys.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

_MOST = 4 << 20  # bytes that are read: no sidecar of an image is longer, but for edits full of masks

_DATE = re.compile(
    rb"""\b(?:exif:DateTimeOriginal|photoshop:DateCreated|xmp:CreateDate)(?:\s*=\s*["']|\s*>\s*)"""
    rb"""(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?"""
)
_RATING = re.compile(rb"""\bxmp:Rating(?:\s*=\s*["']|\s*>\s*)(-?\d)""")
_PLACE = re.compile(
    rb"""\bexif:GPS(Latitude|Longitude)(?:\s*=\s*["']|\s*>\s*)(\d+),([\d.]+)(?:,([\d.]+))?([NSEW])"""
)
_TEXTS = (
    b"dc:subject",
    b"dc:title",
    b"dc:description",
    b"lr:hierarchicalSubject",
    b"Iptc4xmpExt:PersonInImage",
    b"digiKam:TagsList",
)
_ITEM = b"rdf:li"
_IN_A_NAME = re.compile(rb"\w")
_EDITED = re.compile(
    rb"\bcrs:(?!HasSettings\b|Version\b|ProcessVersion\b|RawFileName\b)\w+|\bdarktable:(?:history|masks)"
)
_TAKEOUT_KEYS = {"title", "photoTakenTime", "creationTime", "geoData", "geoDataExif", "googlePhotosOrigin"}
_NOWHERE = 1e-6  # degrees: Takeout writes 0, 0 where it knows no place


@dataclass(frozen=True, slots=True)
class SidecarFacts:
    """What a sidecar says.

    Attributes:
        captured_at: naive; local time from XMP, UTC from Takeout.
        place: latitude and longitude in degrees.
        rating: 1 to 5; 0 without one, -1 for rejected.
        words: title, description, keywords, people. A title that is a file name is none.
        edit: whether it holds what was done to the image, or anything that is not known here.
    """

    captured_at: datetime | None = None
    place: tuple[float, float] | None = None
    rating: int = 0
    words: frozenset[str] = frozenset()
    edit: bool = False


def read_sidecar(path: bytes) -> SidecarFacts:
    """Read a sidecar of any kind.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as stream:
        data = stream.read(_MOST)
    extension = os.path.splitext(path)[1].lower()
    if extension == b".json":
        return _of_json(data)
    if extension == b".xmp":
        return xmp_facts(data)
    if extension == b".thm":  # a thumbnail, made by the camera of the image itself
        return SidecarFacts()
    return SidecarFacts(edit=bool(data.strip(b"\0 \t\r\n")))


def xmp_facts(data: bytes) -> SidecarFacts:
    """Return what an XMP packet says."""
    rating = _RATING.search(data)
    words = {
        unescape(item.partition(b">")[2].strip().decode("utf-8", "replace"))
        for name in _TEXTS
        for block in _elements(data, name)
        for item in _elements(block, _ITEM)
    }
    return SidecarFacts(
        captured_at=_xmp_date(data),
        place=_xmp_place(data),
        rating=int(rating[1]) if rating else 0,
        words=frozenset(words) - {""},
        edit=_EDITED.search(data) is not None,
    )


def _elements(data: bytes, name: bytes) -> Iterator[bytes]:
    """Yield what stands from each `<name` to its end, attributes included.

    Searched forward only: what never ends costs no more than what does.
    """
    at, opening, closing = 0, b"<" + name, b"</" + name + b">"
    while (start := data.find(opening, at)) >= 0:
        at = start + len(opening)
        if _IN_A_NAME.match(data, at):  # a longer one
            continue
        if (end := data.find(closing, at)) < 0:
            return
        yield data[at:end]
        at = end + len(closing)


def _xmp_date(data: bytes) -> datetime | None:
    for match in _DATE.finditer(data):
        try:
            return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
    return None


def _xmp_place(data: bytes) -> tuple[float, float] | None:
    found: dict[bytes, float] = {}
    for name, degrees, minutes, seconds, side in _PLACE.findall(data):
        try:
            value = int(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
        except (ValueError, OverflowError):
            continue
        found.setdefault(name, -value if side in b"SW" else value)
    return _on_earth(found[b"Latitude"], found[b"Longitude"]) if len(found) == 2 else None


def _on_earth(latitude: float, longitude: float) -> tuple[float, float] | None:
    """Return a place; None for what is none (also "not a number")."""
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _of_json(data: bytes) -> SidecarFacts:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return SidecarFacts(edit=bool(data.strip(b"\0 \t\r\n")))
    if not isinstance(told, dict) or not _TAKEOUT_KEYS & told.keys():
        return SidecarFacts(edit=bool(told))
    return SidecarFacts(
        captured_at=_timestamp(told.get("photoTakenTime")),
        place=_json_place(told),
        rating=5 if told.get("favorited") is True else 0,
        words=frozenset(_json_words(told)) - {""},
    )


def _timestamp(value: object) -> datetime | None:
    try:
        seconds = int(value["timestamp"]) if isinstance(value, Mapping) else None
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _json_place(told: Mapping[str, Any]) -> tuple[float, float] | None:
    for key in ("geoData", "geoDataExif"):
        place = told.get(key)
        try:
            latitude, longitude = float(place["latitude"]), float(place["longitude"])  # type: ignore[index]
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if _on_earth(latitude, longitude) and (abs(latitude) > _NOWHERE or abs(longitude) > _NOWHERE):
            return latitude, longitude
    return None


def _json_words(told: Mapping[str, Any]) -> Iterator[str]:
    title = told.get("title")
    if isinstance(title, str) and not os.path.splitext(title)[1]:
        yield title.strip()
    description = told.get("description")
    if isinstance(description, str):
        yield description.strip()
    people = told.get("people")
    for person in people if isinstance(people, list) else []:
        name = person.get("name") if isinstance(person, dict) else None
        if isinstance(name, str):
            yield name.strip()
