"""How the hues of an image differ from those of another one, block by block, at half size."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.codec_noise import Coding
from neardup_cli.matching.features import Grey
from neardup_cli.matching.light import SMALL
from neardup_cli.matching.strips import Floats32, Slopes, apart, averaged, strips

type Colours = NDArray[np.uint8]
"""RGB pixels, `uint8 [height, width, 3]`, upright."""


class _Allowed(NamedTuple):
    """What a block's mean hue may differ by: grey levels, the quantiser's step over, grey levels a slope."""

    rounding: float
    of_step: float
    of_slope: float


_OF_BLOCKS = _Allowed(3.0, 8.0, 0.25)
_OF_HALF_BLOCKS = _Allowed(4.0, 6.0, 0.3)


class HueDifference(NamedTuple):
    """How hues differ.

    Attributes:
        worst: of the worst block, in multiples of what is explained.
        small: the same of the fourth worst of blocks of half the side.
        tint: the median over the image, in levels.
    """

    worst: float
    small: float
    tint: float


def compare_hues(gone: Colours, kept: Colours, shift: Affine | None, coding: Coding) -> HueDifference:
    """Compare hues at half size, which is where most codecs keep them.

    Args:
        gone: of the image that goes.
        kept: of the one that stays, of any size.
        shift: affine map from the pixels of the first to those of the second one, resized; None for none.
        coding: how the first was encoded.
    """
    size = (max(1, gone.shape[1] // 2), max(1, gone.shape[0] // 2))
    block = min(8 if min(size) >= SMALL // 2 else 4, *size)
    half_block = max(1, block // 2)
    worst, tint = 0.0, 0.0
    small: list[Floats32] = []
    for hue, other in zip(_hues(gone, size), _hues(kept, size), strict=True):
        there = _moved(other, gone.shape, shift)
        differs, steep = _compare_hue(hue, there, half_block)
        tint = max(tint, float(np.abs(np.median(differs))))
        small.append(_excess(differs, steep, _OF_HALF_BLOCKS, coding.chroma_step))
        differs, steep = (averaged(one, block // half_block) for one in (differs, steep))
        worst = max(worst, float(_excess(differs, steep, _OF_BLOCKS, coding.chroma_step).max()))
    either = np.maximum(*small).ravel()
    fourth = min(4, len(either))
    return HueDifference(worst, float(np.partition(either, -fourth)[-fourth]), tint)


def _excess(differs: Floats32, steep: Floats32, allowed: _Allowed, step: float) -> Floats32:
    """Return the mean differences of blocks, in multiples of what their codec and their slopes explain."""
    explained = allowed.rounding + step / allowed.of_step + allowed.of_slope * np.sqrt(steep)
    return np.asarray(np.abs(differs) / explained, np.float32)


def _compare_hue(hue: Grey, other: Grey, block: int) -> tuple[Floats32, Floats32]:
    """Return, of each block, the mean difference and the squared slope of the other."""
    steep = Slopes(other, block)
    height, width = hue.shape
    found = [
        (apart(hue[strip], other[strip], block)[1], steep.of(strip)) for strip in strips(height, width, block)
    ]
    return np.concatenate([differs for differs, _ in found]), np.concatenate([slope for _, slope in found])


def _hues(colours: Colours, size: affine.Size) -> list[Grey]:
    """Return Cr and Cb at a size, each `uint8 [height, width]`."""
    shrinks = size[0] <= colours.shape[1]
    drawn = cv2.resize(colours, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    drawn = cv2.cvtColor(drawn, cv2.COLOR_RGB2YCrCb)
    return [np.asarray(cv2.extractChannel(drawn, channel), np.uint8) for channel in (1, 2)]


def _moved(hue: Grey, whole: tuple[int, ...], shift: Affine | None) -> Grey:
    """Draw a hue where the image of that shape was moved to."""
    if shift is None:
        return hue
    size = hue.shape[1], hue.shape[0]
    half = affine.scaling(size[0] / whole[1], size[1] / whole[0])
    to_hue = affine.compose(half, affine.compose(shift, affine.invert(half)))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(hue, to_hue, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))
