"""Do two aligned pictures show the same thing? Block by block, where there is something to see."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.blocks import BLOCK, Floats, detail, deviation, split_blocks
from neardup_cli.matching.features import Grey, LocalFeatures
from neardup_cli.matching.sharpness import blur_between

WORK_SIDE = 208
"""Pixels of the overlap's longer side where pixels are compared: an error of 2 pixels at 416 is one here."""

# Blurs an error of alignment of half a pixel away, and the grain of JPEG with it.
_BLUR = 0.8
# A picture that is drawn at less than this is halved first, as often as it takes, which costs OpenCV next to
# nothing; averaging it to the very size costs a sixth of the whole comparison.
_HALVED = 0.7
# Grey levels of deviation: below, a block is left to rounding, noise and codecs.
_DETAILED = 2.5
_BLANK = 1.5
# Grey levels: paper is as bright in both; where transparency was laid over white and over black it is not.
_OTHER_GROUND = 100.0
# Correlation from which a block agrees: 4 % of the blocks of two unrelated textures of the same kind do.
_AGREES = 0.6
# Added to both variances, so that the correlation of two faint blocks is not the correlation of their noise.
_NOISE_VARIANCE = 1.0
# What is blurred by so many pixels still fills blocks; smaller than this there are too few of them.
_BLUR_DRAWN = 1.2
_SMALLEST_SIDE = 72
_SAMPLED_EVERY = 5
HOPELESS = 0.2
"""Share of agreeing blocks below which an alignment is wrong, and nothing more is measured."""

