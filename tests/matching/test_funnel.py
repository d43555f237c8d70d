from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.index.neighbours import VectorPairs
from neardup_cli.matching import budget
from neardup_cli.matching.funnel import Pictures, Sifted, sift_pairs
from neardup_cli.matching.sieve import FLAT
from neardup_cli.records.matches import PairMatch, Stage

FAR = 0x5555_5555_5555_5555  # 32 bits from 0 and from ALL
ALL = -1


def pictures(
    hashes: Sequence[int],
    vectors: Sequence[Sequence[float] | None] | None = None,
    flatness: Sequence[float] | None = None,
) -> Pictures:
    """Contents 10, 20, 30 …, each with a hash and perhaps a vector of two numbers, and all their pairs."""
    given_vectors = [None] * len(hashes) if vectors is None else vectors
    embedded = np.array([vector is not None for vector in given_vectors], bool)
    table = np.array([(9, 9) if vector is None else vector for vector in given_vectors]).reshape(-1, 2)
    first, second = np.nonzero(np.triu(embedded[:, None] & embedded, k=1))
    similarities = (table[first] * table[second]).sum(axis=1).astype(np.float32)
    return Pictures(
        ids=np.arange(1, len(hashes) + 1, dtype=np.int64) * 10,
        hashes=np.array(hashes, np.int64),
        flatness=np.array(flatness if flatness is not None else [0.0] * len(hashes), np.float32),
        embedded=embedded,
        similar=VectorPairs(first, second, similarities),
    )


def sift(
    found: Pictures,
    *,
    threshold: float = 0.5,
    radius: int = 10,
    alone: int = 4,
    certainty: float | None = None,
) -> Sifted:
    return sift_pairs(found, threshold=threshold, radius=radius, radius_alone=alone, certainty=certainty)


def match(found: Pictures, *, threshold: float = 0.5, radius: int = 10, alone: int = 4) -> list[PairMatch]:
    """The certain pairs, where every pair is: nobody asks for geometry."""
    sifted = sift(found, threshold=threshold, radius=radius, alone=alone)
    assert sifted.doubtful == []
    return sifted.certain


def test_stage_says_who_decided() -> None:
    found = match(pictures([0, 0b111, FAR], [(1, 0), (1, 0), (1, 0)]))
    assert found == [
        PairMatch(10, 20, Stage.SIEVE, 1.0, 3),
        PairMatch(10, 30, Stage.VERIFIER, 1.0, 32),
        PairMatch(20, 30, Stage.VERIFIER, 1.0, hamming_distance(0b111, FAR)),
    ]


def test_hashes_that_differ_in_the_sign_bit() -> None:
    [pair] = match(pictures([0, ALL], [(1, 0), (1, 0)]))
    assert (pair.hamming, pair.stage) == (64, Stage.VERIFIER)
    assert match(pictures([0, -(1 << 63)])) == [PairMatch(10, 20, Stage.SIEVE, None, 1)]


def test_sieve_proposes_and_does_not_convict() -> None:
    assert match(pictures([0, 0], [(1, 0), (0, 1)])) == []


@pytest.mark.parametrize(("threshold", "count"), [(0.5, 1), (0.501, 0)])
def test_threshold_is_inclusive(threshold: float, count: int) -> None:
    assert len(match(pictures([0, FAR], [(1, 0), (0.5, 0)]), threshold=threshold)) == count


def test_contents_without_vectors_are_decided_by_the_sieve_alone() -> None:
    found = match(pictures([0, 0b1111, 0b11111 << 8, FAR], [(1, 0), None, None, None]))
    assert found == [PairMatch(10, 20, Stage.SIEVE, None, 4)]
    assert match(pictures([0, 0b11111 << 8], [(1, 0), None])) == []
    assert match(pictures([0, 0b11111 << 8], [None, None]), alone=5) == [
        PairMatch(10, 20, Stage.SIEVE, None, 5)
    ]


def test_hashes_alone() -> None:
    found = match(pictures([0, 1, FAR, ALL]), threshold=1.0)
    assert found == [PairMatch(10, 20, Stage.SIEVE, None, 1)]


