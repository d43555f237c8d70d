"""The images that a program hands over, on their way through a scan: which file of the catalog each is."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote_from_bytes

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput
from neardup_cli.images import given
from neardup_cli.images.remote import real_place
from neardup_cli.pipeline.extract import grouped
from neardup_cli.pipeline.items import Item, unique
from neardup_cli.pipeline.work import ToRead


@dataclass(frozen=True, slots=True)
class Called:
    """What a program calls an image and says of it; `is_pixels` where it has no file of its own."""

    id: Hashable
    label: object
    is_pixels: bool


class Handed:
    """Images that are handed over one by one. An image with a path is its file, any other gets an address.

    Addresses follow from the catalog and the ids: in the next call the same image stands at the same one.

    Attributes:
        root: of the addresses.
        called: what each is called by its path or address, in the order in which they came.
        refused: why it could not be read, by path or address.
    """

    def __init__(self, catalog: Catalog, items: Iterator[Item], *, at_hand: bool) -> None:
        """Take the images; where they are `at_hand` in any case, they are lent until the answer is there."""
        with catalog.read() as connection:
            self.root = given.SCHEME + queries.catalog_uuid(connection)[:12].encode()
        self.called: dict[bytes, Called] = {}
        self.refused: dict[bytes, str] = {}
        self._items = unique(items)
        self._at_hand = at_hand
        self._lent: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what was lent."""
        given.take_back(self._lent)

    def chunks(self, count: int) -> Iterator[list[ToRead]]:
        """Yield the images as what a scan reads, at most so many at once, and of bounded size."""
        return grouped(map(self._source_of, self._items), lambda _: count)

    def _source_of(self, item: Item) -> ToRead:
        path = given.path_of(item.image)
        real = None if path is None else real_place(path)
        if real is not None and real not in self.called:
            self.called[real] = Called(item.id, item.label, is_pixels=False)
            return ToRead(real, self.root, _size(real))
        address = self.root + b"/" + quote_from_bytes(_name(item.id)).encode()
        if address in self.called:
            raise BadInput(f"the ids {self.called[address].id!r} and {item.id!r} look the same: give others")
        self.called[address] = Called(item.id, item.label, is_pixels=given.is_pixels(item.image))
        self._lent.append(address)
        given.lend(address, item.image, once=not self._at_hand and real is None)
        return ToRead(address, self.root, given.weight(item.image))


def _name(name: Hashable) -> bytes:
    return os.fsencode(name) if isinstance(name, str | bytes | os.PathLike) else repr(name).encode()


def _size(path: bytes) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):  # whoever reads it says why
        return 0
