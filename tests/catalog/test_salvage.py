"""Saving a damaged catalog: what is taken over is what was written, and the damaged file stays."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from neardup_cli.catalog import decisions, proofs, queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.salvage import salvage
from neardup_cli.catalog.seal import seal_path
from neardup_cli.errors import CatalogBusy, CatalogCorrupt, DiskFull, NotACatalog
from neardup_cli.records.files import Features, FileStamp, ModelIdentity
from neardup_cli.records.proofs import Proof

CONTENTS = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A catalog of some hundred files with vectors, a decision, and long rows; closed."""
    made = tmp_path / "catalog.db"
    taken = datetime(2026, 3, 1, 12)
    with Catalog.open(made, create=True) as catalog, catalog.write() as connection:
        scan = scanning.begin_scan(connection)
        root = scanning.store_root(connection, b"/p", 1, scan)
        model = scanning.store_model(connection, ModelIdentity("m", "f", 512, "p"), scan)
        outcomes = {
            number.to_bytes(32): (
                number,
                Features("PNG", 9, 9, number, 0.0, taken, number.to_bytes(2) * 512),
            )
            for number in range(1, CONTENTS + 1)
        }
        scanning.store_contents(connection, dict(outcomes), model)
        rows = [
            scanning.FileRow(b"/p/%d.png" % number, FileStamp(number, 5, 1, number, 7), digest, b"/p")
            for digest, (number, _) in outcomes.items()
        ]
        scanning.store_files(connection, rows, {b"/p": root}, scan)
        scanning.finish_scan(connection, scan)
        decisions.store_kept(connection, [(3).to_bytes(32)])
    return made


def rows(path: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT {columns} FROM {table}").fetchall()


def pages(path: Path, table: str) -> Iterator[int]:
    """The pages without which a table cannot be read: those of the list of tables, and then its own."""
    data = path.read_bytes()
    probe = path.with_name("probe.db")
    probe.write_bytes(data)
    with probe.open("r+b", buffering=0) as stream:
        for number in range(2, len(data) // 4096 + 1):
            start = (number - 1) * 4096
            stream.seek(start)
            stream.write(b"\xff" * 4096)
            try:
                rows(probe, table, "*")
            except sqlite3.DatabaseError:
                yield number
            stream.seek(start)
            stream.write(data[start : start + 4096])


def spoil(path: Path, number: int) -> None:
    """Change bytes of a page in a way that SQLite does not see."""
    with path.open("r+b") as stream:
        stream.seek(number * 4096 - 40)
        stream.write(b"\x01\x02\x03\x04")


def test_rows_of_wrong_pages_are_not_taken_and_all_others_are(path: Path) -> None:
    before = set(rows(path, "content", "digest, size, dhash"))
    spoil(path, list(pages(path, "content"))[-2])
    saved = salvage(path)
    after = set(rows(path, "content", "digest, size, dhash"))
    assert after < before
    assert len(after) > CONTENTS / 2
    assert saved.rows["content"] == len(after)
    assert "content" in saved.incomplete
    assert rows(path, "decision", "ruling, digest_a") == [("keep", (3).to_bytes(32))]
    vectors = dict(rows(path, "embedding", "content_id, vector"))
    for content, digest in rows(path, "content", "id, digest"):
        assert vectors[content] == digest[-2:] * 512  # each has its own
    with Catalog.open(path) as catalog, catalog.read() as connection:
        assert queries.integrity_problems(connection) == []


def test_the_damaged_file_is_kept_with_its_seal(path: Path) -> None:
    spoil(path, 30)
    damaged = path.read_bytes()
    saved = salvage(path)
    assert saved.aside.read_bytes() == damaged
    assert seal_path(saved.aside).exists()
    assert path.stat().st_mode == saved.aside.stat().st_mode
    assert {file.name for file in path.parent.iterdir()} >= {path.name, saved.aside.name}
    assert not list(path.parent.glob("*.part*"))


@pytest.mark.parametrize("damage", ["first page", "list of tables", "cut"])
def test_what_sqlite_cannot_open(path: Path, damage: str) -> None:
    size = path.stat().st_size
    with path.open("r+b") as stream:
        if damage == "cut":
            stream.truncate(size - 30_000)
        else:
            stream.seek(0 if damage == "first page" else 4096)
            stream.write(bytes(4096))
    salvage(path)
    with Catalog.open(path) as catalog, catalog.read() as connection:
        assert decisions.kept(connection) == {(3).to_bytes(32)}
        assert queries.integrity_problems(connection) == []


def test_decisions_come_from_their_index_if_need_be(path: Path) -> None:
    spoil(path, list(pages(path, "decision NOT INDEXED"))[-1])
    salvage(path)
    assert rows(path, "decision", "ruling, digest_a") == [("keep", (3).to_bytes(32))]


def test_identity_and_generation(path: Path) -> None:
    facts = rows(path, "fact", "name, value")
    assert "uuid" in dict(facts)
    spoil(path, list(pages(path, "content"))[-2])
    salvage(path)
    assert sorted(rows(path, "fact", "name, value")) == sorted(facts)
    assert rows(path, "model", "generation") == [(1,)]  # so that no index file is taken for current


def test_what_was_concluded_is_believed_when_it_was_saved(path: Path) -> None:
    with Catalog.open(path) as catalog, catalog.write() as connection:
        proofs.store_proofs(connection, {(1, 2): Proof()})
    salvage(path)
    assert seal_path(path).exists()
    with Catalog.open(path) as catalog, catalog.read() as connection:
        assert proofs.count_proofs(connection) == 1


def test_without_a_seal_only_what_makes_sense_is_taken(path: Path) -> None:
    seal_path(path).unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE content SET digest = x'aa' WHERE id = 9")
        connection.execute("UPDATE decision SET ruling = 'kepp'")
    saved = salvage(path)
    assert saved.rows["content"] == CONTENTS - 1
    assert saved.rows["file"] == CONTENTS - 1
    assert rows(path, "decision", "*") == []


def test_what_is_no_catalog_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "albums.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE album (name)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(NotACatalog):
        salvage(path)
    assert path.read_bytes() == before
    path.write_bytes(b"SQLite format 3\x00" + b"?" * 5000)
    with pytest.raises(CatalogCorrupt):
        salvage(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["albums.db", "albums.db.lock"]


def test_a_scan_is_not_disturbed(path: Path) -> None:
    with Catalog.open(path) as catalog, catalog.sole_writer(), pytest.raises(CatalogBusy):
        salvage(path)


def test_no_room_for_the_new_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    spoil(path, 30)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", fail)
        with pytest.raises(DiskFull):
            salvage(path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*damaged*"))


def test_a_file_system_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EPERM, "Operation not permitted")

    spoil(path, 30)
    damaged = path.read_bytes()
    monkeypatch.setattr(os, "link", fail)
    saved = salvage(path)
    again = salvage(path)
    assert saved.aside.read_bytes() == damaged
    assert again.aside != saved.aside
    with Catalog.open(path) as catalog:
        catalog.verify()
