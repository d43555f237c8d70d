"""Small pictures inside larger ones: what a region of one picture and the whole of another have in common.

SSCD sees a collage as a collage. Seen through one of its regions (`embedders/regions.py`) it looks like the
picture that fills the region. That proposes a pair and never decides it: the pixels do, of the whole
pictures first, and of the region at its own resolution (`part.py`) where the picture in it is too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching.budget import within_budget
from neardup_cli.matching.funnel import Pictures, Sifted
from neardup_cli.records.matches import PairMatch, Stage

REGION_DOOR = 0.3
"""Similarity of a region and a whole picture from which geometry looks at the pair, unless the threshold is
higher. Of 510 copies of 15 tuning photographs it proposes 0.996 with their originals (from 0.2 on: all), and
17 pairs of unrelated pictures that whole vectors do not propose (from 0.2 on: 1,976)."""

type IdPair = tuple[int, int]
type Vectors = NDArray[np.float32]


class RegionPairs(NamedTuple):
    """Contents that a region of another content looks like.

    Attributes:
        owners: (n,) content ids, whose regions these are.
        others: (n,) content ids, of the whole pictures.
        similarities: (n,) cosine similarity of the other's vector and the most similar region's.
    """

    owners: NDArray[np.int64]
    others: NDArray[np.int64]
    similarities: NDArray[np.float32]

    @classmethod
    def none(cls) -> RegionPairs:
        """Return no pairs at all."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, np.empty(0, np.float32))


def region_limit(threshold: float) -> float:
    """Return the similarity from which a region proposes a pair."""
    return max(threshold, REGION_DOOR)


class View(NamedTuple):
    """A region through which one of two pictures, a and b, looks like the whole of the other.

    Attributes:
        similarity: of the two.
        of_a: whether it is a region of a.
        region: which of `embedders.regions.REGIONS`.
    """

    similarity: float
    of_a: bool
    region: int


def best_view(regions: Vectors, whole: Vectors, *, of_a: bool) -> View:
    """Return the view through the region, of (n, dimension), that is most like a whole (1, dimension)."""
    similarities = regions @ whole[0]
    region = int(similarities.argmax())
    return View(float(similarities[region]), of_a, region)


def with_regions(sifted: Sifted, pictures: Pictures, found: RegionPairs) -> Sifted:
    """Add the pairs that regions propose to the doubtful ones, with a budget of their own.

    Nothing that is found without regions is lost. The similarity of a pair is the largest of those of its
    two whole pictures and of a region of one with the whole of the other.
    """
    proposed = _within_budget(pictures, found)
    certain = {(pair.a, pair.b) for pair in sifted.certain}
    doubtful = {(pair.a, pair.b): pair for pair in sifted.doubtful}
    left_out = 0
    for (a, b), (similarity, hamming, affordable) in proposed.items():
        known = doubtful.get((a, b))
        if known is not None:
            larger = max(similarity, -1.0 if known.similarity is None else known.similarity)
            doubtful[a, b] = replace(known, similarity=larger)
        elif (a, b) not in certain:
            left_out += not affordable
            if affordable:
                doubtful[a, b] = PairMatch(a, b, Stage.GEOMETRY, similarity, hamming)
    return replace(
        sifted,
        doubtful=[doubtful[pair] for pair in sorted(doubtful)],
        left_out=sifted.left_out + left_out,
    )


class _Proposal(NamedTuple):
    similarity: float
    hamming: int
    affordable: bool


def _within_budget(pictures: Pictures, found: RegionPairs) -> Mapping[IdPair, _Proposal]:
    """Bring what regions found into pairs, `a < b`, each once with its largest similarity."""
    ids = pictures.ids
    if not len(ids) or not len(found.owners):
        return {}
    one, other = (np.minimum(np.searchsorted(ids, side), len(ids) - 1) for side in found[:2])
    here = (ids[one] == found.owners) & (ids[other] == found.others) & (one != other)
    first, second = np.minimum(one, other)[here], np.maximum(one, other)[here]
    similarities = found.similarities[here]
    order = np.lexsort((-similarities, second, first))
    first, second, similarities = first[order], second[order], similarities[order]
    once = np.ones(len(first), dtype=bool)
    once[1:] = (np.diff(first) != 0) | (np.diff(second) != 0)
    first, second, similarities = first[once], second[once], similarities[once]
    affordable = within_budget(first, second, similarities, int(np.count_nonzero(pictures.embedded)))
    bits = np.bitwise_count((pictures.hashes[first] ^ pictures.hashes[second]).view(np.uint64))
    proposals = map(_Proposal, similarities.tolist(), bits.tolist(), affordable.tolist())
    return dict(zip(zip(ids[first].tolist(), ids[second].tolist(), strict=True), proposals, strict=True))
