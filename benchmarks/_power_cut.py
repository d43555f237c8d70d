"""What a power cut leaves of a run whose changes were written down: those that are not yet safe are dropped.

A file holds what it held when it was last synced, and nothing if it never was. Of names there are two ends
of what file systems do, and each is tried:

- `FEWEST`: a name that was made, changed or removed since its folder was last synced is as it was before, but
  for the name under which a file was made that was synced itself, as ext4, XFS, Btrfs and F2FS have it. (A
  rename between two folders is safe with either of them, with a name the folders on the way to it, and with
  a folder that went all that went from it: so it is wherever there is a journal of names.)
- `ALL`: every name is as it was at the cut, and only the bytes are missing: a new file that nobody synced is
  there, and empty.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from benchmarks._ground import Inode, Snapshot, Thing, inode_of, place, write_state

_HEADER = struct.Struct("=IIIIQQQq")
_EXCHANGE = 2


class Record(Enum):
    """What a line of the log is about, numbered as in `_faulty.c`."""

    CREATED = 1
    WRITTEN = 2
    CUT = 3
    SYNCED = 4
    RENAMED = 5
    LINKED = 6
    SYMLINKED = 7
    UNLINKED = 8
    FOLDER = 9
    NO_FOLDER = 10
    CLONED = 11


class Names(Enum):
    """Which names survive."""

    FEWEST = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the log."""

    record: Record
    first: bytes
    second: bytes
    flags: int
    inode: Inode
    other: int
    offset: int


def read_log(log: Path) -> list[Change]:
    """Return what a run did, in its order."""
    data, at, found = log.read_bytes(), 0, []
    while at < len(data):
        kind, one, two, flags, device, inode, other, offset = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        first, second = data[at : at + one], data[at + one : at + one + two]
        at += one + two
        found.append(Change(Record(kind), first, second, flags, (device, inode), other, offset))
    return found


@dataclass(eq=False)
class _Node:
    """A file, folder or link. `kept` is where it lies as long as nothing was written to it."""

    mode: int
    mtime_ns: int = 0
    kept: Path | None = None
    link: str | None = None
    data: bytearray = field(default_factory=bytearray)
    safe: bytes = b""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


@dataclass(eq=False)
class _Step:
    """Names that one call made (a node) or took away (None), all at once."""

    names: list[tuple[str, _Node | None]]
    makes: _Node | None = None  # a file that was new then
    safe: bool = False


class _Disk:
    """Follows a log."""

    def __init__(self, snapshot: Snapshot, inodes: Mapping[Path, Inode]) -> None:
        ground = snapshot.ground
        nodes = {path: _node(thing) for path, thing in snapshot.things.items()}
        for name, data in snapshot.state.items():
            nodes[ground.state / name] = _Node(stat.S_IFREG | 0o644, data=bytearray(data), safe=data)
        for path in inodes.keys() - nodes.keys():
            nodes[path] = _Node(stat.S_IFDIR | 0o755)
        self._nodes: dict[Inode, _Node] = {}
        for path, inode in inodes.items():
            self._nodes.setdefault(inode, nodes[path])  # two names of one file are one node
        self._start = {str(path): self._nodes[inode] for path, inode in inodes.items()}
        self._now = dict(self._start)
        self._steps: list[_Step] = []

    def follow(self, change: Change) -> None:
        """Take one step."""
        match change.record:
            case Record.CREATED:
                self._make(change, _Node(stat.S_IFREG | 0o600))
            case Record.FOLDER:
                self._make(change, _Node(stat.S_IFDIR | 0o755))
            case Record.SYMLINKED:
                link = _Node(stat.S_IFLNK, link=os.fsdecode(change.first))
                self._step([(os.fsdecode(change.second), link)])
            case Record.LINKED:
                self._step([(os.fsdecode(change.second), self._now[os.fsdecode(change.first)])])
            case Record.UNLINKED | Record.NO_FOLDER:
                self._step([(os.fsdecode(change.first), None)])
            case Record.RENAMED:
                self._rename(change)
            case Record.SYNCED:
                self._sync(change)
            case Record.WRITTEN | Record.CUT | Record.CLONED:
                self._write(change)

    def _make(self, change: Change, node: _Node) -> None:
        self._nodes[change.inode] = node
        self._step([(os.fsdecode(change.first), node)], node)

    def _step(self, names: list[tuple[str, _Node | None]], makes: _Node | None = None) -> None:
        self._steps.append(_Step(names, makes))
        _apply(self._now, names)

    def _rename(self, change: Change) -> None:
        source, target = os.fsdecode(change.first), os.fsdecode(change.second)
        if change.flags & _EXCHANGE:
            self._step([(source, self._now[target]), (target, self._now[source])])
        elif self._now.get(target) is not self._now[source]:  # two names of one file: nothing happens
            self._step([(source, None), (target, self._now[source])])

    def _sync(self, change: Change) -> None:
        node = self._nodes.get(change.inode)
        if node is None:
            return
        if not node.is_folder:
            node.safe, node.mode, node.mtime_ns = bytes(node.data), change.flags, change.offset
            for step in self._steps:
                if step.makes is node:
                    self._make_safe(step)
            return
        folders = {path for path, one in self._now.items() if one is node}
        for step in self._steps:
            if any(os.path.dirname(name) in folders for name, _ in step.names):
                self._make_safe(step)

    def _make_safe(self, step: _Step) -> None:
        if step.safe:
            return
        step.safe = True
        above = {parent for name, node in step.names if node is not None for parent in _parents(name)}
        emptied = {name for name, node in step.names if node is None}
        for earlier in self._steps:
            if earlier is step:
                return
            if any(name in above or os.path.dirname(name) in emptied for name, _ in earlier.names):
                self._make_safe(earlier)

    def _write(self, change: Change) -> None:
        node = self._nodes[change.inode]
        if node.kept is not None:
            node.data, node.safe = bytearray(node.kept.read_bytes()), node.kept.read_bytes()
            node.kept = None
        if change.record is Record.CUT:
            node.data = node.data[: change.offset].ljust(change.offset, b"\0")
        elif change.record is Record.CLONED:
            other = self._nodes[change.inode[0], change.other]
            node.data = bytearray(other.data if other.kept is None else other.kept.read_bytes())
        else:
            node.data = node.data.ljust(change.offset, b"\0")
            node.data[change.offset : change.offset + len(change.first)] = change.first

    def left(self, names: Names) -> dict[str, _Node]:
        """Return what is there after the cut."""
        found = dict(self._start)
        for step in self._steps:
            if step.safe or names is Names.ALL:
                _apply(found, step.names)
        return {path: node for path, node in found.items() if self._is_reached(path, found)}

    def _is_reached(self, path: str, found: dict[str, _Node]) -> bool:
        return all(
            parent in found for parent in _parents(path) if parent in self._start or parent in self._now
        )


