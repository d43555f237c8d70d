"""The seal of a catalog file: what each of its pages was when neardup wrote it, in a file beside it.

SQLite notices damage only where its structure breaks: a wrong byte in a path, a digest or a verdict is read
as if it had been written so. The seal has eight bytes of BLAKE3 for every page, so that any wrong byte is
found at the speed of reading, and the pages that can be believed are known where others cannot.

It costs nothing to ask as long as nobody else has touched the file: the header repeats what `stat` said when
it was written last. `sealing.py` keeps it true. Pages whose entry is empty, and those that are in the
write-ahead log (which has checksums of its own), are not judged.

    header    4,096 bytes: see `_HEADER`
    copies    of the pages with the list of tables, without which SQLite reads nothing: number and page
    groups    4,096 bytes each: 511 entries of 8 bytes, and the check of the group
"""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from blake3 import blake3

SUFFIX = ".seal"
_MAGIC = b"neardup seal 1\n\0"
_HEADER = struct.Struct("<16sIIIIQqqqQd")
"""Magic, page size, nonce, fold under way, copies, pages, size, mtime, ctime, inode, verified."""

_BLOCK = 4096
_ENTRY = 8
_PER_GROUP = _BLOCK // _ENTRY - 1
_EMPTY = bytes(_ENTRY)
_AT_ONCE = 256  # pages that are read in one go

_NONCE_AT = 60
"""Where SQLite's first page has `user_version`: each fold gives it a new value, by which an older or newer
copy of a catalog is told from a damaged one."""

_TREE_AT, _INTERIOR = 100, 5

_WAL_HEADER, _FRAME_HEADER = struct.Struct(">IIIIIIII"), struct.Struct(">IIII")
_CHECKSUM = 8
_WAL_MAGIC = (0x377F0682, 0x377F0683)


