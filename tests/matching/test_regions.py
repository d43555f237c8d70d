from __future__ import annotations

import numpy as np
import pytest

from neardup_cli.index.neighbours import VectorPairs
from neardup_cli.matching import budget
from neardup_cli.matching.funnel import Pictures, Sifted
from neardup_cli.matching.regions import (
    REGION_DOOR,
    RegionPairs,
    View,
    best_view,
    region_limit,
    with_regions,
)
from neardup_cli.records.matches import PairMatch, Stage


def pictures(*ids: int) -> Pictures:
    hashes = np.array([0, 0b111, -1, 1, 2, 3][: len(ids)], np.int64)
    flat, embedded = np.zeros(len(ids), np.float32), np.ones(len(ids), dtype=bool)
    return Pictures(np.array(ids, np.int64), hashes, flat, embedded, VectorPairs.none())


def seen(*rows: tuple[int, int, float]) -> RegionPairs:
    owners, others, similarities = zip(*rows, strict=True)
    return RegionPairs(np.array(owners), np.array(others), np.array(similarities, np.float32))


def doubtful(a: int, b: int, similarity: float) -> PairMatch:
    return PairMatch(a, b, Stage.GEOMETRY, similarity, 5)


def test_the_limit_is_the_larger_of_door_and_threshold() -> None:
    assert region_limit(0.1) == REGION_DOOR
    assert region_limit(0.6) == 0.6


def test_the_best_view_is_through_the_most_similar_region() -> None:
    regions = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], np.float32)
    whole = np.array([[0, 1, 0]], np.float32)
    found = best_view(regions, whole, of_a=False)
    assert found._replace(similarity=0) == View(0, of_a=False, region=1)
    assert found.similarity == pytest.approx(0.8)


def test_nothing_seen_changes_nothing() -> None:
    sifted = Sifted([doubtful(10, 11, 0.99)], [doubtful(11, 12, 0.25)], 3)
    assert with_regions(sifted, pictures(10, 11, 12), RegionPairs.none()) == sifted


def test_what_a_region_proposes_is_doubtful_however_similar() -> None:
    found = with_regions(Sifted([], []), pictures(10, 11, 12), seen((12, 10, 0.9375), (11, 12, 0.4375)))
    assert found.certain == []
    assert found.doubtful == [
        PairMatch(10, 12, Stage.GEOMETRY, 0.9375, 64),
        PairMatch(11, 12, Stage.GEOMETRY, 0.4375, 61),
    ]


def test_of_both_ways_and_of_the_whole_the_largest_similarity_counts() -> None:
    sifted = Sifted([], [doubtful(10, 11, 0.5), doubtful(10, 12, 0.25)])
    ways = seen((10, 11, 0.35), (12, 10, 0.3), (10, 12, 0.45))
    found = with_regions(sifted, pictures(10, 11, 12), ways)
    assert [(pair.a, pair.b, pair.similarity) for pair in found.doubtful] == [
        (10, 11, 0.5),
        (10, 12, pytest.approx(0.45)),
    ]


def test_a_certain_pair_stays_as_it_is() -> None:
    certain = PairMatch(10, 11, Stage.SIEVE, 0.99, 1)
    found = with_regions(Sifted([certain], []), pictures(10, 11), seen((10, 11, 0.999)))
    assert (found.certain, found.doubtful) == ([certain], [])


def test_pictures_that_do_not_take_part_are_left_out() -> None:
    found = with_regions(Sifted([], []), pictures(10, 12), seen((10, 11, 0.9), (99, 12, 0.9), (5, 10, 0.9)))
    assert found == Sifted([], [])
    assert with_regions(Sifted([], []), pictures(), seen((10, 11, 0.9))) == Sifted([], [])


def test_the_budget_cuts_what_regions_propose_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "PAIRS_PER_PICTURE", 1)
    monkeypatch.setattr(budget, "PAIRS_IN_ANY_CASE", 0)
    sifted = Sifted([], [doubtful(10, 12, 0.21)], 2)
    ways = seen((10, 11, 0.9), (12, 13, 0.8), (10, 13, 0.4), (10, 12, 0.35))
    found = with_regions(sifted, pictures(10, 11, 12, 13), ways)
    assert [(pair.a, pair.b) for pair in found.doubtful] == [(10, 11), (10, 12), (12, 13)]
    assert found.left_out == 2 + 1
