"""A sample of `make faults`, and what it takes a power cut to leave, on logs written by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import _faulty
from benchmarks._ground import Ground, tree
from benchmarks._power_cut import Change, Names, Record, cut, different_cuts, inodes_of

if TYPE_CHECKING:
    from tests.conftest import Lacking

ROOT = Path(__file__).parents[2]
TRIES = 500


def test_faults_kills_and_power_cuts(lacking: Lacking) -> None:
    """Others each day, over all stories; three tries are made again by processes of their own."""
    if (reason := _faulty.missing()) is not None:
        lacking(reason)
    asked = ("--tries", str(TRIES), "--seed", f"{date.today():%Y%m%d}", "--alike", "1", "--jobs", "1")
    command = [sys.executable, "-m", "benchmarks.faults", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "contents lost: 0, limit ≤ 0, PASS" in done.stdout
    assert "3 tries made again by a process of its own" in done.stdout


class Disk:
    """A folder with a file, and changes made to it that a log would hold."""

    def __init__(self, base: Path) -> None:
        self.photos, self.other = base / "photos", base / "other"
        state, kept = base / "state", base / "kept"
        for folder in (self.photos, self.other, state, kept, base / "out"):
            folder.mkdir()
        (self.photos / "a").write_bytes(b"old")
        (state / "catalog.db").write_bytes(b"pages")
        self.ground = Ground((self.photos, self.other), state, (kept,))
        self.start = self.ground.take()
        self.inodes = inodes_of(self.start)
        self.changes: list[Change] = []

    def change(
        self, record: Record, first: Path | bytes = b"", second: Path | None = None, inode: int = 0
    ) -> None:
        names = [
            b"" if one is None else one if isinstance(one, bytes) else os.fsencode(one)
            for one in (first, second)
        ]
        if record is Record.SYNCED and isinstance(first, Path):
            self.changes.append(Change(record, b"", b"", 0o644, self.inodes[first], 0, 0))
            return
        self.changes.append(Change(record, names[0], names[1], 0o644, (0, inode), 0, 0))

    def left(self, names: Names) -> dict[str, bytes]:
        """Cut, and say what is there."""
        self.start.restore()
        cut(self.start, self.inodes, self.changes, names, self.ground.state.parent / "cut")
        found = [path for path in (*self.photos.rglob("*"), *self.other.rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.photos.parent)): path.read_bytes() for path in found}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_a_new_file_that_nobody_synced_is_not_there_or_empty(disk: Disk) -> None:
    disk.change(Record.CREATED, disk.photos / "new", inode=1)
    disk.change(Record.WRITTEN, b"bytes", inode=1)
    assert disk.left(Names.FEWEST) == {"photos/a": b"old"}
    assert disk.left(Names.ALL) == {"photos/a": b"old", "photos/new": b""}
    disk.change(Record.SYNCED, inode=1)
    disk.change(Record.WRITTEN, b"BYTES", inode=1)
    assert disk.left(Names.FEWEST) == disk.left(Names.ALL) == {"photos/a": b"old", "photos/new": b"bytes"}


def test_a_rename_is_undone_unless_one_of_its_folders_was_synced(disk: Disk) -> None:
    disk.change(Record.RENAMED, disk.photos / "a", disk.other / "b")
    assert disk.left(Names.FEWEST) == {"photos/a": b"old"}
    assert disk.left(Names.ALL) == {"other/b": b"old"}
    disk.change(Record.SYNCED, disk.other)
    assert disk.left(Names.FEWEST) == {"other/b": b"old"}


def test_a_file_that_was_removed_is_there_until_its_folder_is_synced(disk: Disk) -> None:
    inode = (disk.photos / "a").stat().st_ino
    disk.change(Record.UNLINKED, disk.photos / "a")
    assert disk.left(Names.ALL) == {}
    assert disk.left(Names.FEWEST) == {"photos/a": b"old"}
    assert (disk.photos / "a").stat().st_ino == inode
    disk.change(Record.SYNCED, disk.photos)
    assert disk.left(Names.FEWEST) == {}


def test_a_folder_that_is_not_safe_takes_what_is_in_it_along(disk: Disk) -> None:
    disk.change(Record.FOLDER, disk.other / "deep", inode=1)
    disk.change(Record.LINKED, disk.photos / "a", disk.other / "deep" / "b")
    assert disk.left(Names.FEWEST) == {"photos/a": b"old"}
    disk.change(Record.SYNCED, inode=1)
    assert disk.left(Names.FEWEST) == {"photos/a": b"old", "other/deep/b": b"old"}


def test_cuts_that_leave_the_same_are_one(disk: Disk) -> None:
    disk.change(Record.CREATED, disk.photos / "new", inode=1)
    disk.change(Record.WRITTEN, b"by", inode=1)
    disk.change(Record.WRITTEN, b"tes", inode=1)
    disk.change(Record.SYNCED, inode=1)
    assert different_cuts(disk.start, disk.inodes, disk.changes) == [
        (0, Names.FEWEST),
        (1, Names.ALL),  # the name, and nothing in it
        (4, Names.FEWEST),
    ]


def test_the_ground_is_put_back_to_the_inode(disk: Disk) -> None:
    before, inode = tree(disk.photos), (disk.photos / "a").stat().st_ino
    (disk.photos / "a").rename(disk.other / "a")
    (disk.photos / "a").mkdir()
    (disk.other / "a").chmod(0o600)
    disk.start.restore()
    assert tree(disk.photos) == before
    assert (disk.photos / "a").stat().st_ino == inode
    assert os.listdir(disk.other) == []
