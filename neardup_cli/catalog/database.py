"""Opening a catalog, and the one place where database errors become neardup's own."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from neardup_cli.catalog import migrate
from neardup_cli.errors import CatalogBusy, CatalogCorrupt, CatalogError, CatalogMissing, DiskFull

# What the pool logs on its own (an interrupt while a connection is handed back) is raised as well;
# without a handler it would reach stderr through logging's last resort.
logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())

__all__ = ["Catalog", "Connection", "writer_lock"]

_BUSY_TIMEOUT_MS = 30_000
_SQLITE_MAGIC = b"SQLite format 3\x00"


class Catalog:
    """A catalog file, open. Threads may share it: each transaction has a connection of its own."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """Open a catalog, upgrading it where an older neardup made it.

        Args:
            path: the SQLite file.
            create: make an empty catalog where there is none.

        Raises:
            CatalogMissing: there is none and `create` is false.
            CatalogTooNew, CatalogCorrupt, CatalogBusy, DiskFull: as their names say.
        """
        with _translated_files(path), _translated(path):
            if not path.exists() and not create:
                raise CatalogMissing(f"no catalog at {path} yet: run `neardup scan FOLDER` first")
            path.parent.mkdir(parents=True, exist_ok=True)
            _refuse_other_files(path)
            engine = _engine(path)
            try:
                outdated = migrate.needs_migration(engine, path)
                # Only now is it known that the file is ours to change.
                event.listen(engine, "connect", _keep_log)
                engine.dispose()
                if outdated:
                    with writer_lock(path):
                        migrate.bring_up_to_date(engine)
            except BaseException:
                engine.dispose()
                raise
        return cls(path, engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for one consistent read: a snapshot, whatever is written meanwhile."""
        with _translated(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection for one transaction: committed as a whole at the end, or not at all."""
        with _translated(self.path), self._engine.connect() as connection:
            # Asking for the write lock at once spares SQLite an upgrade that can deadlock.
            immediate = connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            with immediate.begin():
                yield immediate

    @contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Hold off every other scan of this catalog; released by the system if this process dies."""
        with writer_lock(self.path):
            yield

    def close(self) -> None:
        """Close all connections; SQLite folds its write-ahead log into the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Take the lock file beside the catalog at `path`, or say who holds it."""
    from filelock import FileLock, Timeout  # late: it brings asyncio, and those who only read need neither

    lock = FileLock(f"{path}.lock", timeout=0, is_singleton=False)
    with _translated_files(path):
        try:
            lock.acquire()
        except Timeout as exc:  # an OSError itself, which is why it is caught inside
            raise CatalogBusy(
                f"another neardup is writing to {path}: wait for it, or use another --catalog"
            ) from exc
    try:
        yield
    finally:
        lock.release()


def _engine(path: Path) -> Engine:
    url = sqlalchemy.URL.create("sqlite", database=os.fspath(path))
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - DBAPI
    # The driver would begin transactions by rules of its own, and never before DDL; see _begin.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = NORMAL")  # safe in WAL; a power cut may cost the last batch
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")


def _keep_log(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - DBAPI
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("sqlite_begin", "BEGIN")
    connection.exec_driver_sql(begin)


def _refuse_other_files(path: Path) -> None:
    """Look at the first bytes before SQLite writes anything beside a file that is not ours."""
    if path.is_dir():
        raise CatalogCorrupt(f"{path} is a folder, not a catalog file")
    if path.exists() and path.stat().st_size:
        with path.open("rb") as stream:
            if stream.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
                raise CatalogCorrupt(f"{path} is not a neardup catalog")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what SQLAlchemy and SQLite throw into errors that say what to do."""
    try:
        yield
    except DatabaseError as exc:
        raise _as_catalog_error(path, exc) from exc


@contextmanager
def _translated_files(path: Path) -> Iterator[None]:
    """Do the same for the file system, while the catalog's own files are opened."""
    try:
        yield
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise _disk_full(path) from exc
        raise CatalogError(f"catalog {path} cannot be used: {exc.strerror}") from exc


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(f"no room left on the disk of {path}: free some and run the command again")


def _as_catalog_error(path: Path, exc: DatabaseError) -> CatalogError | DiskFull:
    code = getattr(exc.orig, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None  # extended codes keep it in the low byte
    # A full disk may first be felt where the write-ahead log's index is made.
    if primary == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return _disk_full(path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CatalogBusy(f"another program holds {path}: wait for it, or use another --catalog")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CatalogCorrupt(
            f"catalog {path} is damaged ({exc.orig}): move it away and scan again, or restore a backup"
        )
    return CatalogError(f"catalog {path} cannot be used: {exc.orig}")
