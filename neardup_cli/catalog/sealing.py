"""Keeping the seal of a catalog file true while SQLite writes to it, and believing the file by it.

What is committed goes to the write-ahead log; the file itself changes only when the log is folded into it.
SQLite would do that whenever it likes. Here it is done by `SealedFile.fold` alone, as the only writer, which
knows from
the log which pages change:

    their entries are emptied   folded by SQLite, synchronised   sealed as they are now, synchronised   let go

Where SQLite can keep no log (file systems without shared memory, as some of networks), it writes to the file
itself, and there is no seal.

A kill in between leaves pages that are not judged, and are in the log. A power cut leaves a log that covers
whatever of the seal did not reach the disk.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from neardup_cli.catalog.handles import SharedHandle, release_handle, take_handle
from neardup_cli.catalog.seal import Seal, forget_seal, logged_pages, read_at
from neardup_cli.catalog.unsealed import first_wrong, forget_conclusions
from neardup_cli.errors import CatalogCorrupt

log = logging.getLogger("neardup.catalog")

MAGIC = b"SQLite format 3\x00"
WHAT_TO_DO = "run `neardup doctor --repair`, or restore a backup"

LOG_PRAGMA = "PRAGMA journal_mode = WAL"

ALWAYS_BYTES = 64 << 20
"""So much of a file is compared whenever it is opened, all of a smaller one, other pages of a larger one each
time: that takes an eighth of a second."""

_SAME_MOMENT = 60.0
"""Seconds for which a process believes what it has compared itself."""

_LEAST_LOG = 4 << 20
"""Bytes of the log after which it is folded, …"""

_LOG_SHARE = 32
"""… or this part of the file, so that a large seal is not written every moment."""


class SealedFile:
    """A catalog file that may be written to, and its seal. Threads may share it."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        """Take hold of a file that is there; `close` lets it go.

        Raises:
            OSError: it cannot be opened.
        """
        self.path = path
        self._timeout = busy_timeout
        self._handle: SharedHandle = take_handle(path)
        self._lock = threading.Lock()
        self._folded = 0  # bytes of the log when it was folded last
        self._sealable = True
        self._compared = -math.inf  # when this process has compared every page, by its own clock

    @property
    def handle(self) -> int:
        """A handle of the file, to be read from and never closed."""
        return self._handle.number

    def is_database(self) -> bool:
        """Return True if the file begins as SQLite's do."""
        with self._handle.lock:
            return is_database(self.handle)

    def is_empty(self) -> bool:
        """Return True if there is nothing in it."""
        return os.fstat(self.handle).st_size == 0

    def let_go(self) -> None:
        """Let the file go without a look at the log."""
        release_handle(self._handle)

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Let a connection leave the log alone."""
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA journal_size_limit = 0")  # so that its size tells how much is in it
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)

    def check(self) -> bool:
        """Make sure that the file is what neardup wrote, as far as a seal tells, before it is believed.

        Where nobody else has touched it, that is one look at the seal.

        Returns:
            Whether there is a seal of it; else `adopt` makes one, once it is known that the file is a
            catalog.

        Raises:
            CatalogCorrupt: it is not.
            sqlite3.Error, OSError: as in `verify`.
        """
        seal = Seal.read(self.path, whole=False)
        if seal is None or not (self._is_of(seal) or seal.folding):
            return False
        if seal.touched(os.fstat(self.handle)):
            self.verify()
        return True

    def verify(self, max_age: timedelta | None = None) -> None:
        """Compare every page with the seal; where there is none, adopt the file.

        Who writes meanwhile is waited for only if something does not look right.

        Args:
            max_age: be content with a comparison so long ago, if nobody has touched the file since.

        Raises:
            CatalogCorrupt: something is not as neardup wrote it.
            sqlite3.Error, OSError: the file or its seal cannot be read or written, or another holds it.
        """
        header = Seal.read(self.path, whole=False)
        if max_age is not None and not self._sealable:
            return
        if (
            header is not None
            and max_age is not None
            and not header.touched(os.fstat(self.handle))
            and time.time() - header.verified <= max_age.total_seconds()
            and self._may_be_believed(max_age)
        ):
            return
        if header is not None and not self.is_database():  # SQLite would take what was cut for a new one
            raise CatalogCorrupt(damage(self.path, 1, header.pages))
        try:
            if not self._verify_beside_others():
                self._verify_alone()
            self._compared = time.monotonic()
        except sqlite3.DatabaseError as exc:
            # SQLite may not even open a damaged file; that another writes to it is no damage.
            wrong, pages = self.wrong_pages()
            if wrong and not _is_busy(exc):
                raise CatalogCorrupt(damage(self.path, len(wrong), pages)) from exc
            raise

    def _may_be_believed(self, max_age: timedelta) -> bool:
        """Return False for a file that is not what its seal says, though nobody has touched it.

        Rot leaves no trace in times, and what may have come of it within a day is cheaply known here: of a
        small file for certain, of a large one by chance.
        """
        if time.monotonic() - self._compared <= min(_SAME_MOMENT, max_age.total_seconds()):
            return True
        with self._handle.lock:
            seal = Seal.read(self.path)
            sound = (
                seal is not None
                and not seal.folding
                and self._is_of(seal)
                and not self._wrong(seal, seal.some_runs(ALWAYS_BYTES))
            )
        if sound:
            self._compared = time.monotonic()
        return sound

    def _verify_beside_others(self) -> bool:
        """Return True if every page is what its seal says; False is not certain: somebody may be folding."""
        with self._handle.lock:
            status, seal = os.fstat(self.handle), Seal.read(self.path)
            if (
                seal is None
                or seal.folding
                or not self._is_of(seal)
                or seal.empty_pages()
                or self._wrong(seal)
            ):
                return False
        try:
            with self._alone(timeout=0), self._handle.lock:
                now = Seal.read(self.path)
                if now is not None and not now.folding and now.nonce == seal.nonce:
                    seal.restamp(status)
                    seal.was_verified()
                    with suppress(OSError):  # a full disk stops nobody from reading
                        seal.write(self.path, durably=False, mode=self._mode())
        except sqlite3.OperationalError as exc:
            if not _is_busy(exc):  # whoever writes now notes other times anyway
                raise
        return True

    def _verify_alone(self) -> None:
        """Compare every page of the file with its seal while nobody writes."""
        with self._alone() as holder, self._handle.lock:
            seal = Seal.read(self.path)
            if seal is None or not (seal.folding or self._is_of(seal)):
                self._adopt(holder)
                return
            if wrong := self._wrong(seal):
                seal.verified = 0.0  # so that nobody is content with a part of it from now on
                with suppress(OSError):
                    seal.write(self.path, durably=False, mode=self._mode())
                raise CatalogCorrupt(damage(self.path, len(wrong), seal.pages))
            if seal.folding or logged_pages(self.path):
                self._fold(holder)  # what a kill has left
                seal = Seal.read(self.path) or seal
            seal.take(self.handle, seal.empty_pages())
            seal.was_verified()
            seal.write(self.path, durably=True, mode=self._mode())

    def adopt(self, *, is_believed: bool = False) -> None:
        """Seal a catalog that has no seal of its own: if SQLite finds nothing wrong with it.

        Args:
            is_believed: what is in it is what neardup wrote: it was saved row by row just now, or an older
                neardup made it, which kept no seal, and whose conclusions are asked for only where the rules
                are still the same.

        Raises:
            CatalogCorrupt: it does.
            sqlite3.Error, OSError: as in `verify`.
        """
        with self._alone() as holder, self._handle.lock:
            self._adopt(holder, is_believed=is_believed)

    def wrong_pages(self) -> tuple[list[int], int]:
        """Return the numbers of the pages that are not as neardup wrote them, and how many were compared.

        Without a seal of this file, none.
        """
        with self._handle.lock:
            seal = Seal.read(self.path)
            if seal is None or not (seal.folding or self._is_of(seal)):
                return [], 0
            return self._wrong(seal), seal.pages

    def may_fold(self) -> None:
        """Fold the log if it has grown long.

        Raises:
            sqlite3.Error, OSError: it cannot be folded; what was committed stays in the log.
        """
        size = _log_size(self.path)
        limit = max(_LEAST_LOG, os.fstat(self.handle).st_size // _LOG_SHARE)
        self._folded = min(self._folded, size)
        if size - self._folded > limit and self._lock.acquire(blocking=False):
            try:
                with self._alone() as holder, self._handle.lock:
                    self._fold(holder)
                self._folded = _log_size(self.path)
            except sqlite3.OperationalError as exc:
                if not _is_busy(exc):  # whoever writes now will fold it
                    raise
            finally:
                self._lock.release()

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Fold what is in the log, let all other connections be closed in the block, and be the last one."""
        with ExitStack() as stack:
            stack.callback(release_handle, self._handle)
            try:
                holder = stack.enter_context(closing(self._connect()))
                holder.execute("PRAGMA schema_version").fetchone()  # only who has read has the log open
                self._fold_at_the_end(holder)
            except sqlite3.Error as exc:  # the file is gone, or worse: nothing is left to do
                log.debug("%s was not closed in order: %s", self.path, exc)
            yield

    def _fold_at_the_end(self, holder: sqlite3.Connection) -> None:
        """Leave no log behind, or, where it cannot be folded now, all of it for the next."""
        try:
            if logged_pages(self.path):
                holder.execute("BEGIN IMMEDIATE")
                with self._handle.lock:
                    self._fold(holder)
                holder.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as exc:
            log.debug("the log of %s stays: %s", self.path, exc)
        else:
            holder.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, False)

    def _adopt(self, holder: sqlite3.Connection, *, is_believed: bool = False) -> None:
        if wrong := first_wrong(holder, is_believed=is_believed):
            raise CatalogCorrupt(f"catalog {self.path} is damaged ({wrong}): {WHAT_TO_DO}")
        if not self._sealable:
            return
        if not is_believed and forget_conclusions(holder):
            log.warning("%s came without its seal: what was found by comparing is found again", self.path)
        (size,) = holder.execute("PRAGMA page_size").fetchone()
        self._fold(holder, Seal(size))

    def _fold(self, holder: sqlite3.Connection, new: Seal | None = None) -> None:
        """Bring the log into the file, and seal what that changes.

        `holder` is in a transaction that holds off all other writers. A `new` seal gets everything.
        """
        holder.execute(f"PRAGMA user_version = {secrets.randbelow(2**31 - 1) + 1}")
        holder.execute("COMMIT")
        holder.execute("BEGIN IMMEDIATE")
        seal = new or Seal.read(self.path)
        pages = set(logged_pages(self.path))
        if seal is not None and new is None:
            if seal.folding:
                pages.update(seal.empty_pages())
            seal.empty(pages)
            seal.folding = True
            seal.write(self.path, durably=False, mode=self._mode())
        with closing(self._connect()) as folding:
            folding.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if seal is None:  # somebody took it away: who opens the catalog next makes one
            return
        seal.take(self.handle, pages if new is None else None)
        if new is not None:
            seal.was_verified()
        seal.write(self.path, durably=True, mode=self._mode())

    def _wrong(self, seal: Seal, among: Iterable[range] | None = None) -> list[int]:
        return wrong_pages(self.path, self.handle, seal, among)

    def _is_of(self, seal: Seal) -> bool:
        """Return True if a seal is of this file, and not of an older or newer copy of the catalog.

        The first page tells; where that is not SQLite's any more, the file is taken for a damaged one.
        """
        with self._handle.lock:
            return seal.is_of(self.handle) or not is_database(self.handle)

    @contextmanager
    def _alone(self, timeout: float | None = None) -> Iterator[sqlite3.Connection]:
        """Be the only writer."""
        with closing(self._connect(timeout)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield holder

    def _connect(self, timeout: float | None = None) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",  # a file that was taken away is not made again
            uri=True,
            timeout=self._timeout if timeout is None else timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            (mode,) = connection.execute(LOG_PRAGMA).fetchone()
            if mode != "wal":
                self._sealable = False
                forget_seal(self.path)
            connection.execute("PRAGMA synchronous = NORMAL")
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _mode(self) -> int:
        return os.fstat(self.handle).st_mode & 0o777


def damage(path: Path, wrong: int, pages: int) -> str:
    """Say that a catalog is damaged, and what to do."""
    return (
        f"catalog {path} is damaged, or was changed by another program ({wrong:,} of {pages:,} pages are not "
        f"what neardup wrote): {WHAT_TO_DO}"
    )


def wrong_pages(path: Path, handle: int, seal: Seal, among: Iterable[range] | None = None) -> list[int]:
    """Return the pages of a file that are not what its seal says, or are not to be there at all.

    `among` some runs of its pages, all of them by default.
    """
    logged = logged_pages(path)
    wrong = seal.wrong_pages(handle, logged, among)
    if not logged and not seal.folding:
        count = -(-os.fstat(handle).st_size // seal.page_size)
        wrong.extend(range(seal.pages + 1, count + 1))
    return wrong


def is_database(handle: int) -> bool:
    """Return True if a file begins as SQLite's do."""
    return read_at(handle, len(MAGIC), 0) == MAGIC


def _is_busy(exc: sqlite3.Error) -> bool:
    code = getattr(exc, "sqlite_errorcode", None)  # what Python itself complains of has none
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _log_size(path: Path) -> int:
    try:
        return os.stat(f"{path}-wal").st_size
    except OSError:
        return 0
