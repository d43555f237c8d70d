"""A catalog in a SQLite file that can be read and not written: on a read-only disk, or of another user.

Nothing is made beside it. Where its owner is writing, SQLite reads the log through the owner's shared memory;
where nobody is, the file is taken for immutable. What has to be stored to answer (how vectors compare, what
geometry found), what an older neardup made, and a log that nobody has folded in are worked upon in a copy of
one's own, which goes with the process. What is meant to last is refused.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import QueuePool

from neardup_cli.catalog import migrate, newest
from neardup_cli.catalog.handles import release_handle, take_handle
from neardup_cli.catalog.queries import integrity_problems
from neardup_cli.catalog.seal import Seal, logged_pages
from neardup_cli.catalog.sealing import ALWAYS_BYTES, WHAT_TO_DO, damage, is_database, wrong_pages
from neardup_cli.catalog.sqlite import SqliteBackend, log, opening
from neardup_cli.errors import CatalogBusy, CatalogCorrupt, CatalogError, NotACatalog


class ReadOnlyBackend(SqliteBackend):
    """See `backend.Backend`; its writes do not last, or are refused."""

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:  # noqa: ARG003 - it is there
        """Open a file that is there; see `Catalog.open`."""
        with opening(path):
            return cls(path)

    def __init__(self, path: Path) -> None:
        """Open a file that is there.

        Raises:
            CatalogCorrupt, CatalogTooNew, CatalogError, OSError: it cannot be read, or not be believed.
        """
        self.path = path
        self.name = str(path)
        self._private: SqliteBackend | None = None
        self._lock = threading.Lock()
        self._stack = ExitStack()
        with ExitStack() as undo:
            shared = take_handle(path)
            undo.callback(release_handle, shared)
            self._handle, self._handle_lock = shared.number, shared.lock
            self._seen = os.fstat(self._handle)
            if not is_database(self._handle) and Seal.read(path, whole=False) is None:
                raise NotACatalog(f"{path} is not a neardup catalog")
            self._immutable = False
            undo.push(self._stack)
            self.engine = self._opened()
            self._believe()
            with self.engine.connect() as connection:
                said = newest.missing(path, newest.counted(connection)) if newest.noted(path) else None
            if said is not None:
                log.warning("%s", said)
            if migrate.needs_migration(self.engine, path):
                self._become_private(self.engine)
            self._undo = undo.pop_all()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection; in an immutable file nobody must have written meanwhile."""
        with self.engine.connect() as connection:
            yield connection
        now = os.stat(self.path)
        if self._immutable and (now.st_mtime_ns, now.st_size) != (self._seen.st_mtime_ns, self._seen.st_size):
            raise CatalogBusy(f"{self.path} was written to while it was read: run the command again")

    @contextmanager
    def writing(self, *, durably: bool) -> Iterator[Connection]:
        """Give a connection to a copy of one's own.

        Raises:
            CatalogError: it is meant to last.
        """
        if durably:
            self._refuse()
        private = self._become_private(self.engine)
        with private.writing(durably=False) as connection:
            yield connection

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Refuse."""
        self._refuse()
        yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse."""
        self._refuse()
        yield

    def verify(self, max_age: timedelta | None = None) -> None:
        """Compare pages with the seal, where there is one; that it was done can be noted nowhere."""
        if self._private is not None:
            return
        seal = Seal.read(self.path, whole=False)
        is_recent = (
            seal is not None
            and max_age is not None
            and not seal.touched(self._seen)
            and time.time() - seal.verified <= max_age.total_seconds()
        )
        self._believe(thoroughly=True, most=ALWAYS_BYTES if is_recent else None)

    def close(self) -> None:
        """Close all connections, and remove the copy."""
        self._undo.close()

    def _refuse(self) -> None:
        raise CatalogError(
            f"catalog {self.path} can only be read (its disk is read-only, or it is another user's): "
            "use a --catalog of your own, or a copy of it"
        )

    def _opened(self) -> Engine:
        """Open the file in the way in which it can be read as it is now."""
        logged, shared = bool(logged_pages(self.path)), Path(f"{self.path}-shm").exists()
        if logged or shared:
            engine = self._engine("mode=ro")
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            except sqlalchemy.exc.OperationalError:
                engine.dispose()
                if logged:
                    return self._become_private(None).engine
            else:
                return engine
        self._immutable = True
        return self._engine("mode=ro&immutable=1")

    def _engine(self, how: str) -> Engine:
        engine = _engine(self.path, how)
        self._stack.callback(engine.dispose)
        return engine

    def _believe(self, *, thoroughly: bool = False, most: int | None = None) -> None:
        """Compare a file that somebody has touched, or any, with its seal; without one, ask SQLite.

        Args:
            thoroughly: also one that nobody has touched.
            most: so many bytes of it are enough, drawn by chance.
        """
        seal, handle = Seal.read(self.path), self._handle
        with self._handle_lock:
            if seal is not None and (seal.folding or seal.is_of(handle) or not is_database(handle)):
                if not thoroughly and not seal.touched(self._seen):
                    return
                among = None if most is None else seal.some_runs(most)
                if wrong := wrong_pages(self.path, handle, seal, among):
                    raise CatalogCorrupt(damage(self.path, len(wrong), seal.pages))
                return
        if self._private is None:
            with self.engine.connect() as connection:
                if problems := integrity_problems(connection):
                    raise CatalogCorrupt(f"catalog {self.path} is damaged ({problems[0]}): {WHAT_TO_DO}")

    def _become_private(self, engine: Engine | None) -> SqliteBackend:
        """Go on with a copy, which can be written to; whoever is reading reads on in the file.

        Without an engine the file can be opened neither here nor elsewhere: a kill has left its log.
        """
        with self._lock:
            if self._private is None:
                folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="neardup-"))
                copy = Path(folder) / self.path.name
                if engine is None:
                    shutil.copyfile(self.path, copy)
                    shutil.copyfile(f"{self.path}-wal", f"{copy}-wal")
                else:
                    _copy_state(engine, copy)
                self._private = SqliteBackend.open(copy, create=False)
                self._stack.callback(self._private.close)
                self.engine, self._immutable = self._private.engine, False
            return self._private


def _copy_state(engine: Engine, copy: Path) -> None:
    """Copy one consistent state, whatever its owner writes meanwhile."""
    with engine.connect() as connection, closing(sqlite3.connect(copy)) as target:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.backup(target)
        target.execute("PRAGMA user_version = 0")


def _engine(path: Path, how: str) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, check_same_thread=False)

    engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    def prepare(connection: Any, _entry: object) -> None:  # noqa: ANN401 - DBAPI
        connection.isolation_level = None

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine
