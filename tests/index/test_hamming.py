from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neardup_cli.index import hamming
from neardup_cli.index.hamming import close_pairs, within_radius

type Hashes = NDArray[np.uint8]


def distances(hashes: Hashes) -> NDArray[np.int64]:
    """All distances, (n, n), bit by bit."""
    bits = np.unpackbits(hashes, axis=1).astype(np.int64)
    return np.array([[int((a != b).sum()) for b in bits] for a in bits]).reshape(len(hashes), len(hashes))


def brute_force(hashes: Hashes, radius: int) -> list[tuple[int, int, int]]:
    all_distances = distances(hashes)
    return [
        (a, b, int(all_distances[a, b]))
        for a in range(len(hashes))
        for b in range(a + 1, len(hashes))
        if all_distances[a, b] <= radius
    ]


def found(hashes: Hashes, radius: int) -> list[tuple[int, int, int]]:
    pairs = close_pairs(hashes, radius)
    return [(int(a), int(b), int(d)) for a, b, d in zip(*pairs, strict=True)]


def neighbourhood(count: int, seed: int) -> Hashes:
    """Hashes around a few centres, so that every distance occurs."""
    generator = np.random.default_rng(seed)
    centres = generator.integers(0, 256, (4, 8), dtype=np.uint8)
    flips = np.packbits(generator.random((count, 64)) < generator.random((count, 1)) * 0.2, axis=1)
    return centres[generator.integers(0, 4, count)] ^ flips


@pytest.mark.parametrize("block", [1, 2, 7, 60, 4096])
@pytest.mark.parametrize("radius", [0, 1, 10, 64])
def test_equals_brute_force_across_blocks(block: int, radius: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "_BLOCK", block)
    hashes = neighbourhood(60, seed=radius)
    expected = brute_force(hashes, radius)
    assert expected or radius == 0
    assert found(hashes, radius) == expected


@given(st.lists(st.binary(min_size=8, max_size=8), max_size=12), st.integers(0, 64))
def test_any_hashes(rows: list[bytes], radius: int) -> None:
    hashes = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 8)
    assert found(hashes, radius) == brute_force(hashes, radius)


@pytest.mark.parametrize("radius", range(9))
@pytest.mark.parametrize("block", [7, 4096])
def test_tables_find_what_comparing_all_finds(
    radius: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming, "_BLOCK", block)
    monkeypatch.setattr(hamming, "_WORTHWHILE", dict.fromkeys(range(3), 0))
    hashes = np.concatenate([neighbourhood(150, seed=radius), np.zeros((2, 8), np.uint8)])
    hashes[-1, 7] = 0x80  # the bit that no table looks at
    expected = brute_force(hashes, radius)
    assert radius == 0 or len(expected) > 10
    assert found(hashes, radius) == expected


@given(st.lists(st.binary(min_size=8, max_size=8), max_size=6), st.integers(0, 8), st.data())
def test_tables_with_any_hashes(rows: list[bytes], radius: int, data: st.DataObject) -> None:
    """Each hash again with up to ten bits flipped: at the limit, and beyond it."""
    hashes = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 8)
    bits = np.unpackbits(hashes, axis=1)
    for row in bits:
        row[list(data.draw(st.sets(st.integers(0, 63), max_size=10)))] ^= 1
    both = np.concatenate([hashes, np.packbits(bits, axis=1).reshape(-1, 8)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "_WORTHWHILE", dict.fromkeys(range(3), 0))
        assert found(both, radius) == brute_force(both, radius)


def test_radius_is_inclusive() -> None:
    hashes = np.zeros((2, 8), np.uint8)
    hashes[1, 3] = 0b0011_0001
    assert found(hashes, 2) == []
    assert found(hashes, 3) == [(0, 1, 3)]
    hashes[1] = 255
    assert found(hashes, 63) == []
    assert found(hashes, 64) == [(0, 1, 64)]


def test_equal_hashes_are_all_pairs_once() -> None:
    assert found(np.full((4, 8), 9, np.uint8), 0) == [(a, b, 0) for a in range(4) for b in range(a + 1, 4)]


@pytest.mark.parametrize("count", [0, 1])
def test_no_pairs(count: int) -> None:
    pairs = close_pairs(np.zeros((count, 8), np.uint8), 64)
    assert [len(column) for column in pairs] == [0, 0, 0]
    assert all(column.dtype == np.int64 for column in pairs)


def test_hashes_that_are_not_contiguous() -> None:
    wide = np.zeros((6, 16), np.uint8)
    wide[:, ::2] = neighbourhood(6, seed=1)
    assert found(wide[:, ::2], 64) == brute_force(wide[:, ::2].copy(), 64)


@pytest.mark.parametrize("radius", [0, 5, 12, 64])
def test_within_radius_equals_brute_force_nearest_first(radius: int) -> None:
    hashes = neighbourhood(50, seed=3)
    rows, bits = within_radius(hashes, hashes[7], radius)
    expected = sorted((int(d), row) for row, d in enumerate(distances(hashes)[7]) if d <= radius)
    assert list(zip(bits.tolist(), rows.tolist(), strict=True)) == expected
    assert (0, 7) in expected


def test_within_radius_of_nothing() -> None:
    rows, bits = within_radius(np.empty((0, 8), np.uint8), np.zeros(8, np.uint8), 64)
    assert (rows.tolist(), bits.tolist()) == ([], [])
