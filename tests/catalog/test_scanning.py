from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Connection

from neardup_cli.catalog import queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.scanning import FileRow
from neardup_cli.records.files import Failure, Features, FileStamp, ModelIdentity


def digest(number: int) -> bytes:
    return number.to_bytes(32)


def features(dhash: int = 0, vector: bytes | None = None) -> Features:
    return Features("PNG", 40, 30, dhash, 0.25, None, vector)


def identity(name: str = "toy", *, preprocessing: str = "rgb") -> ModelIdentity:
    return ModelIdentity(name, "fingerprint", 2, preprocessing)


def row(path: bytes, number: int, root: bytes = b"/r") -> FileRow:
    return FileRow(path, FileStamp(10, 100, 7, 1), digest(number), root)


def put(connection: Connection, files: dict[bytes, int], *, finish: bool = True) -> int:
    """Store files and their contents as one scan would; return its id."""
    scan_id = scanning.begin_scan(connection)
    roots = {b"/r": scanning.store_root(connection, b"/r", 7, scan_id)}
    contents = {digest(number): (10, features()) for number in files.values()}
    scanning.store_contents(connection, contents, None)
    scanning.store_files(connection, [row(path, number) for path, number in files.items()], roots, scan_id)
    if finish:
        scanning.finish_scan(connection, scan_id)
    return scan_id


def ask(catalog: Catalog, query: str) -> list[Any]:
    with catalog.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def ids(catalog: Catalog, *paths: bytes) -> list[int]:
    found = dict(ask(catalog, "SELECT path, id FROM file"))
    return [found[path] for path in paths]


def known(catalog: Catalog, folder: bytes, model: int | None = None) -> list[bytes]:
    with catalog.read() as connection:
        return [row[0] for row in scanning.known_folder(connection, folder, model).rows]


# --- known files ----------------------------------------------------------------------------------------

ODD = [
    b"/r/a",
    b"/r/a/b",
    b"/r/a.b",
    b"/r/a0",
    b"/r/\xff\xfe",
    b"/r/\n",
    b"/r/A",
    b"/r/\xc3\xa9",
    b"/r/a\x01",
]


