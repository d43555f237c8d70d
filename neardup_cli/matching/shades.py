"""How many colours and greys an image has: what tells photographs from pages, icons, charts and signs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_COLOUR_STEP = 32
_COLOUR_SHARE = 0.002
_SHADE_BITS = 2


def count_colours(pixels: NDArray[np.uint8]) -> int:
    """Count the colours, of 512, that more than 0.2 % of `[n, 3]` RGB pixels have."""
    steps = (pixels // _COLOUR_STEP).astype(np.intp)
    counts = np.bincount(steps @ np.array([64, 8, 1]), minlength=512)
    return int(np.count_nonzero(counts > _COLOUR_SHARE * len(steps)))


def count_shades(grey: NDArray[np.uint8]) -> float:
    """Say among how many of 64 greys `[n]` pixels are spread: the exponential of the entropy, in [1, 64].

    A page has its paper and its ink, however many greys lie between the two; a photograph, grey or coloured,
    is spread over most of them.
    """
    counts = np.bincount(grey >> _SHADE_BITS, minlength=256 >> _SHADE_BITS)
    shares = counts[counts > 0] / max(1, len(grey))
    return float(np.exp(-np.sum(shares * np.log(shares))))
