"""The table of small versions, in both databases."""

from __future__ import annotations

from neardup_cli.catalog import previews, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.models import Preview as Table
from neardup_cli.catalog.scanning import FileRow
from neardup_cli.records.files import Failure, Features, FileStamp
from neardup_cli.records.previews import Preview

STAMP = FileStamp(5, 1, 1, 1, 1)


def preview(number: int) -> Preview:
    alpha = b"alpha" if number % 2 else None
    return Preview(b"pixels %d" % number, bytes([number]) * 16, alpha, 255 * (number % 2))


def store(catalog: Catalog, numbers: range, *, folder: bytes = b"/p") -> dict[int, int]:
    """Store contents with previews and a file each; return their ids by number."""
    outcomes: dict[bytes, tuple[int, Features | Failure]] = {
        bytes([number]) * 32: (5, Features("PNG", 4, 3, 7, 0.5, None, None, preview=preview(number)))
        for number in numbers
    }
    with catalog.write() as connection:
        scan_id = scanning.begin_scan(connection)
        root = scanning.store_root(connection, folder, 1, scan_id)
        scanning.store_contents(connection, outcomes, None)
        assert previews.store_previews(connection, outcomes) == len(numbers)
        rows = [FileRow(folder + b"/%d" % digest[0], STAMP, digest, folder) for digest in outcomes]
        scanning.store_files(connection, rows, {folder: root}, scan_id)
        states = scanning.content_states(connection, list(outcomes), None, previews=True)
    assert all(state.done and state.pictured for state in states.values())
    return {digest[0]: state.id for digest, state in states.items()}


def test_they_are_given_back_as_they_came(catalog: Catalog) -> None:
    ids = store(catalog, range(1, 4))
    with catalog.read() as connection:
        found = dict(previews.stored_previews(connection, [*ids.values(), 999]))
        assert found == {ids[number]: preview(number) for number in range(1, 4)}
        assert previews.stored_preview(connection, 999) is None
        assert previews.contents_with_previews(connection, [*ids.values(), 999]) == set(ids.values())
        assert previews.kept_previews(connection) == (3, sum(preview(n).size for n in range(1, 4)))
        assert [content for content, _ in previews.previews_after(connection, ids[1])] == [ids[2], ids[3]]


def test_another_one_takes_the_place_of_the_first(catalog: Catalog) -> None:
    ids = store(catalog, range(1, 2))
    other = Features("PNG", 4, 3, 7, 0.5, None, None, preview=preview(9))
    with catalog.write() as connection:
        previews.store_previews(connection, {b"\1" * 32: (5, other), b"\2" * 32: (5, Failure("broken"))})
    with catalog.read() as connection:
        assert previews.stored_preview(connection, ids[1]) == preview(9)


def test_one_of_another_version_counts_as_none(catalog: Catalog) -> None:
    ids = store(catalog, range(1, 3))
    with catalog.write() as connection:
        connection.execute(Table.update().where(Table.c.content_id == ids[1]).values(version=0))
    digests = [bytes([number]) * 32 for number in (1, 2)]
    with catalog.read() as connection:
        assert previews.stored_preview(connection, ids[1]) is None
        assert not scanning.every_content_has_a_preview(connection)
        states = scanning.content_states(connection, digests, None, previews=True)
        assert [states[digest].done for digest in digests] == [False, True]
        assert scanning.done_digests(connection, None, previews=True) == digests[1]
        known = scanning.known_folder(connection, b"/p", None, previews=True)
        assert len(known.incomplete) == 1
        assert not scanning.known_folder(connection, b"/p", None).incomplete


def test_they_go_with_what_is_below_a_folder(catalog: Catalog) -> None:
    store(catalog, range(1, 3), folder=b"/p")
    other = store(catalog, range(3, 4), folder=b"/po")
    with catalog.write() as connection:
        assert previews.forget_previews_below(connection, [b"/p"]) == 2
    with catalog.read() as connection:
        assert [content for content, _ in previews.previews_after(connection, 0)] == [other[3]]


def test_they_go_with_the_last_file_that_is_gone(catalog: Catalog) -> None:
    ids = store(catalog, range(1, 4))
    with catalog.write() as connection:
        files = list(scanning.known_folder(connection, b"/p", None).rows)
        scanning.mark_missing(connection, [files[0][3]], 1)
        scanning.forget_paths(connection, [files[1][0]])
        assert previews.forget_previews_of_gone_files(connection) == 2
    with catalog.read() as connection:
        assert [content for content, _ in previews.previews_after(connection, 0)] == [ids[3]]


def test_what_is_wrong_is_found(catalog: Catalog) -> None:
    ids = store(catalog, range(1, 4))
    with catalog.write() as connection:
        connection.execute(Table.update().where(Table.c.content_id == ids[1]).values(pixels=b"cut"))
        connection.execute(Table.update().where(Table.c.content_id == ids[2]).values(pixels_digest=b"x"))
    with catalog.read() as connection:
        assert set(previews.wrong_previews(connection)) == {ids[1], ids[2]}
    with catalog.write() as connection:
        previews.forget_previews(connection, [ids[1], ids[2]])
    with catalog.read() as connection:
        assert previews.wrong_previews(connection) == []
        assert previews.kept_previews(connection).number == 1
