"""Binary FAISS indexes over 64-bit hashes (Douze et al., "The Faiss library", 2024)."""

from __future__ import annotations

from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

_BITS = 64
_BLOCK = 4096


class HashPairs(NamedTuple):
    """Pairs of rows within a Hamming radius, each once, `first < second`, in order.

    Attributes:
        first, second: (n,) row numbers.
        distances: (n,) differing bits.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distances: NDArray[np.int64]


def close_pairs(hashes: NDArray[np.uint8], radius: int) -> HashPairs:
    """Find all pairs of (n, 8) byte hashes that differ in at most `radius` bits.

    Each block of hashes is searched among those added before it and itself: half the work of
    searching everything in everything, and every pair comes up once.
    """
    index = faiss.IndexBinaryFlat(_BITS)
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(hashes), _BLOCK):
        block = np.ascontiguousarray(hashes[start : start + _BLOCK])
        index.add(block)
        # FAISS's radius is exclusive here: `radius + 1` asks for distances up to `radius`.
        limits, distances, rows = index.range_search(block, radius + 1)
        queries = np.repeat(np.arange(start, start + len(block)), np.diff(limits.astype(np.int64)))
        earlier = rows < queries
        found.append(np.stack([rows[earlier], queries[earlier], distances[earlier].astype(np.int64)]))
    first, second, distances = np.concatenate(found, axis=1) if found else np.empty((3, 0), np.int64)
    order = np.lexsort((second, first))
    return HashPairs(first[order], second[order], distances[order])


def within_radius(
    hashes: NDArray[np.uint8], query: NDArray[np.uint8], radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (rows, distances) of the (n, 8) hashes within `radius` bits of one (8,) hash, nearest first."""
    distances = np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int64)
    rows = np.flatnonzero(distances <= radius)
    rows = rows[np.argsort(distances[rows], kind="stable")]
    return rows, distances[rows]
