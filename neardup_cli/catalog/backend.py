"""What a database has to offer to hold a catalog; `sqlite` and `postgres` do."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine


class Backend(Protocol):
    """A database with a catalog in it, open.

    Attributes:
        engine: gives connections.
        name: what messages call the catalog; holds no password.
        path: where files that belong to the catalog stand: its index files are called after this path.
    """

    engine: Engine
    name: str
    path: Path

    def translated(self) -> AbstractContextManager[None]:
        """Turn what SQLAlchemy and the driver throw into errors that say what to do."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection whose transaction sees one state of the catalog throughout."""

    def writing(self, *, durably: bool) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction that no other write overlaps.

        Ids grow in the order in which transactions become visible: an index knows by the greatest id it
        has seen which vectors it lacks.
        """

    def scanning(self) -> AbstractContextManager[None]:
        """Take part as a scanner.

        Raises:
            CatalogBusy: somebody is there with whom a scan cannot share the catalog.
        """

    def alone(self) -> AbstractContextManager[None]:
        """Hold off every scan and every other who is alone.

        Raises:
            CatalogBusy: somebody is at it.
        """

    def size(self) -> int:
        """Return the bytes that the catalog takes."""

    def backup(self, target: Path) -> int:
        """Copy the catalog to a file that is not there yet, and return its size; see `Catalog.backup`."""

    def compact(self) -> None:
        """Give back the room of what was removed; see `Catalog.compact`."""

    def verify(self, max_age: timedelta | None = None) -> None:
        """Compare what is stored with what was written; see `Catalog.verify`."""

    def close(self) -> None:
        """Close all connections."""
