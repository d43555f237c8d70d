"""Copies that are what they were made of, and on the disk before anybody relies on them."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from io import RawIOBase

from blake3 import blake3

from neardup_cli.cleanup.files import NO_SUCH_WAY, found, sync_folder
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.plans import FileState, Intent
from neardup_cli.system import handles

_CHUNK = 1 << 20


def copy_checked(
    source: bytes, part: bytes, state: FileState, intent: Intent, *, attributes: bool = True
) -> None:
    """Write a durable copy of a file under a new name, with the times, mode and owner that it had.

    Args:
        source: what is read.
        part: must not exist; it is removed again if anything fails.
        state: the bytes that `source` has to hold, and the time of the copy.
        intent: mode and owner of the copy.
        attributes: give it the extended attributes of `source` too (tags, access lists), where both file
            systems have them.

    Raises:
        Refused: the bytes read are not those of `state`.
        OSError: no room, no permission, the name is taken.
    """
    reading = os.open(source, os.O_RDONLY | handles.NO_LINK | handles.OWN)
    with open(reading, "rb", buffering=0) as origin:
        writing = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | handles.NO_LINK | handles.OWN, 0o600)
        try:
            with open(writing, "wb", buffering=0) as copy:
                digest = _copy_bytes(origin, copy.fileno())
                _dress(copy.fileno(), state, intent)
                if attributes:
                    copy_attributes(reading, copy.fileno())
                os.fsync(copy.fileno())
                _forget_cached(copy.fileno())
            _expect(digest == state.digest, "changed since it was looked at")
            _expect(found(part, state) is not None, "the copy does not read back as it was written")
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise


def dress(path: bytes, state: FileState, intent: Intent) -> None:
    """Give a regular file the time and mode that it had, where they differ."""
    descriptor = os.open(path, os.O_RDONLY | handles.NO_LINK | handles.OWN)
    try:
        status = os.fstat(descriptor)
        if (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) != (state.mtime_ns, intent.mode):
            _dress(descriptor, state, intent)
    finally:
        os.close(descriptor)


def copy_attributes(source: int | bytes, target: int) -> None:
    """Copy the extended attributes of a file to an open one, those that its file system takes."""
    if not hasattr(os, "listxattr"):  # macOS
        return
    names: list[str] = []
    with suppress(OSError):
        names = os.listxattr(source)
    for name in names:
        with suppress(OSError):
            os.setxattr(target, name, os.getxattr(source, name))


def make_durable(path: bytes) -> None:
    """Have the bytes of a file and its name on the disk: a copy of it is about to go for good.

    Raises:
        OSError: they cannot be written there.
    """
    descriptor = os.open(path, os.O_RDONLY | handles.NO_LINK | handles.OWN)
    try:
        getattr(os, "fdatasync", os.fsync)(descriptor)
    except OSError as exc:
        if exc.errno not in NO_SUCH_WAY | {errno.EROFS}:
            raise
    finally:
        os.close(descriptor)
    sync_folder(os.path.dirname(path))


def _copy_bytes(origin: RawIOBase, target: int) -> bytes:
    """Copy to the end; return the digest of what was copied."""
    hasher = blake3()
    while chunk := origin.read(_CHUNK):
        hasher.update(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
    return hasher.digest()


def _expect(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def _dress(descriptor: int, state: FileState, intent: Intent) -> None:
    with suppress(PermissionError):  # only root may give a file away
        handles.give(descriptor, intent.uid, intent.gid)
    handles.set_mode(descriptor, intent.mode)  # after the owner, whose change takes away set-user-id bits
    os.utime(descriptor, ns=(state.mtime_ns, state.mtime_ns))


def _forget_cached(descriptor: int) -> None:
    """Have what was written read from the disk, and not from memory, when it is compared."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
