"""What is true of a folder, whatever names lead to it."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress

from neardup_cli.cleanup.reasons import named
from neardup_cli.images.walk import is_below

type Identity = tuple[int, int]
"""Device and inode: the same for all names of one file or folder, however often it is mounted."""


class Folders:
    """Looks at each folder once, and remembers what it has seen."""

    def __init__(self, protect: Collection[bytes] = ()) -> None:
        """Take the paths that are protected, real ones."""
        self._protect = protect
        self._protected = {identity for path in protect if (identity := identity_of(path)) is not None}
        self._troubles: dict[bytes, str | None] = {}
        self._first: dict[Identity, bytes] = {}
        self._sheltered: dict[bytes, bool] = {}

    def trouble(self, folder: bytes) -> str | None:
        """Say why nothing can be done with the files of a folder; None if nothing is wrong with it.

        A folder that was seen under another name before has the very files that were seen there.
        """
        if folder not in self._troubles:
            self._troubles[folder] = self._found_wrong(folder)
        return self._troubles[folder]

    def protects(self, path: bytes) -> bool:
        """Return True if a path is protected or leads below one that is, by its name or by where it leads."""
        if not self._protect:
            return False
        return any(is_below(path, top) for top in self._protect) or self._is_sheltered(path, keep=False)

    def _found_wrong(self, folder: bytes) -> str | None:
        if os.path.realpath(folder) != folder:
            return "its folder is reached through a symbolic link now"
        if (identity := identity_of(folder)) is None:
            return None  # then the file is not there either, and that is easier to understand
        first = self._first.setdefault(identity, folder)
        return None if first == folder else f"its folder is {named(first)} under another name"

    def _is_sheltered(self, path: bytes, *, keep: bool = True) -> bool:
        asked = []
        sheltered = False
        while True:
            if path in self._sheltered:
                sheltered = self._sheltered[path]
                break
            asked.append(path)
            sheltered = identity_of(path) in self._protected
            above = os.path.dirname(path)
            if sheltered or above == path:
                break
            path = above
        # What lies in a folder is sheltered with it. Of folders, which are few, the answer is kept.
        self._sheltered.update((one, sheltered) for one in asked[0 if keep else 1 :])
        return sheltered


def identity_of(path: bytes) -> Identity | None:
    """Return the identity of what stands under a path; None if nothing does."""
    with suppress(OSError):
        status = os.lstat(path)
        return status.st_dev, status.st_ino
    return None
