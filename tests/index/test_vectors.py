from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3
from numpy.typing import NDArray

from neardup_cli.index import vectors as vectors_module
from neardup_cli.index.vectors import (
    IndexKind,
    IndexStamp,
    RefinedIndex,
    VectorIndex,
    candidates,
    kind_for,
    lists_for,
    sample_size,
    search_threads,
)

type Array = NDArray[np.float32]

DIMENSION = 16


def units(count: int, seed: int, dimension: int = DIMENSION) -> Array:
    """Unit vectors around a few centres, so that every similarity occurs."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(5, dimension))
    rows = centres[generator.integers(0, 5, count)] + generator.normal(size=(count, dimension)) * 0.6
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


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


# --- many vectors ---------------------------------------------------------------------------------------


def planted(count: int, seed: int, dimension: int = 64) -> Array:
    """Random unit vectors, the second half copies of the first at similarities from 0.5 to 0.95."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half = count // 2
    cosines = random.uniform(0.5, 0.95, (half, 1))
    rows[half:] = cosines * rows[:half] + np.sqrt(1 - cosines**2) * rows[half:]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def compressed(rows: Array) -> VectorIndex:
    index = VectorIndex.trained(rows, len(rows))
    index.add(np.arange(len(rows), dtype=np.int64) * 10 + 5, rows)
    return index


def test_kind_goes_by_size() -> None:
    assert kind_for(0) is kind_for(50_000) is IndexKind.FLAT
    assert kind_for(50_001) is IndexKind.IVF
    assert sample_size(10) == 10
    assert sample_size(1_000_000) == 40 * lists_for(1_000_000)


def test_index_is_outgrown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors_module, "FLAT_UP_TO", 500)
    index = compressed(planted(600, seed=1))
    assert index.kind is IndexKind.IVF
    assert index.lists == lists_for(600)
    assert [count for count in (500, 501, 600, 2000, 3000, 60_000) if index.suits(count)] == [501, 600, 2000]
    flat = VectorIndex(8)
    assert (flat.kind, flat.lists) == (IndexKind.FLAT, 1)
    assert [count for count in (0, 500, 501) if flat.suits(count)] == [0, 500]


def test_compressed_index_proposes_the_copies() -> None:
    rows = planted(2000, seed=2)
    index = compressed(rows)
    ids, _ = index.search(rows[1000:], 10)
    found = (ids == (np.arange(1000) * 10 + 5)[:, None]).any(axis=1)
    assert found.mean() > 0.95
    few, _ = index.search(rows[1000:], 10, probed=0.2)
    assert 0.5 < (few == (np.arange(1000) * 10 + 5)[:, None]).any(axis=1).mean() < found.mean()


def test_compressed_vectors_resemble_themselves() -> None:
    rows = planted(1000, seed=3)
    index = compressed(rows)
    held = [index.vector(content) for content in index.ids.tolist()]
    similarities = np.array(
        [row @ vector for row, vector in zip(rows, held, strict=True) if vector is not None]
    )
    assert len(similarities) == 1000
    assert similarities.min() > 0.2
    assert index.vector(4) is None


def test_lists_that_hold_less_than_was_asked_for() -> None:
    index = compressed(planted(60, seed=4))
    ids, similarities = index.search(planted(3, seed=5), 60, probed=0.0)
    assert ids.shape == (3, 60)
    assert ((ids == -1) == (similarities < -1)).all()
    assert (ids == -1).any()


def test_refined_search_is_exact_on_what_it_finds() -> None:
    rows = planted(2000, seed=6).astype(np.float16)
    index = compressed(rows.astype(np.float32))
    pages = [(index.ids[:700], rows[:700]), (index.ids[700:], rows[700:])]
    # A page may end in vectors that came later.
    more = np.concatenate([rows[700:], rows[:5]]), np.concatenate([index.ids[700:], [1, 2, 3, 4, 6]])
    for given_pages in (pages, [pages[0], (more[1], more[0])]):
        ids, similarities = RefinedIndex(index, given_pages).search(rows[1000:].astype(np.float32), 5)
        exact = (rows[1000:, None].astype(np.float32) * rows[(ids - 5) // 10].astype(np.float32)).sum(axis=2)
        assert similarities == pytest.approx(exact, abs=1e-5)
        assert ((ids - 5) // 10 == np.arange(1000)[:, None]).any(axis=1).mean() > 0.9


def test_neighbours_of_vectors_of_the_index_itself() -> None:
    rows = planted(700, seed=10).astype(np.float16)
    index = compressed(rows.astype(np.float32))
    refined = RefinedIndex(index, [(index.ids, rows)])
    places = np.array([5, 600, 13], np.int64)
    ids, similarities = refined.nearest_of(places, 4)
    expected_ids, expected = refined.search(rows[places].astype(np.float32), 4)
    assert ids[:, 0].tolist() == index.ids[places].tolist()
    assert (ids.tolist(), similarities.tolist()) == (expected_ids.tolist(), expected.tolist())


def test_asking_for_neighbours_uses_one_thread_and_leaves_others_their_number() -> None:
    import faiss

    rows = planted(300, seed=11).astype(np.float16)
    index = compressed(rows.astype(np.float32))
    refined = RefinedIndex(index, [(index.ids, rows)])
    seen = []

    class Watched:
        def reconstruct_batch(self, places: NDArray[np.int64]) -> Array:
            seen.append(search_threads())
            return rows[places].astype(np.float32)

    refined._vectors = Watched()
    before = search_threads()
    faiss.omp_set_num_threads(3)
    try:
        refined.nearest_of(np.arange(2), 1)
        assert (seen, search_threads()) == ([1], 3)
    finally:
        faiss.omp_set_num_threads(before)


@pytest.mark.parametrize("writable", [True, False])
def test_an_index_comes_to_a_worker_as_it_is(writable: bool) -> None:
    """As Ray does it: the arrays apart, which may not be written to where they lie in shared memory."""
    rows = planted(700, seed=12).astype(np.float16)
    index = compressed(rows.astype(np.float32))
    refined = RefinedIndex(index, [(index.ids, rows)])
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(refined, protocol=5, buffer_callback=buffers.append)
    assert len(data) < 2000
    shared = [bytearray(buffer.raw()) if writable else bytes(buffer.raw()) for buffer in buffers]
    assert max(map(len, shared)) < rows.nbytes + 1000
    there = pickle.loads(data, buffers=shared)
    places = np.arange(700)
    (ids, similarities), (same_ids, same) = refined.nearest_of(places, 5), there.nearest_of(places, 5)
    assert (ids.tolist(), similarities.tolist()) == (same_ids.tolist(), same.tolist())


def test_refined_index_takes_no_other_vectors() -> None:
    rows = planted(100, seed=7).astype(np.float16)
    index = compressed(rows.astype(np.float32))
    for ids, vectors in ((index.ids[::-1], rows), (index.ids[:50], rows[:50])):
        with pytest.raises(ValueError, match="vectors"):
            RefinedIndex(index, [(ids, vectors)])


def test_compressed_index_is_saved_and_loaded(tmp_path: Path) -> None:
    rows = planted(300, seed=8)
    index = compressed(rows)
    path = tmp_path / "index"
    index.save(path, STAMP._replace(vectors=300))
    loaded = VectorIndex.load(path)
    assert loaded is not None
    again, _ = loaded
    assert (again.kind, again.lists, len(again)) == (IndexKind.IVF, index.lists, 300)
    assert again.ids.tolist() == index.ids.tolist()
    (ids, similarities), (same_ids, same) = index.search(rows, 5), again.search(rows, 5)
    assert (ids.tolist(), similarities.tolist()) == (same_ids.tolist(), same.tolist())
    new = planted(10, seed=9)
    again.add(np.arange(7, 17, dtype=np.int64), new)
    assert len(again) == 310
    assert again.search(new, 1)[0][:, 0].tolist() == list(range(7, 17))
    for content, row in ((index.ids[3], rows[3]), (7, new[0])):
        held = again.vector(int(content))
        assert held is not None
        assert held @ row > 0.2
    assert path.stat().st_size < 300 * 100 + 20_000


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

    monkeypatch.setattr("os.replace", fail)
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
    other = faiss.IndexFlatL2(DIMENSION)
    other.add(units(30, seed=1))
    body = faiss.serialize_index(other).tobytes() + bytes(8 * 30)
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


def test_more_candidates_are_measured_where_more_vectors_are_near() -> None:
    assert [candidates(count, 2) for count in (1, 50_000, 1_000_000)] == [16, 26, 216]
