from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from neardup_cli.catalog import regions, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.catalog.regions import RegionList
from neardup_cli.errors import CatalogCorrupt
from neardup_cli.records.files import Failure, Features, FileStamp, ModelIdentity

type Outcome = Features | Failure


def digest(number: int) -> bytes:
    return number.to_bytes(32)


def features(vector: bytes | None = None, parts: bytes | None = None) -> Features:
    return Features("PNG", 40, 30, 0, 0.25, None, vector, parts)


def vectors(*values: float) -> bytes:
    """Regions in two dimensions."""
    return np.array(values, "<f2").tobytes()


def ask(catalog: Catalog, query: str) -> list[Any]:
    with catalog.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.fixture
def model(catalog: Catalog) -> StoredModel:
    with catalog.write() as connection:
        scan = scanning.begin_scan(connection)
        scanning.store_model(connection, ModelIdentity("toy", "fingerprint", 2, "rgb"), scan)
        found = scanning.find_model(connection, "fingerprint", "rgb")
        assert found is not None
        return found


def store(
    catalog: Catalog, model: StoredModel, outcomes: dict[int, Outcome], *, replace: bool = False
) -> tuple[int, int]:
    """Store as a scan does, with a file for each content; return how many vectors and regions."""
    named = {digest(number): (10, outcome) for number, outcome in outcomes.items()}
    with catalog.write() as connection:
        scan = scanning.begin_scan(connection)
        root = scanning.store_root(connection, b"/r", 7, scan)
        whole = scanning.store_contents(connection, named, model.id, replace=replace)
        parts = regions.store_regions(connection, named, model.id, replace=replace)
        rows = [
            scanning.FileRow(b"/r/%d" % number, FileStamp(10, 1, 7, number), digest(number), b"/r")
            for number in outcomes
        ]
        scanning.store_files(connection, rows, {b"/r": root}, scan)
    return whole, parts


def generation(catalog: Catalog) -> int:
    [(number,)] = ask(catalog, "SELECT generation FROM model")
    return int(number)


# --- what a scan writes ---------------------------------------------------------------------------------


def test_regions_are_added_to_a_content_that_is_there(catalog: Catalog, model: StoredModel) -> None:
    assert store(catalog, model, {1: features(b"aaaa")}) == (1, 0)
    assert store(catalog, model, {1: features(None, vectors(1, 0))}) == (0, 1)
    assert ask(catalog, "SELECT content_id, vectors FROM region") == [(1, vectors(1, 0))]
    assert ask(catalog, "SELECT vector FROM embedding") == [(b"aaaa",)]
    assert generation(catalog) == 0


def test_stored_regions_stay(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {1: features(b"aaaa", vectors(1, 0))})
    assert store(catalog, model, {1: features(b"bbbb", vectors(0, 1))}) == (0, 0)
    assert ask(catalog, "SELECT vectors FROM region") == [(vectors(1, 0),)]


def test_replaced_regions_get_a_new_row_and_grow_the_generation(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {1: features(b"aaaa", vectors(1, 0)), 2: features(b"bbbb", vectors(1, 0))})
    before = generation(catalog)
    assert store(catalog, model, {1: features(b"aaaa", vectors(0, 1))}, replace=True) == (1, 1)
    assert ask(catalog, "SELECT id, content_id, vectors FROM region ORDER BY id") == [
        (2, 2, vectors(1, 0)),
        (3, 1, vectors(0, 1)),
    ]
    assert generation(catalog) > before


def test_a_rescan_without_regions_leaves_them_alone(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {1: features(b"aaaa", vectors(1, 0))})
    store(catalog, model, {1: features(b"bbbb")}, replace=True)
    assert ask(catalog, "SELECT vectors FROM region") == [(vectors(1, 0),)]


def test_a_content_that_can_no_longer_be_read_loses_its_regions(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {1: features(b"aaaa", vectors(1, 0))})
    assert store(catalog, model, {1: Failure("truncated")}, replace=True) == (0, 0)
    assert ask(catalog, "SELECT * FROM region") == []


def test_files_without_regions_are_incomplete_where_these_are_asked_for(
    catalog: Catalog, model: StoredModel
) -> None:
    store(
        catalog,
        model,
        {1: features(b"aaaa", vectors(1, 0)), 2: features(b"bbbb"), 3: features(), 4: Failure("truncated")},
    )
    with catalog.read() as connection:
        plain = scanning.known_folder(connection, b"/r", model.id).incomplete
        thorough = scanning.known_folder(connection, b"/r", model.id, regions=True).incomplete
        states = scanning.content_states(
            connection, [digest(n) for n in (1, 2, 3, 4)], model.id, regions=True
        )
        assert not scanning.every_content_has_a_vector(connection, model.id, regions=True)
    assert (plain, thorough) == ({3}, {2, 3})
    assert [states[digest(n)].done for n in (1, 2, 3, 4)] == [True, False, False, True]
    assert [states[digest(n)].embedded for n in (1, 2, 3, 4)] == [True, True, False, False]


