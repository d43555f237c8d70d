"""The journal's second copy, beside the files that a clean-up put into a folder: it needs no catalog.

One line a file, JSON, made durable before the file is moved. Where a file is now is for the disk to say: a
line whose file is not below the folder has nothing to say, be it that it never went there or is back. So
nothing is ever struck out, and a line that a power cut has torn is about a file that did not go. In the trash
each file has a note of its own, its `.trashinfo`, which holds the line.

A journal can be forged. What is taken back goes from below its folder to a name that is free, has the bytes
that the line says, and stays the kind of file that it is: an image, or what belongs to one.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from neardup_cli.cleanup import files, trash
from neardup_cli.cleanup.act import Ready, aside_of, part_of
from neardup_cli.cleanup.companions import may_belong
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.images.formats import SNIFFED_BYTES, has_image_extension, looks_like_image
from neardup_cli.plans import Batch, FileState, Intent, Operation, OperationState
from neardup_cli.system import handles

NAME = b".neardup-journal.jsonl"
SCHEMA = "neardup.journal/1"
_LONGEST = 1 << 30  # bytes that are read
_DIGEST = re.compile("[0-9a-f]{64}")
_TOKEN = re.compile("[0-9a-f]{1,32}")
_RANGES = {
    "bytes": range(1 << 63),
    "mtime_ns": range(-(1 << 63), 1 << 63),
    "mode": range(1 << 16),
    "uid": range(-1, 1 << 32),
    "gid": range(-1, 1 << 32),
    "id": range(1 << 63),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was put below the folder of a journal: `operation` has its intent."""

    token: str
    operation: Operation

    def place(self) -> bytes | None:
        """Return where the file lies: where it went, or beside it, put aside by a removal that was cut short.

        Raises:
            OSError: it cannot be told.
        """
        target = self.operation.target or b""
        places = (target, aside_of(self.token, self.operation, target))
        return next((place for place in places if files.is_there(place)), None)


def append(batch: Batch, ready: Sequence[Ready]) -> None:
    """Write down, in the folder of a batch that has one, which files are about to be put there.

    Raises:
        Refused: something else has the journal's name.
        OSError: it cannot be written.
    """
    if batch.to is None or not ready:
        return
    lines = b"".join(line_of(batch, batch.to, one) + b"\n" for one in ready)
    try:
        files.make_folders(batch.to)
        _append(os.path.join(batch.to, NAME), lines, ready[0].intent.made)
    except (Refused, OSError):
        remove_idle(batch.to)
        files.remove_empty(batch.to, ready[0].intent.made)
        raise


