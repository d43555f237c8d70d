"""A catalog in a SQLite file: the default, which needs no server."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from neardup_cli.catalog import migrate, newest, sealing
from neardup_cli.catalog.seal import forget_seal
from neardup_cli.catalog.sealing import WHAT_TO_DO, SealedFile
from neardup_cli.errors import (
    BadInput,
    CatalogBusy,
    CatalogCorrupt,
    CatalogError,
    CatalogMissing,
    DiskFull,
    NotACatalog,
)

log = logging.getLogger("neardup.catalog")

PATIENCE = 30.0
"""Seconds for which another process at the catalog is waited for."""

_UNFORESEEN = (AssertionError, LookupError, TypeError, ValueError)
"""What comes of names and numbers that are not what they were when they were written."""


class SqliteBackend:
    """See `backend.Backend`. One scanner at a time: a lock file beside the catalog says who."""

    def __init__(self, path: Path, engine: Engine, sealed: SealedFile) -> None:
        self.engine = engine
        self.path = path
        self.name = str(path)
        self._sealed = sealed
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Open a file, upgrading what an older neardup made; see `Catalog.open`."""
        with opening(path):
            if not path.exists():
                if not create:
                    raise CatalogMissing(f"no catalog at {path} yet: run `neardup scan FOLDER` first")
                path.parent.mkdir(parents=True, exist_ok=True)
                forget_seal(path)  # of one that somebody has deleted
                newest.forget(path)
                _create(path, 0o600)  # small versions of somebody's photographs go into it
            if path.is_dir():
                raise NotACatalog(f"{path} is a folder, not a catalog file")
            with ExitStack() as undo:
                sealed = SealedFile(path, PATIENCE)
                undo.callback(sealed.let_go)
                engine = _engine(path, sealed)
                undo.callback(engine.dispose)
                _prepare_file(path, engine, sealed)
                _look_for_missing(path, engine)
                undo.pop_all()
        return cls(path, engine, sealed)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the database into our own."""
        with _translated(self.path):
            yield

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection; in WAL mode a transaction is a snapshot."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, durably: bool) -> Iterator[Connection]:
        """Give a connection that holds the write lock from its beginning: no upgrade that can deadlock."""
        with self.engine.connect() as connection, _synchronous(connection, full=durably):
            immediate = connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            state = None
            with immediate.begin():
                before = _changes(immediate)
                yield immediate
                if _changes(immediate) != before:
                    state = newest.count(immediate)
            if state is not None:
                newest.note(self.path, state)
        with _translated_files(self.path):
            self._sealed.may_fold()

    def verify(self, max_age: timedelta | None = None) -> None:
        """Compare every page with the seal."""
        with _translated_files(self.path):
            self._sealed.verify(max_age)

    def close(self) -> None:
        """Leave one file with its seal, if nobody else has it open."""
        if not self._closed:
            self._closed = True
            with self._sealed.closing():
                self.engine.dispose()
            if not os.path.exists(f"{self.path}-wal"):
                newest.forget(self.path)

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Be the only scanner."""
        with writer_lock(self.path):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only writer: in SQLite, a scanner is."""
        with writer_lock(self.path):
            yield

    def size(self) -> int:
        """Return the size of the file."""
        return self.path.stat().st_size

    def compact(self) -> None:
        """Have SQLite write the file anew; where it has no room for that, what was removed stays as zeros."""
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            with suppress(sqlite3.OperationalError):  # somebody reads, or the disk is full
                driver.execute("VACUUM")  # into the log; the file becomes smaller when that is folded
        self._sealed.may_fold()

    def backup(self, target: Path) -> int:
        """Let SQLite write one consistent state into a new file, check it, and only then give it its name."""
        if os.path.lexists(target):
            raise BadInput(f"{target} is there already: name a file that is not")
        part = target.with_name(f"{target.name}.{token_hex(4)}.part")
        try:
            # SQLite would make the file readable by everybody; a copy of what can only be read is one's own.
            mode = self.path.stat().st_mode & 0o777 | 0o600
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
            with self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("VACUUM INTO ?", (os.fspath(part),))
            with closing(sqlite3.connect(part)) as copy:
                copy.execute("PRAGMA journal_mode = MEMORY")  # half a copy is of no use to anybody
                copy.execute("PRAGMA user_version = 0")  # it is nothing that the catalog's seal is of
            _check_copy(part)
            _sync(part)
            size = part.stat().st_size
            os.link(part, target)  # unlike a rename, this replaces nothing that has come there meanwhile
            _sync(target.parent)
        except OSError as exc:
            if exc.errno == errno.ENOSPC:
                raise _disk_full(target) from exc
            raise BadInput(f"{target} cannot be written: {exc.strerror}") from exc
        except sqlite3.Error as exc:
            if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise _disk_full(target) from exc
            if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT:
                raise CatalogCorrupt(
                    f"catalog {self.path} is damaged, and was not copied: see `neardup doctor`"
                ) from exc
            raise CatalogError(f"catalog {self.path} cannot be copied to {target}: {exc}") from exc
        finally:
            for left in (part, part.with_name(f"{part.name}-journal")):
                _remove(left)
        return size


def _remove(left: Path) -> None:
    """Remove half a copy, or the second name of a whole one; a disk that fails is asked once more."""
    try:
        left.unlink(missing_ok=True)
    except OSError:
        try:
            left.unlink(missing_ok=True)
        except OSError as exc:
            log.warning("%s could not be removed (%s): it is of no use", left, exc.strerror)


def _check_copy(copy: Path) -> None:
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        said = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(1)")]
    if said != ["ok"]:
        raise CatalogCorrupt(f"the catalog is damaged, and was not copied: {said[0]}; see `neardup doctor`")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Take the lock file beside the catalog at `path`, or say who holds it.

    SQLite holds it, by a transaction on an empty file: the system ends that with the process, however it
    dies, and no library has to be imported for it.
    """
    lock = Path(f"{path}.lock")
    with _translated_files(path):
        _create(lock)
    try:
        held = _hold(lock)
    except sqlite3.Error as exc:
        if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise CatalogBusy(
                f"another neardup is writing to {path}: wait for it, or use another --catalog"
            ) from exc
        raise CatalogError(f"catalog {path} cannot be used: {lock.name}: {exc}") from exc
    with closing(held):
        yield


