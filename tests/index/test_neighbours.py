from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neardup_cli.index import neighbours as module
from neardup_cli.index.neighbours import (
    Hits,
    Neighbours,
    Tile,
    VectorPairs,
    compare_tile,
    join_exactly,
    measured,
)

type Array = NDArray[np.float32]
type Rows = NDArray[np.int64]
type Listed = list[list[tuple[int, float]]]

NO_ROWS = np.empty(0, np.int64)


def units(count: int, seed: int, dimension: int = 16) -> Array:
    """Unit vectors around a few centres, so that every similarity occurs."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(5, dimension))[random.integers(0, 5, count)]
    rows = rows + random.normal(size=(count, dimension)) * 0.6
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def rows_of(count: int) -> NDArray[np.int64]:
    return np.arange(count, dtype=np.int64)


def look(vectors: NDArray[np.floating], tiles: Iterator[Tile], ahead: int = 0) -> Generator[Hits]:
    """Compare tiles in their order, so many of them drawn before the first is answered."""
    drawn: deque[Tile] = deque()
    for tile in tiles:
        drawn.append(tile)
        if len(drawn) > ahead:
            yield compare_tile(vectors, drawn.popleft())
    for tile in drawn:
        yield compare_tile(vectors, tile)


def join(
    lists: Neighbours,
    vectors: NDArray[np.floating],
    settled: Rows,
    fresh: Rows,
    block: int = 2048,
    ahead: int = 0,
) -> Iterator[tuple[Rows, Rows]]:
    return join_exactly(lists, settled, fresh, partial(look, vectors, ahead=ahead), block)


def joined(vectors: Array, depth: int, floor: float, block: int = 2048, ahead: int = 0) -> Neighbours:
    lists = Neighbours(len(vectors), depth, floor)
    for _ in join(lists, vectors, NO_ROWS, rows_of(len(vectors)), block, ahead):
        pass
    return lists


def by_definition(vectors: Array, depth: int, floor: float) -> Listed:
    similarities = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    found = []
    for row, values in enumerate(similarities.tolist()):
        near = sorted(
            (-value, other) for other, value in enumerate(values) if other != row and value >= floor
        )
        found.append([(other, -value) for value, other in near[:depth]])
    return found


def listed(lists: Neighbours) -> Listed:
    return [
        [(other, value) for other, value in zip(others, values, strict=True) if other >= 0]
        for others, values in zip(lists.others.tolist(), lists.similarities.tolist(), strict=True)
    ]


def assert_alike(one: Listed, other: Listed) -> None:
    assert [[entry[0] for entry in entries] for entries in one] == [
        [entry[0] for entry in entries] for entries in other
    ]
    for left, right in zip(one, other, strict=True):
        assert [entry[1] for entry in left] == pytest.approx([entry[1] for entry in right], abs=1e-6)


@pytest.mark.parametrize(("block", "tile"), [(1, 1), (3, 7), (50, 11), (2048, 8192)])
@pytest.mark.parametrize("dense", [0, 64])
@pytest.mark.parametrize(("depth", "floor"), [(3, -1.0), (3, 0.4), (59, 0.2), (100, -1.0)])
def test_lists_are_the_nearest_of_each(
    block: int, tile: int, dense: int, depth: int, floor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TILE", tile)
    monkeypatch.setattr(module, "_DENSE", dense)
    vectors = units(60, seed=block)
    assert_alike(listed(joined(vectors, depth, floor, block)), by_definition(vectors, depth, floor))


@pytest.mark.parametrize("ahead", [1, 5, 1000])
@pytest.mark.parametrize("dense", [0, 64])
def test_tiles_that_were_drawn_long_ago_change_nothing(
    ahead: int, dense: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks may know what lists asked for at the start, and have vectors of half precision."""
    monkeypatch.setattr(module, "_TILE", 9)
    monkeypatch.setattr(module, "_DENSE", dense)
    half = units(80, seed=11).astype(np.float16)
    steps: list[Any] = []
    drawn_ahead: list[Any] = []
    for found, vectors, drawn in ((steps, half.astype(np.float32), 0), (drawn_ahead, half, ahead)):
        lists = Neighbours(80, 3, 0.1)
        for rows, changed in join(lists, vectors, NO_ROWS, rows_of(80), 7, drawn):
            found.append((rows.tolist(), changed.tolist(), listed(lists)))
    assert drawn_ahead == steps


def test_a_tile_says_less_the_more_its_lists_ask() -> None:
    """What may enter neither list stays with whoever looked."""
    vectors = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32)
    rows, asked = rows_of(4), np.array([0.7, 2, 2, 2], np.float32)
    tile = Tile(rows, rows, 0, np.full(4, 0.5, np.float32), np.full(4, 0.5, np.float32), 4)
    hits = compare_tile(vectors, tile)
    pairs = zip(hits.one.tolist(), hits.other.tolist(), strict=True)
    assert list(pairs) == [(1, 0), (2, 0), (2, 1), (3, 1), (3, 2)]
    assert hits.similarities == pytest.approx([0.8, 0.6, 0.96, 0.6, 0.8])
    hits = compare_tile(vectors, tile._replace(across=asked, down=asked))
    assert (hits.one.tolist(), hits.other.tolist()) == ([1], [0])