# Below these the numbers mean nothing: a handful of blocks, or of means that hardly differ.
_FEWEST_BLOCKS = 6
_FEWEST_IN_CORE = 3
_CORE_MARGIN = 0.2
_TONE_KEPT = 0.8
_UNIFORM_DEVIATION = 12**-0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two pictures agree under one transform.

    Attributes:
        blocks: detailed 8×8 blocks in the overlap, where the two can be compared.
        share: part of them that correlate, in [0, 1].
        tone: correlation of the brightness of the agreeing blocks, a fifth of outliers aside, in [-1, 1].
            Bricks laid on other bricks agree in their joints and not in this.
        spread: how wide the agreeing blocks lie over the overlap: 0 on one line, 1 all over it.
        core: the share within the middle of the overlap, 60 % of each side: two pictures in the same frame
            agree all around it and not in it. 0 where too little agrees there to tell.
        blank: part of the overlap that is flat and about as bright in both, as the paper of a page is.
        content_a: part of a's detailed blocks, over the whole picture, that lie on agreeing ones.
        content_b: the same for b.
    """

    blocks: int = 0
    share: float = 0.0
    tone: float = 0.0
    spread: float = 0.0
    core: float = 0.0
    blank: float = 0.0
    content_a: float = 0.0
    content_b: float = 0.0

    @property
    def content(self) -> float:
        """The larger of the two contents: of a crop, or of a pasted picture, all must be found again."""
        return max(self.content_a, self.content_b)


_IDENTITY = np.eye(2, 3)
_FLAT_DEVIATION = 0.5  # grey levels

NONE = Agreement()
"""Nothing to compare: no overlap, or nothing but flat areas in it."""


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """The overlap of two pictures, both warped into one frame.

    Attributes:
        a: `uint8 [height, width]`, both sides multiples of `BLOCK`.
        b: the same for b.
        a_to_frame: from a's pixels to the frame's.
        b_to_frame: from b's pixels to the frame's.
        size_a: of the whole of a, in its own pixels.
        size_b: of the whole of b, in its own pixels.
    """

    a: Grey
    b: Grey
    a_to_frame: Affine
    b_to_frame: Affine
    size_a: affine.Size
    size_b: affine.Size

    @cached_property
    def inside(self) -> Grey:
        """`uint8`, 255 where both pictures have pixels."""
        frame = _size(self.a)
        of_a, of_b = (
            cv2.warpAffine(np.full(size[::-1], 255, np.uint8), to_frame, frame, flags=cv2.INTER_NEAREST)
            for size, to_frame in ((self.size_a, self.a_to_frame), (self.size_b, self.b_to_frame))
        )
        return np.asarray(cv2.min(of_a, of_b), dtype=np.uint8)

    @cached_property
    def blocks_inside(self) -> NDArray[np.bool_]:
        """`[rows, columns]`: the blocks that lie within both pictures. They are convex: corners suffice."""
        on_a = _blocks_on(self.a_to_frame, self.size_a, _size(self.a))
        return on_a & _blocks_on(self.b_to_frame, self.size_b, _size(self.a))


def align(a: Grey, b: Grey, transform: Affine, side: int = WORK_SIDE) -> AlignedPair | None:
    """Warp the overlap of two pictures, grey or colour, into one frame of at most `side` pixels.

    None if there is hardly an overlap. The frame is that of the picture on which the other is drawn
    smaller, so that nothing is enlarged.
    """
    size_a, size_b = _size(a), _size(b)
    if affine.scale_of(transform) <= 1:
        frame_size, a_to_frame, b_to_frame = size_b, transform, np.eye(2, 3)
        other = affine.apply(a_to_frame, affine.corners(size_a))
    else:
        frame_size, a_to_frame, b_to_frame = size_a, np.eye(2, 3), affine.invert(transform)
        other = affine.apply(b_to_frame, affine.corners(size_b))
    low, high = np.maximum(other.min(axis=0), 0), np.minimum(other.max(axis=0), frame_size)
    extent = high - low
    if extent.min() < 2 * BLOCK:
        return None
    shrink = min(1.0, side / float(extent.max()))
    width, height = (int(length * shrink) // BLOCK * BLOCK for length in extent)
    if min(width, height) < 2 * BLOCK:
        return None
    crop = affine.compose(affine.scaling(shrink, shrink), np.array([[1, 0, -low[0]], [0, 1, -low[1]]]))
    a_to_frame, b_to_frame = affine.compose(crop, a_to_frame), affine.compose(crop, b_to_frame)
    warped = (warp(a, a_to_frame, (width, height)), warp(b, b_to_frame, (width, height)))
    return AlignedPair(*warped, a_to_frame, b_to_frame, size_a, size_b)


def correlation(a: Grey | Floats, b: Grey | Floats) -> float:
    """Return the correlation of two images, or of two sets of pixels, in [-1, 1]; 0 where one is flat."""
    if min(a.std(), b.std()) <= _FLAT_DEVIATION:
        return 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def warp(grey: Grey, transform: Affine, size: affine.Size) -> Grey:
    """Draw a picture through a transform; where it shrinks it is averaged first, against aliasing."""
    scale = affine.scale_of(transform)
    while scale < _HALVED:
        width, height = (max(1, length // 2) for length in _size(grey))
        # Of an odd side the last pixel is left out: halving exactly is what OpenCV does five times faster.
        grey = np.asarray(
            cv2.resize(grey[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
        )
        transform = affine.compose(transform, affine.scaling(2, 2))
        scale *= 2
    if np.array_equal(transform, _IDENTITY) and _holds(grey, size):
        return np.ascontiguousarray(grey[: size[1], : size[0]])  # the frame's own picture, mostly
    drawn = cv2.warpAffine(grey, transform, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, dtype=np.uint8)


def measure_agreement(
    a: LocalFeatures, b: LocalFeatures, transform: Affine, side: int = WORK_SIDE
) -> Agreement:
    """Compare two pictures under `transform` (a's pixels to b's), about half a millisecond."""
    pair = align(a.grey, b.grey, transform, side)
    return NONE if pair is None else _agreement_of(pair, a, b)


def measure_softened(a: LocalFeatures, b: LocalFeatures, transform: Affine) -> Agreement:
    """Compare two images of which one is much softer; NONE where they are equally sharp. About a millisecond.

    The sharper is blurred as far, and both are drawn so small that what is left of the texture fills blocks.
    """
    pair = align(a.grey, b.grey, transform)
    if pair is None:
        return NONE
    some = np.flatnonzero(pair.inside)[::_SAMPLED_EVERY]
    blur = blur_between(pair.a.astype(np.float32), pair.b.astype(np.float32), some)
    if blur == 0:
        return NONE
    side = round(min(WORK_SIDE, max(_SMALLEST_SIDE, WORK_SIDE * _BLUR_DRAWN / abs(blur))))
    drawn = align(a.grey, b.grey, transform, side)
    if drawn is None:
        return NONE
    sharper = drawn.a if blur > 0 else drawn.b
    softened = np.asarray(cv2.GaussianBlur(sharper, (0, 0), abs(blur) * side / WORK_SIDE), np.uint8)
    equal = replace(drawn, a=softened) if blur > 0 else replace(drawn, b=softened)
    return _agreement_of(equal, a, b)


def refine(a: LocalFeatures, b: LocalFeatures, transform: Affine) -> Affine:
    """Improve a transform by maximising the correlation of the pixels, or give it back where that fails.

    Few inliers in one corner leave an error of several pixels in the others. Evangelidis, Psarakis,
    "Parametric image alignment using enhanced correlation coefficient maximization", PAMI 2008; 3 to 5 ms.
    """
    pair = align(a.grey, b.grey, transform)
    if pair is None:
        return transform
    return by_correlation(pair, transform, rounds=8, precision=1e-3)


def by_correlation(pair: AlignedPair, transform: Affine, *, rounds: int, precision: float) -> Affine:
    """Improve the transform that two images were drawn by, or give it back where that fails."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, rounds, precision)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(pair.a, pair.b, start, cv2.MOTION_AFFINE, criteria, pair.inside, 5)
    except cv2.error:  # it raises where it does not converge, and on flat images
        return transform
    within_frame = np.asarray(found, dtype=np.float64)
    return affine.compose(affine.invert(pair.b_to_frame), affine.compose(within_frame, pair.a_to_frame))


