"""Opened files: flags, locks, owners and shared blocks, as far as the system knows of them.

On Windows a flag that does not exist is 0, a lock is not taken, owners and modes stay as they are, and blocks
are not shared. Nothing relies on them there but what says so itself.
"""

from __future__ import annotations

import errno
import os

try:
    import fcntl
except ImportError:  # Windows
    _HAS_FCNTL = False
else:
    _HAS_FCNTL = True

OWN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""For every file: no child inherits it, and its bytes are not taken for text."""

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""A symbolic link is refused. Where there is no such flag, whoever relies on it looks at the name as well."""

NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""Nobody waits for the other end of a pipe."""

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file


def try_lock(descriptor: int, *, alone: bool) -> None:
    """Lock an opened file for as long as it is open; a file system or system that cannot lock does without.

    Raises:
        BlockingIOError: another process holds it.
    """
    if not _HAS_FCNTL:
        return
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass


def share_blocks(source: int, target: int) -> None:
    """Let an empty file have the blocks of another one until one of the two is written to.

    Raises:
        OSError: EOPNOTSUPP and the like where that cannot be done.
    """
    if not _HAS_FCNTL:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    fcntl.ioctl(target, _FICLONE, source)


def open_folder(folder: bytes) -> int | None:
    """Open a folder to have its names written; None where the system opens none.

    Raises:
        OSError: it cannot be opened.
    """
    flag = getattr(os, "O_DIRECTORY", None)
    return None if flag is None else os.open(folder, os.O_RDONLY | flag | OWN)


def give(descriptor: int, owner: int, group: int) -> None:
    """Give an opened file to somebody, where files have owners.

    Raises:
        OSError: that is not allowed.
    """
    if hasattr(os, "fchown"):
        os.fchown(descriptor, owner, group)


def set_mode(descriptor: int, mode: int) -> None:
    """Set who may do what with an opened file, where the system says it of opened ones.

    Raises:
        OSError: that is not allowed.
    """
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def is_read_only(folder: bytes) -> bool:
    """Return True if the file system of a folder is mounted read-only, as far as the system tells.

    Raises:
        OSError: it cannot be told.
    """
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def user_number() -> int:
    """Return the number of the user who runs this process; 0 where users have none."""
    return os.getuid() if hasattr(os, "getuid") else 0
