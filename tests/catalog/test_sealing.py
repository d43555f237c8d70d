"""The seal of a catalog file: damage is found, and nothing that neardup does itself looks like it."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from sqlalchemy import text

from neardup_cli.catalog import database, readonly, scanning, seal, sealing
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.proofs import count_proofs, store_proofs
from neardup_cli.catalog.seal import Seal, logged_pages, seal_path
from neardup_cli.catalog.sealing import ALWAYS_BYTES
from neardup_cli.errors import CatalogCorrupt, CatalogError
from neardup_cli.records.files import Failure
from neardup_cli.records.proofs import Proof
from tests.damage import hide


def add(catalog: Catalog, count: int, offset: int = 0) -> None:
    outcomes = {(number + 1).to_bytes(32): (1, Failure("x" * 50)) for number in range(offset, offset + count)}
    with catalog.write() as connection:
        scanning.store_contents(connection, outcomes, None)


def count(path: Path) -> int:
    with Catalog.open(path) as catalog, catalog.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM content")).scalar_one())


def proofs(path: Path) -> int:
    with Catalog.open(path) as catalog, catalog.read() as connection:
        return count_proofs(connection)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A catalog of some pages, closed."""
    made = tmp_path / "catalog.db"
    with Catalog.open(made, create=True) as catalog:
        add(catalog, 500)
    return made


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(at)
        old = stream.read(1)
        stream.seek(at)
        stream.write(bytes([old[0] ^ 0x10]))


# --- damage ---------------------------------------------------------------------------------------------


def test_any_wrong_byte_is_found(path: Path) -> None:
    sound = path.read_bytes()
    nonce = range(60, 64)
    for at in [*range(100), *random.Random(1).sample(range(len(sound)), 60)]:
        flip(path, at)
        if at not in nonce:
            with pytest.raises(CatalogCorrupt):
                Catalog.open(path)
        flip(path, at)
    assert path.read_bytes() == sound
    assert count(path) == 500


@pytest.mark.parametrize("size", [0, 1, 15, 60, 4096, 10_000])
def test_a_file_that_was_cut_is_not_a_new_catalog(path: Path, size: int) -> None:
    os.truncate(path, size)
    with pytest.raises(CatalogCorrupt, match="damaged"):
        Catalog.open(path, create=True)
    assert path.stat().st_size == size


