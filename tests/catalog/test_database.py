from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from neardup_cli.catalog import queries, scanning, sqlite
from neardup_cli.catalog.database import Catalog, writer_lock
from neardup_cli.catalog.seal import seal_path
from neardup_cli.errors import (
    CatalogBusy,
    CatalogCorrupt,
    CatalogError,
    CatalogMissing,
    CatalogTooNew,
    DiskFull,
    NeardupError,
)
from neardup_cli.records.files import Failure


def uuid(catalog: Catalog) -> str:
    with catalog.read() as connection:
        return queries.catalog_uuid(connection)


def scans(catalog: Catalog) -> int:
    with catalog.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM scan")).scalar_one())


def add_contents(catalog: Catalog, count: int, offset: int = 0) -> None:
    outcomes = {number.to_bytes(32): (1, Failure("x" * 50)) for number in range(offset, offset + count)}
    with catalog.write() as connection:
        scanning.store_contents(connection, outcomes, None)


# --- opening --------------------------------------------------------------------------------------------


def test_nothing_there(tmp_path: Path) -> None:
    path = tmp_path / "no" / "catalog.db"
    with pytest.raises(CatalogMissing, match=r"no catalog at .*/no/catalog\.db yet: run `neardup scan"):
        Catalog.open(path)
    assert not path.parent.exists()


def test_create_and_open_again(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "with 100% ?#" / "catalog.db"
    with Catalog.open(path, create=True) as catalog:
        first = uuid(catalog)
        with catalog.write() as connection:
            scanning.begin_scan(connection)
    with Catalog.open(path) as catalog:
        assert (uuid(catalog), scans(catalog)) == (first, 1)
    with Catalog.open(path, create=True) as catalog:
        assert (uuid(catalog), scans(catalog)) == (first, 1)


def test_every_catalog_has_an_identity_of_its_own(tmp_path: Path) -> None:
    found = set()
    for name in ("a.db", "b.db"):
        with Catalog.open(tmp_path / name, create=True) as catalog:
            found.add(uuid(catalog))
    assert len(found) == 2


def test_close_leaves_one_file_and_its_lock(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        add_contents(catalog, 3)
    assert {path.name for path in tmp_path.iterdir()} <= {"catalog.db", "catalog.db.lock", "catalog.db.seal"}


@pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)
def test_connections_are_prepared(catalog: Catalog) -> None:
    for use in (catalog.read, catalog.write):
        with use() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            }
        assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30_000}


def test_empty_file_becomes_a_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.touch()
    with Catalog.open(path, create=True) as catalog:
        assert scans(catalog) == 0


# --- transactions ---------------------------------------------------------------------------------------


def test_write_is_all_or_nothing(catalog: Catalog) -> None:
    def fail_half_way() -> None:
        with catalog.write() as connection:
            scanning.begin_scan(connection)
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert scans(catalog) == 0
    with catalog.write() as connection:
        scanning.begin_scan(connection)
        scanning.begin_scan(connection)
        assert scans(catalog) == 0  # seen by nobody else before it is committed
    assert scans(catalog) == 2


def test_read_is_a_snapshot(catalog: Catalog) -> None:
    with catalog.read() as connection:
        before = connection.execute(text("SELECT count(*) FROM scan")).scalar_one()
        with catalog.write() as writer:
            scanning.begin_scan(writer)
        assert connection.execute(text("SELECT count(*) FROM scan")).scalar_one() == before == 0
    assert scans(catalog) == 1


def test_rows_must_point_at_rows(catalog: Catalog) -> None:
    lost = text("INSERT INTO root (path, device, scan_id) VALUES (:path, 1, 77)")
    with pytest.raises(CatalogError, match=r"(?i)foreign key"), catalog.write() as connection:
        connection.execute(lost, {"path": b"/"})


def test_threads_take_turns(catalog: Catalog) -> None:
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for step in range(5):
            add_contents(catalog, 1, offset=number * 100 + step)
            scans(catalog)

    with ThreadPoolExecutor(6) as executor:
        list(executor.map(work, range(6)))
    with catalog.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM content")).scalar_one() == 30