def test_every_content_has_regions(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {1: features(b"aaaa", vectors(1, 0)), 2: Failure("truncated")})
    with catalog.read() as connection:
        assert scanning.every_content_has_a_vector(connection, model.id, regions=True)


# --- what is read ---------------------------------------------------------------------------------------


def test_regions_come_in_pages_and_after_a_row(
    catalog: Catalog, model: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "_PAGE", 2)
    monkeypatch.setattr(regions, "_VARIABLES", 2)
    store(catalog, model, {n: features(b"aaaa", vectors(n, 0, 0, n)) for n in (1, 2, 3, 4, 5)})
    with catalog.read() as connection:
        pages = list(regions.regions_after(connection, model))
        later = [page.ids.tolist() for page in regions.regions_after(connection, model, 3)]
        chosen = {
            content: parts.tolist()
            for page in regions.regions_of(connection, model, [5, 1, 3, 77])
            for content, parts in zip(page.ids.tolist(), page.vectors, strict=True)
        }
        state = regions.region_state(connection, model)
    assert [page.ids.tolist() for page in pages] == [[1, 2], [3, 4], [5]]
    assert pages[1].vectors.tolist() == [[[3, 0], [0, 3]], [[4, 0], [0, 4]]]
    assert later == [[4, 5]]
    assert chosen == {n: [[n, 0], [0, n]] for n in (1, 3, 5)}
    assert (state.vectors, state.last_row) == (5, 5)


@pytest.mark.parametrize("blob", [b"", b"abcdef", b"ab"])
def test_damaged_regions_are_told(catalog: Catalog, model: StoredModel, blob: bytes) -> None:
    store(catalog, model, {1: features(b"aaaa", blob)})
    with catalog.read() as connection, pytest.raises(CatalogCorrupt, match="--rehash"):
        list(regions.regions_after(connection, model))


def test_only_present_regions_take_part(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {n: features(b"aaaa", vectors(n, 0)) for n in (1, 2)})
    with catalog.write() as connection:
        scanning.mark_missing(connection, [1], scanning.begin_scan(connection))
    with catalog.read() as connection:
        present = regions.present_regions(connection, model)
    assert (present.ids.tolist(), present.rows.tolist()) == ([2], [2])


# --- lists ----------------------------------------------------------------------------------------------


def one_list(content: int, *others: int) -> RegionList:
    similarities = np.linspace(0.9, 0.5, len(others), dtype=np.float32)
    return RegionList(content, content + 10, np.array(others, np.int64), similarities)


def test_lists_come_back_as_they_were_stored(catalog: Catalog, model: StoredModel) -> None:
    store(catalog, model, {n: features(b"aaaa", vectors(n, 0)) for n in (1, 2, 3)})
    with catalog.write() as connection:
        assert regions.stored_join(connection, model) is None
        regions.begin_lists(connection, model, 4, 0.25)
        begun = regions.stored_join(connection, model)
        assert begun is not None
        assert regions.take_turn(connection, model, begun, np.array([7, 9]))
        assert not regions.take_turn(connection, model, begun, np.array([8]))
        regions.store_lists(connection, model, [one_list(2, 3, 1), one_list(1), one_list(3, 2)])
        regions.store_lists(connection, model, [one_list(3, 1)])
        regions.remove_lists(connection, model, [1, 77])
        stored = regions.stored_join(connection, model)
        lists = list(regions.stored_lists(connection, model))
    assert stored is not None
    assert (stored.depth, stored.floor, stored.revision) == (4, 0.25, 1)
    assert stored.compared.tolist() == [7, 9]
    assert [(found.content, found.regions, found.others.tolist()) for found in lists] == [
        (2, 12, [3, 1]),
        (3, 13, [1]),
    ]
    assert lists[0].similarities.tolist() == pytest.approx([0.9, 0.5])
    with catalog.write() as connection:
        regions.forget_lists(connection, model)
        assert regions.stored_join(connection, model) is None
        assert list(regions.stored_lists(connection, model)) == []


@pytest.mark.parametrize("column", ["others", "similarities"])
def test_damaged_lists_are_told(catalog: Catalog, model: StoredModel, column: str) -> None:
    store(catalog, model, {n: features(b"aaaa", vectors(n, 0)) for n in (1, 2)})
    with catalog.write() as connection:
        regions.begin_lists(connection, model, 4, 0.25)
        regions.store_lists(connection, model, [one_list(1, 2)])
        connection.execute(text(f"UPDATE region_neighbour SET {column} = :blob"), {"blob": b"\0\x11"})
    with catalog.read() as connection, pytest.raises(CatalogCorrupt, match="doctor --repair"):
        list(regions.stored_lists(connection, model))
