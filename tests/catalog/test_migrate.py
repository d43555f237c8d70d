from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData

from neardup_cli.catalog import migrate, previews, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.emptied import count_removed, store_folders, stored_folders
from neardup_cli.catalog.models import METADATA
from neardup_cli.catalog.verdicts import store_verdicts, stored_verdicts
from neardup_cli.catalog.verifying import files_to_verify
from neardup_cli.errors import CatalogCorrupt, CatalogError, CatalogTooNew
from neardup_cli.plans import EmptiedFolder, OperationState
from neardup_cli.records.files import Features
from neardup_cli.records.previews import Preview


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """A plain engine on a file that is not there yet."""
    made = sqlalchemy.create_engine(f"sqlite:///{path}")
    yield made
    made.dispose()


def catalog_at(path: Path, revision: str) -> None:
    """Make a catalog as an older neardup left it."""
    made = sqlalchemy.create_engine(f"sqlite:///{path}")
    migrate.upgrade(made, revision)
    made.dispose()


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def schema(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT type, name FROM sqlite_master"))


def rows_without_uuid(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, but for the value that no two catalogs share."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    found["fact"] = [(name, None if name == "uuid" else value) for name, value in found["fact"]]
    return found


def test_head_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(migrate.migrations_folder()))
    assert scripts.get_heads() == [migrate.HEAD]
    assert migrate.HEAD in migrate.known_revisions()
    assert len(migrate.known_revisions()) == len(
        list((migrate.migrations_folder() / "versions").glob("*.py"))
    )


def test_migrations_make_the_tables_of_the_models(engine: Engine) -> None:
    migrate.upgrade(engine)
    assert differences(engine, METADATA) == []


def test_a_forgotten_migration_would_be_noticed(engine: Engine) -> None:
    migrate.upgrade(engine)
    changed = MetaData(naming_convention=METADATA.naming_convention)
    for table in METADATA.tables.values():
        table.to_metadata(changed)
    changed.tables["file"].append_column(sqlalchemy.Column("colour", sqlalchemy.Integer))
    assert [entry[0] for entry in differences(engine, changed)] == ["add_column"]


def test_migrated_and_new_catalogs_hold_the_same_names(tmp_path: Path, engine: Engine, path: Path) -> None:
    """Constraints have names of their own, which a comparison of the tables does not see."""
    migrate.upgrade(engine)
    Catalog.open(tmp_path / "new.db", create=True).close()
    found = []
    for file in (path, tmp_path / "new.db"):
        with closing(sqlite3.connect(file)) as connection:
            tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        words = {name: sql.replace('"', "").replace(",", " ").split() for name, sql in tables.items()}
        found.append(
            {
                name: {word for word in split if word[:3] in ("pk_", "uq_", "fk_", "ix_")}
                for name, split in words.items()
            }
        )
    assert found[0] == found[1]
    assert found[0]["file"]


def test_new_catalog_is_what_the_migrations_would_have_made(
    tmp_path: Path, engine: Engine, path: Path
) -> None:
    migrate.upgrade(engine)
    new = tmp_path / "new.db"
    Catalog.open(new, create=True).close()
    created = sqlalchemy.create_engine(f"sqlite:///{new}")
    assert differences(created, METADATA) == []
    assert migrate.current_revision(created) == migrate.HEAD
    created.dispose()
    assert schema(new) == schema(path)
    assert rows_without_uuid(new) == rows_without_uuid(path)


def test_no_two_new_catalogs_share_a_uuid(tmp_path: Path) -> None:
    found = set()
    for name in ("a.db", "b.db"):
        Catalog.open(tmp_path / name, create=True).close()
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            found |= set(connection.execute("SELECT value FROM fact WHERE name = 'uuid'"))
    assert len(found) == 2


def test_upgrade_twice_changes_nothing(engine: Engine, path: Path) -> None:
    migrate.upgrade(engine)
    before = schema(path)
    migrate.upgrade(engine)
    assert schema(path) == before
    assert not migrate.needs_migration(engine, path)
    assert migrate.current_revision(engine) == migrate.HEAD


def test_new_file_needs_migration(engine: Engine, path: Path) -> None:
    assert migrate.current_revision(engine) is None
    assert migrate.needs_migration(engine, path)


def test_empty_version_table_needs_migration(engine: Engine, path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    assert migrate.needs_migration(engine, path)


def test_unknown_revision_is_newer(engine: Engine, path: Path) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'feed'")
    with pytest.raises(CatalogTooNew, match="schema feed"):
        migrate.needs_migration(engine, path)


def test_tables_of_another_program(engine: Engine, path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE file (name)")
    with pytest.raises(CatalogCorrupt, match="another program"):
        migrate.needs_migration(engine, path)


def test_a_verdict_from_before_kinds_has_none(engine: Engine, path: Path) -> None:
    migrate.upgrade(engine, "0003")
    columns = "matched, reason, inliers, transform, mirrored, agreement, content_a, content_b"
    columns += ", coverage_a, coverage_b, tone, spread"
    with engine.begin() as connection:
        for digest in "ab":
            connection.exec_driver_sql(f"INSERT INTO content (digest, size) VALUES (x'a{digest}', 5)")
        connection.exec_driver_sql(
            f"INSERT INTO pair (a_id, b_id, algorithm, {columns}) "
            "VALUES (1, 2, 'old', 1, 'the pixels agree', 9, '[]', 0, 1, 1, 1, 1, 1, 1, 1)"
        )
    engine.dispose()
    with Catalog.open(path) as catalog, catalog.read() as reader:
        found = stored_verdicts(reader, [(1, 2)], "old")
    assert (found[1, 2].matched, found[1, 2].kind) == (True, None)


@pytest.mark.parametrize("revision", ["0002", "0004", "0013"])
def test_a_verdict_from_before_evidence_says_nothing_and_new_ones_keep_theirs(
    engine: Engine, path: Path, revision: str
) -> None:
    migrate.upgrade(engine, revision)
    columns = "matched, reason, inliers, transform, mirrored, agreement, content_a, content_b"
    columns += ", coverage_a, coverage_b, tone, spread"
    with engine.begin() as connection:
        for digest in "ab":
            connection.exec_driver_sql(f"INSERT INTO content (digest, size) VALUES (x'a{digest}', 5)")
        connection.exec_driver_sql(
            f"INSERT INTO pair (a_id, b_id, algorithm, {columns}) "
            "VALUES (1, 2, 'old', 1, 'the pixels agree', 9, '[]', 0, 1, 1, 1, 1, 1, 1, 1)"
        )
    engine.dispose()
    with Catalog.open(path) as catalog:
        with catalog.read() as reader:
            old = stored_verdicts(reader, [(1, 2)], "old")[1, 2]
        assert (old.evidence, old.agreement) == (0.0, 1.0)
        with catalog.write() as writer:
            store_verdicts(writer, {(1, 2): replace(old, evidence=-3.25)}, "new")
        with catalog.read() as reader:
            assert stored_verdicts(reader, [(1, 2)], "new")[1, 2] == replace(old, evidence=-3.25)


def test_older_catalog_is_upgraded_when_opened_and_keeps_what_it_holds(engine: Engine, path: Path) -> None:
    migrate.upgrade(engine, "0001")
    assert migrate.needs_migration(engine, path)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO content (digest, size, error) VALUES (x'aa', 5, 'truncated')")
        uuid = connection.exec_driver_sql("SELECT value FROM fact").scalar_one()
    engine.dispose()
    Catalog.open(path).close()
    assert migrate.current_revision(engine) == migrate.HEAD
    assert differences(engine, METADATA) == []
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT digest, size FROM content").all() == [(b"\xaa", 5)]
        assert connection.exec_driver_sql("SELECT value FROM fact").scalar_one() == uuid


def test_a_journal_from_before_emptied_folders_has_none(engine: Engine, path: Path) -> None:
    migrate.upgrade(engine, "0008")
    columns = "token, action, state, started_at, across_devices"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO batch ({columns}) VALUES ('t', 'trash', 'applied', '2026-01-01 00:00:00', 0)"
        )
    engine.dispose()
    folder = EmptiedFolder(b"/p/\xff", 0o750, 1, 1, -1)
    with Catalog.open(path) as catalog:
        with catalog.write() as connection:
            assert stored_folders(connection, 1, OperationState) == []
            store_folders(connection, 1, [folder])
        with catalog.read() as connection:
            assert stored_folders(connection, 1, [OperationState.PLANNED]) == [folder]
            assert count_removed(connection, 1) == 0


@pytest.mark.parametrize("revision", ["0001", "0008", "0011"])
def test_contents_from_before_previews_have_none_and_get_some(
    engine: Engine, path: Path, revision: str
) -> None:
    migrate.upgrade(engine, revision)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO content (digest, size, format, width, height, dhash, flatness) "
            "VALUES (x'aa', 5, 'JPEG', 4, 3, 7, 0.5)"
        )
    engine.dispose()
    preview = Preview(b"pixels", b"d" * 16, b"alpha", 0)
    features = Features("JPEG", 4, 3, 7, 0.5, None, None, preview=preview)
    with Catalog.open(path) as catalog:
        with catalog.read() as connection:
            assert previews.kept_previews(connection) == (0, 0)
            assert not scanning.every_content_has_a_preview(connection)
        with catalog.write() as connection:
            assert previews.store_previews(connection, {b"\xaa": (5, features)}) == 1
        with catalog.read() as connection:
            assert previews.stored_preview(connection, 1) == preview
            assert previews.kept_previews(connection) == (1, 11)
            assert scanning.every_content_has_a_preview(connection)


@pytest.mark.parametrize("revision", sorted(migrate.known_revisions()))
def test_a_catalog_of_each_older_version_is_upgraded_and_sealed(path: Path, revision: str) -> None:
    catalog_at(path, revision)
    Catalog.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (migrate.HEAD,)
    with Catalog.open(path) as catalog:
        catalog.verify()


def test_files_from_before_reading_was_noted_have_not_been_read(engine: Engine, path: Path) -> None:
    migrate.upgrade(engine, "0011")
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO scan (started_at) VALUES ('2026-01-01 00:00:00')",
            "INSERT INTO root (path, device, scan_id) VALUES (x'2f', 1, 1)",
            "INSERT INTO content (digest, size, error) VALUES (x'aa', 5, 'truncated')",
            "INSERT INTO file (path, size, mtime_ns, device, inode, content_id, root_id, added_scan_id) "
            "VALUES (x'2f61', 5, 1, 1, 1, 1, 1, 1)",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    with Catalog.open(path) as catalog, catalog.read() as connection:
        recently = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
        assert [file.path for file in files_to_verify(connection, recently)] == [b"/a"]


def test_folder_with_a_percent_sign(
    engine: Engine, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "100%(here)s"
    shutil.copytree(migrate.migrations_folder(), odd)
    monkeypatch.setattr(migrate, "migrations_folder", lambda: odd)
    migrate.upgrade(engine)
    assert migrate.current_revision(engine) == migrate.HEAD


def test_failed_migration_leaves_the_catalog_as_it_was(
    engine: Engine, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(engine, "0001")
    engine.dispose()
    before = schema(path)
    broken = tmp_path / "migrations"
    shutil.copytree(migrate.migrations_folder(), broken)
    script = next((broken / "versions").glob("0002*.py"))
    script.write_text(script.read_text().replace("def downgrade()", "    1 / 0\n\n\ndef downgrade()", 1))
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations_folder", lambda: broken)
        with pytest.raises(ZeroDivisionError):
            Catalog.open(path)
    assert schema(path) == before
    assert migrate.current_revision(engine) == "0001"
    Catalog.open(path).close()
    assert ("table", "pair") in schema(path)


def test_creation_that_fails_half_way_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "HEAD", object())  # the last row, which no database takes
        with pytest.raises(CatalogError):
            Catalog.open(path, create=True)
    assert schema(path) == set()
    Catalog.open(path, create=True).close()
    assert ("table", "embedding") in schema(path)


def test_tables_that_another_process_makes_meanwhile_are_those_of_a_catalog(
    engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = migrate.current_revision

    def overtaken(engine: Engine) -> str | None:
        found = look(engine)
        if found is None:
            migrate.bring_up_to_date(engine)  # between this look and the next one
        return found

    monkeypatch.setattr(migrate, "current_revision", overtaken)
    assert not migrate.needs_migration(engine, path)
