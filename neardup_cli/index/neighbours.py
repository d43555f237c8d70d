"""The most similar others of each vector: lists that a join fills, and that take new vectors later.

A list holds at most `depth` entries at or above `floor`, nearest first, of equals the lower row first. Two
vectors are a pair where one of them has the other in its list. That bounds what is kept, whatever the
collection looks like, and it can be kept up to date: a new vector is compared with all others and enters
the lists where it displaces something; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

_BLOCK = 2048
_TILE = 8192
# Two ways of adding up the same products differ by less: no pair is lost before it is measured for good.
_SLACK = np.float32(1e-5)
# Hits a row and column of a tile from which on only the best of each are measured.
_DENSE = 64

type Rows = NDArray[np.int64]
type Similarities = NDArray[np.float32]
type Vectors = NDArray[np.float32]

NOTHING = np.float32(-2)
"""Similarity of a place in a list that holds nothing; below every cosine."""


class VectorPairs(NamedTuple):
    """Pairs of rows with their cosine similarity, each pair once, `first < second`, in order.

    Attributes:
        first, second: (n,) row numbers.
        similarities: (n,) float32 in [-1, 1].
    """

    first: Rows
    second: Rows
    similarities: Similarities

    @classmethod
    def none(cls) -> VectorPairs:
        """Return no pairs."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))

    @classmethod
    def of(cls, one: Rows, other: Rows, similarities: Similarities) -> VectorPairs:
        """Bring pairs into order, each once, whichever side they were found from."""
        first, second = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((second, first))
        first, second = first[order], second[order]
        new = np.ones(len(first), dtype=bool)
        new[1:] = (np.diff(first) != 0) | (np.diff(second) != 0)
        return cls(first[new], second[new], similarities[order][new])


class Neighbours:
    """The lists of `rows` vectors.

    Attributes:
        others: (rows, depth) int32 row numbers, nearest first, -1 where there is nothing more.
        similarities: (rows, depth) float32, `NOTHING` where there is nothing more.
    """

    def __init__(self, rows: int, depth: int, floor: float) -> None:
        self.depth = depth
        self.floor = np.float32(floor)
        self.others = np.full((rows, depth), -1, np.int32)
        self.similarities = np.full((rows, depth), NOTHING, np.float32)

    def __len__(self) -> int:
        return len(self.others)

    def full(self) -> NDArray[np.bool_]:
        """Say of each list whether it may have lost something to its depth."""
        return np.asarray(self.others[:, -1] >= 0)

    def limits(self) -> Similarities:
        """Return the similarity that each list asks of a new entry."""
        limits: Similarities = np.maximum(self.similarities[:, -1], self.floor)
        return limits

    def enter(self, owners: Rows, others: Rows, similarities: Similarities) -> Rows:
        """Offer entries to the lists of their owners; return the owners whose lists changed.

        An entry that a list has already is offered with the same similarity, and stays once.
        """
        wanted = (similarities >= self.limits()[owners]) & (owners != others)
        touched = np.unique(owners[wanted])
        if not len(touched):
            return touched
        before = self.others[touched]
        held = before >= 0
        owner = np.concatenate([np.repeat(touched, held.sum(axis=1)), owners[wanted]])
        other = np.concatenate([before[held].astype(np.int64), others[wanted]])
        values = np.concatenate([self.similarities[touched][held], similarities[wanted]])
        order = np.lexsort((other, -values, owner))
        owner, other, values = owner[order], other[order], values[order]
        once = np.ones(len(owner), dtype=bool)
        once[1:] = (np.diff(owner) != 0) | (np.diff(other) != 0)
        owner, other, values = owner[once], other[once], values[once]
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
        kept = rank < self.depth
        owner, other, values, rank = owner[kept], other[kept], values[kept], rank[kept]
        self.clear(touched)
        self.others[owner, rank] = other
        self.similarities[owner, rank] = values
        changed: NDArray[np.bool_] = (self.others[touched] != before).any(axis=1)
        return np.asarray(touched[changed])

    def clear(self, rows: Rows) -> None:
        """Empty some lists."""
        self.others[rows] = -1
        self.similarities[rows] = NOTHING

    def pairs(self, threshold: float) -> VectorPairs:
        """Return the pairs at or above a threshold, from whichever list."""
        owners, places = np.nonzero(self.similarities >= np.float32(max(threshold, float(self.floor))))
        return VectorPairs.of(
            owners, self.others[owners, places].astype(np.int64), self.similarities[owners, places]
        )


