"""A catalog in a PostgreSQL database: for several scanners at once, and for serving from several machines.

Scanners decode and embed side by side; only their batches, a few hundredths of a second each, take turns at
one advisory lock. That makes a write here what it is in SQLite: nothing overlaps it, so no two transactions
can wait for each other or store a thing twice, and ids become visible in the order in which they were given.
The locks are gone when the connection is, however its process ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Self

import platformdirs
import sqlalchemy
from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from neardup_cli.catalog import migrate
from neardup_cli.catalog.queries import catalog_uuid
from neardup_cli.errors import BadInput, CatalogBusy, CatalogError, CatalogMissing, DiskFull
from neardup_cli.installation import missing_extra

_DRIVER = "postgresql+psycopg"

# Advisory locks are numbers, which all that use one database share: these spell "neardup".
_WRITING, _SCANNING, _MIGRATING = (0x6E65617264757000 + number for number in range(3))

_DISK_FULL, _NO_DATABASE = "53100", "3D000"
_GAVE_UP_WAITING = frozenset({"40P01", "55P03", "57014"})


class PostgresBackend:
    """See `backend.Backend`. Scanners share the catalog; who is alone excludes them."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.engine = engine
        self.name = _name(url)
        with self.reading() as connection:
            uuid = catalog_uuid(connection)
        self.path = platformdirs.user_cache_path("neardup", appauthor=False) / "catalogs" / uuid

    @classmethod
    def open(cls, address: str, *, create: bool) -> Self:
        """Open the catalog at a URL, upgrading what an older neardup made; see `Catalog.open`."""
        url = _checked(address)
        engine = _engine(url)
        try:
            with _translated(url):
                _prepare(engine, url, create=create)
                opened = cls(url, engine)
        except BaseException:
            engine.dispose()
            raise
        opened.path.parent.mkdir(parents=True, exist_ok=True)
        return opened

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the database into our own."""
        with _translated(self.engine.url):
            yield

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees the state at its first question."""
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def writing(self, *, durably: bool) -> Iterator[Connection]:
        """Give a connection that has its turn; each statement sees all that was committed before."""
        with self.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITING})
            if durably:
                connection.execute(text("SET LOCAL synchronous_commit = on"))
            yield connection

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Take part, beside other scanners."""
        with self._locked("pg_try_advisory_lock_shared", _SCANNING):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep scanners away."""
        with self._locked("pg_try_advisory_lock", _SCANNING):
            yield

    def size(self) -> int:
        """Return the size of the database."""
        with self.reading() as connection:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    def compact(self) -> None:
        """Leave it to the database: it uses the room again."""

    def backup(self, target: Path) -> int:
        """Refuse: what PostgreSQL holds, its own tools copy."""
        raise BadInput(f"{target} was not made: the catalog is in PostgreSQL, which `pg_dump` copies")

    def verify(self, max_age: timedelta | None = None) -> None:
        """Do nothing: PostgreSQL has checksums of its own (`initdb --data-checksums`)."""

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _locked(self, function: str, key: int) -> Iterator[None]:
        with _session(self.engine) as connection:
            with _translated(self.engine.url):
                taken = connection.execute(text(f"SELECT {function}(:key)"), {"key": key}).scalar_one()
            if not taken:
                raise CatalogBusy(
                    f"another neardup is writing to {self.name}: wait for it, or use another --catalog"
                )
            yield


@contextmanager
def _session(engine: Engine) -> Iterator[Connection]:
    """Give a connection of its own, not one of the pool; what it locks is free at the end.

    It is unlocked by word: the server takes a moment to notice that a connection was closed.
    """
    with _translated(engine.url):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    try:
        yield connection
    finally:
        with suppress(DBAPIError):  # a server that went away has no locks
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
        connection.close()


def _prepare(engine: Engine, url: URL, *, create: bool) -> None:
    """Make or upgrade the tables; of several who find that it has to be done, the first one does it."""
    if not create and migrate.current_revision(engine) is None:
        raise CatalogMissing(f"no catalog at {_name(url)} yet: run `neardup scan FOLDER` first")
    if not migrate.needs_migration(engine, _name(url)):
        return
    with _session(engine) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATING})
        if migrate.needs_migration(engine, _name(url)):
            migrate.bring_up_to_date(engine)


def _checked(address: str) -> URL:
    """Read a URL.

    Raises:
        BadInput: it is none, or one of another database.
    """
    try:
        url = sqlalchemy.make_url(address)
    except (ArgumentError, ValueError) as exc:
        raise BadInput(f"{address} is no database URL, as {_DRIVER}://USER@HOST/DATABASE is") from exc
    if url.drivername not in ("postgresql", _DRIVER):
        raise BadInput(f"{url.drivername} is no database for a catalog: give a file, or a {_DRIVER}:// URL")
    return url.set(drivername=_DRIVER)


def _engine(url: URL) -> Engine:
    try:
        return sqlalchemy.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as exc:
        raise missing_extra("a catalog in PostgreSQL needs psycopg", "postgres") from exc


def _name(url: URL) -> str:
    return url.render_as_string(hide_password=True)


@contextmanager
def _translated(url: URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as exc:
        raise _as_catalog_error(_name(url), exc) from exc


def _as_catalog_error(name: str, exc: DBAPIError) -> CatalogError | DiskFull:
    state = getattr(exc.orig, "sqlstate", None)
    reason = next(iter(str(exc.orig).splitlines()), type(exc.orig).__name__)
    if state == _DISK_FULL:
        return DiskFull(f"no room left on the disk of {name}: free some and run the command again")
    if state in _GAVE_UP_WAITING:
        return CatalogBusy(f"another program holds {name}: wait for it, or use another --catalog")
    # Before there is a connection, the driver knows no state, only what the server said.
    if state == _NO_DATABASE or ('database "' in reason and "does not exist" in reason):
        return CatalogMissing(f"there is no such database ({name}): make it with `createdb` first")
    return CatalogError(f"catalog {name} cannot be used: {reason}")
