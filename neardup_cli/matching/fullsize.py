"""What an image shows that another one of the same frame does not: at full size, in the worst small place.

One image is expected from the other (`expectation`), and what its codec adds is measured by letting the codec
add it (`codec_noise`). Whatever it shows beyond that, it alone has: a word, a digit, a face, the noise of
another exposure, detail that the other lost. All is directed: from the image that goes to the one that stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from neardup_cli.matching.codec_noise import Coding
from neardup_cli.matching.earlier import noise_of_messenger
from neardup_cli.matching.expectation import Expectation, expect
from neardup_cli.matching.hues import Colours, compare_hues
from neardup_cli.matching.light import BLOCK, Blocks, compare_light, root_mean_square, sample_of
from neardup_cli.matching.origin import quantiser_left
from neardup_cli.matching.strips import Slopes

LARGER = 1.2
"""Times the pixels from which one of two images is called larger."""

# Errors of rounding, of a resizing kernel that is none of ours, and of an edge a tenth of a pixel off.
_ROUNDING = 1.0
_ROUNDING_AT_LARGE = 0.5
_SLOPE_AS_IS = 0.03
_SLOPE_RESIZED = 0.10
# Of a block's mean the codec's error is small, for it is one coefficient of 64.
_MEANS = 3.0
_ROUNDING_OF_MEANS = 2.0


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
        resized: whether both have other sizes: resizing may shift by half a pixel, saving again does not.
        sharpness: how much steeper its slopes are than those expected; 1 for the same.
        softness: of a JPEG as large as the other image, how steep its slopes are beside those that its
            encoder makes of that one: less than 1 if it was softened, or the other has noise of its own.
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
    resized: bool = False
    sharpness: float = 1.0
    softness: float = 1.0
    sharpened: float = 1.0
    quantiser_left: float | None = None


def measure_surplus(gone: Colours, kept: Colours, coding: Coding, *, sent_on: bool = False) -> Surplus:
    """Measure what `gone` shows and `kept` does not; both show the same frame, at any sizes.

    Args:
        gone: `uint8 [height, width, 3]` of the image that goes.
        kept: the same of the one that stays.
        coding: how `gone` was encoded.
        sent_on: whether to allow for what messengers added to its light, that had it larger (`earlier.py`).
    """
    grey_gone, grey_kept = (
        np.asarray(cv2.cvtColor(side, cv2.COLOR_RGB2GRAY), np.uint8) for side in (gone, kept)
    )
    expectation = expect(grey_gone, grey_kept)
    earlier = noise_of_messenger(grey_kept, expectation.size) if sent_on else None
    blocks = compare_light(grey_gone, expectation, coding, earlier)
    colour = compare_hues(gone, kept, expectation.shift, coding)
    slope = _SLOPE_AS_IS if expectation.mixture is None else _SLOPE_RESIZED
    allowed = blocks.noise_near + _ROUNDING + slope * blocks.slope
    excess = blocks.left / allowed
    at_large = blocks.noise + _ROUNDING_AT_LARGE
    calm = blocks.slope <= np.quantile(blocks.slope, 0.4)
    # A small block's mean feels an edge more: its share of the block is larger.
    slope_of_means = slope / 2 if blocks.side == BLOCK else 3 * slope / 2
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
        resized=expectation.kernel is not None,
        sharpness=root_mean_square(blocks.slope_gone) / max(0.1, root_mean_square(blocks.slope)),
        softness=_softness(blocks, expectation, coding),
        sharpened=_sharpened(expectation),
        quantiser_left=_quantiser_left(expectation, coding),
    )


def _softness(blocks: Blocks, expectation: Expectation, coding: Coding) -> float:
    if coding.luma is None or expectation.kernel is not None:
        return 1.0
    return root_mean_square(blocks.slope_gone) / max(0.1, root_mean_square(blocks.slope_coded))


def _sharpened(expectation: Expectation) -> float:
    width, height = expectation.size
    if expectation.mixture is None or expectation.kept.size * LARGER > width * height:
        return 1.0
    samples = (sample_of(one) for one in (expectation, expectation.unmixed()))
    mixed, plain = (float(np.mean(Slopes(some, 1).of(slice(0, len(some))))) for some in samples)
    return float(np.sqrt(mixed / max(plain, 0.01)))


def _quantiser_left(expectation: Expectation, coding: Coding) -> float | None:
    width, height = expectation.size
    if coding.luma is None or expectation.kept.size <= LARGER * width * height:
        return None
    return quantiser_left(expectation, coding.luma)


def _distance_from_codec(blocks: Blocks, coding: Coding) -> float:
    """Return how far the blocks with something to see are from what the codec would have written exactly."""
    if not coding.lossless and coding.luma is None:
        return np.inf  # nobody knows how it was encoded
    seen = blocks.slope >= np.median(blocks.slope)
    return float(np.median(blocks.from_codec[seen] / (blocks.noise[seen] + _ROUNDING_AT_LARGE)))
