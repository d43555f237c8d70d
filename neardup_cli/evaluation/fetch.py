"""`neardup eval fetch`: a public data set onto this machine, archive by archive, several at a time."""

from __future__ import annotations

import re
import shutil
import tarfile
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from neardup_cli.downloads import Checksum, Patience, download
from neardup_cli.errors import BadInput, DownloadCorrupt, DownloadFailed
from neardup_cli.evaluation.datasets import Archive, DataSet
from neardup_cli.progress import Progress, Silent

_ARCHIVES = "archives"
_MEGABYTE = 1_000_000
_MD5 = re.compile(r"\b[0-9a-fA-F]{32}\b")


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to fetch.

    Attributes:
        parts: of the data set; none for the usual ones.
        limit: at most so many archives of each part.
        mirror: base address to use instead of the public ones.
        parallel: archives at a time.
        keep_archives: leave the archives after unpacking.
        patience: with the servers.
    """

    parts: Sequence[str] = ()
    limit: int | None = None
    mirror: str | None = None
    parallel: int = 4
    keep_archives: bool = False
    patience: Patience | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One archive that is unpacked now.

    Attributes:
        folder: where its files are.
        received: bytes that came over the line; 0 where everything was here.
        files: how many were unpacked; 0 where they were here.
        checked: by which checksum, None where none is published.
    """

    folder: Path
    received: int
    files: int
    checked: str | None


class _Stopped(Exception):
    """Another archive failed, or the user has had enough."""


def fetch(
    data_set: DataSet, folder: Path, options: FetchOptions, progress: Progress | None = None
) -> list[Fetched]:
    """Download and unpack a data set below `folder`; what is here already is left alone.

    Raises:
        BadInput: there is no such part, or the folder cannot be written.
        DownloadFailed, DownloadCorrupt, DiskFull: see `download`; the same call goes on from there.
    """
    archives = data_set.chosen(options.parts, options.limit)
    home = folder / data_set.name
    watch = _Watch(progress or Silent())
    watch.progress.start(f"Fetching {data_set.name}, MB", None)
    with ThreadPoolExecutor(options.parallel, thread_name_prefix="fetch") as threads:
        try:
            jobs = [threads.submit(_fetch_one, archive, home, options, watch) for archive in archives]
            wait(jobs, return_when=FIRST_EXCEPTION)
        finally:
            # Also on Ctrl-C: a download would else be waited for to its end.
            watch.stop.set()
            threads.shutdown(wait=True, cancel_futures=True)
    failures = [job.exception() for job in jobs if not job.cancelled() and job.exception() is not None]
    for failure in failures:
        if failure is not None and not isinstance(failure, _Stopped):
            raise failure
    return [job.result() for job in jobs]


class _Watch:
    """Adds up what all downloads bring, in megabytes, and stops them all at once."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._shown = 0

    def of(self, name: str) -> _Tell:
        return _Tell(self, name)

    def tell(self, name: str, done: int) -> None:
        with self._lock:
            self._done[name] = done
            now = sum(self._done.values()) // _MEGABYTE
            if now > self._shown:
                self.progress.advance(now - self._shown)
                self._shown = now


class _Tell:
    """What one download tells."""

    def __init__(self, watch: _Watch, name: str) -> None:
        self._watch = watch
        self._name = name

    def __call__(self, done: int, _total: int | None) -> None:
        if self._watch.stop.is_set():
            raise _Stopped
        self._watch.tell(self._name, done)


def _fetch_one(archive: Archive, home: Path, options: FetchOptions, watch: _Watch) -> Fetched:
    """Download, check and unpack one archive; the folder appears when all of it is there."""
    target = home / archive.folder
    if target.is_dir():
        return Fetched(target, 0, 0, None)
    if watch.stop.is_set():
        raise _Stopped
    bases = archive.bases if options.mirror is None else (options.mirror.rstrip("/"),)
    file = home / _ARCHIVES / archive.path
    received, checksum = _from_any(archive, bases, file, options, watch)
    try:
        files = _unpack(file, target)
    except (tarfile.TarError, EOFError, OSError) as exc:
        if isinstance(exc, OSError) and not isinstance(exc, tarfile.TarError) and exc.errno is not None:
            raise BadInput(f"{target} cannot be written: {exc.strerror}") from exc
        file.unlink(missing_ok=True)
        raise DownloadCorrupt(f"{archive.path} is no archive ({exc}): run the same command again") from exc
    if not options.keep_archives:
        file.unlink()
    return Fetched(target, received, files, None if checksum is None else checksum.algorithm)


def _from_any(
    archive: Archive, bases: Sequence[str], file: Path, options: FetchOptions, watch: _Watch
) -> tuple[int, Checksum | None]:
    """Download from the first address that has it."""
    for place, base in enumerate(bases):
        try:
            checksum = archive.checksum or _published_md5(archive, base, file, options.patience)
            done = download(
                f"{base}/{archive.path}",
                file,
                checksum=checksum,
                watch=watch.of(archive.path),
                patience=options.patience,
            )
        except DownloadFailed:
            if place + 1 == len(bases):
                raise
        else:
            return done.received, checksum
    raise DownloadFailed(f"no address is known for {archive.path}")


def _published_md5(archive: Archive, base: str, file: Path, patience: Patience | None) -> Checksum | None:
    """Fetch the small text file with the MD5 of an archive, where there is one."""
    if archive.checksum_path is None:
        return None
    note = file.with_name(file.name + ".md5")
    url = f"{base}/{archive.checksum_path}"
    download(url, note, patience=patience)
    found = _MD5.search(note.read_text(encoding="ascii", errors="replace"))
    note.unlink()
    if found is None:
        raise DownloadCorrupt(f"{url} holds no MD5")
    return Checksum("md5", found[0])


def _unpack(file: Path, target: Path) -> int:
    """Unpack beside the target and rename: half an archive is never taken for a whole one."""
    partial = target.with_name(target.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tarfile.open(file) as archive:
        archive.extractall(partial, filter="data")
    files = sum(1 for path in partial.rglob("*") if path.is_file())
    partial.replace(target)
    return files
