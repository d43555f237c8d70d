from __future__ import annotations

import itertools
import math
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from neardup_cli.catalog import queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.migrate import HEAD
from neardup_cli.catalog.queries import StoredModel, path_range
from neardup_cli.catalog.scanning import FileRow
from neardup_cli.images.walk import is_below
from neardup_cli.records.files import Failure, Features, FileStamp, ModelIdentity

IDENTITY = ModelIdentity("toy", "fingerprint", 4, "rgb")


def digest(number: int) -> bytes:
    return number.to_bytes(32)


def features(dhash: int = 0, vector: bytes | None = None) -> Features:
    return Features("PNG", 40, 30, dhash, 0.25, datetime(2020, 2, 3, 4, 5, 6), vector)


def unit(*values: float) -> bytes:
    vector = np.array(values, np.float64)
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


def add_files(catalog: Catalog, files: dict[bytes, int], root: bytes = b"/r") -> None:
    """Store paths with the number of their content."""
    with catalog.write() as connection:
        scan_id = scanning.begin_scan(connection)
        roots = {root: scanning.store_root(connection, root, 7, scan_id)}
        rows = [
            FileRow(path, FileStamp(100 + number, 5, 7, 1000 + number), digest(number), root)
            for path, number in files.items()
        ]
        scanning.store_files(connection, rows, roots, scan_id)
        scanning.finish_scan(connection, scan_id)


def add_contents(catalog: Catalog, outcomes: dict[int, Features | Failure]) -> None:
    with catalog.write() as connection:
        known = {digest(number): (100 + number, outcome) for number, outcome in outcomes.items()}
        scanning.store_contents(connection, known, None)


def add_vectors(catalog: Catalog, vectors: dict[int, bytes]) -> StoredModel:
    with catalog.write() as connection:
        model = scanning.store_model(connection, IDENTITY, scanning.begin_scan(connection))
        outcomes = {digest(number): (1, features(vector=vector)) for number, vector in vectors.items()}
        scanning.store_contents(connection, outcomes, model)
        return queries.stored_models(connection)[0]


def lose(catalog: Catalog, path: bytes) -> None:
    with catalog.write() as connection:
        connection.execute(text("UPDATE file SET missing_scan_id = 1 WHERE path = :path"), {"path": path})


# --- below a folder -------------------------------------------------------------------------------------

names = st.binary(min_size=1, max_size=3).filter(lambda name: b"/" not in name and b"\0" not in name)
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: b"/" + b"/".join(parts))


@given(paths, st.one_of(paths, st.just(b"/")))
def test_path_range_is_exactly_what_lies_below(path: bytes, folder: bytes) -> None:
    low, high = path_range(folder)
    assert (low <= path < high) == (is_below(path, folder) and path != folder)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (b"/a", [b"/a/x", b"/a/\xff", b"/a/0/y"]),
        (b"/a/", [b"/a/x", b"/a/\xff", b"/a/0/y"]),
        (b"/a.b", [b"/a.b/x"]),
        (b"/a0", [b"/a0"]),
        (b"/", [b"/a.b/x", b"/a/0/y", b"/a/x", b"/a/\xff", b"/a0", b"/b", b"/\xff/z"]),
        (b"/nowhere", []),
    ],
)
def test_below_says_the_same_in_sql(catalog: Catalog, folder: bytes, expected: list[bytes]) -> None:
    everything = [b"/a/x", b"/a/\xff", b"/a/0/y", b"/a.b/x", b"/a0", b"/b", b"/\xff/z"]
    add_contents(catalog, {1: features()})
    add_files(catalog, dict.fromkeys(everything, 1))
    with catalog.read() as connection:
        files = queries.files_of_contents(connection, [1], [folder])
        if len(expected) > 1:
            assert queries.contents_in_several_files(connection, [folder]) == [1]
    assert [file.path for file in files] == sorted(expected)


# --- contents and files ---------------------------------------------------------------------------------


def test_contents_in_several_files(catalog: Catalog) -> None:
    add_contents(catalog, {1: features(), 2: features(), 3: Failure("truncated"), 4: features()})
    add_files(catalog, {b"/r/a": 1, b"/r/b": 1, b"/r/c": 2, b"/r/d": 3, b"/r/e": 3, b"/r/f": 4, b"/r/g": 4})
    with catalog.read() as connection:
        assert queries.contents_in_several_files(connection) == [1, 4]
    lose(catalog, b"/r/g")
    with catalog.read() as connection:
        assert queries.contents_in_several_files(connection) == [1]


