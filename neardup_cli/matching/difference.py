"""Where two aligned images differ, at full preview size: what a verdict on blocks of texture cannot see.

Blocks say that two images show the same thing; two pages of one form, two memes of one photograph and two
frames of a burst pass that test. What tells them from copies is small and local: here both are brought to
the same sharpness and tones, and the worst small place counts, not the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.agreement import AlignedPair, align
from neardup_cli.matching.features import Grey
from neardup_cli.matching.sharpness import blur_between, equally_soft

type Floats = NDArray[np.float32]
type Mask = NDArray[np.bool_]

SIDE = 416
"""Pixels of the overlap's longer side: a digit of a page is five of them high."""

_EDGE = np.ones((7, 7), np.uint8)
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_FEWEST_PIXELS = 256
_GRAIN = 0.6
# A lamp, a digit, a ticked box: five pixels. Colours are stored at half the size by most codecs, and bleed.
_SPOT = 5
_AROUND_SPOT = 6
_CHROMA_BLUR = 1.0
_CHROMA_SPOT = 5
_AROUND_SPOT = 6
_FAR_FROM_EDGES = np.ones((7, 7), np.uint8)
_FLAT_SIDE = 8
_FLAT_DEVIATION = 1.5
_DIFFERS = 20.0
_FEWEST_DIFFERING = 8
_STEP = 10.0
_AROUND = np.ones((15, 15), np.uint8)
_GROUND = 21
_SHADES = 32
_SHADE_SHARE = 0.002
_MOST_SATURATED = 2.0
_FIT_KEPT = 0.8
# Of the pixels, for what is fitted or counted; odd, so that it walks over the columns.
_SAMPLED_EVERY = 7
_COLOURLESS = 1.5


@dataclass(frozen=True, slots=True)
class Difference:
    """What is left between two images at the same sharpness, tones and colours.

    Attributes:
        blank: share of the overlap that is flat in both, as paper is, in [0, 1].
        colours: number of colours, of 512, that cover more than 0.2 % of the overlap of a.
        mean: mean difference in grey levels, beyond what a shift of one pixel explains.
        noise: the difference that one pixel in a hundred exceeds.
        spot: largest mean difference over 5×5 pixels: the worst small place.
        likeness: correlation of the two around that place, in [-1, 1]: near 1 where a line that was drawn
            smaller is only thinner.
        chroma: the same of the colours, over 10×10 pixels, in levels of Cb and Cr.
        fill: largest difference of the two within what is flat in both, in levels of grey, Cb or Cr: the
            colour of a lamp or of a shirt.
        grey: whether one of the two has no colours, though the other has.
        own_a: correlation of the difference with what a shows on its ground, around the places that differ:
            near 0 where something was laid over a, high where a has something there that b has not.
        own_b: the same for b.
        divided: share of the outlines around what differs that belong to the image with fewer of them, in
            [0, 0.5]: 0 where all were drawn over one of the two, 0.5 where each has its own.
        area: pixels, of the overlap drawn 416 wide, that differ by more than 20 levels.
    """

    blank: float
    colours: int
    mean: float
    noise: float
    spot: float
    likeness: float
    chroma: float
    fill: float
    grey: bool
    own_a: float
    own_b: float
    divided: float
    area: int


def measure_difference(
    a: NDArray[np.uint8], b: NDArray[np.uint8], transform: Affine, side: int = SIDE
) -> Difference | None:
    """Compare two RGB images under `transform` (a's pixels to b's), about 6 ms; None without an overlap."""
    pair = align(a, b, transform, side)
    if pair is None:
        return None
    inside = cv2.erode(pair.inside, _EDGE, borderValue=0) > 0
    if np.count_nonzero(inside) < _FEWEST_PIXELS:
        return None
    some = np.flatnonzero(inside)[::_SAMPLED_EVERY]
    (luma_a, *chroma_a), (luma_b, *chroma_b) = (_planes(pixels) for pixels in (pair.a, pair.b))
    blur = blur_between(luma_a, luma_b, some)
    luma_a, luma_b = equally_soft(luma_a, luma_b, blur)
    for channel in range(2):
        softened = equally_soft(chroma_a[channel], chroma_b[channel], blur / 2)
        chroma_a[channel], chroma_b[channel] = softened
    retoned = _retoned(luma_a, luma_b, some)
    apart = np.where(inside, _beyond(retoned, luma_b), np.float32(0))
    chroma, grey = _chroma_apart(chroma_a, chroma_b, inside[::2, ::2])
    flat = _flat(luma_a) & _flat(luma_b)
    spots = cv2.blur(apart, (_SPOT, _SPOT))
    _, spot, _, place = cv2.minMaxLoc(spots)
    own_a, own_b = _own(apart, retoned, luma_b, inside)
    seen = apart.ravel()[some]
    return Difference(
        blank=float(flat.ravel()[some].mean()),
        colours=count_colours(pair.a.reshape(-1, 3)[some]),
        mean=float(seen.mean()),
        noise=float(np.quantile(seen, 0.99)),
        spot=float(spot),
        likeness=_likeness(retoned, luma_b, place),
        chroma=_worst(chroma),
        fill=_fill(apart, chroma, flat & inside),
        grey=grey,
        own_a=own_a,
        own_b=own_b,
        divided=_divided(apart, retoned, luma_b, inside),
        area=int(np.count_nonzero(apart > _DIFFERS)),
    )