def _append(path: bytes, lines: bytes, made: bytes | None) -> None:
    is_new = not files.is_there(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | handles.NO_LINK | handles.NO_WAIT | handles.OWN
    descriptor = os.open(path, flags, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("something else has the name of the folder's journal")
        os.lseek(descriptor, max(0, status.st_size - 1), os.SEEK_SET)
        torn = os.read(descriptor, 1) not in (b"", b"\n")
        view = memoryview(b"\n" + lines if torn else lines)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        files.sync_folder(os.path.dirname(path), made)


def line_of(batch: Batch, folder: bytes, ready: Ready) -> bytes:
    """Return what has to be known of a file to take it back from below a folder, as a line of JSON."""
    intent, file = ready.intent, ready.operation.file
    told = {
        "schema": SCHEMA,
        "batch": batch.token,
        "id": ready.operation.id,
        "unit": ready.operation.unit,
        "path": _text(file.path),
        "target": _text(os.path.relpath(intent.target or b"", folder)),
        "bytes": file.size,
        "mtime_ns": file.mtime_ns,
        "content": intent.digest.hex(),
        "mode": intent.mode,
        "uid": intent.uid,
        "gid": intent.gid,
    }
    return json.dumps(told, ensure_ascii=True).encode()


def read_entries(folder: bytes) -> list[Entry]:
    """Return what the journal of a folder says, the last first, but for lines that make no sense.

    Args:
        folder: real; it need not be where it was when the journal was written.

    Raises:
        OSError: there is no journal, or it cannot be read.
    """
    if not files.is_there(os.path.join(folder, NAME)) and files.is_there(os.path.join(folder, b"info")):
        return _trash_entries(folder)
    descriptor = os.open(
        os.path.join(folder, NAME), os.O_RDONLY | handles.NO_LINK | handles.NO_WAIT | handles.OWN
    )
    with open(descriptor, "rb") as stream:
        data = stream.read(min(_LONGEST, os.fstat(descriptor).st_size))  # a read takes that much memory first
    found: dict[tuple[bytes | None, bytes], Entry] = {}
    for line in data.split(b"\n"):
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            entry = _entry(json.loads(line), folder)
            key = entry.operation.target, entry.operation.file.digest
            found.pop(key, None)
            found[key] = entry
    return list(reversed(found.values()))


def _trash_entries(folder: bytes) -> list[Entry]:
    """Return what the notes of a trash say that are neardup's; it need not be where it was either."""
    found = []
    for name in sorted(os.listdir(os.path.join(folder, b"info"))):
        note = os.path.join(folder, b"info", name)
        place = os.path.join(folder, b"files", name.removesuffix(trash.NOTE_SUFFIX))
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            if name.endswith(trash.NOTE_SUFFIX) and (told := trash.read_note(note, place)) is not None:
                path, line = told
                entry = _entry({**json.loads(line), "path": _text(path)}, folder)
                found.append(_in_trash(entry, place, note))
    return found


def _in_trash(entry: Entry, place: bytes, note: bytes) -> Entry:
    """Return an entry that is about the file beside whose note it stands, whatever its line says."""
    operation = entry.operation
    assert operation.intent is not None
    intent = replace(operation.intent, target=place, note=note, made=None)
    return replace(entry, operation=replace(operation, target=place, intent=intent))


def _entry(told: Mapping[str, Any], folder: bytes) -> Entry:
    """Read a line.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    path, target, content, token = (
        _bytes(told["path"]),
        _bytes(told["target"]),
        told["content"],
        told["batch"],
    )
    size, time, mode, uid, gid, number = (_number(told, name) for name in _RANGES)
    if told["schema"] != SCHEMA or not _DIGEST.fullmatch(content) or not _TOKEN.fullmatch(token):
        raise ValueError("no line of a journal")
    if not (os.path.isabs(path) and os.path.normpath(path) == path and b"\0" not in path + target):
        raise ValueError("no path")
    if os.path.isabs(target) or os.path.normpath(target) != target or target.split(b"/")[0] == b"..":
        raise ValueError("not below the folder")
    place = os.path.join(folder, target)
    first, *deeper = target.split(b"/")
    made = os.path.join(folder, first) if deeper else None
    digest = bytes.fromhex(content)
    intent = Intent(digest, mode & 0o777, uid, gid, 0, 0, place, None, made)
    file = FileState(path, size, time, digest)
    return Entry(token, Operation(number, 0, file, None, place, OperationState.DONE, intent))


def refuse_unlike(entry: Entry) -> None:
    """Make sure that a file would be what it is, under the name that it gets back.

    Raises:
        Refused: it would not.
        OSError: it cannot be read.
    """
    name, target = os.path.basename(entry.operation.file.path), entry.operation.target or b""
    is_like = os.path.splitext(name)[1].lower() == os.path.splitext(target)[1].lower()
    is_known = has_image_extension(name) or may_belong(name) or _looks_like_image(entry.place() or target)
    if name.startswith(b".") or not is_like or not is_known:
        raise Refused("the journal would make another kind of file of it")


def _looks_like_image(path: bytes) -> bool:
    with open(os.open(path, os.O_RDONLY | handles.NO_LINK | handles.NO_WAIT | handles.OWN), "rb") as stream:
        return looks_like_image(stream.read(SNIFFED_BYTES))


def tidy(entry: Entry) -> None:
    """Remove what an act that was cut short has left: half a copy; the note of a file that is back.

    Raises:
        OSError: it cannot be removed.
    """
    operation = entry.operation
    folder = os.path.dirname(operation.target or b"")
    with suppress(FileNotFoundError):
        if os.path.realpath(folder) == folder:  # and so below the journal's
            os.unlink(part_of(entry.token, operation, folder))
    note = None if operation.intent is None else operation.intent.note
    if note is not None and entry.place() is None and files.found(operation.file.path, operation.file):
        trash.remove_note(note, operation.file.path)


def remove_alone(folder: bytes | None) -> bool:
    """Remove the journal of a folder that holds nothing else any more; return whether it did."""
    if folder is None or list(_first_two(folder)) != [NAME]:
        return False
    with suppress(OSError):
        os.unlink(os.path.join(folder, NAME))
        return True
    return False


def remove_idle(folder: bytes | None) -> None:
    """Remove the journal of a folder if none of the files that it names is there any more."""
    if folder is None:
        return
    with suppress(OSError):
        if not any(entry.place() is not None for entry in read_entries(folder)):
            os.unlink(os.path.join(folder, NAME))


def _first_two(folder: bytes) -> Iterator[bytes]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry, _ in zip(entries, range(2), strict=False):
            yield entry.name


def _number(told: Mapping[str, Any], name: str) -> int:
    """Return a number that the system takes as well."""
    number = told[name]
    if type(number) is not int or number not in _RANGES[name]:
        raise ValueError(f"no {name}")
    return number


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("no path")
    return text.encode("utf-8", "surrogateescape")
