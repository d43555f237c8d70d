"""Whether files still are what the catalog says, seen without reading them."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.images.remote import is_remote
from neardup_cli.images.walk import is_below
from neardup_cli.records import CatalogedFile


class Names(NamedTuple):
    """An inode, and how many names it has."""

    inode: tuple[int, int]
    number: int


class Look:
    """Looks at files, and remembers which folders are real.

    Attributes:
        several_names: the files seen so far that have other names, too.
    """

    def __init__(self, request: PlanRequest) -> None:
        self._request = request
        self._real: dict[bytes, bool] = {}
        self.several_names: dict[bytes, Names] = {}

    def trouble(self, file: CatalogedFile) -> str | None:
        """Say why a file can neither be kept nor acted upon; None if nothing is wrong with it."""
        if is_remote(file.path):
            return "not on a disk of this machine"
        if file.path in self._request.put_away:
            return "put away by an earlier clean-up"
        if self._request.to is not None and is_below(file.path, self._request.to):
            return f"already below {os.fsdecode(self._request.to)}"
        if not self._is_real(os.path.dirname(file.path)):
            return "its folder is reached through a symbolic link now"
        try:
            status = os.lstat(file.path)
        except OSError:
            return "no longer there"
        if status.st_nlink > 1:
            self.several_names[file.path] = Names((status.st_dev, status.st_ino), status.st_nlink)
        return _change(file, status)

    def _is_real(self, folder: bytes) -> bool:
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder) == folder
        return self._real[folder]


def _change(file: CatalogedFile, status: os.stat_result) -> str | None:
    """Say how a file differs from what the catalog has of it."""
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file any more"
    if (status.st_size, status.st_mtime_ns) != (file.stamp.size, file.stamp.mtime_ns):
        return "changed since it was scanned"
    return None


def is_readable(path: bytes) -> bool:
    """Say whether a file can be opened and read now."""
    try:
        with open(path, "rb", buffering=0) as stream:
            stream.read(1)
    except OSError:
        return False
    return True
