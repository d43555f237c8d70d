"""How many colours and greys an image has: what tells photographs from pages, icons, charts and signs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAMPLED_EVERY = 7  # odd, so that it walks over the columns
# Of 48 photographs the plainest has 11.3 shades, grey ones and those on plain ground among them; pages,
# signs, icons and charts have at most 10.7, a drawing with noise. Gradients and fingerprints have more.
_FEW_COLOURS = 20
_MANY_SHADES = 11.0
# The fewer pixels an icon has the more of them are edges, and what an encoder has put around those: at 12, 32
# and 48 pixels icons, flags and clocks reach 21, 14 and 10 shades as JPEG; of 25 photographs nine in ten have
# 23 or more at 8 to 64 pixels. Colours say nothing there.
_SHADES_OF_EDGES = 160
_COLOUR_STEP = 32
_COLOUR_SHARE = 0.002
_SHADE_BITS = 2


SMALL = 96
"""Pixels of the longer side below which an image is judged as a thumbnail."""


def is_natural(pixels: NDArray[np.uint8], long_side: int = SMALL) -> bool:
    """Return True if an image is a photograph, and no page, icon, chart, drawing or sign.

    Args:
        pixels: `[height, width, 3]` RGB, enlarged where the image itself is small.
        long_side: of the image itself, in pixels.
    """
    some = pixels.reshape(-1, 3)[::_SAMPLED_EVERY]
    if long_side >= SMALL:
        return are_natural(some)
    return count_shades(_grey(some)) >= _MANY_SHADES + _SHADES_OF_EDGES / long_side


def are_natural(some: NDArray[np.uint8]) -> bool:
    """Return True if `[n, 3]` RGB pixels are those of a photograph: by their greys, which mostly suffices."""
    return count_shades(_grey(some)) >= _MANY_SHADES or count_colours(some) > _FEW_COLOURS


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma of `[n, 3]` RGB pixels, `[n]`."""
    red, green, blue = pixels.astype(np.uint32).T
    return np.asarray((4899 * red + 9617 * green + 1868 * blue + 8192) >> 14, np.uint8)


def count_colours(pixels: NDArray[np.uint8]) -> int:
    """Count the colours, of 512, that more than 0.2 % of `[n, 3]` RGB pixels have."""
    counts = np.bincount(nearest_of_512(pixels), minlength=512)
    return int(np.count_nonzero(counts > _COLOUR_SHARE * len(pixels)))


def nearest_of_512(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return which of 512 colours (eight steps each of red, green, blue) `[n, 3]` RGB pixels are: `[n]`."""
    return np.asarray((pixels // _COLOUR_STEP).astype(np.intp) @ np.array([64, 8, 1]), np.intp)


def count_shades(grey: NDArray[np.uint8]) -> float:
    """Say among how many of 64 greys `[n]` pixels are spread: the exponential of the entropy, in [1, 64].

    A page has its paper and its ink, however many greys lie between the two; a photograph, grey or coloured,
    is spread over most of them.
    """
    counts = np.bincount(grey >> _SHADE_BITS, minlength=256 >> _SHADE_BITS)
    shares = counts[counts > 0] / max(1, len(grey))
    return float(np.exp(-np.sum(shares * np.log(shares))))