def test_what_was_appended_is_seen(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(bytes(100))
    with pytest.raises(CatalogCorrupt, match="1 of "):
        Catalog.open(path)


def test_rot_that_the_file_system_does_not_know_of(path: Path) -> None:
    flip(path, path.stat().st_size - 5000)
    hide(path)
    with Catalog.open(path, compare=False) as catalog:
        with pytest.raises(CatalogCorrupt, match=r"1 of \d+ pages"):
            catalog.verify()
        with pytest.raises(CatalogCorrupt):
            catalog.verify(timedelta(days=1))  # nobody has compared it for long
    with pytest.raises(CatalogCorrupt):  # and what was said once is not forgotten with the old times
        catalog_verified(path)


def catalog_verified(path: Path) -> None:
    with Catalog.open(path) as catalog:
        catalog.verify()


def test_a_comparison_is_not_repeated_before_its_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog_verified(path)

    def fail(*_: object) -> NoReturn:
        pytest.fail("the pages were read again")

    with Catalog.open(path) as catalog:
        monkeypatch.setattr(Seal, "wrong_pages", fail)
        catalog.verify(timedelta(days=1))


@pytest.mark.parametrize("writable", [True, False])
def test_rot_within_a_day_is_found_where_that_is_cheap(
    path: Path, writable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog_verified(path)
    monkeypatch.setattr(database, "can_be_written", lambda _: writable)
    assert count(path) == 500
    flip(path, path.stat().st_size - 5000)
    hide(path, compared=time.time())
    with pytest.raises(CatalogCorrupt, match=r"1 of \d+ pages"):
        Catalog.open(path)


@pytest.mark.parametrize("writable", [True, False])
def test_rot_of_a_large_file_within_a_day_is_found_by_and_by(
    path: Path, writable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some pages are compared each time, others the next time."""
    catalog_verified(path)
    monkeypatch.setattr(database, "can_be_written", lambda _: writable)
    monkeypatch.setattr(seal, "_AT_ONCE", 4)
    size = path.stat().st_size
    for module in (sealing, readonly):
        monkeypatch.setattr(module, "ALWAYS_BYTES", size // 4)
    flip(path, size - 5000)
    hide(path, compared=time.time())
    found = [is_refused(path) for _ in range(60)]
    assert any(found)
    if writable:  # what was found once is not forgotten
        assert all(found[found.index(True) :])
    with Catalog.open(path, compare=False) as catalog, pytest.raises(CatalogCorrupt, match=r"1 of \d+ pages"):
        catalog.verify()  # as before anything is acted upon


def is_refused(path: Path) -> bool:
    try:
        Catalog.open(path).close()
    except CatalogCorrupt:
        return True
    return False


def test_each_page_of_a_large_file_has_its_turn() -> None:
    large = Seal(4096, pages=100_000)
    runs = [large.some_runs(ALWAYS_BYTES) for _ in range(200)]
    assert {sum(map(len, some)) * 4096 for some in runs} <= {ALWAYS_BYTES, ALWAYS_BYTES - 96 * 4096}
    assert {number for some in runs for run in some for number in run} == set(range(1, 100_001))
    assert [number for run in large.runs() for number in run] == list(range(1, 100_001))


def test_what_goes_wrong_over_damaged_rows_is_called_damage(path: Path) -> None:
    flip(path, path.stat().st_size - 5000)
    hide(path)
    with pytest.raises(CatalogCorrupt), Catalog.open(path):
        raise ValueError("no such ruling")
    flip(path, path.stat().st_size - 5000)
    hide(path)
    with pytest.raises(ValueError, match="no such ruling"), Catalog.open(path):
        raise ValueError("no such ruling")


def test_another_program_wrote_to_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE content SET size = 2 WHERE id = 7")
    with pytest.raises(CatalogCorrupt, match="changed by another program"):
        Catalog.open(path)


# --- what is no damage ----------------------------------------------------------------------------------


def test_an_older_copy_over_a_newer_catalog(path: Path) -> None:
    older = path.read_bytes()
    with Catalog.open(path) as catalog:
        add(catalog, 500, 500)
    path.write_bytes(older)  # the seal is the newer one's
    assert count(path) == 500
    catalog_verified(path)


def test_a_copy_without_its_seal_gets_one(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    assert count(copy) == 500
    assert seal_path(copy).exists()
    flip(copy, 9000)
    with pytest.raises(CatalogCorrupt):
        Catalog.open(copy)


def test_of_a_copy_without_its_seal_no_conclusion_is_believed(path: Path, tmp_path: Path) -> None:
    """A byte of a verdict or a proof, which SQLite cannot judge, may decide what is acted upon."""
    with Catalog.open(path) as catalog, catalog.write() as connection:
        store_proofs(connection, {(1, 2): Proof()})
    copy, alone = tmp_path / "copy.db", tmp_path / "alone.db"
    for name in (copy, alone):
        shutil.copy(path, name)
    shutil.copy(seal_path(path), seal_path(copy))
    assert (proofs(path), proofs(copy), proofs(alone)) == (1, 1, 0)
    assert count(alone) == 500


def test_a_copy_with_its_seal_is_compared_and_believed(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shutil.copy(seal_path(path), seal_path(copy))
    assert count(copy) == 500


def test_a_copy_without_a_seal_is_checked_by_sqlite(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 5 * 4096] = bytes(2 * 4096)
    copy.write_bytes(data)
    with pytest.raises(CatalogCorrupt, match="doctor --repair"):
        Catalog.open(copy)


@pytest.mark.parametrize(("length", "is_sound"), [(1.0, True), (0.0, True), (1.02, False), (np.nan, False)])
@pytest.mark.parametrize(("table", "column"), [("embedding", "vector"), ("region", "vectors")])
def test_a_wrong_vector_shows_without_a_seal(
    path: Path, tmp_path: Path, table: str, column: str, length: float, is_sound: bool
) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    vectors = np.full((3 if table == "region" else 1, 4), 0.5, "<f2")
    vectors[-1] *= np.float16(length)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("INSERT INTO scan (id, started_at) VALUES (1, '2026-12-01 10:00:00')")
        connection.execute(
            "INSERT INTO model (id, name, fingerprint, dimension, preprocessing, generation, scan_id) "
            "VALUES (1, 'm', 'f', 4, 'p', 0, 1)"
        )
        connection.execute(
            f"INSERT INTO {table} (model_id, content_id, {column}) VALUES (1, 1, ?)", (vectors,)
        )
        connection.commit()
    if is_sound:
        assert count(copy) == 500
    else:
        with pytest.raises(CatalogCorrupt, match="has not the length of one"):
            Catalog.open(copy)


@pytest.mark.parametrize("at", [0, 20, 100, 5000, 9000])
def test_a_damaged_seal_condemns_nothing(path: Path, at: int) -> None:
    flip(seal_path(path), min(at, seal_path(path).stat().st_size - 1))
    os.utime(path)
    assert count(path) == 500
    catalog_verified(path)
    os.utime(path)
    assert count(path) == 500


def test_a_catalog_that_was_deleted_and_made_again(path: Path) -> None:
    path.unlink()
    with Catalog.open(path, create=True) as catalog:
        add(catalog, 3)
    assert count(path) == 3


def test_a_log_of_another_session_is_read_and_folded(path: Path, tmp_path: Path) -> None:
    """A kill leaves the log; whoever comes next finds all that was committed."""
    child = os.fork()
    if child == 0:
        catalog = Catalog.open(path)
        add(catalog, 100, 1000)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert logged_pages(path)
    assert count(path) == 600
    assert not Path(f"{path}-wal").exists()
    catalog_verified(path)


def test_a_program_that_never_closes_its_catalog(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from neardup_cli.catalog.database import Catalog\n"
        "from tests.catalog.test_sealing import add\n"
        "add(Catalog.open(Path(sys.argv[1])), 100, 1000)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert count(path) == 600
    catalog_verified(path)


def test_the_seal_cannot_be_written_at_the_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Catalog.open(path) as catalog:
        add(catalog, 100, 1000)
        monkeypatch.setattr(Seal, "write", fail)
    monkeypatch.undo()
    assert logged_pages(path)
    assert count(path) == 600
    catalog_verified(path)


def test_a_reader_holds_an_older_state_while_the_log_is_folded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_LEAST_LOG", 0)
    monkeypatch.setattr(sealing, "_LOG_SHARE", 1 << 40)
    with Catalog.open(path) as catalog:
        with catalog.read() as connection:
            before = connection.execute(text("SELECT count(*) FROM content")).scalar_one()
            for step in range(4):
                add(catalog, 50, 1000 + 50 * step)
            assert connection.execute(text("SELECT count(*) FROM content")).scalar_one() == before == 500
        add(catalog, 50, 2000)
        catalog.verify()
    assert count(path) == 750
    catalog_verified(path)


# --- kills and company ----------------------------------------------------------------------------------


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def keep_writing(path: Path, offset: int, times: int) -> None:
    with Catalog.open(path) as catalog:
        for step in range(times):
            add(catalog, 20, offset + 20 * step)


@pytest.fixture
def always_folding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_LEAST_LOG", 0)
    monkeypatch.setattr(sealing, "_LOG_SHARE", 1 << 40)


@pytest.mark.usefixtures("always_folding")
def test_kills_at_any_moment_are_no_damage(path: Path) -> None:
    chosen = random.Random(4)
    found = 500
    for number in range(25):
        child = forked(lambda number=number: keep_writing(path, 10_000 * (number + 1), 400))  # type: ignore[misc]
        time.sleep(chosen.uniform(0.01, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if number % 3 == 0:
            os.utime(path)  # so that the pages are compared
        now = count(path)
        assert now >= found
        found = now
    catalog_verified(path)
    assert found > 500


@pytest.mark.usefixtures("always_folding")
def test_several_processes_write_and_fold(path: Path) -> None:
    children = [forked(lambda n=n: keep_writing(path, 10_000 * (n + 1), 15)) for n in range(3)]  # type: ignore[misc]
    for _ in range(6):
        assert count(path) >= 500
        catalog_verified(path)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert count(path) == 500 + 3 * 15 * 20
    catalog_verified(path)
    assert not Path(f"{path}-wal").exists()


# --- places -----------------------------------------------------------------------------------------------


def test_where_there_can_be_no_log_there_is_no_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems without shared memory, where SQLite stays with its other journal."""
    monkeypatch.setattr(sealing, "LOG_PRAGMA", "PRAGMA journal_mode = DELETE")
    path = tmp_path / "catalog.db"
    for step in range(3):
        with Catalog.open(path, create=True) as catalog:
            add(catalog, 50, 50 * step)
            catalog.verify()
            catalog.verify(timedelta(days=1))
        os.utime(path)
    assert count(path) == 150
    assert not seal_path(path).exists()
    monkeypatch.undo()  # and when it is moved to a better place
    assert count(path) == 150
    assert seal_path(path).exists()


@pytest.mark.usefixtures("bound_by_permissions")
def test_a_seal_that_another_user_has_made(path: Path) -> None:
    seal_path(path).chmod(0o444)
    with Catalog.open(path) as catalog:
        add(catalog, 50, 1000)
    assert not Path(f"{path}-wal").exists()
    catalog_verified(path)


def test_a_full_disk_stops_nobody_from_reading(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    os.utime(path)
    monkeypatch.setattr(Seal, "write", fail)
    assert count(path) == 500


@pytest.mark.parametrize("close", [True, False])
def test_a_log_that_cannot_be_read_is_not_taken_for_empty(
    path: Path, close: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails once while the log is folded must not have the next command call that damage."""
    real = open
    failing = [True]

    def fails_once(name: object, *arguments: Any) -> Any:
        if str(name).endswith("-wal") and failing:
            failing.clear()
            raise OSError(errno.EIO, "Input/output error")
        return real(name, *arguments)  # type: ignore[call-overload]

    catalog = Catalog.open(path)
    add(catalog, 100, 500)
    monkeypatch.setattr(seal, "open", fails_once, raising=False)
    if close:
        catalog.close()
    else:
        monkeypatch.setattr(sealing, "_LEAST_LOG", 1)
        monkeypatch.setattr(sealing, "_LOG_SHARE", 1 << 40)
        with pytest.raises(CatalogError, match="cannot be used: Input/output error"):
            add(catalog, 100, 600)
        catalog.close()
    assert failing == []
    assert count(path) == (600 if close else 700)
    catalog_verified(path)
