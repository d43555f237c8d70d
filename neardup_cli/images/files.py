"""Opening what stands where an image file is expected."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

from neardup_cli.images.walk import SPECIAL


def open_regular(path: bytes) -> BinaryIO:
    """Open a regular file; a pipe that took its place is refused, where `open` would wait for its writer.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, SPECIAL)
    return open(handle, "rb")