def test_files_of_many_contents(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_VARIABLES", 3)
    add_contents(catalog, {number: features() for number in range(1, 9)})
    add_files(
        catalog, {b"/r/%d%s" % (number, suffix): number for number in range(1, 9) for suffix in (b"b", b"a")}
    )
    lose(catalog, b"/r/2a")
    with catalog.read() as connection:
        files = queries.files_of_contents(connection, {7, 1, 2, 3, 5})
        assert queries.files_of_contents(connection, []) == []
    assert [file.path for file in files] == [
        b"/r/%d%s" % key for key in itertools.product((1, 2, 3, 5, 7), (b"a", b"b")) if key != (2, b"a")
    ]
    first = files[0]
    assert (first.stamp, first.digest) == (FileStamp(101, 5, 7, 1001), digest(1))
    assert (first.width, first.height, first.format) == (40, 30, "PNG")
    assert first.captured_at == datetime(2020, 2, 3, 4, 5, 6)


def test_fingerprints(catalog: Catalog) -> None:
    extremes = [-(1 << 63), (1 << 63) - 1, -1, 0]
    add_contents(catalog, {number: features(bits) for number, bits in enumerate(extremes, start=1)})
    add_contents(catalog, {5: Failure("truncated"), 6: features(66), 7: features(77)})
    add_files(catalog, {b"/r/%d" % number: number for number in range(1, 7)})  # 7 has no file
    lose(catalog, b"/r/6")
    with catalog.read() as connection:
        prints = queries.fingerprints(connection)
        below = queries.fingerprints(connection, [b"/r/2", b"/r/3"])
        nothing = queries.fingerprints(connection, [b"/nowhere"])
    assert prints.ids.tolist() == [1, 2, 3, 4]
    assert prints.hashes.tolist() == extremes
    assert (prints.flatness == 0.25).all()
    assert below.ids.tolist() == [2, 3]
    assert [column.dtype for column in nothing] == [np.int64, np.int64, np.float32]
    assert [column.shape for column in nothing] == [(0,)] * 3


# --- vectors --------------------------------------------------------------------------------------------


def test_vectors_come_in_pages_oldest_first(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_PAGE", 3)
    stored = {number: unit(1, number, 0, 2) for number in range(1, 8)}
    model = add_vectors(catalog, stored)
    with catalog.read() as connection:
        pages = list(queries.vectors_after(connection, model))
        assert [len(page.ids) for page in pages] == [3, 3, 1]
        found = {
            int(content): vector.tobytes()
            for page in pages
            for content, vector in zip(page.ids, page.vectors, strict=True)
        }
        assert found == stored
        rows = np.concatenate([page.rows for page in pages])
        assert (np.diff(rows) > 0).all()
        later = list(queries.vectors_after(connection, model, int(rows[4])))
        assert np.concatenate([page.rows for page in later]).tolist() == rows[5:].tolist()
        assert list(queries.vectors_after(connection, model, int(rows[-1]))) == []
        state = queries.vector_state(connection, model)
    assert state == (0, 7, rows[-1])


def test_state_of_a_model_without_vectors(catalog: Catalog) -> None:
    model = add_vectors(catalog, {})
    with catalog.read() as connection:
        assert queries.vector_state(connection, model) == (0, 0, 0)
        assert list(queries.vectors_after(connection, model)) == []


def test_row_numbers_are_never_used_again(catalog: Catalog) -> None:
    """An index file knows what it has seen by the last row number."""
    model = add_vectors(catalog, {1: unit(1, 0, 0, 0), 2: unit(0, 1, 0, 0)})
    with catalog.write() as connection:
        connection.execute(text("DELETE FROM embedding WHERE content_id = 2"))
    add_vectors(catalog, {3: unit(1, 1, 0, 0)})
    with catalog.read() as reader:
        assert queries.vector_state(reader, model) == (0, 2, 3)


def test_models_the_one_used_last_first(catalog: Catalog) -> None:
    def use(name: str) -> None:
        with catalog.write() as connection:
            identity = ModelIdentity(name, name * 2, 4, "rgb")
            scanning.store_model(connection, identity, scanning.begin_scan(connection))

    for name in ("a", "b", "a", "c", "b"):
        use(name)
    with catalog.read() as connection:
        assert [model.identity.name for model in queries.stored_models(connection)] == ["b", "c", "a"]


# --- status and doctor ----------------------------------------------------------------------------------


def test_contents_are_counted_by_format(catalog: Catalog) -> None:
    with catalog.read() as connection:
        assert queries.formats(connection) == {}
    add_contents(catalog, {1: features(), 2: Failure("truncated"), 3: features()})
    with catalog.read() as connection:
        assert queries.formats(connection) == {"PNG": 2, "": 1}


def test_counts_and_roots(catalog: Catalog) -> None:
    with catalog.read() as connection:
        assert set(queries.counts(connection).values()) == {0}
        assert queries.root_statuses(connection) == []
        assert queries.last_scan(connection) is None
    add_contents(catalog, {1: features(), 2: Failure("truncated"), 3: features(), 4: features()})
    add_files(catalog, {b"/r/a": 1, b"/r/b": 1, b"/r/c": 2, b"/r/d": 3})
    add_files(catalog, {b"/q": 1}, root=b"/q")
    lose(catalog, b"/r/d")
    with catalog.read() as connection:
        assert queries.counts(connection) == {
            "files": 4,
            "bytes": 101 * 3 + 102,
            "missing": 1,
            "contents": 2,
            "unreadable": 1,
        }
        roots = queries.root_statuses(connection)
        assert [(root.path, root.files, root.bytes) for root in roots] == [(b"/q", 1, 101), (b"/r", 3, 304)]
        ended = queries.last_scan(connection)
        assert queries.schema_revision(connection) == HEAD
    assert ended is not None
    assert abs(datetime.now(UTC).replace(tzinfo=None) - ended) < timedelta(minutes=1)


def test_root_whose_files_are_all_missing(catalog: Catalog) -> None:
    add_contents(catalog, {1: features()})
    add_files(catalog, {b"/r/a": 1})
    lose(catalog, b"/r/a")
    with catalog.read() as connection:
        [root] = queries.root_statuses(connection)
    assert (root.files, root.bytes) == (0, 0)


@pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)
def test_integrity_problems(catalog: Catalog) -> None:
    add_contents(catalog, {1: features()})
    add_files(catalog, {b"/r/a": 1})
    with catalog.read() as connection:
        assert queries.integrity_problems(connection) == []
    with closing(sqlite3.connect(catalog.path)) as broken:  # foreign keys are off in a plain connection
        broken.execute("DELETE FROM content")
        broken.commit()
    with catalog.read() as connection:
        [problem] = queries.integrity_problems(connection)
    assert problem == "file row 1 points at a content that is not there"


@pytest.mark.parametrize(
    "damage",
    [
        "dhash = NULL",
        "width = NULL",
        "width = 0",
        "height = -1",
        "digest = :one",
        "error = 'x', digest = :none",
    ],
)
def test_wrong_contents(catalog: Catalog, damage: str) -> None:
    add_contents(catalog, {1: features(), 2: Failure("truncated"), 3: features()})
    with catalog.read() as connection:
        assert queries.wrong_contents(connection) == 0
    with catalog.write() as connection:
        blobs = {name: blob for name, blob in {"one": b"\0", "none": b""}.items() if f":{name}" in damage}
        connection.execute(text(f"UPDATE content SET {damage} WHERE id = 3"), blobs)
    with catalog.read() as connection:
        assert queries.wrong_contents(connection) == 1


@pytest.mark.parametrize(
    "vector",
    [
        b"",
        unit(1, 0, 0),
        unit(1, 0, 0, 0, 0),
        np.zeros(4, "<f2").tobytes(),
        np.array([1, 1, 0, 0], "<f2").tobytes(),
        np.array([math.nan, 0, 0, 0], "<f2").tobytes(),
        np.array([math.inf, 0, 0, 0], "<f2").tobytes(),
    ],
)
def test_wrong_vectors(catalog: Catalog, vector: bytes) -> None:
    model = add_vectors(catalog, {1: unit(1, 2, 3, 4), 2: unit(0, 0, 0, 1)})
    with catalog.read() as connection:
        assert queries.wrong_vectors(connection, model) == 0
    with catalog.write() as connection:
        damaged = text("UPDATE embedding SET vector = :vector WHERE content_id = 2")
        connection.execute(damaged, {"vector": vector})
    with catalog.read() as connection:
        assert queries.wrong_vectors(connection, model) == 1


def test_file_at_knows_exact_present_decodable_paths_alone(catalog: Catalog) -> None:
    add_contents(catalog, {1: features(), 2: Failure("truncated")})
    add_files(catalog, {b"/r/a.png": 1, b"/r/b.png": 1, b"/r/\xff": 1, b"/r/bad.png": 2, b"/r/lost.png": 1})
    lose(catalog, b"/r/lost.png")
    with catalog.read() as connection:
        found = queries.file_at(connection, b"/r/b.png")
        assert found is not None
        assert (found.path, found.digest) == (b"/r/b.png", digest(1))
        assert queries.file_at(connection, b"/r/\xff") is not None
        for path in (
            b"/r/bad.png",
            b"/r/lost.png",
            b"/r/A.png",
            b"/r",
            b"/r/",
            b"/r//a.png",
            b"/r/a.png\0",
            b"",
        ):
            assert queries.file_at(connection, path) is None, path
