"""Whether one image is another one turned by a quarter, or mirrored: seen on small versions."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.images.whole import WholeImage, turned

_SIDE = 48  # pixels
_WAYS = range(2, 9)  # as EXIF numbers them
# A mean difference, in grey levels: strangers differ by 40 and more, an image and its mirror image by 15 and
# more unless it is nearly symmetric, which then shows in the full comparison.
_MOST = 12.0
_MUCH_NEARER = 0.6


def turned_alike(image: WholeImage, other: WholeImage) -> WholeImage | None:
    """Return the other image turned so that it lies on the first; None where it lies best as it is.

    The colours of the two, or what was added to one of them, decide nothing here.
    """
    small = _small(image.rgb)
    seen = _small(other.rgb)
    as_it_is = _apart(small, seen)
    ways = {way: _apart(small, turned(seen[..., None], way)[..., 0]) for way in _WAYS}
    best = min(ways, key=lambda way: ways[way])
    if ways[best] > _MOST or ways[best] > _MUCH_NEARER * as_it_is:
        return None
    alpha = None if other.alpha is None else turned(other.alpha, best)
    return replace(other, rgb=turned(other.rgb, best), alpha=alpha)


def _small(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    drawn = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY), np.uint8)


def _apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())
