"""What a disk does not confirm is not relied on; what a power cut has unsaid is done, or undone, again."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from neardup_cli.catalog import journal
from neardup_cli.choices import Action
from neardup_cli.cleanup import files, renaming
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.errors import NeardupError
from neardup_cli.pipeline.apply import apply_plan, resume
from neardup_cli.pipeline.batches import list_batches
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import BatchState, OperationState, Plan
from tests.cleanup.conftest import Collection, tree

ACTIONS = ["trash", "quarantine", "across", "hardlink", "symlink", "delete"]


def planned(collection: Collection, name: str, other_disk: Path) -> Plan:
    collection.fill(1, copies=1)
    action = Action.QUARANTINE if name == "across" else Action(name)
    to = {"quarantine": collection.base / "away", "across": other_disk / "away"}.get(name)
    return collection.plan(action, to, across_devices=name == "across")


def failing(code: int, *, of: Callable[[int], bool] = lambda _: True) -> Callable[[int], None]:
    """Return an fsync that fails, of the files whose mode is such."""
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if of(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    return fail


def set_state(collection: Collection, state: BatchState) -> None:
    """Say of the only batch how far it is."""
    with collection.catalog.write() as connection:
        journal.set_batch_state(connection, list_batches(collection.catalog)[0].id, state)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_fsync_that_fails_stops_the_act(
    name: str, collection: Collection, home: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(collection, name, other_disk)
    places = collection.folder, home, collection.base / "away", other_disk
    before = tree(*places)
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, call, failing(errno.EIO))
    outcome = apply_plan(collection.catalog, plan, permanently=True)
    assert [one.reason for one in outcome.refused] == ["input/output error"]
    now = {path: what for path, what in tree(*places).items() if "catalog.db" not in path}
    assert now == {path: what for path, what in before.items() if "catalog.db" not in path}


@pytest.mark.parametrize("name", ACTIONS)
def test_folders_that_cannot_be_synced_at_all_are_no_obstacle(
    name: str, collection: Collection, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems in user space and in the network have no such call."""
    plan = planned(collection, name, other_disk)
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL, of=stat.S_ISDIR))
    outcome = apply_plan(collection.catalog, plan, permanently=True)
    assert (outcome.done, outcome.refused) == (1, ())


@pytest.mark.parametrize("name", ["quarantine", "hardlink"])
def test_a_disk_that_does_not_confirm_leaves_the_batch_open(
    name: str, collection: Collection, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(collection, name, other_disk)
    before = tree(collection.folder)

    def fail(_: object) -> None:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patched:
        patched.setattr(files, "sync_folders", fail)
        with pytest.raises(NeardupError, match=r"has not confirmed .* `neardup clean --resume` looks again"):
            apply_plan(collection.catalog, plan)
    assert list_batches(collection.catalog)[0].interrupted
    assert not resume(collection.catalog).refused
    with monkeypatch.context() as patched:
        patched.setattr(files, "sync_folders", fail)
        with pytest.raises(NeardupError, match=r"has not confirmed .* `neardup undo` looks again"):
            undo_batch(collection.catalog)
    assert list_batches(collection.catalog)[0].interrupted
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before


@pytest.mark.parametrize("name", ["trash", "quarantine"])
def test_a_file_that_cannot_be_looked_at_after_the_act_is_back(
    name: str, collection: Collection, home: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(collection, name, other_disk)
    before = tree(collection.folder, home, collection.base / "away")

    def fail(*_: object) -> bool:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(renaming, "_is_still", fail)
    outcome = apply_plan(collection.catalog, plan)
    assert [one.reason for one in outcome.refused] == ["no"]
    assert tree(collection.folder, home, collection.base / "away") == before


@pytest.mark.parametrize("name", ["trash", "quarantine"])
def test_a_file_of_which_it_is_not_known_is_not_called_untouched(
    name: str, collection: Collection, home: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went, cannot be looked at and cannot be brought back: an undo finds it, and nothing else is lost."""
    plan = planned(collection, name, other_disk)
    before = tree(collection.folder, home)

    def fail(*_: object) -> bool:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patched:
        patched.setattr(renaming, "_is_still", fail)
        patched.setattr(renaming, "bring_back", fail)
        patched.setattr("neardup_cli.cleanup.relocation.Relocation.happened", fail)
        assert [one.reason for one in apply_plan(collection.catalog, plan).refused] == ["no"]
    (batch, *_) = list_batches(collection.catalog)
    assert batch.counts == {OperationState.BEGUN: 1}
    assert tree(collection.folder, home) != before
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder, home) == before


@pytest.mark.parametrize("name", ["trash", "quarantine", "across"])
def test_what_a_power_cut_has_unsaid_is_done_again(
    name: str, collection: Collection, home: Path, other_disk: Path
) -> None:
    """The catalog may be on another disk than the files, and be ahead of it by some seconds."""
    plan = planned(collection, name, other_disk)
    copy = collection.folder / "b" / "copy of 0.png"
    places = collection.folder, home, other_disk / "away", collection.base / "away"
    before = tree(*places)
    apply_plan(collection.catalog, plan)
    told_anew = (".trashinfo", ".neardup-journal.jsonl")
    planned_tree = {path: what for path, what in tree(*places).items() if not path.endswith(told_anew)}
    (target,) = (Path(path) for path in planned_tree if path.endswith("copy of 0.png"))
    shutil.move(target, copy)
    set_state(collection, BatchState.APPLYING)
    assert resume(collection.catalog).done == 1
    assert not copy.exists()
    assert planned_tree.items() <= tree(*places).items()
    assert not undo_batch(collection.catalog).refused
    assert tree(*places) == before
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(copy, target)
    set_state(collection, BatchState.UNDOING)
    assert not undo_batch(collection.catalog).refused
    assert copy.exists()
    assert not target.exists()


def test_made_folders_go_in_whatever_order_files_come_back(collection: Collection) -> None:
    collection.fill(2, copies=2)
    away = collection.base / "away"
    assert not apply_plan(collection.catalog, collection.plan(Action.QUARANTINE, away)).refused
    before = tree(collection.folder / "a")
    taken = collection.folder / "b" / "deep" / "copy of 0.png"
    taken.parent.mkdir(exist_ok=True)
    taken.write_bytes(b"in the way")
    assert len(undo_batch(collection.catalog).refused) == 1
    taken.unlink()
    assert not undo_batch(collection.catalog).refused
    assert not away.exists()
    assert tree(collection.folder / "a") == before


def test_two_names_of_one_file_that_a_kill_has_left_are_one(tmp_path: Path) -> None:
    place, path, other = (os.fsencode(tmp_path / name) for name in ("aside", "a.png", "b.png"))
    for name in (place, other):
        Path(os.fsdecode(name)).write_bytes(b"a file")
    os.link(place, path)
    renaming.bring_back(place, path)
    assert sorted(os.listdir(tmp_path)) == ["a.png", "b.png"]
    with pytest.raises(Refused, match="something else stands there now"):
        renaming.bring_back(path, other)


def test_what_does_not_answer_is_not_gone(tmp_path: Path, bound_by_permissions: None) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "a.png").touch()
    assert files.is_there(os.fsencode(folder / "a.png"))
    assert not files.is_there(os.fsencode(folder / "b.png"))
    assert not files.is_there(os.fsencode(folder / "a.png" / "c"))
    folder.chmod(0)
    with pytest.raises(PermissionError):
        files.is_there(os.fsencode(folder / "a.png"))
    folder.chmod(0o700)
