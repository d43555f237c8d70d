"""What contents hold beside their first image, read from their files when a pair asks, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import store_holdings, stored_holdings
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.files import open_image
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.integrity import damage_of
from neardup_cli.images.walk import os_reason
from neardup_cli.records.holdings import Holdings


class KnownHoldings:
    """The holdings of some contents; threads may share it."""

    def __init__(self, catalog: Catalog, contents: Collection[int], read: Callable[[int], Holdings]) -> None:
        """Take what the catalog knows of the contents, and what reads the others."""
        self._catalog = catalog
        self._read = read
        with catalog.read() as connection:
            self._known = stored_holdings(connection, contents)
        self._new: dict[int, Holdings] = {}
        self._lock = threading.Lock()

    def __getitem__(self, content: int) -> Holdings:
        """Return the holdings of a content.

        Raises:
            UnreadableImage: no file that can be read holds it any more.
        """
        with self._lock:
            held = self._known.get(content)
        if held is None:
            held = self._read(content)
            with self._lock:
                self._known[content] = self._new[content] = held
        return held

    def store(self) -> None:
        """Keep what was read since the last time in the catalog."""
        with self._lock:
            new, self._new = self._new, {}
        if new:
            with self._catalog.write() as connection:
                store_holdings(connection, new)


def holdings_of_file(path: bytes) -> Holdings:
    """Read the holdings of an image file, or of an object in a store.

    Raises:
        UnreadableImage: it cannot be read.
    """
    try:
        with open_image(path) as stream:
            return read_holdings(stream)
    except OSError as exc:
        raise UnreadableImage(os_reason(exc)) from exc


def damage_of_file(path: bytes, format: str) -> str:  # noqa: A002 (the record's word for it)
    """Say why the decoder of an image file does not believe it; empty for a sound one.

    Raises:
        UnreadableImage: it cannot be read.
    """
    try:
        with open_image(path) as stream:
            return damage_of(stream.read(), format)
    except OSError as exc:
        raise UnreadableImage(os_reason(exc)) from exc
