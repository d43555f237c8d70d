"""A catalog that can only be read: every command that reads does, and no other; nothing is made beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import CatalogError
from tests.cli.conftest import complaint

if TYPE_CHECKING:
    from tests.cli.conftest import Command
    from tests.conftest import Draw, Mount

READING: tuple[tuple[str, ...], ...] = (
    ("status", "--json"),
    ("dups", "--json"),
    ("dups", "--format", "paths"),
    ("query", "IMAGE"),
    ("check", "IMAGE"),
    ("ignored",),
    ("undo", "--list"),
    ("clean", "--json"),
    ("doctor",),
    ("doctor", "--verify-files"),
    ("report", "REPORT", "--force"),
    ("backup", "BACKUP"),
)
WRITING: tuple[tuple[str, ...], ...] = (
    ("scan", "--hash-only", "IMAGES"),
    ("keep", "IMAGE"),
    ("ignore", "IMAGE", "OTHER"),
    ("clean", "--apply", "--action", "quarantine", "--to", "AWAY"),
    ("undo",),
)


class Place(NamedTuple):
    """Where a catalog that cannot be written to is, and where there is room."""

    catalog: Path
    images: Path
    room: Path

    def filled_in(self, command: tuple[str, ...]) -> list[str]:
        names = {
            "IMAGE": self.images / "0.png",
            "OTHER": self.images / "2.png",
            "IMAGES": self.images,
            "REPORT": self.room / "report.html",
            "BACKUP": self.room / "backup.db",
            "AWAY": self.room / "away",
        }
        return [str(names.get(word, word)) for word in command]


@pytest.fixture
def filled(command: Command, draw: Draw, tmp_path: Path) -> Path:
    """A folder with a catalog that has answered before, and its images."""
    for number in range(4):
        draw(tmp_path / "images" / f"{number}.png", number // 2)
    assert command("scan", "--hash-only", tmp_path / "images").code == 0
    folder = tmp_path / "kept"
    folder.mkdir()
    for file in Path().glob("catalog.db*"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def on_a_read_only_disk(filled: Path, mount: Mount, tmp_path: Path) -> Place:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount(disk, "-t", "tmpfs", "tmpfs")
    for file in filled.iterdir():
        shutil.copy(file, disk)
    mount(disk, "-o", "remount,ro")
    return Place(disk / "catalog.db", tmp_path / "images", tmp_path / "home")


def test_every_reading_command_reads(on_a_read_only_disk: Place, command: Command) -> None:
    place = on_a_read_only_disk
    before = sorted(place.catalog.parent.iterdir())
    for asked in READING:
        done = command(*place.filled_in(asked), "--catalog", place.catalog)
        assert done.code == 0, (asked, done)
    assert sorted(place.catalog.parent.iterdir()) == before
    here = json.loads(command("dups", "--json").out)
    there = json.loads(command("dups", "--json", "--catalog", place.catalog).out)
    assert there["groups"] == here["groups"] != []


def test_what_is_to_last_is_refused(on_a_read_only_disk: Place, command: Command) -> None:
    place = on_a_read_only_disk
    for asked in WRITING:
        done = command(*place.filled_in(asked), "--catalog", place.catalog)
        assert "can only be read" in complaint(done, 1), asked
    assert len(list(place.images.iterdir())) == 4


@pytest.fixture
def of_another_user(filled: Path, tmp_path: Path, bound_by_permissions: None) -> Iterator[Place]:
    """A catalog in a folder where this process may only read."""
    with only_readable(filled):
        yield Place(filled / "catalog.db", tmp_path / "images", tmp_path / "home")


@contextmanager
def only_readable(folder: Path) -> Iterator[None]:
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    yield
    folder.chmod(0o755)


def test_the_catalog_of_another_user(of_another_user: Place, command: Command) -> None:
    place = of_another_user
    before = sorted(place.catalog.parent.iterdir())
    for asked in READING:
        done = command(*place.filled_in(asked), "--catalog", place.catalog)
        assert done.code == 0, (asked, done)
    for asked in WRITING:
        done = command(*place.filled_in(asked), "--catalog", place.catalog)
        assert "can only be read" in complaint(done, 1), asked
    assert sorted(place.catalog.parent.iterdir()) == before


OWNER = """
import sys, time
from pathlib import Path
from neardup_cli.catalog import decisions
from neardup_cli.catalog.database import Catalog
catalog = Catalog.open(Path(sys.argv[1]))
with catalog.write() as connection:
    decisions.store_kept(connection, [bytes(32)])
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def owner(filled: Path) -> Iterator[subprocess.Popen[str]]:
    """The process of its owner, who has just written to the catalog."""
    command = [sys.executable, "-c", OWNER, str(filled / "catalog.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("bound_by_permissions")
@pytest.mark.parametrize("state", ["at work", "killed", "killed, and nothing shared any more"])
def test_what_its_owner_wrote_is_seen_in_the_log(
    filled: Path, owner: subprocess.Popen[str], command: Command, state: str
) -> None:
    catalog = filled / "catalog.db"
    if state != "at work":
        owner.kill()
        owner.wait()
    if state.endswith("any more"):
        Path(f"{catalog}-shm").unlink()
    with only_readable(filled):
        before = {file.name: file.stat().st_size for file in filled.iterdir()}
        for asked in (("ignored",), ("dups",), ("ignored",)):
            done = command(*asked, "--catalog", catalog)
            assert done.code == 0, done
        assert "keep" in done.out
        assert {file.name: file.stat().st_size for file in filled.iterdir()} == before


def test_damage_is_seen_there_too(on_a_read_only_disk: Place, command: Command, mount: Mount) -> None:
    place = on_a_read_only_disk
    mount(place.catalog.parent, "-o", "remount,rw")
    with place.catalog.open("r+b") as stream:
        stream.seek(-96, os.SEEK_END)
        stream.write(b"spoiled")
    mount(place.catalog.parent, "-o", "remount,ro")
    for asked in READING[:4]:
        assert "damaged" in complaint(command(*place.filled_in(asked), "--catalog", place.catalog), 6)


def test_an_older_catalog_is_upgraded_in_a_copy(on_a_read_only_disk: Place, mount: Mount) -> None:
    from tests.catalog.test_migrate import catalog_at  # an older catalog, made by the migrations

    place = on_a_read_only_disk
    mount(place.catalog.parent, "-o", "remount,rw")
    for file in place.catalog.parent.iterdir():
        file.unlink()
    catalog_at(place.catalog, "0009")
    mount(place.catalog.parent, "-o", "remount,ro")
    before = place.catalog.read_bytes()
    with Catalog.open(place.catalog) as catalog:
        with catalog.read() as connection:
            assert journal.batches(connection) == []
        with pytest.raises(CatalogError, match="can only be read"), catalog.write_durably():
            pass
    assert place.catalog.read_bytes() == before
