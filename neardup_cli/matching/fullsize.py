"""What an image shows that another one of the same frame does not: at full size, in the worst small place.

One image is expected from the other (`expectation`), and what its codec adds is measured by letting the codec
add it (`codec_noise`). Whatever it shows beyond that, it alone has: a word, a digit, a face, the noise of
another exposure, detail that the other lost. All is directed: from the image that goes to the one that stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.codec_noise import CodecNoise, Coding
from neardup_cli.matching.expectation import Expectation, expect, whole_levels
from neardup_cli.matching.features import Grey
from neardup_cli.matching.origin import quantiser_left

LARGER = 1.2
"""Times the pixels from which one of two images is called larger."""

type Colours = NDArray[np.uint8]
"""RGB pixels, `uint8 [height, width, 3]`, upright."""
type Floats32 = NDArray[np.float32]

_BAND = 1 << 22  # pixels that are encoded at a time
_STRIP = 1 << 18  # pixels that are compared at a time
_SAMPLED = 1 << 20  # pixels that stand for the whole image
_RANKS = 16
_SMALL = 256  # pixels of the shorter side below which blocks are smaller
_BLOCK = 8
_GRID = 16

# Errors of rounding, of a resizing kernel that is none of ours, and of an edge a tenth of a pixel off.
_ROUNDING = 1.0
_ROUNDING_AT_LARGE = 0.5
_SLOPE_AS_IS = 0.03
_SLOPE_RESIZED = 0.10
# Of a block's mean the codec's error is small, for it is one coefficient of 64.
_MEANS = 3.0
_ROUNDING_OF_MEANS = 2.0
_ROUNDING_OF_COLOURS = 3.0
_ROUNDING_OF_SMALL_COLOURS = 4.0
_SLOPE_OF_COLOURS, _SLOPE_OF_SMALL_COLOURS = 0.25, 0.3


@dataclass(frozen=True, slots=True)
class Surplus:
    """What the image that goes shows beyond the one that stays; all in multiples of what may be noise.

    Attributes:
        place: the worst place: four neighbouring blocks of 8×8 pixels, structure beyond the codec's noise.
        mean: the worst place: a block's mean brightness.
        common: what 99 in 100 blocks do not exceed, as `place`.
        common_mean: the same, as `mean`.
        everywhere: the median of all blocks. About 1 where there is nothing but the codec's noise.
        calm: the median of the calmer blocks, where noise of an exposure shows best.
        exact: the median distance from what the codec would have written exactly: near 0 for an image that
            was encoded once, from these very pixels; infinite where its encoder is not known.
        colour: the worst place: a block's mean hue.
        small_colour: the same for blocks half as wide, the fourth worst.
        tint: the median difference of hue over the image, grey levels.
        tone: change of the mean level, grey levels.
        gain: growth of contrast, 1 for none.
        moved: pixels by which a corner moved.
        sharpness: how much steeper its slopes are than those expected; 1 for the same.
        sharpened: of an enlargement, how much steeper its slopes became beyond its enlarging; 1 for others.
        quantiser_left: of a JPEG whose other image is larger, the share of its quantiser's noise that is left
            in that one: see `origin.quantiser_left`. None for others.
    """

    place: float = 0.0
    mean: float = 0.0
    common: float = 0.0
    common_mean: float = 0.0
    everywhere: float = 0.0
    calm: float = 0.0
    exact: float = np.inf
    colour: float = 0.0
    small_colour: float = 0.0
    tint: float = 0.0
    tone: float = 0.0
    gain: float = 1.0
    moved: float = 0.0
    sharpness: float = 1.0
    sharpened: float = 1.0
    quantiser_left: float | None = None


def measure_surplus(gone: Colours, kept: Colours, coding: Coding, *, warped_already: bool = False) -> Surplus:
    """Measure what `gone` shows and `kept` does not; both show the same frame, at any sizes.

    Args:
        gone: `uint8 [height, width, 3]` of the image that goes.
        kept: the same of the one that stays.
        coding: how `gone` was encoded.
        warped_already: whether `kept` was drawn into the frame of `gone`.
    """
    grey_gone, grey_kept = (
        np.asarray(cv2.cvtColor(side, cv2.COLOR_RGB2GRAY), np.uint8) for side in (gone, kept)
    )
    expectation = expect(grey_gone, grey_kept, softened=warped_already)
    blocks = _compare_light(grey_gone, expectation, coding)
    colour = _compare_colour(gone, kept, expectation, coding)
    slope = _SLOPE_AS_IS if expectation.mixture is None else _SLOPE_RESIZED
    allowed = blocks.noise_near + _ROUNDING + slope * blocks.slope
    excess = blocks.left / allowed
    at_large = blocks.noise + _ROUNDING_AT_LARGE
    calm = blocks.slope <= np.quantile(blocks.slope, 0.4)
    # A small block's mean feels an edge more: its share of the block is larger.
    slope_of_means = slope / 2 if blocks.side == _BLOCK else 3 * slope / 2
    means = np.abs(blocks.mean) / (
        _MEANS * blocks.noise_of_means + _ROUNDING_OF_MEANS + slope_of_means * blocks.slope
    )
    return Surplus(
        place=float(np.sqrt(np.maximum(0, cv2.blur(excess * excess, (2, 2)))).max()),
        mean=float(means.max()),
        common=float(np.quantile(excess, 0.99)),
        common_mean=float(np.quantile(means, 0.99)),
        everywhere=float(np.median(blocks.left / (at_large + slope * blocks.slope))),
        calm=float(np.median(blocks.left[calm]) / (np.median(blocks.noise[calm]) + _ROUNDING_AT_LARGE)),
        exact=_distance_from_codec(blocks, coding),
        colour=colour.worst,
        small_colour=colour.small,
        tint=colour.tint,
        tone=expectation.tone_change(),
        gain=expectation.gain,
        moved=expectation.moved,
        sharpness=_root_mean_square(blocks.slope_gone) / max(0.1, _root_mean_square(blocks.slope)),
        sharpened=_sharpened(expectation),
        quantiser_left=_quantiser_left(expectation, coding),
    )


def _sharpened(expectation: Expectation) -> float:
    width, height = expectation.size
    if expectation.mixture is None or expectation.kept.size * LARGER > width * height:
        return 1.0
    mixed, plain = (float(np.mean(_steepness(_sample(one)))) for one in (expectation, expectation.unmixed()))
    return float(np.sqrt(mixed / max(plain, 0.01)))


def _quantiser_left(expectation: Expectation, coding: Coding) -> float | None:
    width, height = expectation.size
    if coding.luma is None or expectation.kept.size <= LARGER * width * height:
        return None
    return quantiser_left(expectation, coding.luma)


class _Blocks(NamedTuple):
    """Of each block, `float32 [rows, columns]`, in grey levels; root mean squares but for `mean`.

    `side` is the length of a block in pixels.
    """

    side: int
    left: Floats32
    mean: Floats32
    noise: Floats32
    noise_near: Floats32
    noise_of_means: Floats32
    from_codec: Floats32
    slope: Floats32
    slope_gone: Floats32


def _compare_light(gone: Grey, expectation: Expectation, coding: Coding) -> _Blocks:
    width, height = expectation.size
    block = _BLOCK if min(width, height) >= _SMALL else 4 if min(width, height) >= 8 else 1
    codec = CodecNoise(coding, lambda pixels: _sample(expectation, pixels), width * height)
    some = _sample(expectation) if codec.is_slow and width * height > _SAMPLED else None
    used = codec if some is None else codec.stand_in(some)
    found = zip(*_strips_of(gone, expectation, used, block), strict=True)
    left, mean, noise, noise_mean, from_codec, slope, slope_gone = (
        np.sqrt(joined) if place not in {1, 3} else joined
        for place, joined in enumerate(np.concatenate(parts) for parts in found)
    )
    if some is not None:
        noise, noise_mean = _grown(noise, noise_mean, some, (used, codec), block)
    return _Blocks(
        block,
        left,
        mean,
        noise,
        np.asarray(cv2.dilate(noise, np.ones((3, 3), np.uint8)), np.float32),
        np.sqrt(np.asarray(cv2.blur(noise_mean * noise_mean, (5, 5)), np.float32)),
        from_codec,
        slope,
        slope_gone,
    )


def _strips_of(
    gone: Grey, expectation: Expectation, codec: CodecNoise, block: int
) -> Iterator[tuple[Floats32, ...]]:
    """Encode a band at a time, and compare it in strips so low that they stay in the processor's cache."""
    width, height = expectation.size
    rows = max(_GRID, _BAND // width // _GRID * _GRID)
    low = max(_GRID, _STRIP // width // _GRID * _GRID)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        expected = expectation.rows(top, bottom)
        whole = whole_levels(expected)
        coded = codec.coded(whole) if bottom - top >= block else whole
        steep, steep_gone = (_Slopes(side, block) for side in (whole, gone[top:bottom]))
        for first in range(0, bottom - top, low):
            last = min(bottom - top, first + low)
            if last - first < block:
                break
            strip = slice(first, last)
            yield (
                *_compare_strip(
                    gone[top:bottom][strip], expected[strip], None if coded is None else coded[strip], block
                ),
                steep.of(first, last),
                steep_gone.of(first, last),
            )


def _compare_strip(
    gone: Grey, expected: Grey | Floats32, coded: Grey | None, block: int
) -> tuple[Floats32, ...]:
    """Return the first five measures of `_Blocks`, squares where it has roots.

    `coded` is what the codec makes of what is expected; None if it keeps every pixel.
    """

    def apart(one: Grey | Floats32, other: Grey | Floats32) -> tuple[Floats32, Floats32]:
        difference = np.asarray(cv2.subtract(one, other, dtype=cv2.CV_32F), np.float32)
        squared = np.asarray(cv2.multiply(difference, difference), np.float32)
        return _averaged(squared, block), _averaged(difference, block)

    left, mean = apart(gone, expected)
    if coded is None:
        nothing = np.zeros_like(left)
        return left, mean, nothing, nothing, left
    noise, noise_mean = apart(coded, expected)
    from_codec, _ = apart(gone, coded)
    return left, mean, noise, noise_mean, from_codec


class _Slopes:
    """The squared slopes of an image, averaged over blocks."""

    def __init__(self, levels: Grey, block: int) -> None:
        """Take `uint8 [height, width]`."""
        self._levels, self._block = levels, block

    def of(self, first: int, last: int) -> Floats32:
        """Return them of the rows from `first` to `last`; a row beyond each end takes part."""
        above = max(0, first - 1)
        some = self._levels[above : last + 1]
        inner = slice(first - above, last - above)
        squares = (
            cv2.multiply(slope, slope, scale=1 / 64, dtype=cv2.CV_32F)
            for slope in (cv2.Sobel(some, cv2.CV_16S, 1, 0)[inner], cv2.Sobel(some, cv2.CV_16S, 0, 1)[inner])
        )
        across, down = (_averaged(np.asarray(one, np.float32), self._block) for one in squares)
        return across + down


def _sample(expectation: Expectation, pixels: int = _SAMPLED) -> Grey:
    """Draw strips of rows spread over the whole image: what is at its top may be sky."""
    width, height = expectation.size
    strips = max(1, min(height // _GRID, pixels // (width * _GRID)))
    tops = np.linspace(0, max(0, height - _GRID), strips).astype(int) // _GRID * _GRID
    parts = [expectation.whole_levels(top, min(height, top + _GRID)) for top in tops.tolist()]
    return np.concatenate(parts)


def _grown(
    noise: Floats32, noise_mean: Floats32, some: Grey, codecs: tuple[CodecNoise, CodecNoise], block: int
) -> tuple[Floats32, Floats32]:
    """Bring the noise of one codec to that of another, as both were seen to do on a part of the image.

    Args:
        noise: of the first, a block each.
        noise_mean: the means of its blocks.
        some: the part, `uint8 [height, width]`.
        codecs: the first, the second.
        block: pixels of a block's side.
    """
    measured = [
        (_averaged(squared, block).ravel(), _averaged(added, block))
        for added in (codec.of(some) for codec in codecs)
        for squared in (added * added,)
    ]
    (quick, quick_means), (real, real_means) = measured
    ranks = np.array_split(np.argsort(quick, kind="stable"), _RANKS)
    steps = np.array([quick[rank].mean() for rank in ranks]) + 1e-3
    growth = np.sqrt(np.array([real[rank].mean() for rank in ranks]) / steps)
    of_means = _root_mean_square(real_means) / max(1e-3, _root_mean_square(quick_means))
    grown = noise * np.interp(noise, np.sqrt(steps), growth)
    return grown.astype(np.float32), (noise_mean * of_means).astype(np.float32)


def _distance_from_codec(blocks: _Blocks, coding: Coding) -> float:
    """Return how far the blocks with something to see are from what the codec would have written exactly."""
    if not coding.lossless and coding.luma is None:
        return np.inf  # nobody knows how it was encoded
    seen = blocks.slope >= np.median(blocks.slope)
    return float(np.median(blocks.from_codec[seen] / (blocks.noise[seen] + _ROUNDING_AT_LARGE)))


def _steepness(levels: Grey | Floats32) -> Floats32:
    """Return the squared slope at each pixel, of `[height, width]` or `[height, width, n]`."""
    across = cv2.Sobel(levels, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(levels, cv2.CV_32F, 0, 1, scale=0.125)
    return np.asarray(across * across + down * down, np.float32)


class _ColourDifference(NamedTuple):
    worst: float
    small: float
    tint: float


def _compare_colour(
    gone: Colours, kept: Colours, expectation: Expectation, coding: Coding
) -> _ColourDifference:
    """Compare hues at half size, which is where most codecs keep them."""
    size = (max(1, gone.shape[1] // 2), max(1, gone.shape[0] // 2))
    hues = [_moved(hue, gone.shape, expectation.shift) for hue in _hues(kept, size)]
    block = 8 if min(size) >= _SMALL // 2 else 4
    block = min(block, *size)
    half_block = max(1, block // 2)
    small: list[Floats32] = []
    worst = 0.0
    tint = 0.0
    for hue, other in zip(_hues(gone, size), hues, strict=True):
        apart, steep = _compare_hue(hue, other, half_block)
        tint = max(tint, float(np.abs(np.median(apart))))
        allowed = (
            _ROUNDING_OF_SMALL_COLOURS + coding.chroma_step / 6 + _SLOPE_OF_SMALL_COLOURS * np.sqrt(steep)
        )
        small.append((np.abs(apart) / allowed).astype(np.float32))
        apart, steep = (_averaged(one, block // half_block) for one in (apart, steep))
        allowed = _ROUNDING_OF_COLOURS + coding.chroma_step / 8 + _SLOPE_OF_COLOURS * np.sqrt(steep)
        worst = max(worst, float((np.abs(apart) / allowed).max()))
    either = np.maximum(*small).ravel()
    fourth = min(4, len(either))
    return _ColourDifference(worst, float(np.partition(either, -fourth)[-fourth]), tint)


def _compare_hue(hue: Grey, other: Grey, block: int) -> tuple[Floats32, Floats32]:
    """Return, of each block, the mean difference and the squared slope of the other."""
    height, width = hue.shape
    low = max(_GRID, _STRIP // width // _GRID * _GRID)
    steep = _Slopes(other, block)
    found = []
    for first in range(0, height - block + 1, low):
        last = min(height, first + low)
        if last - first >= block:
            apart = cv2.subtract(hue[first:last], other[first:last], dtype=cv2.CV_32F)
            found.append((_averaged(np.asarray(apart, np.float32), block), steep.of(first, last)))
    return np.concatenate([apart for apart, _ in found]), np.concatenate([slope for _, slope in found])


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


def _averaged(values: Floats32, block: int) -> Floats32:
    """Average `[height, width]` or `[height, width, n]` over square blocks; a remainder is dropped."""
    rows, columns = values.shape[0] // block, values.shape[1] // block
    whole = values[: rows * block, : columns * block]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _root_mean_square(values: Floats32) -> float:
    return float(np.sqrt(np.mean(values * values)))
