"""Folders that runs act upon, which are put back as they were: the same files, down to the inode."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neardup_cli.fingerprints.content import content_digest

type Tree = dict[str, tuple[object, ...]]
type Inode = tuple[int, int]

VAGUE = (".trashinfo", ".neardup-journal.jsonl")
"""Endings of files that hold the time of day, or what all tries so far have done."""

WRITTEN = ".png.xmp"
"""Ending of a sidecar that neardup writes, which has the time of day as its time."""


def tree(*roots: Path) -> Tree:
    """What is below some folders: bytes, time and mode of files, where links lead, modes of folders."""
    found: Tree = {}
    for path in _below(roots):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if path.is_symlink():
            found[str(path)] = ("link", os.readlink(path))
        elif path.is_dir():
            found[str(path)] = ("folder", mode)
        elif path.name.endswith(VAGUE):
            found[str(path)] = ("vague",)
        elif path.name.endswith(WRITTEN):
            found[str(path)] = (content_digest(path.read_bytes()),)
        else:
            found[str(path)] = (content_digest(path.read_bytes()), status.st_mtime_ns, mode)
    return found


def contents(*roots: Path) -> set[bytes]:
    """The digests of all regular files below some folders."""
    files = (path for path in _below(roots) if path.is_file() and not path.is_symlink())
    return {content_digest(path.read_bytes()) for path in files if not path.name.endswith(VAGUE)}


def inode_of(status: os.stat_result) -> Inode:
    """Return what is the same for all names of a file."""
    return status.st_dev, status.st_ino


def difference(now: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """Say in a line how two trees differ; empty if they do not."""
    more, less = sorted(now.keys() - wanted.keys()), sorted(wanted.keys() - now.keys())
    other = sorted(path for path in now.keys() & wanted.keys() if now[path] != wanted[path])
    parts = [f"{word} {paths}" for word, paths in (("more", more), ("less", less), ("other", other)) if paths]
    return "; ".join(parts)


def _below(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        if root.exists():
            yield root
            yield from sorted(root.rglob("*"))


@dataclass(frozen=True, slots=True)
class Thing:
    """A file, folder or link as it was; `kept` is where else a file has a name."""

    mode: int
    mtime_ns: int = 0
    kept: Path | None = None
    link: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.kept is None and self.link is None


@dataclass
class Ground:
    """Some places on one or two disks, each with a folder beside it that keeps its files.

    Attributes:
        places: folders of the user's; they need not be there.
        state: the folder of the catalog, whose files are put back as bytes.
        keeps: a folder for each disk, outside of the places.
    """

    places: tuple[Path, ...]
    state: Path
    keeps: tuple[Path, ...]
    _kept: dict[Inode, Path] = field(default_factory=dict)

    def take(self) -> Snapshot:
        """Remember how all is; the files get a further name each, by which they survive."""
        things: dict[Path, Thing] = {}
        for path in _below(self.places):
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            if path.is_symlink():
                things[path] = Thing(mode, link=os.readlink(path))
            elif path.is_dir():
                things[path] = Thing(mode)
            else:
                things[path] = Thing(mode, status.st_mtime_ns, self._keep(path, status))
        state = {path.name: path.read_bytes() for path in self.state.iterdir()}
        return Snapshot(self, things, state)

    def _keep(self, path: Path, status: os.stat_result) -> Path:
        inode = inode_of(status)
        if inode not in self._kept:
            folder = next(keep for keep in self.keeps if keep.stat().st_dev == status.st_dev)
            self._kept[inode] = folder / str(len(self._kept))
            os.link(path, self._kept[inode])
        return self._kept[inode]

    def now(self) -> Tree:
        """What the user's folders look like."""
        return tree(*self.places)

    def contents(self) -> set[bytes]:
        """What the user has, wherever it is."""
        return contents(*self.places)


@dataclass(frozen=True)
class Snapshot:
    """How all was."""

    ground: Ground
    things: dict[Path, Thing]
    state: dict[str, bytes]

    def restore(self) -> None:
        """Put all back."""
        write_state(self.ground.state, self.state)
        place(self.ground.places, self.things)


def write_state(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have these files in a folder, and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def place(places: Iterable[Path], things: Mapping[Path, Thing]) -> None:
    """Have these things in some folders, and no others; what is there already stays the same inode."""
    for path in reversed(list(_below(places))):
        if not _is_it(path, things.get(path)):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
    for path, thing in things.items():
        if not os.path.lexists(path):
            if thing.link is not None:
                path.symlink_to(thing.link)
            elif thing.kept is not None:
                os.link(thing.kept, path)
            else:
                path.mkdir()
        if thing.link is None and stat.S_IMODE(path.lstat().st_mode) != thing.mode:
            path.chmod(thing.mode)
        if thing.kept is not None and path.lstat().st_mtime_ns != thing.mtime_ns:
            os.utime(path, ns=(thing.mtime_ns, thing.mtime_ns))


def _is_it(path: Path, thing: Thing | None) -> bool:
    if thing is None:
        return False
    if thing.link is not None:
        return path.is_symlink() and os.readlink(path) == thing.link
    if thing.kept is not None:
        return not path.is_symlink() and path.is_file() and path.samefile(thing.kept)
    return path.is_dir() and not path.is_symlink()
