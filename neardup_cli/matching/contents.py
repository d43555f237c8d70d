"""Is what differs between two aligned images one template with two contents?

A copy has something of its own on one side at most: under a sticker or a caption the other image goes on as
it does around it. Where one place is filled in on both sides (a number plate, a camera's clock, a subtitle, a
portrait on a card), both have outlines around what differs, far more than beside it, and what they enclose
has little in common.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching.agreement import correlation
from neardup_cli.matching.difference import DIFFERS, Difference, Floats, Mask, steps

_MARGIN = np.ones((9, 9), np.uint8)
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_FEWEST_OUTLINE = 30
_AROUND = 20
_FEWEST_AROUND = 50
_STEP = 25.0


class _Scale(NamedTuple):
    """What counts as one place, and what it must reach.

    Attributes:
        together: pixels over which what differs is one place.
        outlined: share of its outline that is one in both images, beyond what is usual beside it.
        in_common: correlation of what the two images show there that contents of one kind do not reach.
    """

    together: int
    outlined: float
    in_common: float


# Letters of a line are one place, and all that stands in a frame. Of 430 pairs of copies of 32 photographs
# with more than a codec's differences (58 edits, captions and stickers among them) none has such a place, of
# 75 pairs of 6 families of templates 72. With 0.6 in common at the smaller scale eight of the copies have.
_SCALES = (_Scale(9, 0.5, 0.5), _Scale(31, 0.55, 0.3))


def have_two_contents(found: Difference) -> bool:
    """Return True if both images show something of their own in one place; about 3 ms."""
    slopes = steps(found.a), steps(found.b)
    return any(_is_filled_twice(found, slopes, scale) for scale in _SCALES)


def _is_filled_twice(found: Difference, slopes: tuple[Floats, Floats], scale: _Scale) -> bool:
    places = _places(found, scale)
    filled = np.zeros(found.apart.shape, np.uint8)
    cv2.drawContours(filled, places, -1, 1, cv2.FILLED)
    around = found.inside & (cv2.dilate(filled, _MARGIN) == 0)
    if not around.any():
        return False
    usual = _outlined(slopes, around)
    return any(
        _is_filled_place(found, place, slopes, around, usual, scale)
        for place in places
        if len(place) >= _FEWEST_OUTLINE
    )


def _places(found: Difference, scale: _Scale) -> list[NDArray[np.int32]]:
    """Return the outer outlines of what differs."""
    together = np.ones((scale.together, scale.together), np.uint8)
    differing = cv2.morphologyEx((found.apart > DIFFERS).astype(np.uint8), cv2.MORPH_CLOSE, together)
    outlines, _ = cv2.findContours(differing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(outline, np.int32) for outline in outlines]


def _outlined(slopes: tuple[Floats, Floats], where: Mask) -> tuple[float, float]:
    """Return the share of pixels, in [0, 1], that are outlines of the one image, and of the other one."""
    first, second = (float((side[where] > _STEP).mean()) for side in slopes)
    return first, second


def _is_filled_place(
    found: Difference,
    place: NDArray[np.int32],
    slopes: tuple[Floats, Floats],
    around: Mask,
    usual: tuple[float, float],
    scale: _Scale,
) -> bool:
    window = _window(place, found.apart.shape)
    inside, near = found.inside[window], around[window]
    line = _drawn(place, window, inside, thickness=1)
    if np.count_nonzero(line) < _FEWEST_OUTLINE:
        return False
    cut = slopes[0][window], slopes[1][window]
    if np.count_nonzero(near) > _FEWEST_AROUND:  # where all is texture, outlines say nothing
        beside = _outlined(cut, near)
        usual = max(usual[0], beside[0]), max(usual[1], beside[1])
    more = (_beyond(*pair) for pair in zip(_outlined(cut, line), usual, strict=True))
    if min(more) <= scale.outlined:
        return False
    area = cv2.dilate(_drawn(place, window, inside, thickness=cv2.FILLED).astype(np.uint8), _NEIGHBOURS) > 0
    shown = found.a[window][area & inside], found.b[window][area & inside]
    return abs(correlation(*shown)) < scale.in_common  # what is inverted is the same


def _window(place: NDArray[np.int32], shape: tuple[int, ...]) -> tuple[slice, slice]:
    left, top, width, height = cv2.boundingRect(place)
    rows = slice(max(0, top - _AROUND), min(shape[0], top + height + _AROUND))
    return rows, slice(max(0, left - _AROUND), min(shape[1], left + width + _AROUND))


def _drawn(place: NDArray[np.int32], window: tuple[slice, slice], inside: Mask, *, thickness: int) -> Mask:
    drawn = np.zeros(inside.shape, np.uint8)
    offset = (-window[1].start, -window[0].start)
    cv2.drawContours(drawn, [place], -1, 1, thickness, offset=offset)
    return (drawn > 0) & inside


def _beyond(share: float, usual: float) -> float:
    """Return how much of what could be outlined more than usual is, at most 1."""
    return (share - usual) / max(1e-6, 1 - usual)