def _planes(pixels: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """Split into luma and, at half the size, the red and blue differences; luma's grain is smoothed away."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = ((pixels.shape[1] + 1) // 2, (pixels.shape[0] + 1) // 2)
    halved = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2YCrCb)
    red, blue = (
        cv2.GaussianBlur(side.astype(np.float32), (0, 0), _CHROMA_BLUR) for side in cv2.split(halved)[1:]
    )
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), _GRAIN)), np.asarray(red), np.asarray(blue)


def _retoned(a: Floats, b: Floats, some: NDArray[np.intp]) -> Floats:
    """Fit b's grey by a line over a's, without the fifth that lies farthest off."""
    x, y = a.ravel()[some], b.ravel()[some]
    gain, offset = 1.0, float(np.median(y - x))
    for _ in range(3):
        error = np.abs(y - np.float32(gain) * x - np.float32(offset))
        kept = error <= np.quantile(error, _FIT_KEPT)
        near_x, near_y = x[kept], y[kept]
        mean_x, mean_y = float(near_x.mean()), float(near_y.mean())
        spread = float(near_x.var())
        if spread < 1:
            break
        gain = float(np.dot(near_x - np.float32(mean_x), near_y - np.float32(mean_y))) / len(near_x) / spread
        offset = mean_y - gain * mean_x
    return np.asarray(np.clip(np.float32(gain) * a + np.float32(offset), 0, 255), np.float32)


def _beyond(a: Floats, b: Floats) -> Floats:
    """Say by how much two images differ, beyond what lies one pixel around in the other."""
    return np.asarray(np.maximum(_outside(a, b), _outside(b, a)), np.float32)


def _outside(a: Floats, b: Floats) -> Floats:
    above = b - cv2.dilate(a, _NEIGHBOURS)
    below = cv2.erode(a, _NEIGHBOURS) - b
    return np.asarray(np.maximum(np.maximum(above, below), 0), np.float32)


def _chroma_apart(a: Sequence[Floats], b: Sequence[Floats], inside: Mask) -> tuple[Floats, bool]:
    """Say how far b's colours are from a's, at half the size; and whether only one of them has any.

    A filter takes all hues along with it, more or less saturated and tinted: one number for all of them, and
    never another hue.
    """
    some = np.flatnonzero(inside)[:: _SAMPLED_EVERY // 2]
    x, y = (np.stack([side.ravel()[some] for side in sides]) for sides in (a, b))
    kept = slice(None)
    for _ in range(3):
        mean_x, mean_y = (side[:, kept].mean(axis=1, keepdims=True) for side in (x, y))
        near_x, near_y = x[:, kept] - mean_x, y[:, kept] - mean_y
        energy = float((near_x * near_x).sum())
        gain = float((near_x * near_y).sum()) / energy if energy > near_x.shape[1] else 1.0
        gain = min(max(gain, 0.0), _MOST_SATURATED)
        error = np.abs(y - mean_y - np.float32(gain) * (x - mean_x)).max(axis=0)
        kept = error <= np.quantile(error, _FIT_KEPT)
    offsets = (mean_y - np.float32(gain) * mean_x).ravel()
    apart = np.maximum(
        *(np.abs(v - np.float32(gain) * u - offset) for u, v, offset in zip(a, b, offsets, strict=True))
    )
    apart = np.where(inside, apart, np.float32(0)).astype(np.float32)
    saturated = sorted(float(side.std(axis=1).max()) for side in (x, y))
    grey = saturated[0] < _COLOURLESS < saturated[1] / 2
    return apart, grey


def _worst(chroma: Floats) -> float:
    return float(cv2.blur(chroma, (_CHROMA_SPOT, _CHROMA_SPOT)).max())


def _fill(luma: Floats, chroma: Floats, flat: Mask) -> float:
    """Find the largest difference away from all edges, over which codecs bleed."""
    within = cv2.erode(flat.astype(np.uint8), _FAR_FROM_EDGES, borderValue=0)
    steady = cv2.blur(luma, (_SPOT, _SPOT))[within > 0]
    tinted = chroma[within[::2, ::2] > 0]
    return float(max(steady.max(initial=0), tinted.max(initial=0)))


def _likeness(a: Floats, b: Floats, place: Sequence[int]) -> float:
    """Correlate two images around a place, a shift of one pixel allowed."""
    height, width = a.shape
    x, y = (
        min(max(at, _AROUND_SPOT + 1), side - _AROUND_SPOT - 2)
        for at, side in zip(place, (width, height), strict=True)
    )
    if min(x, y) <= _AROUND_SPOT:
        return 0.0
    wide = _AROUND_SPOT + 1
    cut = a[y - _AROUND_SPOT : y + wide, x - _AROUND_SPOT : x + wide]
    around = b[y - wide : y + wide + 1, x - wide : x + wide + 1]
    return float(cv2.matchTemplate(around, cut, cv2.TM_CCOEFF_NORMED).max())


def _own(apart: Floats, a: Floats, b: Floats, inside: Mask) -> tuple[float, float]:
    differing = apart > _DIFFERS
    if np.count_nonzero(differing) < _FEWEST_DIFFERING:  # nothing stands out
        return 0.0, 0.0
    near = inside & (cv2.dilate(differing.astype(np.uint8), _AROUND) > 0)
    return _correlation(apart[near], _ink(a)[near]), _correlation(apart[near], _ink(b)[near])


def _divided(apart: Floats, a: Floats, b: Floats, inside: Mask) -> float:
    differing = cv2.morphologyEx((apart > _DIFFERS).astype(np.uint8), cv2.MORPH_CLOSE, _NEIGHBOURS)
    if not differing.any():
        return 0.0
    outline = cv2.morphologyEx(differing, cv2.MORPH_GRADIENT, _NEIGHBOURS).astype(bool) & inside
    step_a, step_b = (cv2.morphologyEx(side, cv2.MORPH_GRADIENT, _NEIGHBOURS)[outline] for side in (a, b))
    of_a = int(np.count_nonzero(step_a > 2 * step_b + _STEP))
    of_b = int(np.count_nonzero(step_b > 2 * step_a + _STEP))
    return min(of_a, of_b) / max(1, of_a + of_b)


def _ink(grey: Floats) -> Floats:
    """What stands out from the ground around it."""
    ground = cv2.medianBlur(grey.astype(np.uint8), _GROUND).astype(np.float32)
    return np.asarray(np.abs(grey - ground), np.float32)


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > 0.5 else 0.0


def _flat(grey: Floats) -> Mask:
    size = (_FLAT_SIDE, _FLAT_SIDE)
    mean = cv2.blur(grey, size)
    return np.asarray(cv2.blur(grey * grey, size) - mean * mean < _FLAT_DEVIATION**2)


def count_colours(pixels: NDArray[np.uint8]) -> int:
    """Count the colours, of 512, that more than 0.2 % of `[n, 3]` RGB pixels have."""
    steps = (pixels // _SHADES).astype(np.intp)
    counts = np.bincount(steps @ np.array([64, 8, 1]), minlength=512)
    return int(np.count_nonzero(counts > _SHADE_SHARE * len(steps)))


def refined(a: Grey, b: Grey, transform: Affine, side: int = SIDE) -> Affine:
    """Improve an alignment to a tenth of a pixel by the pixels' correlation, or give it back; 15 ms."""
    pair = align(a, b, transform, side)
    return transform if pair is None else _by_correlation(pair, transform)


def _by_correlation(pair: AlignedPair, transform: Affine) -> Affine:
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(pair.a, pair.b, start, cv2.MOTION_AFFINE, criteria, pair.inside, 5)
    except cv2.error:  # it raises where it does not converge, and on flat images
        return transform
    within = np.asarray(found, dtype=np.float64)
    return affine.compose(affine.invert(pair.b_to_frame), affine.compose(within, pair.a_to_frame))
