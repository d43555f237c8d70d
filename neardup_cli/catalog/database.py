"""A catalog, open: in a SQLite file or in a PostgreSQL database, which nobody above this room can tell."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection

from neardup_cli.catalog.backend import Backend
from neardup_cli.catalog.handles import can_be_written
from neardup_cli.catalog.sqlite import SqliteBackend, writer_lock
from neardup_cli.errors import CatalogBusy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neardup_cli.catalog.salvage import Salvaged
    from neardup_cli.records.embeddings import Embeddings
    from neardup_cli.records.files import CatalogedFile

# What the pool logs on its own (an interrupt while a connection is handed back) is raised as well;
# without a handler it would reach stderr through logging's last resort.
logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())

__all__ = ["Catalog", "Connection", "Location", "writer_lock"]

DAILY = timedelta(days=1)
"""How old the last comparison of a catalog may be for an answer, where nobody has touched it since."""

type Location = Path | str
"""Where a catalog is: a path is a SQLite file, and so is a string, unless it is the URL of a database."""

# What goes wrong where a number, a name or a JSON text is not what it was when it was written.
_UNFORESEEN = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

_URL = re.compile(r"[a-z][a-z0-9+.]*://")


class Catalog:
    """A catalog, open. Threads may share it: each transaction has a connection of its own."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def path(self) -> Path:
        """The catalog file; of a database, the path that files belonging to it are called after."""
        return self._backend.path

    @property
    def name(self) -> str:
        """What messages call the catalog: its path or its URL, without a password."""
        return self._backend.name

    @classmethod
    def open(cls, location: Location, *, create: bool = False, compare: bool = True) -> Self:
        """Open a catalog, upgrading it where an older neardup made it.

        Args:
            location: a SQLite file, or `postgresql+psycopg://USER@HOST/DATABASE`.
            create: make an empty catalog where there is none.
            compare: a file with its seal, even where nobody has touched it: a small one (`ALWAYS_BYTES`)
                always, a large one once a day.

        Raises:
            CatalogMissing: there is none and `create` is false.
            CatalogTooNew, CatalogCorrupt, CatalogBusy, DiskFull: as their names say. `NotACatalog` is a
                `CatalogCorrupt` for what never was one.
            BadInput, MissingExtra: a URL that cannot be used, or not without the `postgres` extra.
        """
        if isinstance(location, str) and _URL.match(location):
            # Late: the other dialect, which those who have a file need not wait for.
            from neardup_cli.catalog.postgres import PostgresBackend

            return cls(PostgresBackend.open(location, create=create))
        path = Path(location)
        if os.path.isfile(path) and not can_be_written(path):
            from neardup_cli.catalog.readonly import ReadOnlyBackend  # few have need of it

            opened = cls(ReadOnlyBackend.open(path, create=False))
        else:
            opened = cls(SqliteBackend.open(path, create=create))
        return opened._compared() if compare else opened

    def _compared(self) -> Self:
        """Make sure that a file is what was written, as often as that is worth it."""
        try:
            with suppress(CatalogBusy):  # whoever writes now has done so
                self.verify(DAILY)
        except BaseException:
            self.close()
            raise
        return self

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for one consistent read: a snapshot, whatever is written meanwhile."""
        with self._backend.translated(), self._backend.reading() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection for one transaction: committed as a whole at the end, or not at all.

        In a catalog that can only be read, what is written goes to a copy, for as long as this one is open.
        """
        with self._backend.translated(), self._backend.writing(durably=False) as connection:
            yield connection

    @contextmanager
    def write_durably(self) -> Iterator[Connection]:
        """Give a connection for one transaction that is on the disk at the end: no power cut unsays it.

        Raises:
            CatalogError: the catalog can only be read.
        """
        with self._backend.translated(), self._backend.writing(durably=True) as connection:
            yield connection

    @contextmanager
    def scanner(self) -> Iterator[None]:
        """Take part as a scanner: the only one in a file, one of several in a database."""
        with self._backend.scanning():
            yield

    @contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Hold off every scan of this catalog; released by the system if this process dies."""
        with self._backend.alone():
            yield

    def embeddings(self, model: str | None = None) -> Embeddings[NDArray[np.int64]]:
        """Return the embeddings of all images that are there, in order of their contents' ids.

        `files` says which files a content is in.

        Args:
            model: what the catalog calls it; None takes the one that was used last.

        Returns:
            The (n,) content ids, and the (n, dimension) float16 unit vectors.

        Raises:
            ModelMismatch: the catalog has none of this model, or none at all.
        """
        from neardup_cli.catalog.embeddings import present_embeddings  # late: it brings numpy

        with self.read() as connection:
            return present_embeddings(connection, model)

    def files(self) -> list[CatalogedFile]:
        """Return all images that are there and can be read, by content id and path."""
        from neardup_cli.catalog.embeddings import present_files

        with self.read() as connection:
            return present_files(connection)

    def size(self) -> int:
        """Return the bytes that the catalog takes, without its index files."""
        with self._backend.translated():
            return self._backend.size()

    def backup(self, target: Path) -> int:
        """Write a copy of the catalog as it is now, whole or not at all; others may use it meanwhile.

        Returns:
            The size of the copy in bytes.

        Raises:
            BadInput: something has that name already, it cannot be written there, or the catalog is in a
                database, which has tools of its own.
            CatalogCorrupt: the catalog, or the copy, is damaged.
            DiskFull: no room; nothing is left of it.
        """
        with self._backend.translated():
            self._backend.verify()  # what has rotted must not become what a backup is sound of
            return self._backend.backup(target)

    def compact(self) -> None:
        """Give back the room of what was removed, as far as the database does not do so by itself."""
        with self._backend.translated():
            self._backend.compact()

    def verify(self, max_age: timedelta | None = None) -> None:
        """Make sure that all that is stored is as it was written; to be asked before anything is acted upon.

        Opening a catalog does it where anybody else has touched the file; this also sees what changed below
        the file system. It takes about two seconds for each gigabyte.

        Args:
            max_age: be content with a comparison so long ago, if nobody has touched the file since.

        Raises:
            CatalogCorrupt: something is not.
        """
        with self._backend.translated():
            self._backend.verify(max_age)

    @staticmethod
    def salvage(location: Location) -> Salvaged | None:
        """Put a new catalog with all that can be saved into the place of a damaged file, which is kept aside.

        Returns:
            What was saved; None for a catalog in a database, whose tools do that.

        Raises:
            CatalogCorrupt, CatalogBusy, CatalogError: see `salvage.salvage`.
        """
        from neardup_cli.catalog.salvage import salvage  # few ever need it

        if isinstance(location, str) and _URL.match(location):
            return None
        return salvage(Path(location))

    def close(self) -> None:
        """Close all connections; SQLite's write-ahead log is folded into the file."""
        with self._backend.translated():
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # What nobody has foreseen may come from damage that nobody has seen yet.
            if isinstance(error, _UNFORESEEN):
                self.verify()
        finally:
            self.close()