# --- one writer -----------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from neardup_cli.catalog.database import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of tmp_path/catalog.db."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "catalog.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)
def test_another_process_is_writing(catalog: Catalog, tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    message = r"another neardup is writing to .*catalog\.db: wait"
    with pytest.raises(CatalogBusy, match=message), catalog.sole_writer():
        pytest.fail("two writers at once")
    assert scans(catalog) == 0  # reading goes on
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with catalog.sole_writer():
        pass


def test_a_kill_leaves_an_empty_lock_and_nothing_else(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("catalog.db.lock", 0)]


def test_a_lock_file_that_is_something_else(tmp_path: Path) -> None:
    lock = tmp_path / "catalog.db.lock"
    lock.write_text("somebody's notes\n")
    with pytest.raises(CatalogError, match=r"cannot be used: catalog\.db\.lock: file is not"):
        Catalog.open(tmp_path / "catalog.db", create=True)
    assert lock.read_text() == "somebody's notes\n"


def test_creating_while_another_process_creates(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(CatalogBusy, match="another neardup is writing"):
        Catalog.open(tmp_path / "catalog.db", create=True)


@pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)
def test_lock_is_given_back(catalog: Catalog, tmp_path: Path) -> None:
    def fail_holding_it() -> None:
        with catalog.sole_writer():
            with pytest.raises(CatalogBusy), writer_lock(catalog.path):
                pass
            raise KeyError

    with pytest.raises(KeyError):
        fail_holding_it()
    with catalog.sole_writer():
        pass


def test_another_program_holds_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.02)
    path = tmp_path / "catalog.db"
    with Catalog.open(path, create=True) as catalog, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogBusy, match="another program holds"), catalog.write():
            pass
        other.rollback()
        add_contents(catalog, 1)


# --- what is no catalog ---------------------------------------------------------------------------------


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(CatalogCorrupt, match="is a folder, not a catalog file"):
        Catalog.open(tmp_path, create=True)


@pytest.mark.parametrize("content", [b"x", b"SQLite format 4\0" + bytes(100), bytes(5000), b"\xff" * 600])
def test_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(content)
    with pytest.raises(CatalogCorrupt, match=r"catalog\.db is not a neardup catalog"):
        Catalog.open(path, create=True)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["catalog.db"]


def test_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "albums.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE album (name)")
        connection.execute("INSERT INTO album VALUES ('Summer')")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(CatalogCorrupt, match="database of another program"):
        Catalog.open(path, create=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["albums.db"]


def test_newer_catalog_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    Catalog.open(path, create=True).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9001'")
        connection.commit()
    seal_path(path).unlink()
    before = path.read_bytes()
    with pytest.raises(CatalogTooNew, match=r"schema 9001, this one knows \d+.*upgrade neardup"):
        Catalog.open(path)
    assert path.read_bytes() == before


def filled(path: Path) -> int:
    """Make a catalog of many pages; return its size."""
    with Catalog.open(path, create=True) as catalog:
        add_contents(catalog, 2000)
    return path.stat().st_size


def use(path: Path) -> None:
    with Catalog.open(path) as catalog, catalog.read() as connection:
        connection.execute(text("SELECT digest, error FROM content ORDER BY error")).all()
        queries.counts(connection)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.7])
def test_truncated(tmp_path: Path, share: float) -> None:
    path = tmp_path / "catalog.db"
    os.truncate(path, max(int(filled(path) * share), 20))
    with pytest.raises(CatalogCorrupt, match=r"damaged|not a neardup catalog"):
        use(path)


def test_garbled_pages(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    size = filled(path)
    with path.open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(os.urandom(4096 * 8))
    with pytest.raises(CatalogCorrupt, match=r"damaged.*8 of \d+ pages .*: run `neardup doctor --repair`"):
        use(path)


def test_undamaged_is_not_called_damaged(tmp_path: Path) -> None:
    filled(tmp_path / "catalog.db")
    use(tmp_path / "catalog.db")


# --- what the file system does --------------------------------------------------------------------------


def test_path_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogMissing):
        Catalog.open(tmp_path / "file" / "catalog.db")
    for path in (tmp_path / "file" / "catalog.db", tmp_path / ("long" * 100) / "catalog.db"):
        with pytest.raises(CatalogError, match="cannot be used: ") as caught:
            Catalog.open(path, create=True)
        assert "None" not in str(caught.value)
    with pytest.raises(CatalogError, match="File name too long"):
        Catalog.open(tmp_path / ("long" * 100))


@pytest.mark.usefixtures("bound_by_permissions")
def test_read_only_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    with pytest.raises(CatalogError, match=r"cannot be used: (Permission denied|unable to open)"):
        Catalog.open(folder / "catalog.db", create=True)
    with pytest.raises(CatalogError, match="cannot be used: Permission denied"):
        Catalog.open(folder / "below" / "catalog.db", create=True)


