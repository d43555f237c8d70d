"""The first two stages over a whole collection: hashes and vectors in, pairs out.

sieve (dHash) ─► verifier (SSCD) ─► certain matches
                                 └► doubtful pairs ─► geometry (`verify.py`), which needs the pixels
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neardup_cli.index.neighbours import VectorPairs
from neardup_cli.matching.budget import within_budget
from neardup_cli.matching.sieve import FLAT, sieve_pairs
from neardup_cli.records.matches import PairMatch, Stage


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
class Pictures:
    """What `sift_pairs` looks at, one row a content.

    Attributes:
        ids: (n,) content ids, ascending.
        hashes: (n,) signed 64-bit dHashes.
        flatness: (n,) share of meaningless hash bits.
        embedded: (n,) whether the content has a vector.
        similar: pairs of rows whose vectors were found to be similar.
    """

    ids: NDArray[np.int64]
    hashes: NDArray[np.int64]
    flatness: NDArray[np.float32]
    embedded: NDArray[np.bool_]
    similar: VectorPairs


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
    pictures: Pictures,
    *,
    threshold: float,
    radius: int,
    radius_alone: int,
    certainty: float | None = None,
) -> Sifted:
    """Find the pairs of contents that are, or may be, copies of each other.

    A pair counts from SSCD similarity `threshold` on; its stage is the sieve where the hashes propose
    it too, else the verifier. Below `certainty` it is doubtful, and so is a pair with a flat picture,
    for the network sees nothing in it. Where one of the two has no vector, the sieve decides alone.

    Args:
        pictures: what to compare; their similar pairs are known from `threshold` on, or further down.
        threshold: cosine similarity in [-1, 1].
        radius: of the sieve, in bits of 64.
        radius_alone: of the sieve where it decides alone; at most `radius`.
        certainty: similarity from which no geometry is needed; None trusts every pair.
    """
    verified = _from(pictures.similar, threshold)
    sure = _sure(pictures, verified, certainty)
    doubtful = np.flatnonzero(~sure)
    affordable = within_budget(
        verified.first[doubtful],
        verified.second[doubtful],
        verified.similarities[doubtful],
        int(np.count_nonzero(pictures.embedded)),
    )
    certain = _alone(pictures, radius_alone) + _matches(pictures, verified, np.flatnonzero(sure), radius)
    return Sifted(
        certain=sorted(certain, key=lambda match: (match.a, match.b)),
        doubtful=_matches(pictures, verified, doubtful[affordable], None),
        left_out=int(np.count_nonzero(~affordable)),
    )


def _from(pairs: VectorPairs, threshold: float) -> VectorPairs:
    """Keep the pairs from a threshold on."""
    kept = pairs.similarities >= np.float32(threshold)
    return VectorPairs(pairs.first[kept], pairs.second[kept], pairs.similarities[kept])


def _sure(pictures: Pictures, verified: VectorPairs, certainty: float | None) -> NDArray[np.bool_]:
    if certainty is None:
        return np.ones(len(verified.first), dtype=bool)
    flat = pictures.flatness >= FLAT
    sure: NDArray[np.bool_] = verified.similarities >= certainty
    return sure & ~flat[verified.first] & ~flat[verified.second]


def _matches(
    pictures: Pictures, verified: VectorPairs, chosen: NDArray[np.int64], radius: int | None
) -> list[PairMatch]:
    """Describe the chosen pairs; what the sieve would have proposed can be seen without asking it.

    Without a radius nobody has decided yet, and geometry will.
    """
    first, second = verified.first[chosen], verified.second[chosen]
    # As unsigned numbers: of a negative one, numpy counts the bits of its absolute value.
    bits = np.bitwise_count((pictures.hashes[first] ^ pictures.hashes[second]).view(np.uint64))
    stages = [Stage.GEOMETRY] * len(bits)
    if radius is not None:
        flat = pictures.flatness >= FLAT
        sieved = (bits <= radius) & ~flat[first] & ~flat[second]
        stages = [Stage.SIEVE if proposed else Stage.VERIFIER for proposed in sieved.tolist()]
    return [
        PairMatch(a, b, stage, similarity, hamming)
        for a, b, stage, similarity, hamming in zip(
            pictures.ids[first].tolist(),
            pictures.ids[second].tolist(),
            stages,
            verified.similarities[chosen].tolist(),
            bits.tolist(),
            strict=True,
        )
    ]


def _alone(pictures: Pictures, radius: int) -> list[PairMatch]:
    """Let the sieve decide the close pairs that the verifier cannot look at."""
    if pictures.embedded.all():
        return []
    close = sieve_pairs(pictures.hashes, pictures.flatness, radius)
    undecided = ~(pictures.embedded[close.first] & pictures.embedded[close.second])
    first, second, distances = (column[undecided] for column in close)
    return [
        PairMatch(a, b, Stage.SIEVE, None, hamming)
        for a, b, hamming in zip(
            pictures.ids[first].tolist(), pictures.ids[second].tolist(), distances.tolist(), strict=True
        )
    ]
