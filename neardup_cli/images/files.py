"""Opening what stands where an image file is expected."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

from neardup_cli.images.walk import SPECIAL


def regular_handle(path: bytes) -> int | None:
    """Open a regular file; None for a pipe that took its place, where `open` would wait for its writer.

    Raises:
        OSError: it cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    return None


def open_regular(path: bytes) -> BinaryIO:
    """Open a regular file.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    if (handle := regular_handle(path)) is None:
        raise OSError(errno.EINVAL, SPECIAL)
    return open(handle, "rb")
