"""The geometric stage: is one picture, or a part of it, a copy of the other or of a part of it?

Alignments are proposed in three ways, cheapest first: the whole of one picture laid on the whole of the
other in the eight turns and mirrors (which needs no corners, so blurred and heavily compressed copies have
it too), and ORB keypoints, upright and mirrored. The pixels decide, never the number of inliers: two
screenshots of one application have more inliers than a photograph and its crop.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.index.descriptors import two_nearest
from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.agreement import (
    HOPELESS,
    NONE,
    Agreement,
    align,
    measure_agreement,
    measure_softened,
    refine,
)
from neardup_cli.matching.features import KeypointSet, LocalFeatures
from neardup_cli.matching.shades import SMALL
from neardup_cli.matching.tiny import are_alike_when_tiny
from neardup_cli.records.matches import Alignment

ALGORITHM_VERSION = 10
"""Raised whenever an alignment, or the kind that goes with it, may change; stored ones of other versions are
not believed."""

type Transform = tuple[tuple[float, float, float], tuple[float, float, float]]

# Lowe 2004, section 7.1. Of 420 hard alignments 0.8 finds 406 and 0.85, with more matches by chance, 402.
_RATIO = 0.8
# Bits of 256; two unrelated descriptors differ by 128 on average.
_FARTHEST = 80
# From here on a transform is not refined, which costs 4 ms: shared chrome has the most inliers of all.
_SURE_INLIERS = 40
# Of few inliers, what agrees less is laid off by pixels: a pasted image then has no edges where it should.
_WELL_LAID = 0.75
_RANSAC_PIXELS = 4.0
_RANSAC_ROUNDS = 1000
# Of 927 true alignments by keypoints none had fewer than 7; matches by chance reach 4 or 5.
_FEWEST_INLIERS = 6
# A copy that is 8 times smaller than its original in a picture of 416 pixels has 52: too few to compare.
_LARGEST_SCALE = 8.0
# A ratio of the sides that was changed twofold, and what rounding adds to it. It decided nothing wrong: among
# 52,290 hard negatives and 3,381 pairs of unrelated copies no false match is let in, at 2.4 neither.
_LARGEST_STRETCH = 2.1
_LEAST_THUMBNAIL_CORRELATION = 0.5
# At the same sharpness nothing disagrees: of 48 photographs blurred by 1/60 and 1/30 of their height all have
# an agreement of 0.96 or more and a tone of 0.99; of 3,000 pairs of others one has 0.69, the rest less.
_SOFT_CORRELATION = 0.75
_SURE_CORRELATION = 0.85
_SOFT_AGREEMENT, _SOFT_AGREEMENT_ALONE = 0.6, 0.85
_SOFT_TONE = 0.985
# Skies, walls, gradients and pictures of a few pixels: with so little detail, every pixel has to be the same.
_FEWEST_BLOCKS = 24
_GRADIENT_SIDE = 48
_LARGEST_DIFFERENCE, _LARGEST_MEAN_DIFFERENCE = 16.0, 3.0
_LEAST_GRADIENT = 3.0
# Of 40 photographs at a quarter of 32 to 96 pixels, saved as JPEG, 97 in a hundred have more; of their 2,000
# pairs of strangers one has 0.93, the rest less. What is drawn is decided by the second look.
_LEAST_THUMBNAIL = 0.94
_FEWEST_OF_THUMBNAIL = 8
_ALL = Agreement(share=1.0, tone=1.0, spread=1.0, core=1.0, content_a=1.0, content_b=1.0)
# Nearly all detail of both is found: an object on plain ground has it in one place.
_ALL_CONTENT = 0.75


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """What a match must reach; see `Agreement` for the numbers.

    Attributes:
        agreement: share of the detailed blocks of the overlap that agree.
        rich_agreement: the same where at least half of either picture's detail is found in the other one.
        page_agreement: the same where both pictures are pages of one layout: they differ only in what is
            filled in.
        content: share of either picture's detail that is found in the other one.
        tone: correlation of the brightness of agreeing blocks.
        spread: extent of the agreeing blocks, so that they are not one strip.
        core: the share again, in the middle of the overlap, so that they are not one frame.
        blocks: agreeing blocks, so that there is something to go by.
    """

    agreement: float
    rich_agreement: float
    page_agreement: float
    content: float
    tone: float = 0.9
    spread: float = 0.35
    core: float = 0.3
    blocks: int = 8


# With these 98.7 % of the pairs (original, copy) of the tuning photographs match, and no hard negative.
NORMAL = VerifySettings(agreement=0.55, rich_agreement=0.47, page_agreement=0.88, content=0.2)

TOO_LITTLE, DISAGREE = "too little detail agrees", "the pixels disagree"
_RICH_CONTENT = 0.5
# What is written over a picture hides a part of it; two forms lack what is filled in on either side.
_PAGE_CONTENT = 0.8
# Forms are filled in all over: in the middle 0.71 of their blocks agree at most. Captions lie at the edges.
_PAGE_CORE = 0.8
# Paper from which a pair counts as two pages, and the part of both pictures that has to lie on the other one.
_PAGE_BLANK = 0.2
_PAGE_COVERAGE = 0.7


@dataclass(frozen=True, eq=False, slots=True)
class _Hypothesis:
    """One way to lay a on b."""

    transform: Affine
    inliers: int = 0
    correlation: float = 0.0
    """Of the thumbnails, where whole frames are laid on each other."""


def verify_pair(a: LocalFeatures, b: LocalFeatures, settings: VerifySettings = NORMAL) -> Alignment:
    """Decide whether two pictures are copies; the first alignment that convinces ends the search.

    Returns:
        That alignment, or the one that came nearest.
    """
    best = Alignment(matched=False, reason="no alignment fits")
    for hypothesis in _hypotheses(a, b):
        alignment = _judge(a, b, hypothesis, settings)
        if alignment.matched:
            return alignment
        best = max(best, alignment, key=_weight)
    return best


def _weight(alignment: Alignment) -> float:
    """Rank refused alignments: a handful of blocks that agree say less than many that mostly do."""
    return alignment.agreement * min(1.0, alignment.blocks / _FEWEST_BLOCKS)


def _judge(
    a: LocalFeatures, b: LocalFeatures, hypothesis: _Hypothesis, settings: VerifySettings
) -> Alignment:
    transform = hypothesis.transform
    found = measure_agreement(a, b, transform)
    if hypothesis.correlation > 0 and _are_one_thumbnail(a, b, transform):
        return _alignment(a, b, hypothesis, transform, replace(_ALL, blocks=found.blocks), soft=True)
    refusal = _refusal(a, b, transform, found, settings)
    few_inliers = 0 < hypothesis.inliers < _SURE_INLIERS
    if few_inliers and HOPELESS < found.share < _WELL_LAID:
        refined = refine(a, b, transform)
        better = measure_agreement(a, b, refined) if _plausible(refined) else NONE
        if better.share > found.share:
            transform, found = refined, better
            refusal = _refusal(a, b, transform, found, settings)
    soft = gradient = False
    if refusal is not None and hypothesis.correlation >= _SOFT_CORRELATION:
        softened = measure_softened(a, b, transform)
        if _convinces_softened(softened, hypothesis.correlation, settings):
            found, refusal, soft = softened, None, True
        elif found.blocks < _FEWEST_BLOCKS and _are_one_gradient(a, b, transform):
            refusal, gradient = None, True
    return _alignment(a, b, hypothesis, transform, found, refusal, soft=soft, gradient=gradient)


def _alignment(
    a: LocalFeatures,
    b: LocalFeatures,
    hypothesis: _Hypothesis,
    transform: Affine,
    found: Agreement,
    refusal: str | None = None,
    *,
    soft: bool = False,
    gradient: bool = False,
) -> Alignment:
    coverage_a, coverage_b = affine.coverage(a.size, b.size, transform)
    return Alignment(
        matched=refusal is None,
        reason=refusal or "the pixels agree",
        inliers=hypothesis.inliers,
        transform=as_tuples(transform),
        mirrored=affine.determinant(transform) < 0,
        agreement=found.share,
        content_a=found.content_a,
        content_b=found.content_b,
        coverage_a=coverage_a,
        coverage_b=coverage_b,
        tone=found.tone,
        spread=found.spread,
        core=found.core,
        blank=found.blank,
        blocks=found.blocks,
        soft=soft,
        gradient=gradient,
    )


def _refusal(
    a: LocalFeatures, b: LocalFeatures, transform: Affine, found: Agreement, settings: VerifySettings
) -> str | None:
    """Say why an alignment does not convince; None if it does."""
    rich = found.content >= _RICH_CONTENT
    partial = found.content < _PAGE_CONTENT and found.core < _PAGE_CORE
    page = (
        partial
        and found.blank > _PAGE_BLANK
        and min(affine.coverage(a.size, b.size, transform)) > _PAGE_COVERAGE
    )
    conditions = (
        (found.share * found.blocks >= settings.blocks, TOO_LITTLE),
        (found.share >= (settings.rich_agreement if rich else settings.agreement), DISAGREE),
        (found.content >= settings.content, "only a small part is shared"),
        (found.tone >= settings.tone, "only the pattern agrees"),
        (found.spread >= settings.spread or _holds_all(found), "only a strip agrees"),
        (found.core >= settings.core, "only a frame agrees"),
        (not page or found.share >= settings.page_agreement, "the same page with other contents"),
    )
    return next((reason for met, reason in conditions if not met), None)


def _are_one_gradient(a: LocalFeatures, b: LocalFeatures, transform: Affine) -> bool:
    """Return True if two images without detail have the same tones everywhere, drawn small."""
    pair = align(a.grey, b.grey, transform)
    if pair is None:
        return False
    size = (_GRADIENT_SIDE, _GRADIENT_SIDE)
    drawn = (cv2.resize(side, size, interpolation=cv2.INTER_AREA) for side in (pair.a, pair.b))
    x, y = (cv2.GaussianBlur(side.astype(np.float32), (0, 0), 1) for side in drawn)
    apart = np.abs(x - y)
    same = apart.mean() <= _LARGEST_MEAN_DIFFERENCE and apart.max() <= _LARGEST_DIFFERENCE
    return bool(same and min(x.std(), y.std()) >= _LEAST_GRADIENT)


def _are_one_thumbnail(a: LocalFeatures, b: LocalFeatures, transform: Affine) -> bool:
    """Return True if one of two images is a thumbnail that the other one becomes when it is made as small."""
    if a.own is None or b.own is None:
        return False
    smaller = min(a.own, b.own, key=max)
    if max(smaller) >= SMALL or min(smaller) < _FEWEST_OF_THUMBNAIL:
        return False
    return are_alike_when_tiny((a.grey, a.own), (b.grey, b.own), transform, _LEAST_THUMBNAIL)


def _holds_all(found: Agreement) -> bool:
    return min(found.content_a, found.content_b) >= _ALL_CONTENT


def _convinces_softened(found: Agreement, correlation: float, settings: VerifySettings) -> bool:
    least = _SOFT_AGREEMENT if correlation >= _SURE_CORRELATION else _SOFT_AGREEMENT_ALONE
    return (
        found.share >= least
        and found.tone >= _SOFT_TONE
        and found.blocks >= settings.blocks
        and found.spread >= settings.spread
    )


def _hypotheses(a: LocalFeatures, b: LocalFeatures) -> Iterator[_Hypothesis]:
    """Propose alignments, cheapest first; later ones are computed only when they are asked for."""
    frame = _frame_hypothesis(a, b)
    if frame is not None:
        yield frame
    upright = _keypoint_hypothesis(a.keypoints, b.keypoints)
    if upright is not None:
        yield upright
    mirrored = _keypoint_hypothesis(a.keypoints, b.mirrored_keypoints)
    if mirrored is not None:
        flip = affine.mirror(b.size[0])
        yield _Hypothesis(affine.compose(flip, mirrored.transform), mirrored.inliers)


def _frame_hypothesis(a: LocalFeatures, b: LocalFeatures) -> _Hypothesis | None:
    """Lay the whole of a on the whole of b, in the one of eight ways in which their thumbnails agree best."""
    correlations = a.turned_thumbnails @ b.thumbnail.ravel()
    best = int(correlations.argmax())
    if correlations[best] <= _LEAST_THUMBNAIL_CORRELATION:
        return None
    transform = affine.whole_frame(a.size, b.size, best % 4, mirrored=best >= 4)
    if not _plausible(transform):
        return None
    return _Hypothesis(transform, correlation=float(correlations[best]))


def _keypoint_hypothesis(a: KeypointSet, b: KeypointSet) -> _Hypothesis | None:
    """Fit an affine map to the matching keypoints (RANSAC: Fischler, Bolles 1981)."""
    places_a, places_b = match_keypoints(a, b)
    if len(places_a) < _FEWEST_INLIERS:
        return None
    transform, fits = cv2.estimateAffine2D(
        a.points[places_a],
        b.points[places_b],
        ransacReprojThreshold=_RANSAC_PIXELS,
        maxIters=_RANSAC_ROUNDS,
        confidence=0.99,
    )
    inliers = int(np.count_nonzero(fits))
    if transform is None or inliers < _FEWEST_INLIERS:
        return None
    found = np.asarray(transform, dtype=np.float64)
    return _Hypothesis(found, inliers) if _plausible(found) else None


def match_keypoints(a: KeypointSet, b: KeypointSet) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair keypoints whose nearest descriptor is much nearer than the second nearest (Lowe's ratio test).

    Returns:
        Indexes into a and into b, of equal length.
    """
    if len(a) == 0 or len(b) < 2:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    rows, distances = two_nearest(a.descriptors, b.descriptors)
    first, second = distances.T
    passed = np.flatnonzero((first < _RATIO * second) & (first <= _FARTHEST))
    return passed, rows[passed, 0]


def _plausible(transform: Affine) -> bool:
    return affine.is_plausible(transform, _LARGEST_SCALE, _LARGEST_STRETCH)


def as_tuples(transform: Affine) -> Transform:
    """Give a transform as alignments carry it."""
    (a, b, x), (c, d, y) = transform.tolist()
    return (a, b, x), (c, d, y)
