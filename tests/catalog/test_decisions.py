from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from neardup_cli.catalog import decisions
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput
from neardup_cli.records.decisions import Decision, Ruling
from tests.catalog.test_queries import add_contents, add_files, digest, features, lose


def decide(catalog: Catalog, *pairs: tuple[int, int]) -> int:
    with catalog.write() as connection:
        return decisions.store_not_duplicates(connection, [(digest(a), digest(b)) for a, b in pairs])


def stored(catalog: Catalog) -> list[Decision]:
    with catalog.read() as connection:
        return decisions.decisions(connection)


def test_a_pair_is_decided_once_in_either_order(catalog: Catalog) -> None:
    assert decide(catalog, (2, 1), (1, 2), (3, 1)) == 2
    assert decide(catalog, (1, 2)) == 0
    with catalog.read() as connection:
        assert decisions.not_duplicates(connection) == {(digest(1), digest(2)), (digest(1), digest(3))}
    first, _ = stored(catalog)
    assert (first.ruling, first.digest_a, first.digest_b) == (Ruling.NOT_DUPLICATES, digest(1), digest(2))
    assert abs(datetime.now(UTC).replace(tzinfo=None) - first.decided_at) < timedelta(minutes=1)


def test_the_same_bytes_are_no_pair(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="same bytes"):
        decide(catalog, (1, 2), (3, 3))
    assert stored(catalog) == []


def test_nothing_to_decide(catalog: Catalog) -> None:
    assert decide(catalog) == 0


def test_keep_and_not_duplicates_stay_apart(catalog: Catalog) -> None:
    decide(catalog, (1, 2))
    with catalog.write() as connection:
        assert decisions.store_kept(connection, [digest(1), digest(9)]) == 2
        assert decisions.store_kept(connection, [digest(1)]) == 0
        assert decisions.kept(connection) == {digest(1), digest(9)}
        assert len(decisions.not_duplicates(connection)) == 1
    assert [decision.ruling.value for decision in stored(catalog)] == ["not-duplicates", "keep", "keep"]


def test_taking_back(catalog: Catalog) -> None:
    decide(catalog, (1, 2), (1, 3))
    first, second = stored(catalog)
    with catalog.write() as connection:
        assert decisions.take_back(connection, [second.id, 999]) == [second]
        assert decisions.take_back(connection, []) == []
    assert stored(catalog) == [first]
    decide(catalog, (1, 3))
    assert stored(catalog)[1].id > second.id  # an id once told is never another decision's


def test_content_ids_of_decided_pairs(catalog: Catalog) -> None:
    """A decision about what the catalog does not hold waits for it."""
    decide(catalog, (1, 2), (2, 7))
    add_contents(catalog, {2: features(), 1: features()})
    with catalog.read() as connection:
        assert decisions.not_duplicate_ids(connection) == {(1, 2)}
    add_contents(catalog, {7: features()})
    with catalog.read() as connection:
        assert decisions.not_duplicate_ids(connection) == {(1, 2), (1, 3)}


def test_decisions_outlive_their_files(catalog: Catalog) -> None:
    add_contents(catalog, {1: features(), 2: features()})
    add_files(catalog, {b"/r/a": 1, b"/r/b": 2})
    decide(catalog, (1, 2))
    lose(catalog, b"/r/a")
    with catalog.read() as connection:
        assert len(decisions.not_duplicate_ids(connection)) == 1
        assert decisions.paths_of_digests(connection, [digest(1), digest(2)]) == {digest(2): [b"/r/b"]}
        assert decisions.digests_of_paths(connection, [b"/r/a", b"/r/b", b"/r/c"]) == {b"/r/b": digest(2)}


def test_paths_of_many_digests(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "_VARIABLES", 2)
    add_contents(catalog, {number: features() for number in range(1, 6)})
    paths = {b"/r/%d%s" % (number, name): number for number in range(1, 6) for name in (b"b", b"a")}
    add_files(catalog, paths)
    with catalog.read() as connection:
        found = decisions.paths_of_digests(connection, [digest(number) for number in range(1, 6)])
        assert found == {digest(n): [b"/r/%da" % n, b"/r/%db" % n] for n in range(1, 6)}
        assert decisions.digests_of_paths(connection, paths) == {
            path: digest(number) for path, number in paths.items()
        }
    decide(catalog, *((1, other) for other in range(2, 6)))
    with catalog.write() as connection:
        assert len(decisions.take_back(connection, [one.id for one in decisions.decisions(connection)])) == 4