@pytest.mark.parametrize("page", [1, 2, 3, 9, 100])
def test_known_files_come_in_byte_order_whatever_the_page(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(scanning, "_PAGE", page)
    with catalog.write() as connection:
        put(connection, dict.fromkeys([*ODD, b"/r", b"/q", b"/r.x", b"/r0"], 1))
    assert known(catalog, b"/r") == [b"/r", *sorted(ODD)]
    assert known(catalog, b"/r/a") == [b"/r/a", b"/r/a/b"]
    assert known(catalog, b"/") == sorted([*ODD, b"/r", b"/q", b"/r.x", b"/r0"])
    assert known(catalog, b"/nowhere") == []


def test_known_file_says_what_is_known(catalog: Catalog) -> None:
    with catalog.write() as connection:
        scan_id = put(connection, {b"/r/a": 1, b"/r/b": 2})
        scanning.store_contents(connection, {digest(3): (10, Failure("truncated"))}, None)
        scanning.store_files(connection, [row(b"/r/c", 3)], {b"/r": 1}, scan_id)
    with catalog.write() as connection:
        scanning.mark_missing(connection, ids(catalog, b"/r/b"), scan_id)
    with catalog.read() as reader:
        folder = scanning.known_folder(reader, b"/r", None)
        a, b, c = (scanning.KnownFile(*row) for row in folder.rows)
    assert a == (b"/r/a", 10, 100, a.id, 1, None, None, 1)
    assert (b.missing_scan_id, c.missing_scan_id) == (scan_id, None)
    assert folder.errors == {c.id: "truncated"}
    assert folder.incomplete == set()


def test_done_with_a_model_means_embedded_or_unreadable(catalog: Catalog) -> None:
    with catalog.write() as connection:
        scan_id = put(connection, {b"/r/a": 1, b"/r/b": 2, b"/r/c": 3})
        one = scanning.store_model(connection, identity("one", preprocessing="1"), scan_id)
        two = scanning.store_model(connection, identity("two", preprocessing="2"), scan_id)
        scanning.store_contents(connection, {digest(1): (10, features(vector=b"aaaa"))}, one)
        scanning.store_contents(connection, {digest(2): (10, features(vector=b"bbbb"))}, two)
        scanning.store_contents(connection, {digest(3): (10, Failure("truncated"))}, one, replace=True)
    with catalog.read() as reader:
        for model, expected in ((one, "a c"), (two, "b c"), (None, "a b c"), (99, "c")):
            folder = scanning.known_folder(reader, b"/r", model)
            done = [row[0][-1:] for row in folder.rows if row[3] not in folder.incomplete]
            assert done == expected.encode().split(), model


def test_every_content_has_a_vector(catalog: Catalog) -> None:
    with catalog.write() as connection:
        model = scanning.store_model(connection, identity(), put(connection, {b"/r/a": 1}))
        assert not scanning.every_content_has_a_vector(connection, model)
        scanning.store_contents(connection, {digest(1): (10, features(vector=b"aaaa"))}, model)
        scanning.store_contents(connection, {digest(2): (10, Failure("truncated"))}, model)
        assert scanning.every_content_has_a_vector(connection, model)
        scanning.store_contents(connection, {digest(3): (10, features())}, model)
        assert not scanning.every_content_has_a_vector(connection, model)


# --- contents -------------------------------------------------------------------------------------------


def test_content_states(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_VARIABLES", 2)
    with catalog.write() as connection:
        model = scanning.store_model(connection, identity(), scanning.begin_scan(connection))
        scanning.store_contents(connection, {digest(1): (1, features(vector=b"aaaa"))}, model)
        scanning.store_contents(
            connection, {digest(2): (1, features()), digest(3): (1, Failure("truncated"))}, None
        )
        digests = [digest(number) for number in (5, 1, 2, 3, 1, 4)]
        plain = scanning.content_states(connection, digests, None)
        with_model = scanning.content_states(connection, digests, model)
        other = scanning.content_states(connection, digests, model + 1)
        assert scanning.content_states(connection, [], model) == {}
    assert plain.keys() == with_model.keys() == {digest(1), digest(2), digest(3)}
    assert [plain[digest(number)].done for number in (1, 2, 3)] == [True, True, True]
    assert [with_model[digest(number)].done for number in (1, 2, 3)] == [True, False, True]
    assert [other[digest(number)].done for number in (1, 2, 3)] == [False, False, True]
    assert [plain[digest(number)].error for number in (1, 2, 3)] == [None, None, "truncated"]


def store(catalog: Catalog, model: int | None, outcome: Features | Failure, *, replace: bool = False) -> int:
    with catalog.write() as connection:
        return scanning.store_contents(connection, {digest(1): (10, outcome)}, model, replace=replace)


def model_of(catalog: Catalog) -> int:
    with catalog.write() as connection:
        return scanning.store_model(connection, identity(), scanning.begin_scan(connection))


def generation(catalog: Catalog) -> int:
    [(number,)] = ask(catalog, "SELECT generation FROM model")
    return int(number)


def test_stored_content_stays_as_it_is(catalog: Catalog) -> None:
    model = model_of(catalog)
    assert store(catalog, model, features(1, b"aaaa")) == 1
    before = ask(catalog, "SELECT * FROM content"), ask(catalog, "SELECT * FROM embedding")
    assert store(catalog, model, features(2, b"bbbb")) == 0
    assert (ask(catalog, "SELECT * FROM content"), ask(catalog, "SELECT * FROM embedding")) == before
    assert generation(catalog) == 0


def test_replaced_content_keeps_its_row_and_grows_the_generation(catalog: Catalog) -> None:
    model = model_of(catalog)
    store(catalog, model, features(1, b"aaaa"))
    assert store(catalog, model, features(2, b"bbbb"), replace=True) == 1
    assert ask(catalog, "SELECT id, dhash FROM content") == [(1, 2)]
    assert ask(catalog, "SELECT vector FROM embedding") == [(b"bbbb",)]
    assert generation(catalog) == 1


def test_generation_stays_where_nothing_was_replaced(catalog: Catalog) -> None:
    model = model_of(catalog)
    assert store(catalog, model, features(1, b"aaaa"), replace=True) == 1
    assert generation(catalog) == 0


def test_generation_grows_if_any_of_a_batch_is_replaced(catalog: Catalog) -> None:
    model = model_of(catalog)
    store(catalog, model, features(1, b"aaaa"))
    with catalog.write() as connection:
        outcomes = {digest(number): (10, features(number, b"bbbb")) for number in (1, 2, 3)}
        assert scanning.store_contents(connection, outcomes, model, replace=True) == 3
    assert generation(catalog) == 1


def test_content_that_can_no_longer_be_read_loses_its_vector(catalog: Catalog) -> None:
    model = model_of(catalog)
    store(catalog, model, features(1, b"aaaa"))
    assert store(catalog, model, Failure("truncated"), replace=True) == 0
    assert ask(catalog, "SELECT error, dhash, width FROM content") == [("truncated", None, None)]
    assert ask(catalog, "SELECT * FROM embedding") == []
    assert generation(catalog) == 1
    store(catalog, model, features(2, b"bbbb"), replace=True)
    assert ask(catalog, "SELECT error, dhash, width FROM content") == [(None, 2, 40)]


def test_nothing_to_store(catalog: Catalog) -> None:
    with catalog.write() as connection:
        assert scanning.store_contents(connection, {}, 1) == 0
        scanning.store_files(connection, [], {}, 1)
        scanning.forget_paths(connection, [])
        scanning.mark_missing(connection, [], 1)
        scanning.mark_present(connection, [])
    assert ask(catalog, "SELECT * FROM file") == []


# --- files, roots, models -------------------------------------------------------------------------------


def test_path_with_new_content(catalog: Catalog) -> None:
    with catalog.write() as connection:
        first = put(connection, {b"/r/a": 1})
    with catalog.write() as connection:
        scanning.mark_missing(connection, ids(catalog, b"/r/a"), first)
    with catalog.write() as connection:
        put(connection, {b"/r/a": 2})
    assert ask(catalog, "SELECT path, content_id, added_scan_id, missing_scan_id FROM file") == [
        (b"/r/a", 2, first, None)
    ]


def test_marks_and_forgetting(catalog: Catalog) -> None:
    with catalog.write() as connection:
        scan_id = put(connection, {b"/r/a": 1, b"/r/b": 2, b"/r/\xff": 3})
    with catalog.write() as connection:
        scanning.mark_missing(connection, ids(catalog, b"/r/a", b"/r/\xff"), scan_id)
        assert scanning.missing_since(connection, scan_id) == 2
        assert scanning.missing_since(connection, scan_id + 1) == 0
    with catalog.write() as connection:
        scanning.mark_present(connection, ids(catalog, b"/r/a"))
        scanning.forget_paths(connection, [b"/r/b", b"/r/nowhere"])
    assert ask(catalog, "SELECT path, missing_scan_id FROM file ORDER BY path") == [
        (b"/r/a", None),
        (b"/r/\xff", scan_id),
    ]


def test_roots_and_models_are_recorded_once(catalog: Catalog) -> None:
    with catalog.write() as connection:
        one, two = scanning.begin_scan(connection), scanning.begin_scan(connection)
        first = scanning.store_root(connection, b"/r\xff", 7, one)
        assert scanning.store_root(connection, b"/r\xff", 8, two) == first
        assert scanning.known_roots(connection) == [(first, b"/r\xff", 8)]
        model = scanning.store_model(connection, identity("old name"), one)
        assert scanning.store_model(connection, identity("new name"), two) == model
        assert scanning.store_model(connection, identity(preprocessing="other"), two) != model
        found = scanning.find_model(connection, "fingerprint", "rgb")
        assert found is not None
        assert (found.id, found.identity) == (model, identity("new name"))
        assert scanning.find_model(connection, "fingerprint", "unknown") is None
        assert scanning.find_model(connection, "unknown", "rgb") is None


def test_last_finished_scan(catalog: Catalog) -> None:
    with catalog.write() as connection:
        assert scanning.last_finished_scan(connection) == 0
        first = scanning.begin_scan(connection)
        scanning.begin_scan(connection)
        assert scanning.last_finished_scan(connection) == 0
        scanning.finish_scan(connection, first)
        assert scanning.last_finished_scan(connection) == first


# --- moves ----------------------------------------------------------------------------------------------


def settle(catalog: Catalog, scan_id: int, gone: Iterable[bytes]) -> tuple[int, list[bytes]]:
    """Return how many moves were counted, and the paths that are left."""
    rows = ids(catalog, *gone)
    with catalog.write() as connection:
        scanning.mark_missing(connection, rows, scan_id)
        moved = scanning.settle_moves(connection, scan_id)
        scanning.finish_scan(connection, scan_id)
    return moved, [path for (path,) in ask(catalog, "SELECT path FROM file ORDER BY path")]


def begin(catalog: Catalog, files: dict[bytes, int], *, finish: bool = False) -> int:
    with catalog.write() as connection:
        return put(connection, files, finish=finish)


@pytest.mark.parametrize(
    ("old", "new", "moved", "left"),
    [
        ({b"/r/a": 1}, {b"/r/b": 1}, 1, [b"/r/b"]),
        ({b"/r/a": 1}, {b"/r/b": 2}, 0, [b"/r/a", b"/r/b"]),
        ({b"/r/a": 1}, {}, 0, [b"/r/a"]),
        ({b"/r/a": 1, b"/r/b": 1}, {b"/r/c": 1}, 1, [b"/r/b", b"/r/c"]),
        ({b"/r/a": 1}, {b"/r/c": 1, b"/r/d": 1}, 1, [b"/r/c", b"/r/d"]),
        ({b"/r/a": 1, b"/r/b": 2}, {b"/r/c": 2, b"/r/d": 1}, 2, [b"/r/c", b"/r/d"]),
        ({b"/r/a": 1, b"/r/b": 1}, {b"/r/c": 1, b"/r/d": 1, b"/r/e": 1}, 2, [b"/r/c", b"/r/d", b"/r/e"]),
    ],
)
def test_each_new_path_accounts_for_one_old_one(
    catalog: Catalog, old: dict[bytes, int], new: dict[bytes, int], moved: int, left: list[bytes]
) -> None:
    begin(catalog, old, finish=True)
    assert settle(catalog, begin(catalog, new), old) == (moved, left)


def test_old_copies_that_stay_are_no_moves(catalog: Catalog) -> None:
    begin(catalog, {b"/r/a": 1, b"/r/b": 1}, finish=True)
    assert settle(catalog, begin(catalog, {}), [b"/r/a"]) == (0, [b"/r/a", b"/r/b"])


def test_file_missing_for_long_turns_up_elsewhere(catalog: Catalog) -> None:
    begin(catalog, {b"/r/a": 1}, finish=True)
    assert settle(catalog, begin(catalog, {}), [b"/r/a"]) == (0, [b"/r/a"])
    assert settle(catalog, begin(catalog, {b"/r/b": 1}), []) == (1, [b"/r/b"])


def test_moves_of_a_killed_scan_are_settled_but_not_counted(catalog: Catalog) -> None:
    begin(catalog, {b"/r/a": 1, b"/r/b": 2}, finish=True)
    begin(catalog, {b"/r/new-a": 1})  # never finished
    later = begin(catalog, {b"/r/new-b": 2})
    assert settle(catalog, later, [b"/r/a", b"/r/b"]) == (1, [b"/r/new-a", b"/r/new-b"])


def test_unreadable_file_that_moved_is_settled_but_not_counted(catalog: Catalog) -> None:
    begin(catalog, {b"/r/a": 1}, finish=True)
    store(catalog, None, Failure("truncated"), replace=True)
    assert settle(catalog, begin(catalog, {b"/r/b": 1}), [b"/r/a"]) == (0, [b"/r/b"])


def test_new_path_that_is_missing_again_accounts_for_nothing(catalog: Catalog) -> None:
    begin(catalog, {b"/r/a": 1}, finish=True)
    scan_id = begin(catalog, {b"/r/b": 1})
    assert settle(catalog, scan_id, [b"/r/a", b"/r/b"]) == (0, [b"/r/a", b"/r/b"])


def test_state_of_models_is_seen_by_queries(catalog: Catalog) -> None:
    model = model_of(catalog)
    store(catalog, model, features(1, b"aaaa"))
    with catalog.read() as connection:
        [stored] = queries.stored_models(connection)
        assert (stored.id, queries.vector_state(connection, stored)) == (model, (0, 1, 1))
