"""How good an answer is: pure functions of arrays, so that they can be worked out by hand.

All of them take predictions, pairs of a query and a reference with a score, as parallel arrays:

    scores: (n,) floats, higher is surer
    true: (n,) whether the pair is a copy
    positives: how many true pairs there are, found or not: what recall is measured against

Predictions with equal scores stand or fall together: their order would be chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class Curve(NamedTuple):
    """Precision and recall of what scores at least as high as each threshold.

    Attributes:
        thresholds: (m,) the distinct scores, descending.
        precision, recall: (m,) in [0, 1].
    """

    thresholds: Floats
    precision: Floats
    recall: Floats


class Quality(NamedTuple):
    """Of a set of answers, with the counts that it comes from.

    Attributes:
        found: true pairs answered.
        wrong: false pairs answered.
        missed: true pairs not answered.
    """

    found: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of the answers that are true; 1 where there is no answer, for none is wrong."""
        answers = self.found + self.wrong
        return self.found / answers if answers else 1.0

    @property
    def recall(self) -> float:
        """The share of the true pairs that were answered; 1 where there was nothing to find."""
        positives = self.found + self.missed
        return self.found / positives if positives else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def quality(true: Flags, positives: int) -> Quality:
    """Return the quality of a set of answers."""
    found = int(np.count_nonzero(true))
    return Quality(found, len(true) - found, positives - found)


def curve(scores: Floats, true: Flags, positives: int) -> Curve:
    """Return precision and recall at every threshold that makes a difference."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(true[order])
    # The last prediction of each run of equal scores.
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True)) if len(ranked) else np.empty(0, np.intp)
    found = hits[ends].astype(np.float64)
    recall = found / positives if positives else np.ones(len(ends))
    return Curve(ranked[ends], found / (ends + 1), recall)


def micro_average_precision(scores: Floats, true: Flags, positives: int) -> float:
    """Return µAP, the measure of DISC21 (Douze et al. 2021, section 4.1): Σ p(i)·Δr(i).

    The predictions of all queries are ranked together, so that a score has to mean the same for each of
    them. p(i) is the precision among the first i, Δr(i) what the i-th adds to the recall. True pairs that
    nobody predicted add nothing: with all of them predicted it is the usual average precision.
    """
    if positives == 0:
        return 1.0
    points = curve(scores, true, positives)
    return float(np.sum(points.precision * np.diff(points.recall, prepend=0.0)))


def recall_at_precision(scores: Floats, true: Flags, positives: int, precision: float) -> float:
    """Return the largest recall at a precision of at least `precision`; 0 if no threshold has that."""
    points = curve(scores, true, positives)
    enough = points.recall[points.precision >= precision]
    return float(enough.max(initial=0.0))


def recall_at_one(queries: NDArray[np.int64], scores: Floats, true: Flags, asked: NDArray[np.int64]) -> float:
    """Return the share of the queries whose best prediction is true.

    Args:
        queries: (n,) which query each prediction belongs to.
        scores: (n,) of the predictions; of equal ones at the top all must be true.
        true: (n,) whether each is.
        asked: (k,) the queries that have a true pair; the others are not counted.
    """
    if len(asked) == 0:
        return 1.0
    count = int(max(queries.max(initial=-1), asked.max())) + 1
    best = np.full(count, -np.inf)
    np.maximum.at(best, queries, scores)
    at_top = scores == best[queries]
    right, wrong = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    right[queries[at_top & true]] = True
    wrong[queries[at_top & ~true]] = True
    return float(np.mean(right[asked] & ~wrong[asked]))


class Interval(NamedTuple):
    """Where a share lies, with the confidence that was asked for."""

    low: float
    high: float

    def __contains__(self, share: object) -> bool:
        return isinstance(share, int | float) and self.low <= share <= self.high


def wilson(hits: int, count: int, confidence: float = 0.95) -> Interval:
    """Return the score interval of a share `hits / count` (Wilson 1927): sensible at 0 and 1 too."""
    if count == 0:
        return Interval(0.0, 1.0)
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * float(np.sqrt(share * (1 - share) / count + spread / (4 * count)))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def share_interval(
    hits: Flags, clusters: NDArray[np.int64], *, confidence: float = 0.95, rounds: int = 1000, seed: int = 0
) -> Interval:
    """Return where the true share of hits lies, by a bootstrap over clusters.

    Answers about one photograph are right or wrong together, so photographs are drawn, with replacement, and
    not answers (Efron and Tibshirani 1993, chapter 8). Where no answer, or hardly one, is wrong, every draw
    says the same and the bootstrap promises too much: the interval is never narrower than Wilson's.

    Args:
        hits: (n,) whether each answer is right (its mean is the precision), or each copy found (the recall).
        clusters: (n,) the photograph that it is about.
        confidence: of the interval.
        rounds: how often to draw.
        seed: of the draws.
    """
    plain = wilson(int(np.count_nonzero(hits)), len(hits), confidence)
    shares = _drawn_shares(hits, clusters, rounds, seed)
    low, high = _quantiles(shares, confidence)
    return Interval(min(plain.low, low), max(plain.high, high))


def next_interval(
    hits: Flags, clusters: NDArray[np.int64], *, confidence: float = 0.95, rounds: int = 1000, seed: int = 0
) -> Interval:
    """Return where the share of hits will lie in another sample of as many photographs.

    Wider than `share_interval`, for the other sample has its own chance: each draw is the share plus the
    difference of two bootstrap samples. Wilson's interval, for the same reason, is taken at half the size.
    """
    share = float(np.mean(hits)) if len(hits) else 0.5
    half = len(hits) // 2
    plain = wilson(round(share * half), half, confidence)
    ours, theirs = (_drawn_shares(hits, clusters, rounds, each) for each in (2 * seed, 2 * seed + 1))
    low, high = _quantiles(share + ours - theirs, confidence)
    return Interval(max(0.0, min(plain.low, low)), min(1.0, max(plain.high, high)))


def _drawn_shares(hits: Flags, clusters: NDArray[np.int64], rounds: int, seed: int) -> Floats:
    """Return the (rounds,) shares of hits in samples of clusters, drawn with replacement."""
    names, members = np.unique(clusters, return_inverse=True)
    count = len(names)
    if count == 0:
        return np.full(rounds, 0.5)
    answers, right = np.bincount(members), np.bincount(members, weights=hits)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=rounds)
    shares: Floats = (drawn @ right) / np.maximum(drawn @ answers, 1)
    return shares


def _quantiles(shares: Floats, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(shares, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