def test_flat_pictures_need_the_verifier() -> None:
    flat = [FLAT, 1.0, 0.0]
    assert match(pictures([0, 0, 0], None, flat)) == []
    [pair] = match(pictures([0, 0, 0], [(1, 0), (1, 0), (0, 1)], flat))
    assert (pair.a, pair.b, pair.stage) == (10, 20, Stage.VERIFIER)


def test_below_certainty_a_pair_is_doubtful() -> None:
    found = pictures([0, 0, FAR], [(1, 0), (0.5, 0), (0.75, 0)])
    sifted = sift(found, threshold=0.25, certainty=0.75)
    assert sifted.certain == [PairMatch(10, 30, Stage.VERIFIER, 0.75, 32)]
    assert sifted.doubtful == [
        PairMatch(10, 20, Stage.GEOMETRY, 0.5, 0),
        PairMatch(20, 30, Stage.GEOMETRY, 0.375, 32),
    ]


def test_flat_pictures_are_always_doubtful() -> None:
    sifted = sift(pictures([0, 0, 0], [(1, 0)] * 3, [FLAT, 0.0, 0.0]), certainty=0.75)
    assert [(pair.a, pair.b) for pair in sifted.certain] == [(20, 30)]
    assert [(pair.a, pair.b) for pair in sifted.doubtful] == [(10, 20), (10, 30)]


def test_what_the_sieve_decides_alone_is_not_doubtful() -> None:
    sifted = sift(pictures([0, 1], [(1, 0), None]), certainty=0.75)
    assert (len(sifted.certain), sifted.doubtful) == (1, [])


def test_the_budget_leaves_the_least_similar_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "PAIRS_PER_PICTURE", 1)
    monkeypatch.setattr(budget, "PAIRS_IN_ANY_CASE", 0)
    vectors = [(1.0, 0.0), (0.9, 0.0), (0.8, 0.0), (0.7, 0.0)]
    sifted = sift(pictures([0] * 4, vectors), threshold=0.25, certainty=0.95)
    assert [(pair.a, pair.b) for pair in sifted.doubtful] == [(10, 20), (10, 30), (10, 40)]
    assert sifted.left_out == 3


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count: int) -> None:
    assert match(pictures([0] * count)) == []
    assert match(pictures([0] * count, [(1.0, 0.0)] * count)) == []


ANGLES = [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0), (-1.0, 0.0)]
contents = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 0b111, 0b11111, FAR, ALL]),
        st.sampled_from([None, *ANGLES]),
        st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    ),
    max_size=9,
)


@given(
    contents,
    st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    st.sampled_from([None, 0.0, 0.5, 1.0]),
    st.integers(0, 64),
    st.integers(0, 6),
)
def test_equals_the_definition(
    rows: list[tuple[int, tuple[float, float] | None, float]],
    threshold: float,
    certainty: float | None,
    radius: int,
    alone: int,
) -> None:
    alone = min(alone, radius)
    certain, doubtful = [], []
    for b, (hash_b, vector_b, flat_b) in enumerate(rows):
        for a, (hash_a, vector_a, flat_a) in enumerate(rows[:b]):
            bits = hamming_distance(hash_a, hash_b)
            flat = max(flat_a, flat_b) >= FLAT
            sieved = bits <= radius and not flat
            ids = (10 * (a + 1), 10 * (b + 1))
            if vector_a is None or vector_b is None:
                if sieved and bits <= alone:
                    certain.append(PairMatch(*ids, Stage.SIEVE, None, bits))
            elif (similarity := float(np.dot(vector_a, vector_b))) < threshold:
                continue
            elif certainty is None or (similarity >= certainty and not flat):
                stage = Stage.SIEVE if sieved else Stage.VERIFIER
                certain.append(PairMatch(*ids, stage, similarity, bits))
            else:
                doubtful.append(PairMatch(*ids, Stage.GEOMETRY, similarity, bits))
    columns = map(list, zip(*rows, strict=True)) if rows else [[]]
    sifted = sift(pictures(*columns), threshold=threshold, radius=radius, alone=alone, certainty=certainty)
    assert sifted.certain == sorted(certain, key=lambda pair: (pair.a, pair.b))
    assert sifted.doubtful == sorted(doubtful, key=lambda pair: (pair.a, pair.b))
