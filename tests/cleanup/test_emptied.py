"""Folders that a clean-up has emptied go, and come back with an undo."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from neardup_cli.choices import Action
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.undo import undo_batch
from tests.cleanup.conftest import Collection, tree

HOUR = 3_600_000_000_000
OLD = 1_600_000_000_000_000_000


def times(*folders: Path) -> list[tuple[int, int]]:
    return [(folder.stat().st_mtime_ns, stat.S_IMODE(folder.stat().st_mode)) for folder in folders]


@pytest.fixture
def filled(collection: Collection) -> Collection:
    """Copies in `b` and `b/deep`, of which an apply leaves nothing."""
    collection.fill(2)
    return collection


def clean(collection: Collection, action: Action = Action.TRASH, *, across_drives: bool = False) -> None:
    plan = collection.plan(action, remove_empty_folders=True, across_drives=across_drives)
    assert plan.acts
    assert not apply_plan(collection.catalog, plan, permanently=True).refused


def test_emptied_folders_go_and_come_back_with_mode_and_time(filled: Collection) -> None:
    outer, deep = filled.folder / "b", filled.folder / "b" / "deep"
    outer.chmod(0o711)
    deep.chmod(0o750)
    for number, folder in enumerate((deep, outer)):
        os.utime(folder, ns=(OLD, OLD + number * HOUR))
    before, dressed = tree(filled.folder), times(outer, deep)
    plan = filled.plan(Action.TRASH, remove_empty_folders=True)
    outcome = apply_plan(filled.catalog, plan)
    assert (outcome.folders, outcome.refused) == (2, ())
    assert sorted(os.listdir(filled.folder)) == ["a"]
    assert not undo_batch(filled.catalog).refused
    assert tree(filled.folder) == before
    assert times(outer, deep) == dressed


def test_without_the_option_folders_stay(filled: Collection) -> None:
    outcome = apply_plan(filled.catalog, filled.plan(Action.TRASH))
    assert outcome.folders == 0
    assert (filled.folder / "b" / "deep").is_dir()


@pytest.mark.parametrize("litter", [".DS_Store", "Thumbs.db", "notes.txt", "empty before/"])
def test_a_folder_with_anything_left_stays(filled: Collection, litter: str) -> None:
    left = filled.folder / "b" / litter
    left.mkdir() if litter.endswith("/") else left.touch()
    clean(filled)
    assert left.exists()
    assert not (filled.folder / "b" / "deep").exists()


def test_roots_and_what_is_above_them_stay(collection: Collection, draw: Callable[[Path, int], Path]) -> None:
    draw(collection.folder / "a" / "1.png", 1)
    (collection.folder / "only").mkdir()
    (collection.folder / "only" / "copy.png").write_bytes((collection.folder / "a" / "1.png").read_bytes())
    for name in ("a", "only"):
        scan(collection.catalog, [os.fsencode(collection.folder / name)], ScanOptions(hash_only=True))
    clean(collection)
    assert os.listdir(collection.folder / "only") == []


def test_an_empty_folder_of_before_is_not_touched(filled: Collection) -> None:
    (filled.folder / "empty").mkdir()
    clean(filled)
    assert (filled.folder / "empty").is_dir()


def test_a_mount_point_stays(
    collection: Collection, draw: Callable[[Path, int], Path], mount: Callable[..., None]
) -> None:
    place = collection.folder / "disk"
    place.mkdir(parents=True)
    mount(place, "-t", "tmpfs", "tmpfs")
    original = draw(collection.folder / "a" / "1.png", 1)
    (place / "in").mkdir()
    (place / "in" / "copy.png").write_bytes(original.read_bytes())
    collection.scan()
    clean(collection, Action.DELETE, across_drives=True)
    assert os.listdir(place) == []
    assert place.is_mount()


def test_the_working_folder_stays(filled: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(filled.folder / "b" / "deep")
    clean(filled)
    assert (filled.folder / "b" / "deep").is_dir()


def test_links_empty_nothing(filled: Collection) -> None:
    clean(filled, Action.SYMLINK)
    assert (filled.folder / "b" / "deep").is_dir()


def test_a_folder_that_somebody_else_emptied_stays(filled: Collection) -> None:
    plan = filled.plan(Action.TRASH, remove_empty_folders=True)
    for path in (filled.folder / "b" / "deep").iterdir():
        path.unlink()
    assert len(apply_plan(filled.catalog, plan).refused) == 2
    assert (filled.folder / "b" / "deep").is_dir()


def test_a_file_in_the_place_of_a_folder(filled: Collection) -> None:
    clean(filled)
    (filled.folder / "b").touch()
    assert len(undo_batch(filled.catalog).refused) == 4
    (filled.folder / "b").unlink()
    assert not undo_batch(filled.catalog).refused
    assert (filled.folder / "b" / "deep" / "copy of 0.png").is_file()
