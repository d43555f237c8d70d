from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neardup_cli.index import vectors as vectors_module
from neardup_cli.index.vectors import IndexStamp, VectorIndex, similar_pairs

type Array = NDArray[np.float32]

DIMENSION = 16


def units(count: int, seed: int, dimension: int = DIMENSION) -> Array:
    """Unit vectors around a few centres, so that every similarity occurs."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(5, dimension))
    rows = centres[generator.integers(0, 5, count)] + generator.normal(size=(count, dimension)) * 0.6
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute_force(vectors: NDArray[np.floating], threshold: float) -> list[tuple[int, int]]:
    similarities = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    first, second = np.nonzero(np.triu(similarities >= threshold, k=1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def found(vectors: NDArray[np.floating], threshold: float) -> list[tuple[int, int]]:
    pairs = similar_pairs(vectors, threshold)
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


# --- all pairs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 3, 50, 2048])
@pytest.mark.parametrize("threshold", [-1.0, 0.2, 0.75])
def test_equals_brute_force_across_blocks(
    block: int, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "_BLOCK", block)
    rows = units(50, seed=block)
    expected = brute_force(rows, threshold)
    assert len(expected) > 20
    assert found(rows, threshold) == expected
    pairs = similar_pairs(rows, threshold)
    exact = (rows.astype(np.float64)[pairs.first] * rows.astype(np.float64)[pairs.second]).sum(axis=1)
    assert pairs.similarities == pytest.approx(exact, abs=1e-6)


def test_half_precision_is_taken_as_it_is() -> None:
    rows = units(40, seed=3).astype(np.float16)
    assert found(rows, 0.5) == brute_force(rows, 0.5)


# Sums of few halves are exact in float32, so the threshold can be met to the bit.
@given(
    st.lists(st.lists(st.sampled_from([-0.5, 0.0, 0.5]), min_size=4, max_size=4), max_size=10),
    st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]),
)
def test_threshold_is_inclusive(rows: list[list[float]], threshold: float) -> None:
    vectors = np.array(rows, np.float32).reshape(-1, 4)
    assert found(vectors, threshold) == brute_force(vectors, threshold)


def test_threshold_that_float32_cannot_hold() -> None:
    """0.2 and 0.7 lie beside their nearest float32 neighbours, one below it and one above."""
    for threshold in (0.2, 0.7):
        value = np.float32(threshold)
        vectors = np.array([[1, 0], [value, 0], [np.nextafter(value, np.float32(-1)), 0]], np.float32)
        assert found(vectors, threshold) == [(0, 1)]


@pytest.mark.parametrize("count", [0, 1])
def test_no_pairs(count: int) -> None:
    pairs = similar_pairs(units(count, seed=1), -1.0)
    assert [len(column) for column in pairs] == [0, 0, 0]
    assert [column.dtype for column in pairs] == [np.int64, np.int64, np.float32]


# --- the index ------------------------------------------------------------------------------------------


def filled(count: int = 30, seed: int = 1) -> tuple[VectorIndex, NDArray[np.int64], Array]:
    rows = units(count, seed)
    ids = np.random.default_rng(seed).permutation(np.arange(count, dtype=np.int64) * 1000 + 1)
    index = VectorIndex(DIMENSION)
    half = count // 2
    index.add(ids[:half], rows[:half])
    index.add(ids[half:], rows[half:])
    return index, ids, rows


def test_search_gives_ids_nearest_first() -> None:
    index, ids, rows = filled()
    queries = units(4, seed=9)
    similarities = queries.astype(np.float64) @ rows.astype(np.float64).T
    order = np.argsort(-similarities, axis=1)[:, :7]
    found_ids, found_similarities = index.search(queries, 7)
    assert found_ids.tolist() == ids[order].tolist()
    assert found_similarities == pytest.approx(np.take_along_axis(similarities, order, axis=1), abs=1e-6)
    assert len(index) == 30


def test_search_for_more_than_there_is() -> None:
    index, ids, rows = filled(3)
    found_ids, similarities = index.search(rows[:2], 10)
    assert found_ids.shape == similarities.shape == (2, 3)
    assert set(found_ids[0].tolist()) == set(ids.tolist())
    empty_ids, empty = VectorIndex(DIMENSION).search(rows[:2], 10)
    assert empty_ids.shape == empty.shape == (2, 0)


def test_vector_of_a_content() -> None:
    index, ids, rows = filled()
    vector = index.vector(int(ids[4]))
    assert vector is not None
    assert vector.tolist() == rows[4].tolist()
    assert index.vector(2) is None
    assert VectorIndex(DIMENSION).vector(1) is None


# --- its file -------------------------------------------------------------------------------------------

STAMP = IndexStamp("uuid", "fingerprint", "rgb, ünï", generation=3, vectors=30, last_row=77)


def sealed(data: bytes) -> bytes:
    return data + blake3(data).digest()


def test_save_and_load(tmp_path: Path) -> None:
    index, _, rows = filled()
    path = tmp_path / "catalog.db.key.faiss"
    index.save(path, STAMP)
    loaded = VectorIndex.load(path)
    assert loaded is not None
    again, stamp = loaded
    assert (stamp, len(again)) == (STAMP, 30)
    ids, similarities = index.search(rows, 5)
    same_ids, same_similarities = again.search(rows, 5)
    assert (ids.tolist(), similarities.tolist()) == (same_ids.tolist(), same_similarities.tolist())
    again.add(np.array([5], np.int64), units(1, seed=5))
    assert len(again) == 31
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_save_replaces(tmp_path: Path) -> None:
    path = tmp_path / "index"
    path.write_bytes(b"old")
    index, _, _ = filled(4)
    index.save(path, STAMP._replace(vectors=4))
    loaded = VectorIndex.load(path)
    assert loaded is not None
    assert loaded[1].vectors == 4


def test_failed_save_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index"
    index, _, _ = filled()
    index.save(path, STAMP)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        index.save(path, STAMP._replace(generation=4))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["index"]


def test_nothing_there(tmp_path: Path) -> None:
    assert VectorIndex.load(tmp_path / "index") is None
    assert VectorIndex.load(tmp_path) is None


def test_torn_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "index"
    filled()[0].save(path, STAMP)
    whole = path.read_bytes()
    header = whole.index(b"\n") + 1
    for length in {0, 1, header - 1, header, *range(header, len(whole), 37), len(whole) - 1}:
        path.write_bytes(whole[:length])
        assert VectorIndex.load(path) is None, length


@pytest.mark.parametrize(
    "header",
    [
        b"\n",
        b"\xff\xfe\n",
        b"[1, 2]\n",
        b"7\n",
        b"{}\n",
        b'{"catalog": "uuid"}\n',
        json.dumps({**STAMP._asdict(), "more": 1}).encode() + b"\n",
        json.dumps({**STAMP._asdict(), "vectors": 29}).encode() + b"\n",
    ],
)
def test_other_header(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "index"
    filled()[0].save(path, STAMP)
    _, _, body = path.read_bytes()[:-32].partition(b"\n")
    path.write_bytes(sealed(header + body))
    assert VectorIndex.load(path) is None


def test_index_of_another_kind(tmp_path: Path) -> None:
    import faiss

    path = tmp_path / "index"
    flat = faiss.IndexFlatIP(DIMENSION)
    flat.add(units(30, seed=1))
    body = faiss.serialize_index(flat).tobytes()
    path.write_bytes(sealed(json.dumps(STAMP._asdict()).encode() + b"\n" + body))
    assert VectorIndex.load(path) is None


def test_one_byte_changed_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "index"
    filled(4)[0].save(path, STAMP._replace(vectors=4))
    whole = path.read_bytes()
    assert VectorIndex.load(path) is not None
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0x41
        path.write_bytes(changed)
        assert VectorIndex.load(path) is None, position
