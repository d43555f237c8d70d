"""A small collection with copies, and what is in a folder, to the last mode bit."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.plans import Plan, Policy

type Tree = dict[str, tuple[object, ...]]

OLD = 1_600_000_000_000_000_000


def tree(*roots: Path) -> Tree:
    """What is below some folders: the bytes, time, mode and number of names of files, where links lead."""
    found: Tree = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            if path.is_symlink():
                found[str(path)] = ("link", os.readlink(path))
            elif path.is_dir():
                found[str(path)] = ("folder", mode)
            else:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path)] = (digest, status.st_mtime_ns, mode, status.st_nlink)
    return found


def contents(*roots: Path) -> set[str]:
    """The digests of all regular files below some folders."""
    return {str(value[0]) for value in tree(*roots).values() if value[0] not in ("link", "folder")}


@dataclass
class Collection:
    """A scanned folder: `a` holds the originals, `b` exact copies with another time and mode."""

    base: Path
    catalog: Catalog
    draw: Callable[[Path, int], Path]
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.base / "photos"

    def fill(self, groups: int, *, copies: int = 2, companions: bool = False) -> None:
        """Make groups of an original and its copies, the first of which has companions."""
        for number in range(groups):
            original = self.draw(self.folder / "a" / f"{number}.png", number)
            os.utime(original, ns=(OLD, OLD + number))
            for place, mode in (("b", 0o640), ("b/deep", 0o604))[:copies]:
                copy = self.folder / place / f"copy of {number}.png"
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(original.read_bytes())
                copy.chmod(mode)
                os.utime(copy, ns=(OLD, OLD + 1_000 + number))
            if companions:
                for extension in ("xmp", "CR2"):
                    beside = self.folder / "b" / f"copy of {number}.{extension}"
                    beside.write_bytes(f"{extension} of {number}".encode())
                    os.utime(beside, ns=(OLD, OLD + number))
        self.scan()

    def scan(self) -> None:
        scan(self.catalog, [os.fsencode(self.folder)], ScanOptions(hash_only=True))

    def plan(
        self,
        action: Action,
        to: Path | None = None,
        *,
        across_devices: bool = False,
        remove_empty_folders: bool = False,
        across_drives: bool = False,
    ) -> Plan:
        """Plan for all copies; the originals in `a` are preferred."""
        options = CleanOptions(
            action=action,
            policy=Policy(prefer=(os.fsencode(self.folder / "a"),), across_drives=across_drives),
            to=None if to is None else os.fsencode(to),
            across_devices=across_devices,
            remove_empty_folders=remove_empty_folders,
            dups=DupsOptions(hamming=0),
        )
        return make_plan(self.catalog, options)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of our own, and so a trash of our own."""
    folder = tmp_path / "home"
    for place in ("files", "info"):  # as every desktop has made them long ago
        (folder / ".local/share/Trash" / place).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return folder


@pytest.fixture
def collection(tmp_path: Path, home: Path, catalog: Catalog, draw: Callable[[Path, int], Path]) -> Collection:
    return Collection(tmp_path, catalog, draw)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the temporary folder's."""
    import shutil
    import tempfile

    place = Path("/dev/shm")
    if not place.is_dir() or place.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    folder = Path(tempfile.mkdtemp(dir=place, prefix="neardup-test-"))
    yield folder
    shutil.rmtree(folder)
