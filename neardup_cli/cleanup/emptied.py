"""Removing the folders that a clean-up has emptied, and putting them back.

Before anything is touched, the journal has every folder that the batch may empty: those of its files and
those above them, up to the root of the scan, which is never removed. After the acts, those that a file was
taken from and that hold nothing at all any more go, the deepest first. What was empty before, holds but a
`.DS_Store`, or is a mount point stays. An undo makes them again before the files come back, and gives them
their modes and times when these are there.

A kill needs no care of its own: a folder of the journal that is missing was removed, whoever says so.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from neardup_cli.catalog import emptied, journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.images.walk import is_below
from neardup_cli.plans import EmptiedFolder, OperationState, Plan

_REMOVED = (OperationState.PLANNED, OperationState.DONE, OperationState.UNDOING)


def folders_of(plan: Plan, roots: Collection[bytes]) -> list[EmptiedFolder]:
    """Return the folders that a plan may empty, as they are now.

    Args:
        plan: what is going to be done; one that puts links into the place of files empties nothing.
        roots: of the catalog's scans. A folder that lies below none of them is left alone.
    """
    if plan.action.is_link:
        return []
    found: set[bytes] = set()
    for group in plan.groups:
        for act in group.acts:
            above = _below_root(os.path.dirname(act.file.path), roots, found)
            found.update(above)
    return [folder for path in sorted(found) if (folder := _as_it_is(path)) is not None]


def _below_root(folder: bytes, roots: Collection[bytes], known: Collection[bytes]) -> list[bytes]:
    """Return a folder and those above it up to a root, or to one that is known; none without a root."""
    path: list[bytes] = []
    while folder not in roots:
        if folder in known:
            return path
        if os.path.dirname(folder) == folder:
            return []
        path.append(folder)
        folder = os.path.dirname(folder)
    return path


def _as_it_is(path: bytes) -> EmptiedFolder | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode) or _is_mount(path, status):
        return None
    return EmptiedFolder(path, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns)


def _is_mount(path: bytes, status: os.stat_result) -> bool:
    """Return True if a disk is mounted there; a bind mount of the same disk is one that `rmdir` refuses."""
    return os.lstat(os.path.dirname(path)).st_dev != status.st_dev


def remove_emptied(catalog: Catalog, batch: int) -> None:
    """Remove the folders of a batch that hold nothing any more; to be run again after a kill."""
    with catalog.read() as connection:
        folders = emptied.stored_folders(connection, batch, [OperationState.PLANNED])
        taken_from = _all_above(journal.done_paths(connection, batch)) if folders else set()
    taken_from.discard(_here())
    gone: list[bytes] = []
    real = b"/"
    for path in (folder.path for folder in reversed(folders) if folder.path in taken_from):
        if not is_below(real, path):  # what is above a real path is one
            real = os.path.realpath(path)
        if is_below(real, path) and _removed(path):
            gone.append(path)
    if gone:
        with catalog.write() as connection:
            emptied.set_folder_state(connection, batch, gone, OperationState.DONE)


def _all_above(paths: Iterable[bytes]) -> set[bytes]:
    """Return the folders of some files, and all those above them."""
    found: set[bytes] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in found:
            found.add(folder)
            folder = os.path.dirname(folder)
    return found


def _here() -> bytes:
    """Return the working folder, which the shell that called us would be lost without; "" if it is gone."""
    try:
        return os.getcwdb()
    except OSError:
        return b""


def _removed(path: bytes) -> bool:
    """Remove a folder if it is empty; return whether it is gone."""
    try:
        if _is_mount(path, os.lstat(path)):
            return False
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:  # something is left in it, or it cannot be removed: then it stays
        return False
    return True


def bring_back(catalog: Catalog, batch: int, offline: Sequence[bytes]) -> None:
    """Make the folders again that a batch removed, for its files to come back to.

    Args:
        catalog: keeps the journal.
        batch: its number.
        offline: folders whose disk is not mounted: nothing is made below them.
    """
    with catalog.read() as connection:
        folders = emptied.stored_folders(connection, batch, _REMOVED)
    missing = [
        folder.path
        for folder in folders
        if not os.path.lexists(folder.path) and not any(is_below(folder.path, disk) for disk in offline)
    ]
    if not missing:
        return
    with catalog.write_durably() as connection:
        emptied.set_folder_state(connection, batch, missing, OperationState.UNDOING)
    for path in missing:
        with suppress(OSError):  # the files that cannot come back say why
            os.mkdir(path, 0o700)


def dress(catalog: Catalog, batch: int) -> None:
    """Give the folders that were made again the modes and times that they had."""
    with catalog.read() as connection:
        folders = emptied.stored_folders(connection, batch, [OperationState.UNDOING])
    back = []
    for folder in reversed(folders):
        with suppress(OSError):  # only root can give a folder away
            if hasattr(os, "chown"):
                os.chown(folder.path, folder.uid, folder.gid)
        with suppress(OSError):
            os.chmod(folder.path, folder.mode)
            os.utime(folder.path, ns=(folder.mtime_ns, folder.mtime_ns))
            back.append(folder.path)
    if back:
        with catalog.write() as connection:
            emptied.set_folder_state(connection, batch, back, OperationState.UNDONE)
