"""Whether files still are what the catalog says, seen without reading them."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from neardup_cli.cleanup import files
from neardup_cli.cleanup.folders import Folders, Identity
from neardup_cli.cleanup.reasons import INSIDE_APP_FOLDER, Refused, named, reason_of
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.images.app_folders import in_app_folder
from neardup_cli.images.remote import is_remote
from neardup_cli.images.walk import is_below
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.members import is_member

_UNREACHABLE = "its path is longer than the system takes: move its folder up, and scan again"


class Names(NamedTuple):
    """An inode, and how many names it has."""

    inode: Identity
    number: int


class Look:
    """Looks at files.

    Attributes:
        folders: what is known of the folders that they are in.
        several_names: the files seen so far that have other names, too.
    """

    def __init__(self, request: PlanRequest) -> None:
        self._request = request
        self.folders = Folders(request.policy.protect)
        self.several_names: dict[bytes, Names] = {}

    def at(self, file: CatalogedFile) -> Identity | str:
        """Return the identity of a file, or say why it can neither be kept nor acted upon."""
        if trouble := self._by_place(file.path):
            return trouble
        try:
            status = os.lstat(file.path)
        except (FileNotFoundError, NotADirectoryError):
            return "no longer there"
        except OSError as exc:  # what does not answer is not gone
            return (
                _UNREACHABLE if exc.errno == errno.ENAMETOOLONG else f"cannot be looked at: {reason_of(exc)}"
            )
        inode = (status.st_dev, status.st_ino)
        if status.st_nlink > 1:
            self.several_names[file.path] = Names(inode, status.st_nlink)
        return _change(file, status) or inode

    def _by_place(self, path: bytes) -> str | None:
        """Say why nothing can be done with a file where it is."""
        if is_member(path):
            return "inside a container, which is never changed"
        if is_remote(path):
            return "not on a disk of this machine"
        if path in self._request.put_away:
            return "put away by an earlier clean-up"
        if in_app_folder(path) is not None:
            return INSIDE_APP_FOLDER
        if self._request.to is not None and is_below(path, self._request.to):
            return f"already below {named(self._request.to)}"
        return self.folders.trouble(os.path.dirname(path))


def _change(file: CatalogedFile, status: os.stat_result) -> str | None:
    """Say how a file differs from what the catalog has of it."""
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file any more"
    if (status.st_size, status.st_mtime_ns) != (file.stamp.size, file.stamp.mtime_ns):
        return "changed since it was scanned"
    if file.stamp.ctime_ns is not None and file.stamp.ctime_ns != status.st_ctime_ns:
        return _changed_in_secret(file)
    return None


def _changed_in_secret(file: CatalogedFile) -> str | None:
    """Read a file of the size and time that it had, of which the system has noted a change all the same.

    Mostly it was linked, moved or given other permissions, and is what it was.
    """
    try:
        digest = files.digested(file.path)[1]
    except (OSError, Refused):
        return "cannot be read"
    if digest == file.digest:
        return None
    return "changed since it was scanned, though its size and time did not: `neardup scan` reads it again"


def is_readable(path: bytes) -> bool:
    """Return True if a file can be opened and read now."""
    try:
        with open(path, "rb", buffering=0) as stream:
            stream.read(1)
    except OSError:
        return False
    return True