@pytest.mark.usefixtures("bound_by_permissions")
def test_catalog_in_a_read_only_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Catalog.open(folder / "catalog.db", create=True).close()
    (folder / "catalog.db.lock").unlink(missing_ok=True)
    folder.chmod(0o500)

    def write() -> None:
        with Catalog.open(folder / "catalog.db") as catalog, catalog.sole_writer(), catalog.write():
            pass

    with pytest.raises(CatalogError, match="can only be read") as caught:
        write()
    assert type(caught.value) is CatalogError
    folder.chmod(0o700)


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Catalog.open(folder / "catalog.db", create=True).close()
    folder.chmod(0)
    for create in (False, True):
        with pytest.raises(CatalogError, match="cannot be used: Permission denied"):
            Catalog.open(folder / "catalog.db", create=create)
    folder.chmod(0o700)


@pytest.mark.parametrize("catalog", ["sqlite"], indirect=True)
def test_no_room_left(catalog: Catalog) -> None:
    add_contents(catalog, 10)

    def write_too_much() -> None:
        with catalog.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # raised to what is used already
            outcomes = {number.to_bytes(32): (1, Failure("x" * 99)) for number in range(100, 5000)}
            scanning.store_contents(connection, outcomes, None)

    with pytest.raises(DiskFull, match=r"no room left on the disk of .*catalog\.db"):
        write_too_much()
    with catalog.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM content")).scalar_one() == 10
        assert queries.integrity_problems(connection) == []


@pytest.fixture
def small_disk(tmp_path: Path, mount: Callable[..., None]) -> Path:
    """A real file system with room for a few pages."""
    place = tmp_path / "disk"
    place.mkdir()
    mount(place, "-t", "tmpfs", "-o", "size=512k", "tmpfs")
    return place


def fill_up(catalog: Catalog) -> None:
    for step in range(1, 20):
        add_contents(catalog, 500, offset=500 * step)


def test_full_disk(small_disk: Path) -> None:
    path = small_disk / "catalog.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(480 << 10))
    with pytest.raises(DiskFull):
        Catalog.open(path, create=True)
    ballast.unlink()
    with Catalog.open(path, create=True) as catalog:
        add_contents(catalog, 10)
        with pytest.raises(DiskFull):
            fill_up(catalog)
        with catalog.read() as connection:
            assert queries.integrity_problems(connection) == []
            assert connection.execute(text("SELECT count(*) FROM content")).scalar_one() % 500 == 10


# --- kill -9 --------------------------------------------------------------------------------------------

CREATE_AND_DIE = """
import os, signal, sys
from pathlib import Path
import alembic.command, alembic.autogenerate, sqlalchemy
import neardup_cli.catalog.models
from sqlalchemy import event
from neardup_cli.catalog.database import Catalog

def create_and_die(path, left):
    def count(*_):
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    event.listen(sqlalchemy.Engine, "before_cursor_execute", count)
    Catalog.open(path, create=True).close()

for statements in range(0, 200, 5):
    if (child := os.fork()) == 0:
        create_and_die(Path(sys.argv[1], f"{statements}.db"), statements)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status)
    if status == 0:
        break
"""


def test_killed_while_it_is_created(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CREATE_AND_DIE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    *killed, finished = map(int, done.stdout.split())
    assert (set(killed), finished) == ({-signal.SIGKILL}, 0), done.stderr
    assert len(killed) >= 5
    for number in range(0, 5 * len(killed), 5):
        path = tmp_path / f"{number}.db"
        with Catalog.open(path, create=True) as catalog, catalog.read() as connection:
            assert queries.integrity_problems(connection) == []
            tables = connection.execute(text("SELECT count(*) FROM sqlite_master WHERE type = 'table'"))
            assert tables.scalar_one() >= 8
            assert uuid(catalog)


def test_errors_of_a_catalog_are_neardup_errors() -> None:
    for kind in (CatalogBusy, CatalogCorrupt, CatalogMissing, CatalogTooNew):
        assert issubclass(kind, CatalogError)
        assert issubclass(kind, NeardupError)


def test_a_new_catalog_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds small versions of photographs, which may lie where nobody else can look."""
    Catalog.open(tmp_path / "new.db", create=True).close()
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "new.db").chmod(0o640)  # what its owner wants stays
    Catalog.open(tmp_path / "new.db").close()
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o640
