"""Changing names so that a kill at any moment loses nothing.

Nothing here overwrites a name that is taken, but for a finished temporary file in the place of the very file
that it replaces. Between the last look at a file and the act another program may put another file under
its name (that is how editors save): what was renamed is looked at again, and put back if it is not that file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from functools import cache

from neardup_cli.cleanup.files import NO_SUCH_WAY, is_there, sync_folder, unchanged
from neardup_cli.cleanup.reasons import Refused, named

_AT_FDCWD = -100
# Flags of renameat2 and, on macOS, of renamex_np.
_RENAME_NOREPLACE, _RENAME_EXCL = 1, 4
_RENAME_EXCHANGE = _RENAME_SWAP = 2
_NO_LINKS = NO_SUCH_WAY | {errno.EPERM, errno.EMLINK, errno.EACCES}

_ANOTHER = "another file has just come under its name"


def rename_exclusive(source: bytes, target: bytes) -> None:
    """Rename a file on its device; a name that is taken is an error, and nothing is overwritten.

    Linux and macOS do it in one step. Where the file system cannot, a second hard link is made, which
    fails if the name is taken, and then the first is removed: a kill in between leaves both. Where there are
    no hard links either (FAT), the name is looked at before an ordinary rename.

    Raises:
        OSError: EEXIST, EXDEV and the like.
    """
    if _renamed(source, target, _Way.EXCLUSIVE):
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
    else:
        try:
            if os.path.dirname(source) != os.path.dirname(target):
                sync_folder(os.path.dirname(target))  # or a power cut could leave neither name
            os.unlink(source)
        except OSError:
            if is_there(source):  # a disk in the network may have done what it says has failed
                os.unlink(target)
            raise
        return
    if is_there(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(target))
    os.rename(source, target)


def rename_this(source: bytes, target: bytes, status: os.stat_result) -> None:
    """Rename the file of a status, and no other that has come under its name.

    Raises:
        Refused: another one has; it is there again.
        OSError: see `rename_exclusive`; or it cannot be looked at, and is there again.
    """
    rename_exclusive(source, target)
    try:
        is_it = _is_still(target, status)
    except OSError:
        bring_back(target, source)
        raise
    if not is_it:
        bring_back(target, source)
        raise Refused(_ANOTHER)


def bring_back(place: bytes, path: bytes) -> None:
    """Give a file that was renamed its name back.

    Raises:
        Refused: something has taken the name; the message says where the file is.
        OSError: it cannot be renamed.
    """
    try:
        rename_exclusive(place, path)
    except FileExistsError as exc:
        if os.path.samestat(os.lstat(place), os.lstat(path)):  # a kill came between the two names of one file
            os.unlink(place)
            return
        raise Refused(f"something else stands there now: it is at {named(place)}") from exc


def replace_this(part: bytes, path: bytes, status: os.stat_result) -> None:
    """Put a temporary file in the place of the file of a status, in one step, and of no other file.

    Where two names cannot be exchanged, the file is looked at right before it is replaced.

    Raises:
        Refused: another file has come there, and stays.
        OSError: it cannot be replaced.
    """
    try:
        exchanged = _renamed(part, path, _Way.EXCHANGE)
        if not exchanged:
            unchanged(path, status)
            os.rename(part, path)
    except (Refused, OSError):
        if not _is_file_of(part, status):  # a disk in the network may have done what it says has failed
            os.unlink(part)
        raise
    if exchanged and not _is_still(part, status):
        _renamed(part, path, _Way.EXCHANGE)
        os.unlink(part)
        raise Refused(_ANOTHER)
    with suppress(FileNotFoundError):  # between two links to one file a rename does nothing, and leaves both
        os.unlink(part)


def remove_double(double: bytes, path: bytes) -> None:
    """Remove one of two files with the same bytes.

    Raises:
        Refused: they are one file with one name, which two ways lead to (a folder mounted twice).
        OSError: it cannot be removed.
    """
    one, other = os.lstat(double), os.lstat(path)
    if os.path.samestat(one, other) and one.st_nlink == 1:
        raise Refused(f"{named(double)} is this very file")
    os.unlink(double)


def _is_file_of(path: bytes, status: os.stat_result) -> bool:
    return os.path.samestat(os.lstat(path), status)


def _is_still(path: bytes, status: os.stat_result) -> bool:
    """Return True if a file is that of a status under a new name, which some systems number anew."""
    now = os.lstat(path)
    return (now.st_mode, now.st_size, now.st_mtime_ns) == (
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
    )


class _Way(Enum):
    """How a name is changed in one step."""

    EXCLUSIVE = auto()
    EXCHANGE = auto()


def _renamed(source: bytes, target: bytes, way: _Way) -> bool:
    """Rename in one step; return False where the system or the file system has no such way.

    Raises:
        OSError: it has one, and it failed.
    """
    failure = _native_rename()(source, target, way)
    if failure and failure not in NO_SUCH_WAY:
        raise OSError(failure, os.strerror(failure), os.fsdecode(source), None, os.fsdecode(target))
    return not failure


@cache
def _native_rename() -> Callable[[bytes, bytes, _Way], int]:
    """Return a function that renames without overwriting and returns an error number, 0 for none."""
    if os.name != "posix":
        return lambda *_: errno.ENOSYS
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        swaps = {_Way.EXCLUSIVE: _RENAME_EXCL, _Way.EXCHANGE: _RENAME_SWAP}
        return lambda source, target, way: _errno_of(libc.renamex_np(source, target, swaps[way]))
    if hasattr(libc, "renameat2"):
        flags = {_Way.EXCLUSIVE: _RENAME_NOREPLACE, _Way.EXCHANGE: _RENAME_EXCHANGE}
        return lambda source, target, way: _errno_of(
            libc.renameat2(_AT_FDCWD, source, _AT_FDCWD, target, flags[way])
        )
    return lambda *_: errno.ENOSYS


def _errno_of(result: int) -> int:
    return ctypes.get_errno() if result else 0
