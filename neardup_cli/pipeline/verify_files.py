"""`doctor --verify-files`: read every file again, and name those whose bytes changed unseen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from neardup_cli.catalog import decisions, scanning, verifying
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.verifying import FileToVerify
from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import UnreadableImage
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.images.files import drop_cached, open_image
from neardup_cli.images.remote import is_remote
from neardup_cli.images.walk import os_reason
from neardup_cli.pipeline.picture import stamp_now
from neardup_cli.pipeline.survey import is_offline
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import Skipped
from neardup_cli.records.health import RottenFile, VerifiedFiles

_STORE_SECONDS = 1.0
_MEGABYTE = 1_000_000


class _State(Enum):
    SOUND = auto()
    ROTTEN = auto()
    CHANGED = auto()
    AWAY = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came out of one file."""

    file: FileToVerify
    state: _State
    reason: str = ""


def verify_files(
    catalog: Catalog,
    *,
    since: datetime | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> VerifiedFiles:
    """Read every present file from its disk, and compare it with its content as it was scanned.

    What was read and found sound is put down in the catalog every second: a run that was interrupted goes on
    where it was. Nothing else changes; a file of another size or time has been changed by somebody, and is
    left to the next scan.

    Args:
        catalog: open.
        since: leave out what was read, by a scan or here, after that (UTC).
        workers: threads; one is enough for a disk that turns.
        progress: watches, in megabytes.
    """
    started, watch = time.monotonic(), progress or Silent()
    since, resumed = _begun(catalog, since)
    with catalog.read() as connection:
        to_do, spared = verifying.amounts(connection, since)
        roots = scanning.known_roots(connection)
    offline = {root.id for root in roots if is_offline(root.path, root.device)}
    watch.start("Reading again, MB", to_do.bytes // _MEGABYTE)
    found = _Tally(catalog, watch)
    try:
        for seen in LocalEngine(workers).map(_look, _files(catalog, since, offline, found)):
            found.add(seen)
    finally:
        found.store()
    rotten = tuple(RottenFile(one.path, _sound_copy(catalog, one)) for one in found.rotten)
    with catalog.write() as connection:
        verifying.set_unfinished(connection, None)
    return VerifiedFiles(
        checked=found.checked,
        read_bytes=found.bytes,
        spared=spared.files,
        rotten=rotten,
        unreadable=tuple(found.unreadable),
        changed=tuple(found.changed),
        away=found.away,
        resumed=resumed,
        seconds=time.monotonic() - started,
    )


class _Tally:
    """What came out so far; what was sound goes into the catalog."""

    def __init__(self, catalog: Catalog, watch: Progress) -> None:
        self._catalog = catalog
        self._watch = watch
        self._sound: list[int] = []
        self._unsound: list[int] = []
        self._stored = time.monotonic()
        self._shown = 0
        self.checked = self.bytes = self.away = 0
        self.rotten: list[FileToVerify] = []
        self.unreadable: list[Skipped] = []
        self.changed: list[bytes] = []

    def add(self, seen: _Seen) -> None:
        """Take the result of one file."""
        file = seen.file
        match seen.state:
            case _State.SOUND:
                self._sound.append(file.id)
            case _State.ROTTEN:
                self._unsound.append(file.id)
                self.rotten.append(file)
            case _State.CHANGED:
                self.changed.append(file.path)
            case _State.UNREADABLE:
                self._unsound.append(file.id)
                self.unreadable.append(Skipped(file.path, seen.reason, unreadable=True))
            case _State.AWAY:
                self.away += 1
        if seen.state in (_State.SOUND, _State.ROTTEN):
            self.checked += 1
            self.bytes += file.size
        self._shown += file.size
        if whole := self._shown // _MEGABYTE:
            self._watch.advance(whole)
            self._shown -= whole * _MEGABYTE
        if time.monotonic() - self._stored > _STORE_SECONDS:
            self.store()

    def store(self) -> None:
        """Put down what was sound a moment ago, and what was not: that is read again in any case."""
        if self._sound or self._unsound:
            with self._catalog.write() as connection:
                verifying.store_read(connection, self._sound, _now())
                verifying.store_read(connection, self._unsound, None)
        self._sound, self._unsound, self._stored = [], [], time.monotonic()


def _begun(catalog: Catalog, since: datetime | None) -> tuple[datetime | None, bool]:
    """Return from when on a file that was read is left out, and whether that goes on with an earlier run."""
    with catalog.read() as connection:
        unfinished = verifying.unfinished_since(connection)
    if unfinished is None:
        with catalog.write() as connection:
            verifying.set_unfinished(connection, _now())
        return since, False
    return unfinished if since is None else min(since, unfinished), True


def _files(
    catalog: Catalog, since: datetime | None, offline: set[int], tally: _Tally
) -> Iterator[FileToVerify]:
    after = b""
    while True:
        with catalog.read() as connection:
            page = verifying.files_to_verify(connection, since, after)
        if not page:
            return
        for file in page:
            if file.root_id in offline:
                tally.add(_Seen(file, _State.AWAY))
            else:
                yield file
        after = page[-1].path


def _look(file: FileToVerify) -> _Seen:
    try:
        if _changed(file):
            return _Seen(file, _State.CHANGED)
        digest = _digest(file.path)
        # Whoever writes to it meanwhile changes its time: that is no rot.
        if digest != file.digest and _changed(file):
            return _Seen(file, _State.CHANGED)
    except (FileNotFoundError, NotADirectoryError):
        return _Seen(file, _State.AWAY)
    except OSError as exc:
        return _Seen(file, _State.UNREADABLE, os_reason(exc))
    except UnreadableImage as exc:
        return _Seen(file, _State.UNREADABLE, str(exc))
    return _Seen(file, _State.SOUND if digest == file.digest else _State.ROTTEN)


def _changed(file: FileToVerify) -> bool:
    stamp = stamp_now(file.path)
    return (stamp.size, stamp.mtime_ns) != (file.size, file.mtime_ns)


def _digest(path: bytes) -> bytes:
    """Return the BLAKE3 of what is on the disk, as far as the system can be told not to remember."""
    with open_image(path) as stream:
        if not is_remote(path):
            drop_cached(stream)
        return stream_digest(stream)


def _sound_copy(catalog: Catalog, file: FileToVerify) -> bytes | None:
    """Return another file that has the content which this one had; None where there is none."""
    with catalog.read() as connection:
        paths = decisions.paths_of_digests(connection, [file.digest])
    others = [path for path in paths.get(file.digest, []) if path != file.path]
    return next((path for path in others if _is_sound(path, file.digest)), None)


def _is_sound(path: bytes, digest: bytes) -> bool:
    try:
        return _digest(path) == digest
    except (OSError, UnreadableImage):
        return False


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
