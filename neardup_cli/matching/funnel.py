"""The funnel over a whole collection: hashes and vectors in, decided pairs out.

    propose (sieve) ─► verify (SSCD) ─► decide the doubtful (geometry) ─► matches

Each stage is a function below, in that order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neardup_cli.index.hamming import HashPairs
from neardup_cli.index.vectors import VectorPairs, similar_pairs
from neardup_cli.matching.sieve import sieve_pairs
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


def matching_pairs(
    collection: Collection, *, threshold: float, radius: int, radius_alone: int
) -> list[PairMatch]:
    """Decide which contents are copies of each other.

    A pair counts from SSCD similarity `threshold` on; its stage is the sieve where the hashes proposed
    it too, else the verifier. Where one of the two has no vector, the sieve decides alone.

    Args:
        collection: what to compare.
        threshold: cosine similarity in [-1, 1].
        radius: of the sieve, in bits of 64.
        radius_alone: of the sieve where it decides alone; at most `radius`.

    Returns:
        Matches in order of (a, b), each pair once.
    """
    proposed = sieve_pairs(collection.hashes, collection.flatness, radius)
    verified = _verify(collection, threshold)
    undecided = _without_vectors(collection, proposed, radius_alone)
    return sorted(
        [*_confirmed(collection, verified, proposed), *_alone(collection, undecided)],
        key=lambda match: (match.a, match.b),
    )


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
    bits = np.bitwise_count(collection.hashes[first] ^ collection.hashes[second])
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
