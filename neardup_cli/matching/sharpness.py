"""Two images at the same sharpness: the sharper one blurred to the level of the other.

A copy that was blurred, shrunk or squeezed by a codec lacks its original's finest texture. Compared as they
are, the two disagree wherever the original is detailed.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float32]
type Places = NDArray[np.intp]
"""Pixels by number, row after row: those that are looked at."""

# Ratio of the strength of edges from which one of the two counts as sharper.
_SHARPER = 1.25
# Blurs that are tried, in pixels, in steps that a comparison of blocks can tell apart.
_BLURS = (0.7, 1.0, 1.5, 2.2, 3.3, 5.0, 7.5)
_BETTER = 0.995
_EDGE_BLUR = 0.7


def blur_between(a: Floats, b: Floats, some: Places) -> float:
    """Find the blur, in pixels, that makes a as soft as b; negative where b has to be blurred, 0 for none.

    It is the one that leaves the least of the softer image unexplained.
    """
    edges_a, edges_b = _edges(a, some), _edges(b, some)
    if max(edges_a, edges_b) < _SHARPER * min(edges_a, edges_b):
        return 0.0
    sharp, soft = (a, b) if edges_a > edges_b else (b, a)
    wanted = soft.ravel()[some]
    best, found = _unexplained(sharp.ravel()[some], wanted), 0.0
    for sigma in _BLURS:
        left = _unexplained(_blurred(sharp, sigma).ravel()[some], wanted)
        if left >= _BETTER * best:
            break
        best, found = left, sigma
    return found if edges_a > edges_b else -found


def equally_soft(a: Floats, b: Floats, blur: float) -> tuple[Floats, Floats]:
    """Blur the one of two images that is sharper, as `blur_between` says."""
    if blur > 0:
        return _blurred(a, blur), b
    return (a, _blurred(b, -blur)) if blur < 0 else (a, b)


def _edges(grey: Floats, some: Places) -> float:
    """Measure the strength of the finest edges, relative to the contrast of the whole."""
    edges = cv2.Laplacian(_blurred(grey, _EDGE_BLUR), cv2.CV_32F)
    return float(np.abs(edges.ravel()[some]).mean()) / max(1.0, float(grey.ravel()[some].std())) + 1e-6


def _unexplained(given: Floats, wanted: Floats) -> float:
    """Give the part of the wanted values' deviation that no line over the given ones explains."""
    x, y = given - given.mean(), wanted - wanted.mean()
    spread, energy = float(np.dot(x, x)), float(np.dot(y, y))
    if min(spread, energy) < len(x):
        return 1.0
    shared = float(np.dot(x, y))
    return float(np.sqrt(max(0.0, 1 - shared * shared / (spread * energy))))


def _blurred(grey: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)
