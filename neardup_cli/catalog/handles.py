"""Reading a catalog's file beside SQLite, which has it open at the same time.

Closing any handle of a file takes away all the locks that this process has on it, SQLite's too: another
process would then think that nobody is there, and remove the log under us. So there is one handle a file,
closed when nobody in this process has that catalog open any more.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

_lock = threading.Lock()
_open: dict[tuple[int, int], SharedHandle] = {}


@dataclass(slots=True)
class SharedHandle:
    """A handle for reading, whoever asks for it; `lock` is for its position."""

    number: int
    key: tuple[int, int]
    lock: threading.RLock
    users: int = 0


def take_handle(path: Path) -> SharedHandle:
    """Open a file for reading, or take part in the handle that there is; `release_handle` ends that.

    Raises:
        OSError: it cannot be opened.
    """
    with _lock:
        status = os.stat(path)
        key = (status.st_dev, status.st_ino)
        if key not in _open:
            number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            status = os.fstat(number)
            key = (status.st_dev, status.st_ino)
            # Somebody put another file there in this moment, which has a handle: both stay open.
            _open.setdefault(key, SharedHandle(number, key, threading.RLock()))
        shared = _open[key]
        shared.users += 1
        return shared


def release_handle(shared: SharedHandle) -> None:
    """Say that one of those who took the handle has closed all of SQLite's."""
    with _lock:
        shared.users -= 1
        if shared.users == 0:
            del _open[shared.key]
            os.close(shared.number)


def can_be_written(path: Path) -> bool:
    """Return True if the file and its folder can be written to, as far as the system tells without trying."""
    effective = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    return all(os.access(place, os.W_OK, **effective) for place in (path, path.parent))