def _hold(lock: Path) -> sqlite3.Connection:
    held = sqlite3.connect(lock, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        held.execute("PRAGMA journal_mode = MEMORY")  # no journal beside it, that a kill would leave
        held.execute("BEGIN EXCLUSIVE")
    except BaseException:
        held.close()
        raise
    return held


def _create(file: Path, mode: int = 0o644) -> None:
    """Make an empty file where there is none: what is there is never opened but by SQLite.

    Closing any handle of a file takes away all locks that this process has on it.
    """
    if not file.exists():
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))


def _prepare_file(path: Path, engine: Engine, sealed: SealedFile) -> None:
    """Believe a file or refuse it, before SQLite or anybody writes to it, and bring it up to date."""
    sealed_before = sealed.check()
    size = path.stat().st_size
    _refuse_other_files(path, sealed)
    outdated = migrate.needs_migration(engine, path)
    # Only now is it known that the file is ours to change.
    event.listen(engine, "connect", _keep_log)
    engine.dispose()
    if size and not sealed_before:
        sealed.adopt(is_believed=outdated)
    if outdated:
        with writer_lock(path):
            migrate.bring_up_to_date(engine)
    if not size:
        sealed.adopt()


def _look_for_missing(path: Path, engine: Engine) -> None:
    """Tell of work that is not in the catalog any more, once."""
    if newest.noted(path) is not None:
        with engine.connect() as connection:
            now = newest.counted(connection)
        if (said := newest.missing(path, now)) is not None:
            log.warning("%s", said)
            newest.note(path, now)


def _changes(connection: Connection) -> int:
    """Return how many rows a connection has changed in its life."""
    driver = connection.connection.driver_connection
    return 0 if driver is None else int(driver.total_changes)


def _engine(path: Path, sealed: SealedFile) -> Engine:
    url = sqlalchemy.URL.create("sqlite", database=os.fspath(path))
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": PATIENCE})

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - DBAPI
        # The driver would begin transactions by rules of its own, and never before DDL; see _begin.
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = NORMAL")  # safe in WAL; a power cut may cost the last batch
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA busy_timeout = {round(1000 * PATIENCE)}")
        sealed.prepare(connection)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _keep_log(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - DBAPI
    connection.execute(sealing.LOG_PRAGMA)


@contextmanager
def _synchronous(connection: Connection, *, full: bool) -> Iterator[None]:
    """Let a transaction wait for the disk, which SQLite can only be told outside of one."""
    driver = connection.connection.driver_connection
    if not full or driver is None:
        yield
        return
    driver.execute("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        driver.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("sqlite_begin", "BEGIN")
    connection.exec_driver_sql(begin)


def _refuse_other_files(path: Path, sealed: SealedFile) -> None:
    """Look at the first bytes before SQLite writes anything beside a file that is not ours."""
    if not (sealed.is_database() or sealed.is_empty()):
        raise NotACatalog(f"{path} is not a neardup catalog")


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a catalog is opened into errors that say what to do."""
    with _translated_files(path), _translated(path):
        try:
            yield
        except _UNFORESEEN as exc:
            raise CatalogCorrupt(f"catalog {path} is damaged ({exc}): {WHAT_TO_DO}") from exc


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what SQLAlchemy and SQLite throw into errors that say what to do."""
    try:
        yield
    except DatabaseError as exc:
        raise _as_catalog_error(path, exc.orig) from exc
    except sqlite3.Error as exc:
        raise _as_catalog_error(path, exc) from exc
    except UnicodeDecodeError as exc:  # the driver's, over a complaint that names what is broken
        raise CatalogCorrupt(f"catalog {path} is damaged: a name in it is no text") from exc


@contextmanager
def _translated_files(path: Path) -> Iterator[None]:
    """Turn what the file system throws while the catalog is opened into errors that say what to do."""
    try:
        yield
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise _disk_full(path) from exc
        raise CatalogError(f"catalog {path} cannot be used: {exc.strerror}") from exc


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(f"no room left on the disk of {path}: free some and run the command again")


def _as_catalog_error(path: Path, exc: BaseException | None) -> CatalogError | DiskFull:
    code = getattr(exc, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None  # extended codes keep it in the low byte
    # A full disk may first be felt where the write-ahead log's index is made.
    if primary == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return _disk_full(path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CatalogBusy(f"another program holds {path}: wait for it, or use another --catalog")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CatalogCorrupt(f"catalog {path} is damaged ({exc}): {WHAT_TO_DO}")
    return CatalogError(f"catalog {path} cannot be used: {exc}")