def _blocks_on(to_frame: Affine, size: affine.Size, frame: affine.Size) -> NDArray[np.bool_]:
    """Whether all corners of the frame's blocks lie on a picture of `size` that is drawn by `to_frame`."""
    x, y = (np.add.outer(np.arange(0, side, BLOCK), (0, BLOCK - 1)).ravel() for side in frame)
    rows, columns = frame[1] // BLOCK, frame[0] // BLOCK
    on = np.ones((len(y), len(x)), dtype=bool)
    for (along_x, along_y, offset), side in zip(affine.invert(to_frame).tolist(), size, strict=True):
        place = along_x * x + (along_y * y + offset)[:, None]
        on &= (place >= -0.5) & (place < side - 0.5)
    return np.asarray(on.reshape(rows, 2, columns, 2).all(axis=(1, 3)))


def _size(pixels: NDArray[np.uint8]) -> affine.Size:
    return pixels.shape[1], pixels.shape[0]


def _holds(pixels: NDArray[np.uint8], size: affine.Size) -> bool:
    width, height = _size(pixels)
    return width >= size[0] and height >= size[1]


def _agreement_of(pair: AlignedPair, a: LocalFeatures, b: LocalFeatures) -> Agreement:
    blocks_a = split_blocks(cv2.GaussianBlur(pair.a, (0, 0), _BLUR))
    blocks_b = split_blocks(cv2.GaussianBlur(pair.b, (0, 0), _BLUR))
    inside = pair.blocks_inside
    detail_a, detail_b = detail(blocks_a), detail(blocks_b)
    deviation_a, deviation_b = deviation(detail_a), deviation(detail_b)
    comparable = inside & (np.maximum(deviation_a, deviation_b) > _DETAILED)
    count = int(comparable.sum())
    if count < _FEWEST_BLOCKS:
        return NONE
    noisy = np.sqrt((deviation_a**2 + _NOISE_VARIANCE) * (deviation_b**2 + _NOISE_VARIANCE))
    agreeing = comparable & (np.mean(detail_a * detail_b, axis=-1) > _AGREES * noisy)
    share = float(agreeing.sum() / count)
    if share < HOPELESS:
        return Agreement(blocks=count, share=share)
    blank = _is_flat(blocks_a) & _is_flat(blocks_b) & inside
    blank &= np.abs(blocks_a.mean(axis=-1) - blocks_b.mean(axis=-1)) < _OTHER_GROUND
    return Agreement(
        blocks=count,
        share=share,
        tone=_tone(blocks_a[agreeing].mean(axis=-1), blocks_b[agreeing].mean(axis=-1)),
        spread=_spread(agreeing),
        core=_core(comparable, agreeing),
        blank=float(blank.sum() / inside.sum()),
        content_a=_share_found(a.content, pair.a_to_frame, agreeing),
        content_b=_share_found(b.content, pair.b_to_frame, agreeing),
    )


def _is_flat(blocks: Floats) -> NDArray[np.bool_]:
    means = blocks.mean(axis=-1)
    squares = np.einsum("ijk,ijk->ij", blocks, blocks) / blocks.shape[-1]
    return np.asarray(squares - means * means < _BLANK**2)


def _tone(means_a: Floats, means_b: Floats) -> float:
    """Correlate the means of blocks, without the fifth that lie farthest from the line that fits them."""
    if len(means_a) < _FEWEST_BLOCKS or means_a.std() < 1 or means_b.std() < 1:
        return 0.0
    a, b = means_a - means_a.mean(), means_b - means_b.mean()
    error = np.abs(b - float(a @ b) / float(a @ a) * a)
    kept = error <= np.quantile(error, _TONE_KEPT)
    if means_a[kept].std() < 1e-3 or means_b[kept].std() < 1e-3:
        return 0.0
    return float(np.corrcoef(means_a[kept], means_b[kept])[0, 1])


def _spread(agreeing: NDArray[np.bool_]) -> float:
    """Measure how the places of the agreeing blocks deviate, along the axis where they do so less."""
    rows, columns = np.nonzero(agreeing)
    if len(rows) < _FEWEST_BLOCKS:
        return 0.0
    height, width = agreeing.shape
    return float(min(1.0, min(rows.std() / height, columns.std() / width) / _UNIFORM_DEVIATION))


def _core(comparable: NDArray[np.bool_], agreeing: NDArray[np.bool_]) -> float:
    """Give the share of the comparable blocks that agree in the middle of the overlap."""
    margin_y, margin_x = (round(side * _CORE_MARGIN) for side in comparable.shape)
    middle = slice(margin_y, -margin_y or None), slice(margin_x, -margin_x or None)
    agree = int(agreeing[middle].sum())
    return agree / int(comparable[middle].sum()) if agree >= _FEWEST_IN_CORE else 0.0


def _share_found(centres: NDArray[np.float64], to_frame: Affine, agreeing: NDArray[np.bool_]) -> float:
    """Give the share of a picture's detailed blocks whose centres lie on agreeing blocks of the frame."""
    if len(centres) == 0:
        return 0.0
    columns, rows = np.floor((affine.apply(to_frame, centres) + 0.5) / BLOCK).astype(int).T
    height, width = agreeing.shape
    within = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    return float(agreeing[rows[within], columns[within]].sum() / len(centres))
