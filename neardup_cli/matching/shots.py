"""What files say beside their pixels about being one image: the exposure, and all frames or pages.

An edit keeps the time of capture and the exposure. Two exposures are two shots, however alike and however far
apart in time; two animations with one first frame are two animations.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from neardup_cli.records.holdings import Holdings

LEAST_FRAMES_AGREE = 0.5
"""Share of frames from which two animations or documents may be copies: one of them may have been cut."""

# What the shutter, and not a person with an editor, decides.
_OF_ONE_EXPOSURE = frozenset(
    {"seconds", "aperture", "iso", "bias", "brightness", "focus distance", "unique id", "sequence"}
)
_SAME_VALUE = 0.01  # rationals are rounded when a program writes them anew
# A clock that is set to another zone moves by whole hours, or by halves where zones lie so far apart.
_HOUR, _HALF_HOUR, _FARTHEST_ZONES = 3600, 1800, 26 * 3600
_LEAST_OF_HALVES = int(3.5 * _HOUR)
# A program that writes the file anew may put the time of its work in the place of the exposure's.
_EDITORS = re.compile(
    r"photoshop|lightroom|gimp|snapseed|picasa|instagram|darktable|rawtherapee|affinity|capture one|luminar|"
    r"acdsee|paint|canva|vsco|pixelmator|dxo|on1|digikam|imagemagick|irfanview|xnview|facetune|meitu",
    re.IGNORECASE,
)
_VIEW_DEVIATION = 2.0
_LEAST_CORRELATION = 0.97
_LARGEST_DIFFERENCE = 8.0


def are_two_exposures(a: Holdings, b: Holdings) -> bool:
    """Return True if two files say that the shutter opened twice: another time, exposure or number.

    Where one of them says nothing, or was written by an editor, nothing is known: False.
    """
    if _is_edited(a) or _is_edited(b):
        return False
    return _times_differ(a, b) or _exposures_differ(a, b)


def frames_agree(a: Holdings, b: Holdings) -> float:
    """Return the share of frames or pages that show the same, in [0, 1]; 1 unless both have several."""
    if min(a.frames, b.frames) < 2 or not a.frame_views or not b.frame_views:
        return 1.0
    few, many = sorted((a.frame_views, b.frame_views), key=len)
    places = np.linspace(0, len(many) - 1, len(few)).round().astype(int)
    return float(np.mean([_agree(view, many[place]) for view, place in zip(few, places, strict=True)]))


def _is_edited(held: Holdings) -> bool:
    return _EDITORS.search(held.software) is not None


def _times_differ(a: Holdings, b: Holdings) -> bool:
    if a.captured_at is None or b.captured_at is None:
        return False
    first, second = a.captured_at, b.captured_at
    if not (first.microsecond and second.microsecond):  # one of them counts whole seconds
        first, second = first.replace(microsecond=0), second.replace(microsecond=0)
    zones = _zone(a.offset), _zone(b.offset)
    if zones[0] is not None and zones[1] is not None:
        first, second = _universal(first, zones[0]), _universal(second, zones[1])
    apart = abs((first - second).total_seconds())
    return apart > 0 and not _is_other_clock(apart)


def _is_other_clock(seconds: float) -> bool:
    if seconds > _FARTHEST_ZONES:
        return False
    return seconds % _HOUR == 0 or (seconds % _HALF_HOUR == 0 and seconds >= _LEAST_OF_HALVES)


def _zone(offset: str) -> timezone | None:
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", offset)
    if found is None:
        return UTC if offset == "Z" else None
    hours, minutes = int(found[2]), int(found[3])
    if hours > 14 or minutes > 59:
        return None
    east = timedelta(hours=hours, minutes=minutes)
    return timezone(-east if found[1] == "-" else east)


def _universal(time: datetime, zone: timezone) -> datetime:
    return time.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def _exposures_differ(a: Holdings, b: Holdings) -> bool:
    of_a, of_b = (dict(held.exposure) for held in (a, b))
    shared = _OF_ONE_EXPOSURE & of_a.keys() & of_b.keys()
    return any(not _same_value(of_a[name], of_b[name]) for name in shared)


def _same_value(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        first, second = float(a), float(b)
    except ValueError:
        return False
    return abs(first - second) <= _SAME_VALUE * max(abs(first), abs(second))


def _agree(a: bytes, b: bytes) -> bool:
    first, second = (_pixels(view) for view in (a, b))
    if len(first) != len(second):
        return False
    x, y = first - first.mean(), second - second.mean()
    if min(x.std(), y.std()) < _VIEW_DEVIATION:
        return float(np.abs(first - second).mean()) < _LARGEST_DIFFERENCE
    return float(x @ y / np.sqrt((x @ x) * (y @ y))) > _LEAST_CORRELATION


def _pixels(view: bytes) -> NDArray[np.float64]:
    return np.frombuffer(view, np.uint8).astype(np.float64)
