"""Files that a person asks for: written whole or not at all, and never over an image of theirs."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neardup_cli import atomic
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, DiskFull, PathNotFound
from neardup_cli.images.walk import os_reason


def real_target(catalog: Catalog, path: bytes, what: str) -> tuple[bytes, int | None]:
    """Return where a file would be written, and the mode of what is there; None where nothing is.

    Args:
        catalog: whose images are not written over.
        path: as it was named.
        what: what would be written, as in "give the report another name".

    Raises:
        PathNotFound: there is no such folder.
        BadInput: an image of the catalog is there, or nobody can tell what.
    """
    target = os.path.realpath(path)
    shown = os.fsdecode(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise PathNotFound(f"no such folder: {os.fsdecode(folder)}")
    with catalog.read() as connection:
        if queries.file_at(connection, target) is not None:
            raise BadInput(f"{shown} is one of your pictures: give the {what} another name")
    try:
        return target, os.stat(target).st_mode
    except FileNotFoundError:
        return target, None
    except OSError as exc:
        raise BadInput(f"{shown} cannot be written: {os_reason(exc)}") from exc


def free_file(catalog: Catalog, path: bytes, what: str, *, force: bool) -> bytes:
    """Return where a file can be written: nothing is there, or by force a file that is replaced.

    Raises:
        PathNotFound, BadInput: as `real_target`; or something else is there.
    """
    target, mode = real_target(catalog, path, what)
    if mode is not None and not stat.S_ISREG(mode):
        raise BadInput(f"{os.fsdecode(path)} is no file: give the {what} another name")
    if mode is not None and not force:
        raise BadInput(f"{os.fsdecode(path)} is there already: give the {what} another name, or add --force")
    return target


def free_folder(catalog: Catalog, path: bytes, what: str) -> bytes:
    """Return where a folder can be made: nothing is there, or an empty one.

    Raises:
        PathNotFound, BadInput: as `real_target`; or something is there.
    """
    target, mode = real_target(catalog, path, what)
    if mode is not None and (not stat.S_ISDIR(mode) or os.listdir(target)):
        raise BadInput(f"{os.fsdecode(path)} is there already, and not an empty folder: name another one")
    return target


@contextmanager
def replacing(target: bytes) -> Iterator[BinaryIO]:
    """Open a file that takes the target's place when the block ends well, and goes if not: see `atomic`.

    Raises:
        DiskFull, BadInput: it cannot be written.
    """
    try:
        with atomic.replacing(target) as stream:
            yield stream
    except OSError as exc:
        raise _unwritable(target, exc) from exc


@contextmanager
def replacing_folder(target: bytes) -> Iterator[Path]:
    """Make a folder beside the target that takes its place when the block ends well, and goes if not."""
    partial = atomic.beside(target)
    try:
        os.mkdir(partial)
        yield Path(os.fsdecode(partial))
        os.rename(partial, target)  # onto nothing, or onto an empty folder
    except BaseException as exc:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(exc, OSError):
            raise _unwritable(target, exc) from exc
        raise


def _unwritable(target: bytes, error: OSError) -> DiskFull | BadInput:
    shown = os.fsdecode(target)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"no room for {shown}: free some and run the command again")
    return BadInput(f"{shown} cannot be written: {os_reason(error)}")
