"""How much detail an image really has: an enlargement has many pixels, and its high frequencies are empty."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching.features import Grey

_WINDOW = 128  # pixels; of a smaller image all of it
_BANDS = 32  # from 0 to the highest frequency that pixels can carry
_MOST_WINDOWS = 24
_SHARE_OF_WINDOWS = 0.25
# The spectrum of a photograph falls by a power law, and within a quarter of it by so many decibels more at
# most: 93 of 100. Of photographs enlarged twice (any kernel, also sharpened) 95 fall by more, by half 70 to
# 98.
_EXPONENT = 2.5
_FALL = 6.5
_WITHIN = 8
_LOWEST = 6  # bands: below are the scene's large shapes


def detail_share(grey: Grey) -> float:
    """Return how long a side would be, as a share of its length, if it held no more than can be seen in it.

    About 0.5 for an image that was enlarged twice, 1 for one with detail up to its last pixel.

    Args:
        grey: `uint8 [height, width]`, at full size.
    """
    levels = _spectrum(grey)
    if levels is None:
        return 1.0
    bands = np.arange(_LOWEST, _BANDS - _WITHIN)
    natural = 10 * _EXPONENT * np.log10((bands + _WITHIN) / bands)
    falls = levels[bands] - levels[bands + _WITHIN] - natural
    steepest = int(falls.argmax())
    if falls[steepest] < _FALL:
        return 1.0
    return float(bands[steepest] + _WITHIN / 2) / _BANDS


def _spectrum(grey: Grey) -> NDArray[np.float64] | None:
    """Return the power in each band, in decibels; None of a tiny image.

    Averaged over the windows with most to see. Bands are square rings, for resizing treats rows and columns
    one after the other.
    """
    side = min(_WINDOW, *grey.shape) // 2 * 2
    if side < 2 * _BANDS:
        return None
    taper = np.outer(np.hanning(side), np.hanning(side))
    down, across = np.abs(np.fft.fftfreq(side))[:, None], np.abs(np.fft.rfftfreq(side))[None]
    band = np.minimum((np.maximum(down, across) * 2 * _BANDS).astype(int), _BANDS - 1).ravel()
    total = np.zeros(_BANDS)
    for top, left in _windows(grey, side):
        levels = grey[top : top + side, left : left + side].astype(np.float64)
        power = np.abs(np.fft.rfft2((levels - levels.mean()) * taper)) ** 2
        total += np.bincount(band, power.ravel(), minlength=_BANDS)
    return np.asarray(10 * np.log10(total / np.bincount(band, minlength=_BANDS) + 1e-3))


def _windows(grey: Grey, side: int) -> list[tuple[int, int]]:
    height, width = grey.shape
    slopes = np.abs(np.asarray(cv2.Sobel(grey, cv2.CV_16S, 1, 0)))
    places = [
        (top, left) for top in range(0, height - side + 1, side) for left in range(0, width - side + 1, side)
    ]

    def plainness(place: tuple[int, int]) -> float:
        top, left = place
        return -float(slopes[top : top + side : 3, left : left + side : 3].mean())

    number = min(_MOST_WINDOWS, max(4, round(_SHARE_OF_WINDOWS * len(places))))
    return sorted(places, key=plainness)[:number]
