"""The freedesktop trash: where a file goes, and the note that says where it came from.

https://specifications.freedesktop.org/trash-spec/latest/

The steps are taken here and not by send2trash, which serves the systems that have another trash, because a
journal has to know *before* the act where the file will be: send2trash chooses the name while it acts, looks
whether it is free and then overwrites whatever has come there meanwhile, and where the trash turns out to be
on another device (a bind mount, a data folder on another disk) it copies and deletes without asking.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from neardup_cli.cleanup.files import nearest_folder
from neardup_cli.cleanup.reasons import Refused, named

_NOTE_SUFFIX = b".trashinfo"
_LONGEST_NAME = 255


class TrashFolder(NamedTuple):
    """A trash; its notes give paths relative to `top`, or absolute ones where that is None."""

    path: bytes
    top: bytes | None


class Place(NamedTuple):
    """Where in a trash a file goes, and its note."""

    file: bytes
    note: bytes


def is_freedesktop() -> bool:
    """Say whether this system's trash is the one described here."""
    return os.name == "posix" and sys.platform != "darwin"


def trash_folder(path: bytes) -> TrashFolder:
    """Return the trash that a file has to go to: the home's on the same device, else its volume's.

    Raises:
        Refused: the volume has none, and none can be made.
        OSError: the file is gone.
    """
    device = os.lstat(path).st_dev
    home = os.path.realpath(_home_trash())
    if os.stat(nearest_folder(home)).st_dev == device:
        return TrashFolder(home, None)
    top = os.path.dirname(path)
    while not os.path.ismount(top):
        top = os.path.dirname(top)
    return TrashFolder(_volume_trash(top, device), top)


def free_place(trash: TrashFolder, name: bytes, taken: dict[tuple[bytes, bytes], int]) -> Place:
    """Return a place in a trash whose two names are free.

    Args:
        trash: where.
        name: of the file; it keeps its extension.
        taken: the number reached for each name, so that a thousand `IMG_0001.jpg` are not looked for anew.
    """
    stem, extension = os.path.splitext(name)
    number = taken.get((trash.path, name), 1)
    while True:
        ending = (b"" if number == 1 else b".%d" % number) + extension
        chosen = stem[: _LONGEST_NAME - len(ending) - len(_NOTE_SUFFIX)] + ending
        place = Place(
            os.path.join(trash.path, b"files", chosen),
            os.path.join(trash.path, b"info", chosen + _NOTE_SUFFIX),
        )
        number += 1
        if not os.path.lexists(place.file) and not os.path.lexists(place.note):
            taken[trash.path, name] = number
            return place


def make_folders(trash: bytes) -> None:
    """Make a trash with its two folders, closed to others as the specification wants."""
    for folder in (b"files", b"info"):
        os.makedirs(os.path.join(trash, folder), 0o700, exist_ok=True)


def write_note(note: bytes, path: bytes, top: bytes | None, moment: datetime) -> None:
    """Write the note of a file that is about to go to the trash; taking its name reserves the place.

    Raises:
        OSError: EEXIST if another program has just taken the name.
    """
    shown = path if top is None else os.path.relpath(path, top)
    text = f"[Trash Info]\nPath={quote_from_bytes(shown)}\nDeletionDate={moment:%Y-%m-%dT%H:%M:%S}\n"
    descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode())
    except BaseException:
        os.unlink(note)
        raise
    finally:
        os.close(descriptor)


def remove_note(note: bytes, path: bytes) -> None:
    """Remove the note of a file, if it is the one that was written for this path (or was not finished)."""
    with suppress(OSError):
        with open(note, "rb") as stream:
            lines = stream.read(1 << 16).splitlines()
        named = [unquote_to_bytes(line[5:]) for line in lines if line.startswith(b"Path=")]
        if all(path == name or path.endswith(b"/" + name) for name in named):
            os.unlink(note)


def top_of(place: bytes) -> bytes | None:
    """Return what the notes of the trash of this place are relative to; None in the home's."""
    trash = os.path.dirname(os.path.dirname(place))
    if trash == os.path.realpath(_home_trash()):
        return None
    parent = os.path.dirname(trash)
    return os.path.dirname(parent) if os.path.basename(parent) == b".Trash" else parent


def _home_trash() -> bytes:
    data = os.environb.get(b"XDG_DATA_HOME", b"")
    base = data if os.path.isabs(data) else os.path.expanduser(b"~/.local/share")
    return os.path.join(base, b"Trash")


def _volume_trash(top: bytes, device: int) -> bytes:
    """Return the trash of a volume: the administrator's if it is a safe one, else one of our own."""
    user = b"%d" % os.getuid()
    shared = os.path.join(top, b".Trash")
    with suppress(OSError):
        status = os.lstat(shared)
        if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and status.st_dev == device:
            return os.path.join(shared, user)
    own = os.path.join(top, b".Trash-" + user)
    try:
        with suppress(FileExistsError):
            os.mkdir(own, 0o700)
        status = os.lstat(own)
    except OSError as exc:
        raise Refused("its disk has no trash, and none can be made there: use --action quarantine") from exc
    if not stat.S_ISDIR(status.st_mode) or status.st_dev != device:
        raise Refused(f"{named(own)} is no folder on its disk: use --action quarantine")
    return own
