"""Attacked copies of a folder of pictures, and the manifest that says what is a copy of what."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import BadInput, DiskFull, UnreadableImage
from neardup_cli.evaluation.attacks import EXACT, Attack
from neardup_cli.evaluation.edits.base import Edit
from neardup_cli.evaluation.manifest import MANIFEST_NAME, AttackedCopy, write_manifest
from neardup_cli.evaluation.pictures import Companions, Shelf, picture_paths, read_picture, sample
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import Skipped
from neardup_cli.reports.paths import data_path

_UNFINISHED = MANIFEST_NAME + ".part"


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """What copies to make.

    Attributes:
        attacks: each is done once to every picture.
        seed: another one gives other corners, words and companions.
        limit: attack so many pictures, drawn at random; None for all.
        longest_side: pixels to which larger pictures are shrunk before anything is done; None for none.
        workers: threads.
    """

    attacks: Sequence[Attack]
    seed: int = 0
    limit: int | None = None
    longest_side: int | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class CopiesMade:
    """What was written.

    Attributes:
        sources: pictures that were attacked, relative paths.
        attacks: how many copies each attack made.
        skipped: pictures that cannot be read.
    """

    manifest: Path
    sources: tuple[bytes, ...]
    attacks: dict[str, int] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


def make_copies(
    source: bytes, out: bytes, options: CopyOptions, progress: Progress | None = None
) -> CopiesMade:
    """Write attacked copies of the pictures below `source` to `out`, with a manifest.

    The same pictures, attacks and seed give the same bytes, in any order and on any number of threads. An
    interrupted run is begun again by the same call.

    Raises:
        PathNotFound, BadInput: `source` holds no picture, or `out` lies in it or holds something else.
    """
    watch = progress or Silent()
    paths = picture_paths(source)
    root, target = os.path.realpath(source), os.path.realpath(out)
    _prepare(root, target)
    chosen = sample(paths, options.limit, options.seed)
    shelf = Shelf(root, paths, options.longest_side)
    work = _Work(shelf, target, options)
    watch.start("Making copies", len(chosen))
    made: list[AttackedCopy] = []
    skipped: list[Skipped] = []
    try:
        for result in LocalEngine(options.workers).map(work, chosen):
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                made += result
            watch.advance()
        unfinished = Path(os.fsdecode(target)) / _UNFINISHED
        write_manifest(unfinished, made)
    except OSError as exc:
        kind = DiskFull if exc.errno == errno.ENOSPC else BadInput
        raise kind(f"the copies cannot be written: {exc.strerror}") from exc
    manifest = unfinished.replace(unfinished.with_name(MANIFEST_NAME))
    unread = {entry.path for entry in skipped}
    return CopiesMade(
        manifest,
        tuple(path for path in chosen if path not in unread),
        dict(Counter(copy.attack for copy in made)),
        tuple(skipped),
    )


def _prepare(source: bytes, out: bytes) -> None:
    """Make the folder of the copies, or recognise one that was left unfinished."""
    if out == source or out.startswith(os.path.join(source, b"")):
        raise BadInput("the copies must not lie among the originals: give another folder")
    try:
        os.makedirs(out, exist_ok=True)
        held = os.listdir(out)
        if held and _UNFINISHED.encode() not in held:
            raise BadInput(f"{os.fsdecode(out)} is not empty: give a new folder for the copies")
        open(os.path.join(out, _UNFINISHED.encode()), "a").close()
    except OSError as exc:
        raise BadInput(f"{os.fsdecode(out)} cannot be written: {exc.strerror}") from exc


class _Work:
    """Makes all copies of one picture; shared by all threads."""

    def __init__(self, shelf: Shelf, out: bytes, options: CopyOptions) -> None:
        self._shelf = shelf
        self._out = out
        self._options = options
        self._place = {path: place for place, path in enumerate(shelf.paths)}

    def __call__(self, path: bytes) -> list[AttackedCopy] | Skipped:
        full = os.path.join(self._shelf.folder, path)
        try:
            picture = read_picture(full, self._options.longest_side)
        except UnreadableImage as exc:
            return Skipped(path, str(exc), unreadable=True)
        made = []
        for attack in self._options.attacks:
            companions = Companions(self._shelf, self._place[path])
            if attack == EXACT:
                copy = os.path.join(attack.name.encode(), path)
                with open(full, "rb") as stream:
                    self._write(copy, stream.read())
            else:
                copy = os.path.join(attack.name.encode(), path + attack.save_as.suffix.encode())
                edited = attack.run(picture, data_path(path), supplier=companions, seed=self._options.seed)
                self._write(copy, attack.save_as.encode(edited))
            edits = tuple(_described(edit) for edit in attack.edits)
            shows = tuple(companions.drawn)
            made.append(AttackedCopy(copy, path, attack.name, self._options.seed, edits, shows))
        return made

    def _write(self, copy: bytes, data: bytes) -> None:
        full = os.path.join(self._out, copy)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as stream:
            stream.write(data)


def _described(edit: Edit) -> dict[str, Any]:
    """An edit's kind and parameters; what it draws at random follows from the seed."""
    return {"kind": edit.kind, **asdict(edit)}  # type: ignore[call-overload]
