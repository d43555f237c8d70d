"""What is PostgreSQL's own; what both databases do is tested by all that takes the fixture `catalog`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest
from sqlalchemy import create_engine, text

from neardup_cli.catalog import queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.migrate import HEAD
from neardup_cli.errors import BadInput, CatalogBusy, CatalogCorrupt, CatalogMissing, CatalogTooNew
from neardup_cli.records.files import Failure


def test_created_by_many_at_once(postgres_url: str) -> None:
    start = threading.Barrier(4)

    def create(_: int) -> str:
        start.wait()
        with Catalog.open(postgres_url, create=True) as catalog, catalog.read() as connection:
            return queries.catalog_uuid(connection)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(create, range(4)))) == 1


def test_files_beside_it_are_called_after_its_uuid(postgres_url: str, tmp_path: Path) -> None:
    with Catalog.open(postgres_url, create=True) as catalog, catalog.read() as connection:
        assert catalog.path == tmp_path / "cache" / "neardup" / "catalogs" / queries.catalog_uuid(connection)
        assert catalog.path.parent.is_dir()
        assert unquote(catalog.name) == postgres_url
        assert catalog.size() > 1_000_000


def test_the_plain_scheme_and_no_password_in_its_name(postgres_url: str) -> None:
    with_password = postgres_url.replace("postgresql+psycopg://tester@", "postgresql://tester:secret@")
    with Catalog.open(with_password, create=True) as catalog:
        assert catalog.name.startswith("postgresql+psycopg://tester:***@/")


def test_no_catalog_in_it(postgres_url: str) -> None:
    with pytest.raises(CatalogMissing, match=r"no catalog at .* yet: run `neardup scan"):
        Catalog.open(postgres_url)
    with pytest.raises(CatalogMissing, match=r"no such database .*make it with `createdb`"):
        Catalog.open(postgres_url.replace("/test_", "/no_such_"), create=True)


@pytest.mark.parametrize(
    "url", ["mysql://me@here/photos", "postgresql+asyncpg://here/x", "postgresql://here:port/x"]
)
def test_other_databases(url: str) -> None:
    with pytest.raises(BadInput, match="is no database"):
        Catalog.open(url)


def test_a_newer_catalog_and_a_database_of_somebody_else(postgres_url: str) -> None:
    with Catalog.open(postgres_url, create=True) as catalog, catalog.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CatalogTooNew, match=f"schema 9999, this one knows {HEAD}"):
        Catalog.open(postgres_url)
    engine = create_engine(postgres_url)
    with engine.begin() as other:
        other.execute(text("DROP TABLE alembic_version"))
    engine.dispose()
    with pytest.raises(CatalogCorrupt, match="a database of another program"):
        Catalog.open(postgres_url, create=True)


def test_scanners_share_and_who_is_alone_excludes_them(postgres_url: str) -> None:
    with Catalog.open(postgres_url, create=True) as one, Catalog.open(postgres_url) as two:
        with one.scanner(), two.scanner():
            with pytest.raises(CatalogBusy, match="another neardup is writing"), two.sole_writer():
                pytest.fail("alone beside scanners")
            with one.write() as connection:
                scanning.begin_scan(connection)
        with one.sole_writer():
            for other in (two.scanner, two.sole_writer):
                with pytest.raises(CatalogBusy), other():
                    pytest.fail("beside one who is alone")
        with two.scanner(), one.scanner():
            pass


def test_writes_take_turns_and_ids_become_visible_in_their_order(postgres_url: str) -> None:
    """An index that knows the greatest id it has seen must not miss a smaller one that comes later."""
    with Catalog.open(postgres_url, create=True) as catalog:
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> int:
            with catalog.write() as connection:
                scan = scanning.begin_scan(connection)
                begun.set()
                go_on.wait(10)
                return scan

        def quick() -> int:
            begun.wait(10)
            with catalog.write() as connection:
                return scanning.begin_scan(connection)

        with ThreadPoolExecutor(2) as threads:
            first, second = threads.submit(slow), threads.submit(quick)
            begun.wait(10)
            assert not second.done()
            with catalog.read() as connection:
                assert connection.execute(text("SELECT count(*) FROM scan")).scalar_one() == 0
            go_on.set()
            assert first.result(10) < second.result(10)


def test_the_same_contents_in_opposite_order_from_two_sides(postgres_url: str) -> None:
    """Without turns, each would wait for what the other has inserted: a deadlock."""
    with Catalog.open(postgres_url, create=True) as catalog:
        digests = [number.to_bytes(32) for number in range(1, 400)]
        start = threading.Barrier(2)

        def store(order: list[bytes]) -> None:
            start.wait()
            for _ in range(5):
                with catalog.write() as connection:
                    outcomes = {digest: (1, Failure("x")) for digest in order}
                    scanning.store_contents(connection, outcomes, None)

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(store, (digests, digests[::-1])))
        with catalog.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM content")).scalar_one() == len(digests)


def test_a_read_sees_one_state(postgres_url: str) -> None:
    with Catalog.open(postgres_url, create=True) as catalog, catalog.read() as connection:
        assert queries.counts(connection)["contents"] == 0
        with catalog.write() as writer:
            scanning.begin_scan(writer)
        assert connection.execute(text("SELECT count(*) FROM scan")).scalar_one() == 0
