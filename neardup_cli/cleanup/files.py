"""The few things that are done to files, each so that a kill at any moment loses nothing.

Nothing here overwrites a name that is taken, but for `os.rename` of a finished temporary file over the very
file that it replaces.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from io import RawIOBase

from blake3 import blake3

from neardup_cli.cleanup.reasons import Refused
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.plans import FileState, Intent

_CHUNK = 1 << 20
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4  # macOS
# What says that a way to rename is not there, and not that this name cannot be had.
_NO_SUCH_WAY = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})
_NO_LINKS = _NO_SUCH_WAY | {errno.EPERM, errno.EMLINK, errno.EACCES}


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
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
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
        raise Refused("changed while it was being looked at")


def is_same(path: bytes, state: FileState) -> bool:
    """Say whether a path holds a regular file with the bytes of a state, whatever its times."""
    try:
        if os.lstat(path).st_size != state.size:
            return False
        return digested(path)[1] == state.digest
    except (OSError, Refused):
        return False


def rename_exclusive(source: bytes, target: bytes) -> None:
    """Rename a file on its device; a name that is taken is an error, and nothing is overwritten.

    Linux and macOS do it in one step. Where the file system cannot, a second hard link is made, which
    fails if the name is taken, and then the first is removed: a kill in between leaves both. Where there are
    no hard links either (FAT), the name is looked at before an ordinary rename.

    Raises:
        OSError: EEXIST, EXDEV and the like.
    """
    failure = _native_rename()(source, target)
    if failure == 0:
        return
    if failure not in _NO_SUCH_WAY:
        raise OSError(failure, os.strerror(failure), os.fsdecode(source), None, os.fsdecode(target))
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
    else:
        os.unlink(source)
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(target))
    os.rename(source, target)


def copy_checked(source: bytes, part: bytes, state: FileState, intent: Intent) -> None:
    """Write a durable copy of a file under a new name, with the times, mode and owner that it had.

    Args:
        source: what is read.
        part: must not exist; it is removed again if anything fails.
        state: the bytes that `source` has to hold, and the time of the copy.
        intent: mode and owner of the copy.

    Raises:
        Refused: the bytes read are not those of `state`.
        OSError: no room, no permission, the name is taken.
    """
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(reading, "rb", buffering=0) as origin:
        writing = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(writing, "wb", buffering=0) as copy:
                digest = _copy_bytes(origin, copy.fileno())
                _dress(copy.fileno(), state, intent)
                os.fsync(copy.fileno())
            _expect(digest == state.digest, "changed since it was looked at")
            _expect(is_same(part, state), "the copy does not read back as it was written")
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise


def dress(path: bytes, state: FileState, intent: Intent) -> None:
    """Give a regular file the time and mode that it had, where they differ."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) != (state.mtime_ns, intent.mode):
            _dress(descriptor, state, intent)
    finally:
        os.close(descriptor)


def sync_folder(folder: bytes) -> None:
    """Make the names in a folder durable, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def topmost_missing(folder: bytes) -> bytes | None:
    """Return the first folder on the way to `folder` that is not there; None if all are."""
    missing = None
    while not os.path.lexists(folder):
        missing = folder
        folder = os.path.dirname(folder)
    return missing


def nearest_folder(folder: bytes) -> bytes:
    """Return the folder itself, or the deepest one above it that is there.

    Raises:
        Refused: something on the way is no folder, or a symbolic link.
    """
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if os.path.realpath(folder) != folder:
        raise Refused(f"{os.fsdecode(folder)} is reached through a symbolic link")
    if not os.path.isdir(folder):
        raise Refused(f"{os.fsdecode(folder)} is not a folder")
    return folder


def remove_empty(folder: bytes, top: bytes | None) -> None:
    """Remove a folder and those above it up to `top`, as long as they are empty."""
    while top is not None and (folder == top or folder.startswith(top + b"/")):
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
    """
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise Refused("the disk is mounted read-only")
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        raise Refused("no permission to change its folder")


def _marks(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


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
        os.fchown(descriptor, intent.uid, intent.gid)
    os.fchmod(descriptor, intent.mode)  # after the owner, whose change takes away set-user-id bits
    os.utime(descriptor, ns=(state.mtime_ns, state.mtime_ns))


@cache
def _native_rename() -> Callable[[bytes, bytes], int]:
    """Return a function that renames without overwriting and returns an error number, 0 for none."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        return lambda source, target: _errno_of(libc.renamex_np(source, target, _RENAME_EXCL))
    if hasattr(libc, "renameat2"):
        return lambda source, target: _errno_of(
            libc.renameat2(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE)
        )
    return lambda *_: errno.ENOSYS


def _errno_of(result: int) -> int:
    return ctypes.get_errno() if result else 0
