"""Opening what stands where an image file is expected."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO

from neardup_cli.images.deep import open_path
from neardup_cli.images.remote import is_remote, read
from neardup_cli.images.walk import SPECIAL


def regular_handle(path: bytes) -> tuple[int, os.stat_result] | None:
    """Open a regular file, and say what `stat` says of it.

    None for a pipe that took its place, where `open` would wait for its writer.

    Raises:
        OSError: it cannot be opened.
    """
    handle = open_path(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode):
        return handle, status
    os.close(handle)
    return None


def open_image(path: bytes) -> BinaryIO:
    """Open an image file, or an object in a store.

    Raises:
        OSError, UnreadableImage: it is not there, is no regular file or cannot be read.
    """
    return BytesIO(read(path)) if is_remote(path) else open_regular(path)


def open_regular(path: bytes) -> BinaryIO:
    """Open a regular file.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    if (opened := regular_handle(path)) is None:
        raise OSError(errno.EINVAL, SPECIAL)
    return open(opened[0], "rb")


def drop_cached(stream: BinaryIO) -> None:
    """Let the system forget what it has read of a file, where it can be told: the disk is asked again."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)


def read_whole(handle: int, size: int) -> bytes:
    """Return the bytes of a file from where its handle stands; one more than `size` where it has grown."""
    data = os.read(handle, size + 1)
    if len(data) >= size:
        return data
    parts, left = [data], size + 1 - len(data)
    while left and (data := os.read(handle, left)):  # some file systems give less at once
        parts.append(data)
        left -= len(data)
    return b"".join(parts)
