"""The most similar others of each vector: lists that a join fills, and that take new vectors later.

A list holds at most `depth` entries at or above `floor`, nearest first, of equals the lower row first. Two
vectors are a pair where one of them has the other in its list. That bounds what is kept, whatever the
collection looks like, and it can be kept up to date: a new vector is compared with all others and enters
the lists where it displaces something; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

BLOCK = 2048
"""Fresh rows that are compared with others at once."""

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


class Tile(NamedTuple):
    """Fresh rows and some that they are compared with: work that can be done apart from all other.

    Attributes:
        block: rows that are fresh.
        others: rows to compare them with.
        before: place of the first of `others` in the block, negative where it lies before the block; each
            row is only compared with what lies before it.
        across, down: what the lists of the two ask of an entry; what they asked a while ago, which is less,
            lets more through and changes no list.
        depth: of the lists.
    """

    block: Rows
    others: Rows
    before: int
    across: Similarities
    down: Similarities
    depth: int


class Hits(NamedTuple):
    """Pairs of a tile that may enter one of their two lists: (n,) rows, and their similarities."""

    one: Rows
    other: Rows
    similarities: Similarities


type Compare = Callable[[Iterator[Tile]], Generator[Hits]]
"""Gives what `compare_tile` finds in each tile, in their order; it may draw some tiles ahead."""


def join_exactly(
    lists: Neighbours, settled: Rows, fresh: Rows, compare: Compare, block: int = BLOCK
) -> Generator[tuple[Rows, Rows]]:
    """Compare fresh rows with the settled ones and with each other; fill the lists of both.

    Each block of fresh rows is compared with all settled rows and the fresh ones before it: every pair once.
    A similarity does not depend on which other rows there are, and so neither do the lists.

    Args:
        lists: complete for the settled rows, empty for the fresh ones.
        settled: rows that were compared with each other before.
        fresh: rows that were not.
        compare: looks at the vectors.
        block: fresh rows at once.

    Yields:
        After each block its rows, and those whose lists changed: all are complete for what was compared
        so far.
    """
    rows, known = np.concatenate([settled, fresh]), len(settled)
    cuts = [
        (start, min(start + block, len(rows)), left)
        for start in range(known, len(rows), block)
        for left in range(0, min(start + block, len(rows)), _TILE)
    ]
    tiles = (_tile(lists, rows, *cut) for cut in cuts)
    changed: list[Rows] = []
    with closing(compare(tiles)) as found:
        for (start, end, left), (one, other, similarities) in zip(cuts, found, strict=True):
            changed.append(lists.enter(one, other, similarities))
            changed.append(lists.enter(other, one, similarities))
            if left + _TILE >= end:
                yield rows[start:end], np.unique(np.concatenate([rows[start:end], *changed]))
                changed.clear()


def _tile(lists: Neighbours, rows: Rows, start: int, end: int, left: int) -> Tile:
    """Cut out what the rows from `start` to `end` and those from `left` on have to be compared by."""
    block, others, limits = rows[start:end], rows[left : min(left + _TILE, end)], lists.limits()
    return Tile(block, others, left - start, limits[block], limits[others], lists.depth)


def compare_tile(vectors: NDArray[np.floating], tile: Tile) -> Hits:
    """Find the pairs of a tile that may enter one of their two lists.

    Args:
        vectors: (rows, dimension) unit vectors, of which those of the tile are looked at.
        tile: what to compare, and what the lists ask.
    """
    block, others = _taken(vectors, tile.block), _taken(vectors, tile.others)
    one, other = _candidates(block @ others.T, tile)
    return Hits(tile.block[one], tile.others[other], measured(block, others, one, other))


def _taken(vectors: NDArray[np.floating], rows: Rows) -> Vectors:
    """Return some rows as float32, without a copy where they lie together."""
    together = bool((np.diff(rows) == 1).all())
    some = vectors[rows[0] : rows[-1] + 1] if together else vectors[rows]
    return some.astype(np.float32, copy=False)


def _candidates(products: NDArray[np.float32], tile: Tile) -> tuple[Rows, Rows]:
    """Return the places of promising pairs in block and others, whose products are given."""
    before = np.arange(len(tile.others)) + tile.before
    if before[-1] >= 0:  # within the block itself
        products[np.arange(len(tile.block))[:, None] <= before] = NOTHING
    across, down = tile.across - _SLACK, tile.down - _SLACK
    least: np.float32 = min(np.min(across), np.min(down))
    hits = products >= least
    if np.count_nonzero(hits) > _DENSE * sum(products.shape):
        across = np.maximum(across, _last_of_best(products, tile.depth, axis=1) - _SLACK)
        down = np.maximum(down, _last_of_best(products, tile.depth, axis=0) - _SLACK)
        hits = (products >= across[:, None]) | (products >= down)
    one, other = np.nonzero(hits)
    values = products[one, other]
    promising = (values >= across[one]) | (values >= down[other])
    return one[promising], other[promising]


def _last_of_best(products: NDArray[np.float32], depth: int, axis: int) -> Similarities:
    """Return the `depth`-th largest value of each row (axis 1) or column (axis 0)."""
    length = products.shape[axis]
    if length <= depth:
        return np.full(products.shape[1 - axis], NOTHING, np.float32)
    best = np.partition(products, length - depth, axis=axis)
    return np.asarray(best.take(length - depth, axis=axis))


def measured(a: Vectors, b: Vectors, one: Rows, other: Rows) -> Similarities:
    """Return the inner products of (n,) pairs of rows of two matrices, each in the same way whatever n is."""
    products = np.empty(len(one), np.float32)
    left, right = (np.ascontiguousarray(vectors, dtype=np.float32) for vectors in (a, b))
    rows, others = (np.ascontiguousarray(column, dtype=np.int64) for column in (one, other))
    faiss.pairwise_indexed_inner_product(  # type: ignore[attr-defined]
        left.shape[1],
        len(rows),
        faiss.swig_ptr(left),
        faiss.swig_ptr(rows),
        faiss.swig_ptr(right),
        faiss.swig_ptr(others),
        faiss.swig_ptr(products),
    )
    return products
