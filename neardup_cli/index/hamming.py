"""Binary FAISS indexes over 64-bit hashes (Douze et al., "The Faiss library", 2024).

Few hashes are compared one by one. Of many, at a small radius, three tables look up a third of the bits each
(Norouzi, Punjani, Fleet, "Fast search in Hamming space with multi-index hashing", 2012): two hashes that
differ in few bits differ in hardly any of one third. Both ways find the same pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

_BITS = 64
_BLOCK = 4096
_TABLES, _TABLE_BITS = 3, 21
# Hashes from which on tables are quicker than comparing all, by the bits flipped in a look-up. Tables have
# one thread and comparing has all cores; with three bits flipped, comparing wins at any size seen here.
_WORTHWHILE = {0: 50_000, 1: 100_000, 2: 1_000_000}


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
    """Find all pairs of (n, 8) byte hashes that differ in at most `radius` bits."""
    flipped = radius // _TABLES
    if len(hashes) < _WORTHWHILE.get(flipped, len(hashes) + 1):
        found = _compared(hashes, radius)
    else:
        found = _looked_up(hashes, radius, flipped)
    columns = [np.empty((3, 0), np.int64), *found]
    first, second, distances = np.concatenate(columns, axis=1)
    order = np.lexsort((second, first))
    return HashPairs(first[order], second[order], distances[order])


def _compared(hashes: NDArray[np.uint8], radius: int) -> Iterator[NDArray[np.int64]]:
    """Compare all with all: each block with those added before it and itself."""
    index = faiss.IndexBinaryFlat(_BITS)
    for start in range(0, len(hashes), _BLOCK):
        index.add(np.ascontiguousarray(hashes[start : start + _BLOCK]))
        yield _near(index, hashes, start, radius)


def _looked_up(hashes: NDArray[np.uint8], radius: int, flipped: int) -> Iterator[NDArray[np.int64]]:
    """Compare only what is within `flipped` bits in one of the tables' parts.

    64 bits are three parts of 21 and one that no table looks at; of `radius` differing bits, some part
    has at most a third.
    """
    index = faiss.IndexBinaryMultiHash(_BITS, _TABLES, _TABLE_BITS)
    index.nflip = flipped
    index.add(np.ascontiguousarray(hashes))
    for start in range(0, len(hashes), _BLOCK):
        yield _near(index, hashes, start, radius)


def _near(index: faiss.IndexBinary, hashes: NDArray[np.uint8], start: int, radius: int) -> NDArray[np.int64]:
    """Return the (3, n) earlier rows, rows and distances that an index finds near a block of hashes."""
    block = np.ascontiguousarray(hashes[start : start + _BLOCK])
    # FAISS's radius is exclusive here: `radius + 1` asks for distances up to `radius`.
    limits, distances, rows = index.range_search(block, radius + 1)
    queries = np.repeat(np.arange(start, start + len(block)), np.diff(limits.astype(np.int64)))
    earlier = rows < queries
    return np.stack([rows[earlier], queries[earlier], distances[earlier].astype(np.int64)])


def within_radius(
    hashes: NDArray[np.uint8], query: NDArray[np.uint8], radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (rows, distances) of the (n, 8) hashes within `radius` bits of one (8,) hash, nearest first."""
    words = np.ascontiguousarray(hashes).view(np.uint64).reshape(-1)
    distances = np.bitwise_count(words ^ np.ascontiguousarray(query).view(np.uint64)[0])
    rows = np.flatnonzero(distances <= radius)
    rows = rows[np.argsort(distances[rows], kind="stable")]
    return rows, distances[rows].astype(np.int64)