# Sums of few halves are exact in float32: ties and thresholds are met to the bit.
halves = st.lists(
    st.lists(st.sampled_from([-0.5, 0.0, 0.5]), min_size=4, max_size=4), min_size=1, max_size=12
)


@given(halves, st.integers(1, 5), st.sampled_from([-1.0, -0.25, 0.0, 0.25, 0.5, 1.0]), st.data())
def test_whatever_was_joined_before(
    rows: list[list[float]], depth: int, floor: float, data: st.DataObject
) -> None:
    """Any subsets one after the other lead to the lists of all at once; of equals, the first."""
    vectors = np.array(rows, np.float32)
    order = np.array(data.draw(st.permutations(range(len(rows)))), np.int64)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    lists = Neighbours(len(rows), depth, floor)
    settled = NO_ROWS
    for part in np.split(order, cuts):
        for _ in join(lists, vectors, settled, part):
            pass
        settled = np.concatenate([settled, part])
    assert listed(lists) == by_definition(vectors, depth, floor)


def test_steps_say_what_changed() -> None:
    vectors = units(40, seed=2)
    lists = Neighbours(40, 4, 0.3)
    done = 0
    for rows, changed in join(lists, vectors, NO_ROWS, rows_of(40), block=7):
        assert rows.tolist() == list(range(done, min(done + 7, 40)))
        done += len(rows)
        assert set(rows.tolist()) <= set(changed.tolist()) <= set(range(done))
        assert_alike(listed(lists)[:done], by_definition(vectors[:done], 4, 0.3))
    assert done == 40


@pytest.mark.parametrize("threshold", [0.2, 0.7])
def test_thresholds_that_float32_cannot_hold(threshold: float) -> None:
    """0.2 and 0.7 lie beside their nearest float32 neighbours, one below it and one above."""
    value = np.float32(threshold)
    vectors = np.array([[1, 0], [value, 0], [np.nextafter(value, np.float32(-1)), 0]], np.float32)
    lists = joined(vectors, 1, threshold)
    assert [entries[:1] for entries in listed(lists)[:2]] == [[(1, float(value))], [(0, float(value))]]
    assert listed(lists)[2] == []
    pairs = joined(vectors, 2, -1.0).pairs(threshold)
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0], [1])


def test_pairs_come_from_either_list() -> None:
    """A hub is in the lists of all, and has room for one of them in its own."""
    vectors = np.array([[1, 0, 0], [0.6, 0.8, 0], [0.6, -0.8, 0], [0.5, 0, 0.75]], np.float32)
    lists = joined(vectors, 1, 0.45)
    assert [len(entries) for entries in listed(lists)] == [1, 1, 1, 1]
    pairs = lists.pairs(0.45)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1), (0, 2), (0, 3)]
    assert lists.pairs(0.55).second.tolist() == [1, 2]
    assert lists.full().all()


def test_pairs_in_order_each_once() -> None:
    one, other = np.array([5, 1, 3, 1]), np.array([1, 5, 2, 3])
    pairs = VectorPairs.of(one, other, np.array([0.9, 0.9, 0.5, 0.7], np.float32))
    assert pairs.first.tolist() == [1, 1, 2]
    assert pairs.second.tolist() == [3, 5, 3]
    assert pairs.similarities == pytest.approx([0.7, 0.9, 0.5])
    assert [len(column) for column in VectorPairs.of(*VectorPairs.none())] == [0, 0, 0]


def test_an_entry_that_is_offered_again_stays_once() -> None:
    lists = Neighbours(3, 2, 0.0)
    owners, others, values = np.array([0, 0]), np.array([1, 2]), np.array([0.5, 0.5], np.float32)
    assert lists.enter(owners, others, values).tolist() == [0]
    assert lists.enter(owners, others, values).tolist() == []
    assert lists.enter(np.array([0]), np.array([0]), np.array([1.0], np.float32)).tolist() == []
    assert listed(lists) == [[(1, 0.5), (2, 0.5)], [], []]


def test_a_similarity_depends_on_nothing_else() -> None:
    vectors = units(500, seed=4, dimension=512)
    random = np.random.default_rng(5)
    one, other = random.integers(0, 500, 700), random.integers(0, 500, 700)
    together = measured(vectors, vectors, one, other)
    assert together == pytest.approx((vectors[one] * vectors[other]).sum(axis=1), abs=1e-6)
    assert measured(vectors, vectors, other, one).tolist() == together.tolist()
    for start in (0, 1, 333):
        assert measured(vectors, vectors, one[start:], other[start:]).tolist() == together[start:].tolist()
    moved = np.concatenate([units(3, seed=6, dimension=512), vectors])
    assert measured(moved, vectors, one + 3, other).tolist() == together.tolist()
    assert measured(vectors, moved, one, other + 3).tolist() == together.tolist()