@dataclass(slots=True)
class Seal:
    """A seal, in memory.

    Attributes:
        nonce: the `user_version` of the file that it describes.
        folding: whether a fold had begun and not come to its end.
        pages: how many the file had.
        stamp: size, mtime, ctime and inode of the file after the last fold.
        verified: when every page was last compared, seconds since 1970.
        copies: the pages with the list of tables, by number: the first one, and what it leads to.
        entries: eight bytes a page.
    """

    page_size: int
    nonce: int = 0
    folding: bool = False
    pages: int = 0
    stamp: tuple[int, int, int, int] = (0, 0, 0, 0)
    verified: float = 0.0
    copies: dict[int, bytes] = field(default_factory=dict)
    entries: bytearray = field(default_factory=bytearray)

    @classmethod
    def read(cls, catalog: Path, *, whole: bool = True) -> Self | None:
        """Read the seal of a catalog; None where there is none, or it is damaged itself.

        Without `whole`, only the header: enough to see whether anybody has touched the file.
        """
        try:
            with open(seal_path(catalog), "rb") as stream:
                header = stream.read(_BLOCK)
                if len(header) != _BLOCK or header[-_ENTRY:] != _check(header[:-_ENTRY]):
                    return None
                magic, size, nonce, folding, copies, pages, *stamp, verified = _HEADER.unpack_from(header)
                if magic != _MAGIC or not 512 <= size <= 65536:
                    return None
                seal = cls(size, nonce, bool(folding), pages, tuple(stamp), verified)
                if whole:
                    for _ in range(copies):
                        number = int.from_bytes(stream.read(4))
                        seal.copies[number] = stream.read(size)
                    seal.entries = _entries(stream.read(), pages)
                return seal
        except OSError:
            return None

    def touched(self, status: os.stat_result) -> bool:
        """Return True if somebody else has written to the file, or put another one in its place."""
        return self.folding or self.stamp != _stamp(status)

    def is_of(self, handle: int) -> bool:
        """Return True if the file is the one that was sealed, as far as its nonce tells."""
        found = read_at(handle, 4, _NONCE_AT)
        return len(found) == 4 and int.from_bytes(found) == self.nonce

    def wrong_pages(
        self, handle: int, spared: Set[int] = frozenset(), among: Iterable[range] | None = None
    ) -> list[int]:
        """Return the numbers (from 1) of the pages that are not what was sealed, ascending.

        Args:
            handle: of the catalog file.
            spared: pages that are not judged.
            among: runs of the pages that are compared, ascending; all of them by default.
        """
        wrong: list[int] = []
        for run, data in _read(handle, self.page_size, self.runs() if among is None else among):
            sealed = bytes(self.entries[(run[0] - 1) * _ENTRY : run[-1] * _ENTRY])
            found = _checks(data, self.page_size, len(run))
            if b"".join(found) != sealed:  # nearly never: what follows may take its time
                was = (sealed[place : place + _ENTRY] for place in range(0, len(sealed), _ENTRY))
                for number, one, other in zip(run, found, was, strict=True):
                    if other not in (one, _EMPTY) and number not in spared:
                        wrong.append(number)
        return wrong

    def runs(self) -> list[range]:
        """Return the numbers of all pages, in runs that are read in one go."""
        end = self.pages + 1
        return [range(first, min(first + _AT_ONCE, end)) for first in range(1, end, _AT_ONCE)]

    def some_runs(self, amount: int) -> list[range]:
        """Return runs of pages that hold about so many bytes, ascending: others each time."""
        runs = self.runs()
        wanted = max(1, amount // (_AT_ONCE * self.page_size))
        return sorted(random.sample(runs, min(len(runs), wanted)), key=lambda run: run.start)

    def take(self, handle: int, pages: Iterable[int] | None = None) -> None:
        """Seal pages as they are in the file, all of them by default, and what `stat` says of it."""
        status = os.fstat(handle)
        count = status.st_size // self.page_size
        known = min(self.pages, count)
        self.pages = count
        self.entries = self.entries[: known * _ENTRY].ljust(count * _ENTRY, b"\0")
        empty = range(known + 1, count + 1)
        asked = range(1, count + 1) if pages is None else sorted({*pages, *empty, 1})
        for number, page in _pages(handle, self.page_size, [one for one in asked if one <= count]):
            self.entries[(number - 1) * _ENTRY : number * _ENTRY] = _check(page)
            if number in self.copies:
                self.copies[number] = page
        self._copy_tables(handle)
        self.nonce = int.from_bytes(self.copies[1][_NONCE_AT : _NONCE_AT + 4])
        self.folding = False
        self.stamp = _stamp(status)

    def _copy_tables(self, handle: int) -> None:
        first = read_at(handle, self.page_size, 0)
        wanted = [1, *_children(first)]
        fresh = {number for number in wanted if number != 1 and number not in self.copies}
        kept = {number: page for number, page in self.copies.items() if number in wanted}
        self.copies = {**kept, **dict(_pages(handle, self.page_size, sorted(fresh))), 1: first}

    def sound_copy(self, number: int) -> bytes | None:
        """Return a page as it was sealed, if there is a copy of it."""
        page = self.copies.get(number)
        entry = bytes(self.entries[(number - 1) * _ENTRY : number * _ENTRY])
        return page if page is not None and _check(page) == entry else None

    def empty_pages(self) -> list[int]:
        """Return the pages without an entry."""
        return [
            number + 1
            for number in range(self.pages)
            if self.entries[number * _ENTRY : (number + 1) * _ENTRY] == _EMPTY
        ]

    def empty(self, pages: Iterable[int]) -> None:
        """Let pages be judged no more: they are about to be written."""
        for number in pages:
            if number <= self.pages:
                self.entries[(number - 1) * _ENTRY : number * _ENTRY] = _EMPTY

    def write(self, catalog: Path, *, durably: bool, mode: int = 0o600) -> None:
        """Write the seal in place: half of it is worth what the checks of its groups say.

        Raises:
            OSError: it cannot be written.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(seal_path(catalog), flags, mode)
        except PermissionError:  # another user's, who has used this catalog once
            seal_path(catalog).unlink()
            handle = os.open(seal_path(catalog), flags, mode)
        try:
            header = _HEADER.pack(
                _MAGIC,
                self.page_size,
                self.nonce,
                self.folding,
                len(self.copies),
                self.pages,
                *self.stamp,
                self.verified,
            ).ljust(_BLOCK - _ENTRY, b"\0")
            copies = (
                number.to_bytes(4) + page.ljust(self.page_size, b"\0") for number, page in self.copies.items()
            )
            data = b"".join((header, _check(header), *copies, *_groups(self.entries)))
            while data:
                data = data[os.write(handle, data) :]
            if durably:
                os.fsync(handle)
        finally:
            os.close(handle)

    def restamp(self, status: os.stat_result) -> None:
        """Take the file for what neardup wrote, whatever its times."""
        self.stamp = _stamp(status)

    def was_verified(self) -> None:
        """Note that every page was compared just now."""
        self.verified = time.time()


def seal_path(catalog: Path) -> Path:
    """Return where the seal of a catalog is."""
    return catalog.with_name(catalog.name + SUFFIX)


def forget_seal(catalog: Path) -> None:
    """Take the seal away: the catalog is then checked the slow way, and sealed again."""
    with suppress(OSError):
        seal_path(catalog).unlink()


def logged_pages(catalog: Path) -> frozenset[int]:
    """Return the pages that the write-ahead log has: SQLite reads these instead of the file's.

    Raises:
        OSError: there is one, and it cannot be read: what it has is not known then, and must not be taken for
            nothing.
    """
    try:
        with open(f"{catalog}-wal", "rb") as stream:
            start = stream.read(_WAL_HEADER.size)
            if len(start) < _WAL_HEADER.size:
                return frozenset()
            magic, _, size, _, *salts = _WAL_HEADER.unpack(start)[:6]
            if magic not in _WAL_MAGIC or not 512 <= size <= 65536:
                return frozenset()
            return frozenset(_frames(stream, size, (salts[0], salts[1])))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _frames(stream: BinaryIO, page_size: int, salts: tuple[int, int]) -> Iterator[int]:
    """Yield the page of each frame; those of an earlier round of the log have other salts."""
    while len(found := stream.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
        number, _, *own = _FRAME_HEADER.unpack(found)
        if (own[0], own[1]) != salts:
            break
        yield number
        stream.seek(_CHECKSUM + page_size, os.SEEK_CUR)


def _pages(handle: int, size: int, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Yield pages by number, ascending; what the file does not have is empty."""
    for run, data in _read(handle, size, _in_runs(numbers)):
        for place, number in enumerate(run):
            yield number, data[place * size : (place + 1) * size]


def _in_runs(numbers: Iterable[int]) -> Iterator[range]:
    """Put numbers that follow one another together."""
    run = range(0)
    for number in numbers:
        if run and (number != run.stop or len(run) == _AT_ONCE):
            yield run
            run = range(0)
        run = range(run[0] if run else number, number + 1)
    if run:
        yield run


def _read(handle: int, size: int, runs: Iterable[range]) -> Iterator[tuple[range, bytes]]:
    """Yield each run of pages with its bytes; fewer where the file ends."""
    for run in runs:
        yield run, read_at(handle, size * len(run), (run[0] - 1) * size)


def _checks(data: bytes, size: int, count: int) -> list[bytes]:
    """Return the checks of so many pages; those that the bytes do not reach are empty."""
    view = memoryview(data)
    return [blake3(view[place : place + size]).digest(_ENTRY) for place in range(0, count * size, size)]


def _children(first: bytes) -> list[int]:
    """Return the pages that the first page leads to, which holds the top of the list of tables.

    See https://www.sqlite.org/fileformat.html, 1.6: an interior page of a table has the number of a child at
    the beginning of each of its cells, and that of the last one in its header.
    """
    if len(first) < _TREE_AT + 12 or first[_TREE_AT] != _INTERIOR:
        return []
    cells = int.from_bytes(first[_TREE_AT + 3 : _TREE_AT + 5])
    places = [_TREE_AT + 12 + 2 * cell for cell in range(cells)]
    starts = [int.from_bytes(first[place : place + 2]) for place in places]
    children = [int.from_bytes(first[start : start + 4]) for start in starts]
    return sorted({*children, int.from_bytes(first[_TREE_AT + 8 : _TREE_AT + 12])})


def read_at(handle: int, size: int, at: int) -> bytes:
    """Return bytes of a file; fewer where it ends. Moves the position of the handle."""
    os.lseek(handle, at, os.SEEK_SET)
    data = os.read(handle, size)
    while len(data) < size and (more := os.read(handle, size - len(data))):
        data += more
    return data


def _entries(data: bytes, pages: int) -> bytearray:
    """Read the groups; the pages of one that is damaged, or was written by half, are not judged."""
    entries = bytearray()
    for start in range(0, len(data), _BLOCK):
        group = data[start : start + _BLOCK]
        sound = len(group) == _BLOCK and group[-_ENTRY:] == _check(group[:-_ENTRY])
        entries += group[:-_ENTRY] if sound else bytes(_BLOCK - _ENTRY)
    return entries[: pages * _ENTRY].ljust(pages * _ENTRY, b"\0")


def _groups(entries: bytearray) -> Iterator[bytes]:
    for start in range(0, len(entries), _PER_GROUP * _ENTRY):
        group = bytes(entries[start : start + _PER_GROUP * _ENTRY]).ljust(_PER_GROUP * _ENTRY, b"\0")
        yield group + _check(group)


def _check(data: bytes) -> bytes:
    return blake3(data).digest(_ENTRY)


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & ((1 << 64) - 1)