def _node(thing: Thing) -> _Node:
    kind = stat.S_IFDIR if thing.is_folder else stat.S_IFLNK if thing.link is not None else stat.S_IFREG
    return _Node(kind | thing.mode, thing.mtime_ns, thing.kept, thing.link)


def _apply(names: dict[str, _Node], changed: Sequence[tuple[str, _Node | None]]) -> None:
    for name, node in changed:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _parents(path: str) -> Iterator[str]:
    while (above := os.path.dirname(path)) != path:
        path = above
        yield path


def inodes_of(snapshot: Snapshot) -> dict[Path, Inode]:
    """Return the inodes of all that a run is about to find, and of the folders above."""
    ground = snapshot.ground
    above = {root.parent for root in ground.places}
    paths = [*above, ground.state, ground.state.parent / "out", *snapshot.things]
    paths += [ground.state / name for name in snapshot.state]
    return {path: inode_of(path.lstat()) for path in paths}


def different_cuts(
    snapshot: Snapshot, inodes: Mapping[Path, Inode], changes: Sequence[Change]
) -> list[tuple[int, Names]]:
    """Return after how many changes, with which names, a cut leaves what no earlier one has left.

    What was written and not synced changes nothing on the disk.
    """
    disk = _Disk(snapshot, inodes)
    found: dict[frozenset[object], tuple[int, Names]] = {}
    for at in range(len(changes) + 1):
        for names in Names:
            left = frozenset(
                (path, node.mode, node.mtime_ns, node.kept, node.link, node.safe)
                for path, node in disk.left(names).items()
            )
            found.setdefault(left, (at, names))
        if at < len(changes):
            disk.follow(changes[at])
    return list(found.values())


def cut(
    snapshot: Snapshot,
    inodes: Mapping[Path, Inode],
    changes: Sequence[Change],
    names: Names,
    scratch: Path,
) -> None:
    """Have on the disk what a power cut would have left after some changes.

    Args:
        snapshot: how it was before the run; it has to be restored now.
        inodes: those of the run whose changes they are, see `inodes_of`.
        changes: all that were made until the cut.
        names: which names survive.
        scratch: a folder on the disk of the catalog, for files that are written.
    """
    disk = _Disk(snapshot, inodes)
    for change in changes:
        disk.follow(change)
    _lay(snapshot, disk.left(names), scratch)


def _lay(snapshot: Snapshot, left: dict[str, _Node], scratch: Path) -> None:
    ground = snapshot.ground
    shutil.rmtree(scratch, ignore_errors=True)
    kept: dict[_Node, Path] = {}
    things: dict[Path, Thing] = {}
    state: dict[str, bytes] = {}
    out = ground.state.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for path, node in sorted((Path(name), node) for name, node in left.items()):
        if path.parent == ground.state:
            if not path.name.endswith("-shm"):  # it is memory
                state[path.name] = node.safe
        elif path.parent == out:
            path.write_bytes(node.safe)
        elif any(path.is_relative_to(root) for root in ground.places):
            things[path] = _thing(node, kept, _beside(ground.keeps, path, scratch))
    write_state(ground.state, state)
    place(ground.places, things)
    for folder in _cuts(ground.keeps, scratch):
        shutil.rmtree(folder, ignore_errors=True)


def _beside(keeps: Sequence[Path], path: Path, scratch: Path) -> Path:
    """Return a folder for new files on the disk of a path."""
    above = path
    while not above.exists():
        above = above.parent
    device = above.stat().st_dev
    folder = next(keep for keep in keeps if keep.stat().st_dev == device) / scratch.name
    folder.mkdir(exist_ok=True)
    return folder


def _cuts(keeps: Sequence[Path], scratch: Path) -> list[Path]:
    return [keep / scratch.name for keep in keeps]


def _thing(node: _Node, kept: dict[_Node, Path], folder: Path) -> Thing:
    mode = stat.S_IMODE(node.mode)
    if node.is_folder:
        return Thing(mode)
    if node.link is not None:
        return Thing(mode, link=node.link)
    if node.kept is not None:
        return Thing(mode, node.mtime_ns, node.kept)
    if node not in kept:
        kept[node] = folder / str(len(kept))
        kept[node].write_bytes(node.safe)
    return Thing(mode, node.mtime_ns, kept[node])
