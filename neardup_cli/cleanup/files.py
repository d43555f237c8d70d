"""Looking at files and folders: whether they are what they have to be, right before something is done."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from neardup_cli.cleanup.reasons import Refused, named
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.images.walk import is_below
from neardup_cli.plans import FileState
from neardup_cli.system import handles

_CHANGED = "changed while it was being looked at"
_NOTHING_THERE = (FileNotFoundError, NotADirectoryError)
NO_SUCH_WAY = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What says that a file system cannot do something at all, and not that it cannot be done to this file."""


def checked(state: FileState) -> os.stat_result:
    """Read a file and make sure that it is what is expected, to the last byte.

    Returns:
        Its status, for `unchanged` right before the act.

    Raises:
        Refused: it is not, or its folder is reached through a symbolic link now.
        OSError: it cannot be read.
    """
    status, digest = digested(state.path)
    if (status.st_size, status.st_mtime_ns, digest) != (state.size, state.mtime_ns, state.digest):
        raise Refused("changed since it was looked at: run `neardup scan` and plan again")
    return status


def digested(path: bytes) -> tuple[os.stat_result, bytes]:
    """Return the status and BLAKE3 digest of a regular file in a real folder.

    Raises:
        Refused: it is a link or no regular file, or it changes while it is read.
        OSError: it cannot be read.
    """
    folder = os.path.dirname(path)
    if os.path.realpath(folder) != folder:
        raise Refused("its folder is reached through a symbolic link now")
    # A pipe that has taken the name must not be waited for.
    descriptor = os.open(path, os.O_RDONLY | handles.NO_LINK | handles.NO_WAIT | handles.OWN)
    with open(descriptor, "rb", buffering=0) as stream:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise Refused("not a regular file any more")
        digest = stream_digest(stream)
    unchanged(path, before)
    return before, digest


def unchanged(path: bytes, status: os.stat_result) -> None:
    """Make sure that a path still holds the file of a status; the last look before an act.

    Raises:
        Refused: it does not.
        OSError: it is gone.
    """
    now = os.lstat(path)
    if _marks(now) != _marks(status):
        raise Refused(_CHANGED)


def is_there(path: bytes) -> bool:
    """Return True if something stands under a path.

    `os.path.lexists` says no as well where a disk does not answer, and of a file that is only taken to be
    gone the copy might be removed.

    Raises:
        OSError: it cannot be told.
    """
    try:
        os.lstat(path)
    except _NOTHING_THERE:
        return False
    return True


def found(path: bytes, state: FileState) -> os.stat_result | None:
    """Return the status of a regular file that holds the bytes of a state, whatever its times; else None.

    Raises:
        OSError: it cannot be told.
    """
    try:
        if os.lstat(path).st_size != state.size:
            return None
        status, digest = digested(path)
    except (*_NOTHING_THERE, Refused):
        return None
    return status if digest == state.digest else None


@contextmanager
def held(path: bytes, status: os.stat_result, *, alone: bool) -> Iterator[None]:
    """Keep other neardups, whose catalogs know nothing of this one, from a file during an act.

    Else two of them, each about to remove what the other keeps, could both find their file to keep in its
    place. A file system that cannot lock does without.

    Args:
        path: the file.
        status: what it has to be.
        alone: whether it is to be acted upon; several may hold a file that they all keep.

    Raises:
        Refused: another program holds it, or it has changed.
        OSError: it is gone.
    """
    descriptor = os.open(path, os.O_RDONLY | handles.NO_LINK | handles.NO_WAIT | handles.OWN)
    try:
        if _marks(os.fstat(descriptor)) != _marks(status):
            raise Refused(_CHANGED)
        try:
            handles.try_lock(descriptor, alone=alone)
        except BlockingIOError as exc:
            raise Refused("another program is at work on it") from exc
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: bytes, made: bytes | None = None) -> None:
    """Make the names in a folder durable, where the file system knows how.

    Args:
        folder: the folder.
        made: the topmost of it and those above it that were just made: their names are made durable, too.

    Raises:
        OSError: the disk could not write them, and nothing that relies on them may follow.
    """
    while True:
        descriptor = handles.open_folder(folder)
        if descriptor is None:
            return
        try:
            os.fsync(descriptor)
        except OSError as exc:
            if exc.errno not in NO_SUCH_WAY | {errno.EROFS}:
                raise
        finally:
            os.close(descriptor)
        if made is None or not is_below(folder, made):
            return
        folder = os.path.dirname(folder)


def sync_folders(folders: Iterable[bytes]) -> None:
    """Make the names in some folders durable; where one is there no more, that it went from the one above.

    Raises:
        OSError: see `sync_folder`.
    """
    there = set()
    for folder in set(folders):
        nearest = folder
        while not is_there(nearest):
            nearest = os.path.dirname(nearest)
        there.add(nearest)
    for folder in sorted(there):
        sync_folder(folder)


def topmost_missing(folder: bytes) -> bytes | None:
    """Return the first folder on the way to `folder` that is not there; None if all are."""
    missing = None
    while not is_there(folder):
        missing = folder
        folder = os.path.dirname(folder)
    return missing


def nearest_folder(folder: bytes) -> bytes:
    """Return the folder itself, or the deepest one above it that is there.

    Raises:
        Refused: something on the way is no folder, or a symbolic link.
        OSError: it cannot be told.
    """
    while not is_there(folder):
        folder = os.path.dirname(folder)
    if os.path.realpath(folder) != folder:
        raise Refused(f"{named(folder)} is reached through a symbolic link")
    if not stat.S_ISDIR(os.stat(folder).st_mode):
        raise Refused(f"{named(folder)} is not a folder")
    return folder


def make_folders(folder: bytes) -> None:
    """Make a folder and those above it that are missing, however many (`os.makedirs` calls itself for each).

    Raises:
        OSError: one cannot be made.
    """
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        with suppress(FileExistsError):
            os.mkdir(path)


def remove_empty(folder: bytes, top: bytes | None) -> None:
    """Remove a folder and those above it up to `top`, as long as they are empty."""
    while top is not None and is_below(folder, top):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass  # never made, or gone: those above it may still be there
        except OSError:
            return
        folder = os.path.dirname(folder)


def writable_folder(folder: bytes) -> None:
    """Make sure that names in a folder can be changed.

    Raises:
        Refused: they cannot.
        OSError: it cannot be told.
    """
    if handles.is_read_only(folder):
        raise Refused("the disk is mounted read-only")
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        os.lstat(os.path.join(folder, b"."))  # which may say a better reason
        raise Refused("no permission to change its folder")


def _marks(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns
