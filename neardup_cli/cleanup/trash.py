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

from neardup_cli.cleanup.files import is_there, nearest_folder
from neardup_cli.cleanup.reasons import Refused, named
from neardup_cli.system import handles

NOTE_SUFFIX = b".trashinfo"
KEY = b"X-Neardup"
"""Of the line of our own journal in a note."""

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
    """Return True if this system's trash is the one described here."""
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
        chosen = stem[: _LONGEST_NAME - len(ending) - len(NOTE_SUFFIX)] + ending
        place = Place(
            os.path.join(trash.path, b"files", chosen),
            os.path.join(trash.path, b"info", chosen + NOTE_SUFFIX),
        )
        number += 1
        if not is_there(place.file) and not is_there(place.note):
            taken[trash.path, name] = number
            return place


def make_folders(trash: bytes) -> None:
    """Make a trash with its two folders, closed to others as the specification wants."""
    for folder in (b"files", b"info"):
        os.makedirs(os.path.join(trash, folder), 0o700, exist_ok=True)


def write_note(note: bytes, path: bytes, top: bytes | None, moment: datetime, line: bytes) -> None:
    """Write the note of a file that is about to go to the trash; taking its name reserves the place.

    It is on the disk before the file goes: without the journal it alone says where the file came from.

    Args:
        note: where it is written.
        path: of the file.
        top: what it gives the path relative to; None gives it whole.
        moment: local time.
        line: of our own journal, see `second_journal.line_of`; other programs pass over its key.

    Raises:
        OSError: EEXIST if another program has just taken the name.
    """
    shown = path if top is None else os.path.relpath(path, top)
    text = f"[Trash Info]\nPath={quote_from_bytes(shown)}\nDeletionDate={moment:%Y-%m-%dT%H:%M:%S}\n".encode()
    descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | handles.OWN, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(text + KEY + b"=" + line + b"\n")
            stream.flush()
            os.fsync(descriptor)
    except BaseException:
        os.unlink(note)
        raise


def read_note(note: bytes, place: bytes) -> tuple[bytes, bytes] | None:
    """Read a note that neardup wrote.

    Args:
        note: its path.
        place: of the file that it is about.

    Returns:
        Where the file was, absolute and without detours, and the line of our own journal; None if it is not
        one of ours, or makes no sense.

    Raises:
        OSError: it cannot be read.
    """
    keys: dict[bytes, bytes] = {}
    for line in _note_lines(note):
        key, _, value = line.partition(b"=")
        keys.setdefault(key, value)  # the first counts, says the specification
    if not {b"Path", KEY} <= keys.keys():
        return None
    path = unquote_to_bytes(keys[b"Path"])
    if not os.path.isabs(path):
        path = os.path.join(top_of(place) or b"", path)
    is_plain = os.path.isabs(path) and os.path.normpath(path) == path and b"\0" not in path
    return (path, keys[KEY]) if is_plain else None


def _note_lines(note: bytes) -> list[bytes]:
    with open(os.open(note, os.O_RDONLY | handles.NO_LINK | handles.NO_WAIT | handles.OWN), "rb") as stream:
        return stream.read(1 << 16).splitlines()


def remove_note(note: bytes, path: bytes) -> None:
    """Remove the note of a file, if it is the one that was written for this path (or was not finished).

    Raises:
        OSError: it is there, and cannot be read or removed.
    """
    with suppress(FileNotFoundError):
        lines = _note_lines(note)
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
    data = os.fsencode(os.environ.get("XDG_DATA_HOME", ""))
    base = data if os.path.isabs(data) else os.path.expanduser(b"~/.local/share")
    return os.path.join(base, b"Trash")


def _volume_trash(top: bytes, device: int) -> bytes:
    """Return the trash of a volume: the administrator's if it is a safe one, else one of our own."""
    user = b"%d" % handles.user_number()
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
