"""Reaching what lies deeper than a path may be long.

The system takes paths of some 4,000 bytes at once. Folders can be nested beyond that: then the way goes
through one folder after the other, each opened from the one before, in as few steps as the limit allows.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

_AT_ONCE = 3_000  # bytes of a path that every system takes
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


def open_path(path: bytes, flags: int) -> int:
    """Open an absolute path of any length; the descriptor is the caller's.

    Raises:
        OSError: as `os.open` does.
    """
    return _reached(path, lambda place, folder: os.open(place, flags, dir_fd=folder))


def status_of(path: bytes) -> os.stat_result:
    """Return what `os.stat` says of an absolute path of any length.

    Raises:
        OSError: as `os.stat` does.
    """
    return _reached(path, lambda place, folder: os.stat(place, dir_fd=folder))


def _reached[Found](path: bytes, ask: Callable[[bytes, int | None], Found]) -> Found:
    """Ask the system of a path; of one that it does not take, of the name in its opened folder."""
    try:
        return ask(path, None)
    except OSError as exc:
        if exc.errno != errno.ENAMETOOLONG or len(path) <= _AT_ONCE:
            raise
    folder, name = path.rsplit(b"/", 1)
    above = _open_folder(folder)
    try:
        return ask(name, above)
    finally:
        os.close(above)


@dataclass(frozen=True, slots=True)
class DeepEntry:
    """What `os.DirEntry` is, of a folder that has no path that the system takes: asked while it was open."""

    name: bytes
    path: bytes
    status: os.stat_result

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 - as os.DirEntry has it
        """Return True if it is a folder; what links lead to is not asked."""
        return stat.S_ISDIR(self.status.st_mode)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 - as os.DirEntry has it
        """Return True if it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)

    def is_symlink(self) -> bool:
        """Return True if it is a symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002 - as os.DirEntry has it
        """Return the status of the entry itself, be it a link."""
        return self.status


def entries_of(folder: bytes) -> list[os.DirEntry[bytes]] | list[DeepEntry]:
    """List a folder at any depth.

    Raises:
        OSError: it cannot be listed.
    """
    if len(folder) <= _AT_ONCE:  # then what is in it has a path that the system takes, too
        with os.scandir(folder) as entries:
            return list(entries)
    descriptor = _open_folder(folder)
    try:
        found = []
        for name in os.listdir(descriptor):
            raw = os.fsencode(name)
            try:
                status = os.stat(raw, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                continue
            found.append(DeepEntry(raw, folder + b"/" + raw, status))
        return found
    finally:
        os.close(descriptor)


def _open_folder(path: bytes) -> int:
    """Open a folder from the root on, so much of its path at a time as the system takes."""
    names = path.split(b"/")[1:]
    descriptor = os.open(b"/", _FOLDER_FLAGS)
    while names:
        step = [names.pop(0)]
        length = len(step[0])
        while names and length + 1 + len(names[0]) <= _AT_ONCE:
            length += 1 + len(names[0])
            step.append(names.pop(0))
        above = descriptor
        try:
            descriptor = os.open(b"/".join(step), _FOLDER_FLAGS, dir_fd=above)
        finally:
            os.close(above)
    return descriptor