def join_exactly(
    lists: Neighbours, vectors: Vectors, settled: Rows, fresh: Rows
) -> Iterator[tuple[int, Rows]]:
    """Compare fresh rows with the settled ones and with each other; fill the lists of both.

    Each block of fresh rows is compared with all settled rows and the fresh ones before it: every pair once.
    A similarity does not depend on which other rows there are, and so neither do the lists.

    Args:
        lists: complete for the settled rows, empty for the fresh ones.
        vectors: (rows, dimension) float32 unit vectors, of which the fresh and settled rows are looked at.
        settled: rows that were compared with each other before.
        fresh: rows that were not.

    Yields:
        After each block its length, and the rows whose lists changed: all are complete for what was
        compared so far.
    """
    others = np.concatenate([settled, fresh])
    for start in range(0, len(fresh), _BLOCK):
        block = fresh[start : start + _BLOCK]
        known = len(settled) + start
        changed = [block]
        for left in range(0, known + len(block), _TILE):
            tile = others[left : min(left + _TILE, known + len(block))]
            # Within the block itself, each row meets those before it.
            before = np.arange(left, left + len(tile)) - known
            one, other = _candidates(lists, vectors, block, tile, before)
            similarities = measured(vectors, one, other)
            changed.append(lists.enter(one, other, similarities))
            changed.append(lists.enter(other, one, similarities))
        yield len(block), np.unique(np.concatenate(changed))


def _candidates(
    lists: Neighbours, vectors: Vectors, block: Rows, tile: Rows, before: Rows
) -> tuple[Rows, Rows]:
    """Find the pairs of block and tile that may enter one of their two lists.

    Args:
        lists: as they are now.
        vectors: of all rows.
        block: rows that are fresh.
        tile: rows to compare them with.
        before: (tile,) place of each tile row in the block, negative where it lies before the block; only
            what lies before a row is compared with it.
    """
    products = vectors[block] @ vectors[tile].T
    if before[-1] >= 0:
        products[np.arange(len(block))[:, None] <= before] = NOTHING
    limits = lists.limits()
    across, down = limits[block] - _SLACK, limits[tile] - _SLACK
    least: np.float32 = min(np.min(across), np.min(down))
    hits = products >= least
    if np.count_nonzero(hits) > _DENSE * (len(block) + len(tile)):
        across = np.maximum(across, _last_of_best(products, lists.depth, axis=1) - _SLACK)
        down = np.maximum(down, _last_of_best(products, lists.depth, axis=0) - _SLACK)
        hits = (products >= across[:, None]) | (products >= down)
    one, other = np.nonzero(hits)
    values = products[one, other]
    promising = (values >= across[one]) | (values >= down[other])
    return block[one[promising]], tile[other[promising]]


def _last_of_best(products: NDArray[np.float32], depth: int, axis: int) -> Similarities:
    """Return the `depth`-th largest value of each row (axis 1) or column (axis 0)."""
    length = products.shape[axis]
    if length <= depth:
        return np.full(products.shape[1 - axis], NOTHING, np.float32)
    best = np.partition(products, length - depth, axis=axis)
    return np.asarray(best.take(length - depth, axis=axis))


def measured(vectors: Vectors, one: Rows, other: Rows) -> Similarities:
    """Return the inner products of (n,) pairs of rows, each computed in the same way whatever n is."""
    products = np.empty(len(one), np.float32)
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    a, b = (np.ascontiguousarray(column, dtype=np.int64) for column in (one, other))
    faiss.pairwise_indexed_inner_product(  # type: ignore[attr-defined]
        rows.shape[1],
        len(a),
        faiss.swig_ptr(rows),
        faiss.swig_ptr(a),
        faiss.swig_ptr(rows),
        faiss.swig_ptr(b),
        faiss.swig_ptr(products),
    )
    return products
