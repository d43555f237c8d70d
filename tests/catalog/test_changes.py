"""The stamp differs when the answer to `dups` may, and only then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, update

from neardup_cli.catalog import decisions, scanning, verdicts
from neardup_cli.catalog.changes import ChangeStamp, change_stamp
from neardup_cli.catalog.models import Batch

if TYPE_CHECKING:
    from neardup_cli.catalog.database import Catalog


def stamp(catalog: Catalog) -> ChangeStamp:
    with catalog.read() as connection:
        return change_stamp(connection)


def test_an_unchanged_catalog_keeps_its_stamp(catalog: Catalog) -> None:
    assert stamp(catalog) == stamp(catalog) == ChangeStamp(0, 0, 0, ())


def test_a_scan_shows_at_its_end(catalog: Catalog) -> None:
    before = stamp(catalog)
    with catalog.write() as connection:
        scan = scanning.begin_scan(connection)
    assert stamp(catalog) == before
    with catalog.write() as connection:
        scanning.finish_scan(connection, scan)
    assert stamp(catalog).scan == scan


def test_a_decision_and_taking_it_back_show(catalog: Catalog) -> None:
    a, b = b"a" * 32, b"b" * 32
    seen = [stamp(catalog)]
    for _ in range(2):
        with catalog.write() as connection:
            decisions.store_not_duplicates(connection, [(a, b)])
        seen.append(stamp(catalog))
        with catalog.write() as connection:
            decisions.take_back(connection, [one.id for one in decisions.decisions(connection)])
        seen.append(stamp(catalog))
    # Taken back, the catalog is what it was; decided again, it is something new.
    assert seen[2] == seen[4] == seen[0]
    assert len({seen[0], seen[1], seen[3]}) == 3


def test_every_state_of_a_clean_up_shows(catalog: Catalog) -> None:
    seen = [stamp(catalog)]
    with catalog.write() as connection:
        started = datetime.now(UTC).replace(tzinfo=None)
        row = {"token": "t", "action": "trash", "state": "applying", "started_at": started}
        connection.execute(insert(Batch).values(**row, across_devices=False))
    seen.append(stamp(catalog))
    for state in ("applied", "undoing", "undone"):
        with catalog.write() as connection:
            connection.execute(update(Batch).values(state=state))
        seen.append(stamp(catalog))
    assert len(set(seen)) == 5


def test_verdicts_do_not_show(catalog: Catalog) -> None:
    before = stamp(catalog)
    with catalog.write() as connection:
        verdicts.store_verdicts(connection, {}, "orb")
    assert stamp(catalog) == before
