"""The first two stages over a whole collection: hashes and vectors in, pairs out.

sieve (dHash) ─► verifier (SSCD) ─► certain matches
                                 └► doubtful pairs ─► geometry (`verify.py`), which needs the pixels
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neardup_cli.index.hamming import HashPairs
from neardup_cli.index.vectors import VectorPairs, similar_pairs
from neardup_cli.matching.budget import within_budget
from neardup_cli.matching.sieve import FLAT, sieve_pairs
from neardup_cli.records import PairMatch, Stage


@dataclass(frozen=True, slots=True)
class Collection:
    """What the funnel looks at, one row a content.

    Attributes:
        ids: (n,) content ids, ascending.
        hashes: (n,) signed 64-bit dHashes.
        flatness: (n,) share of meaningless hash bits.
        vectors: (m, dimension) unit vectors of the contents that have one; m may be 0.
        vector_rows: (m,) the row of `ids` that each vector belongs to, ascending.
    """

    ids: NDArray[np.int64]
    hashes: NDArray[np.int64]
    flatness: NDArray[np.float32]
    vectors: NDArray[np.float16]
    vector_rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sifted:
    """What hashes and vectors alone can say: matches, and pairs that only the pixels can decide.

    Both in order of (a, b), each pair once.

    Attributes:
        left_out: doubtful pairs beyond the budget of `budget.py`.
    """

    certain: list[PairMatch]
    doubtful: list[PairMatch]
    left_out: int = 0


def sift_pairs(
    collection: Collection,
    *,
    threshold: float,
    radius: int,
    radius_alone: int,
    certainty: float | None = None,
) -> Sifted:
    """Find the pairs of contents that are, or may be, copies of each other.

    A pair counts from SSCD similarity `threshold` on; its stage is the sieve where the hashes proposed
    it too, else the verifier. Below `certainty` it is doubtful, and so is a pair with a flat picture,
    for the network sees nothing in it. Where one of the two has no vector, the sieve decides alone.

    Args:
        collection: what to compare.
        threshold: cosine similarity in [-1, 1].
        radius: of the sieve, in bits of 64.
        radius_alone: of the sieve where it decides alone; at most `radius`.
        certainty: similarity from which no geometry is needed; None trusts every pair.
    """
    proposed = sieve_pairs(collection.hashes, collection.flatness, radius)
    verified = _verify(collection, threshold)
    alone = _alone(collection, _without_vectors(collection, proposed, radius_alone))
    confirmed = _confirmed(collection, verified, proposed)
    sure = _sure(collection, verified, certainty)
    certain = [*alone, *(confirmed[row] for row in np.flatnonzero(sure))]
    open_rows = np.flatnonzero(~sure)
    affordable = within_budget(
        verified.first[open_rows],
        verified.second[open_rows],
        verified.similarities[open_rows],
        len(collection.vectors),
    )
    return Sifted(
        certain=sorted(certain, key=lambda match: (match.a, match.b)),
        doubtful=[replace(confirmed[row], stage=Stage.GEOMETRY) for row in open_rows[affordable]],
        left_out=int(np.count_nonzero(~affordable)),
    )


def _sure(collection: Collection, verified: VectorPairs, certainty: float | None) -> NDArray[np.bool_]:
    if certainty is None:
        return np.ones(len(verified.first), dtype=bool)
    flat = collection.flatness >= FLAT
    sure: NDArray[np.bool_] = verified.similarities >= certainty
    return sure & ~flat[verified.first] & ~flat[verified.second]


def _verify(collection: Collection, threshold: float) -> VectorPairs:
    """Find the pairs of rows that SSCD calls similar."""
    pairs = similar_pairs(collection.vectors, threshold)
    rows = collection.vector_rows
    return VectorPairs(rows[pairs.first], rows[pairs.second], pairs.similarities)


def _without_vectors(collection: Collection, proposed: HashPairs, radius: int) -> HashPairs:
    """Keep the close proposals that the verifier cannot look at."""
    embedded = np.zeros(len(collection.ids), dtype=bool)
    embedded[collection.vector_rows] = True
    kept = ~(embedded[proposed.first] & embedded[proposed.second]) & (proposed.distances <= radius)
    return HashPairs(proposed.first[kept], proposed.second[kept], proposed.distances[kept])


def _confirmed(collection: Collection, verified: VectorPairs, proposed: HashPairs) -> list[PairMatch]:
    sieved = set(zip(proposed.first.tolist(), proposed.second.tolist(), strict=True))
    first, second = verified.first, verified.second
    # As unsigned numbers: of a negative one, numpy counts the bits of its absolute value.
    bits = np.bitwise_count((collection.hashes[first] ^ collection.hashes[second]).view(np.uint64))
    return [
        PairMatch(
            int(collection.ids[a]),
            int(collection.ids[b]),
            Stage.SIEVE if (a, b) in sieved else Stage.VERIFIER,
            similarity,
            hamming,
        )
        for a, b, similarity, hamming in zip(
            first.tolist(), second.tolist(), verified.similarities.tolist(), bits.tolist(), strict=True
        )
    ]


def _alone(collection: Collection, undecided: HashPairs) -> list[PairMatch]:
    return [
        PairMatch(int(collection.ids[a]), int(collection.ids[b]), Stage.SIEVE, None, hamming)
        for a, b, hamming in zip(
            undecided.first.tolist(), undecided.second.tolist(), undecided.distances.tolist(), strict=True
        )
    ]
