"""What other programs do between a look and an act, what kills leave behind, and folders with two names."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action, Kind
from neardup_cli.cleanup import files, renaming
from neardup_cli.cleanup.act import Ready
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan, resume
from neardup_cli.pipeline.batches import list_batches
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.decisions import keep_files
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import OperationState, Outcome, Plan, Policy
from neardup_cli.reports.plan_text import batch_lines
from tests.cleanup.conftest import Collection, contents, tree

if TYPE_CHECKING:
    from tests.conftest import Mount

ACTIONS = ["trash", "quarantine", "across", "hardlink", "symlink", "delete"]


def planned(collection: Collection, name: str, other_disk: Path) -> Plan:
    action = Action.QUARANTINE if name == "across" else Action(name)
    to = {"quarantine": collection.base / "away", "across": other_disk / "away"}.get(name)
    return collection.plan(action, to, across_devices=name == "across")


def only_reason(outcome: Outcome) -> str:
    (reason,) = {one.reason for one in outcome.refused}
    return reason


def before_the_act(monkeypatch: pytest.MonkeyPatch, do: Callable[[Ready], object], *, looks: int = 1) -> None:
    """Have something done right after the last look at a file, once for each file."""
    look, seen = Ready.look_again, Counter[int]()

    def look_then_do(ready: Ready) -> None:
        look(ready)
        seen[ready.operation.id] += 1
        if seen[ready.operation.id] == looks:
            do(ready)

    monkeypatch.setattr(Ready, "look_again", look_then_do)


@pytest.mark.parametrize("system", ["Linux", "another"])
@pytest.mark.parametrize("name", ACTIONS)
def test_what_an_editor_saves_at_the_last_moment_stays(
    name: str, system: str, collection: Collection, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes a new file beside the picture and renames it: the new one must not go for the old one."""
    collection.fill(1, copies=1)
    plan = planned(collection, name, other_disk)
    copy = collection.folder / "b" / "copy of 0.png"
    if system != "Linux":
        monkeypatch.setattr(renaming, "_native_rename", lambda: lambda *_: errno.ENOSYS)

    def save(*_: object) -> None:
        (collection.base / "new").write_text("an afternoon's work")
        (collection.base / "new").rename(copy)

    if name == "across":  # after it was copied, before it is removed
        monkeypatch.setattr(files, "sync_folder", save)
    else:
        before_the_act(monkeypatch, save, looks=2 if plan.action.is_link else 1)
    outcome = apply_plan(collection.catalog, plan, permanently=True)
    assert copy.read_text() == "an afternoon's work"
    assert not copy.is_symlink()
    assert outcome.done == 0
    assert only_reason(outcome) in (
        "another file has just come under its name",
        "changed while it was being looked at",  # where two names cannot be exchanged
    )
    assert [path.name for path in collection.folder.rglob("*") if path.name.startswith(".")] == []


def test_two_catalogs_that_keep_each_others_copies(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each finds its file to keep in its place, and is about to remove the other's: one has to step back."""
    collection.fill(1, copies=1)
    plan = collection.plan(Action.DELETE)
    with Catalog.open(collection.base / "other.db", create=True) as catalog:
        other = Collection(collection.base, catalog, collection.draw)
        other.scan()
        options = CleanOptions(
            action=Action.DELETE,
            policy=Policy(prefer=(os.fsencode(collection.folder / "b"),)),
            dups=DupsOptions(hamming=0),
        )
        opposite = make_plan(catalog, options)
        (mine,), (theirs,) = plan.groups, opposite.groups
        assert (mine.keep.path, theirs.keep.path) == (theirs.acts[0].file.path, mine.acts[0].file.path)
        outcomes: list[Outcome] = []

        def apply_theirs(ready: Ready) -> None:
            if ready.operation.file.path == mine.acts[0].file.path:
                outcomes.append(apply_plan(catalog, opposite, permanently=True))

        before_the_act(monkeypatch, apply_theirs)
        assert apply_plan(collection.catalog, plan, permanently=True).done == 1
    assert only_reason(outcomes[0]) == "another program is at work on it"
    assert Path(os.fsdecode(mine.keep.path)).exists()


def test_the_sidecar_beside_the_keeper_is_looked_at_before_its_double_is_deleted(
    collection: Collection,
) -> None:
    collection.fill(2, copies=1, companions=True)
    for number in range(2):
        for extension in ("xmp", "CR2"):
            name = f"{number}.{extension}"
            shutil.copy(collection.folder / "b" / f"copy of {name}", collection.folder / "a" / name)
    plan = collection.plan(Action.DELETE)
    assert plan.acts == 2
    before = tree(collection.folder / "b")
    changed, removed = collection.folder / "a/0.xmp", collection.folder / "a/1.CR2"
    status = changed.stat()
    changed.write_text("another rating"[: status.st_size])
    os.utime(changed, ns=(status.st_mtime_ns, status.st_mtime_ns))
    removed.unlink()
    outcome = apply_plan(collection.catalog, plan, permanently=True)
    assert outcome.done == 0
    assert {one.reason for one in outcome.refused} == {
        f"the file to keep, {changed}: changed since it was looked at: run `neardup scan` and plan again",
        f"the file to keep, {removed}: no longer there",
    }
    assert tree(collection.folder / "b") == before
    (group, _) = plan.groups
    act = replace(group.acts[0], companions=(replace(group.acts[0].companions[0], twin=None),))
    unsafe = replace(plan, groups=(replace(group, acts=(act,)),))
    with pytest.raises(BadInput, match="names no file with the same bytes"):
        apply_plan(collection.catalog, unsafe, permanently=True)


@pytest.mark.parametrize("action", [Action.DELETE, Action.HARDLINK, Action.SYMLINK])
def test_a_keeper_that_the_disk_cannot_hold_is_none(
    action: Action, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes may be in memory only so far, and the copy's are about to go."""
    collection.fill(1)
    plan, before = collection.plan(action), tree(collection.folder)

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fail)
    assert only_reason(apply_plan(collection.catalog, plan, permanently=True)) == "input/output error"
    assert tree(collection.folder) == before


def test_every_file_that_a_person_said_to_keep_stays(collection: Collection) -> None:
    """The same bytes or not: which of the files was meant, a decision about bytes does not say."""
    collection.fill(2)
    keep_files(collection.catalog, [os.fsencode(collection.folder / "a" / "0.png")])
    plan = collection.plan(Action.TRASH)
    assert plan.acts == 2
    (kept,) = (group for group in plan.groups if not group.acts)
    assert kept.reason == "you said to keep it"
    assert [left.reason for left in kept.left] == ["you said to keep it"] * 2
    chosen = kept.left[0].path
    options = CleanOptions(chosen={kept.id: chosen}, dups=DupsOptions(hamming=0))
    picked = next(group for group in make_plan(collection.catalog, options).groups if group.id == kept.id)
    assert (picked.keep.path, len(picked.acts)) == (chosen, 2)  # that was said of a file, just now


def interrupted(monkeypatch: pytest.MonkeyPatch, collection: Collection, plan: Plan, ending: bytes) -> None:
    """Apply a plan and break off right before a file with this ending is moved."""

    def stop(source: bytes, target: bytes) -> None:
        if source.endswith(ending):
            raise KeyboardInterrupt
        os.rename(source, target)

    monkeypatch.setattr(renaming, "rename_exclusive", stop)
    with pytest.raises(KeyboardInterrupt):
        apply_plan(collection.catalog, plan)
    monkeypatch.undo()


def test_a_unit_that_is_half_done_is_taken_back_if_the_rest_cannot_be(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("HOME", str(home))
    collection.fill(1, copies=1, companions=True)
    plan = collection.plan(Action.QUARANTINE, collection.base / "away")
    interrupted(monkeypatch, collection, plan, b".xmp")
    picture, sidecar = collection.folder / "b/copy of 0.png", collection.folder / "b/copy of 0.xmp"
    assert not picture.exists()
    sidecar.write_text("rated in the meantime")
    outcome = resume(collection.catalog)
    assert outcome.done == 0
    assert only_reason(outcome) == "changed since it was looked at: run `neardup scan` and plan again"
    assert picture.exists()
    assert not (collection.base / "away").exists()


def test_a_file_that_is_nowhere_to_be_found_is_not_forgotten(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk that it was moved to is away when the clean-up goes on."""
    away, hidden = collection.base / "away", collection.base / "hidden"
    collection.fill(1, copies=1)
    before = tree(collection.folder)
    plan = collection.plan(Action.QUARANTINE, away)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(journal, "record_gone", stop)
    with pytest.raises(KeyboardInterrupt):
        apply_plan(collection.catalog, plan)
    monkeypatch.undo()
    away.rename(hidden)
    assert only_reason(resume(collection.catalog)).startswith("neither there nor at ")
    assert only_reason(undo_batch(collection.catalog)).startswith("neither there nor at ")
    (line,) = batch_lines(list_batches(collection.catalog))
    assert line.endswith("quarantine\t1 file nowhere to be found")
    hidden.rename(away)
    undone = undo_batch(collection.catalog)
    assert (undone.done, undone.refused) == (1, ())
    assert tree(collection.folder) == before


def test_an_unfinished_unit_with_something_in_its_way(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was never moved is not called done for the sake of what was."""
    collection.fill(1, copies=1, companions=True)
    plan = collection.plan(Action.QUARANTINE, collection.base / "away")
    interrupted(monkeypatch, collection, plan, b".xmp")
    (collection.folder / "b/copy of 0.png").write_text("in the way")
    outcome = undo_batch(collection.catalog)
    assert [os.path.basename(one.path) for one in outcome.refused] == [b"copy of 0.png"]
    with collection.catalog.read() as connection:
        (batch,) = journal.batches(connection)
    assert batch.counts[OperationState.DONE] == 1


def test_a_link_made_on_the_way_is_removed_if_the_file_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder with the sticky bit, where a system without renameat2 can link and not remove."""
    source, target = tmp_path / "one", tmp_path / "two"
    source.write_text("1")
    unlink = os.unlink

    def refuse(path: bytes) -> None:
        if path == os.fsencode(source):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(renaming, "_native_rename", lambda: lambda *_: errno.ENOSYS)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(PermissionError):
        renaming.rename_exclusive(os.fsencode(source), os.fsencode(target))
    assert (source.exists(), target.exists()) == (True, False)


def test_a_file_is_locked_for_others_and_shared_by_those_who_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("a")
    raw, status = os.fsencode(path), path.lstat()
    shared, alone = (files.held(raw, status, alone=how) for how in (False, True))
    with files.held(raw, status, alone=False), shared, pytest.raises(Refused, match="at work"), alone:
        pass
    shared, alone = (files.held(raw, status, alone=how) for how in (False, True))
    with alone, pytest.raises(Refused, match="at work"), shared:
        pass
    path.write_text("another")
    with pytest.raises(Refused, match="changed"), files.held(raw, status, alone=True):
        pass


@pytest.fixture
def twice(collection: Collection, mount: Mount) -> Path:
    """The collection's folder, mounted a second time: one folder with two names."""
    collection.fill(1, copies=1)
    second = collection.base / "again"
    second.mkdir()
    mount(second, "--bind", str(collection.folder))
    return second


def test_a_folder_that_is_mounted_twice_is_one_folder(collection: Collection, twice: Path) -> None:
    scanned = Collection(collection.base, collection.catalog, collection.draw)
    scanned.folder = twice
    scanned.scan()
    plan = collection.plan(Action.DELETE)
    (group,) = plan.groups
    assert len(group.acts) == 1
    assert {left.reason for left in group.left} == {
        f"its folder is {collection.folder}/a under another name",
        f"its folder is {twice}/b under another name",
    }
    assert group.keep.path == os.fsencode(collection.folder / "a" / "0.png")  # as is preferred
    assert apply_plan(collection.catalog, plan, permanently=True).done == 1
    assert len(contents(collection.folder)) == 1


def test_what_is_protected_is_so_under_every_name(collection: Collection, twice: Path) -> None:
    policy = Policy(prefer=(os.fsencode(collection.folder / "a"),), protect=(os.fsencode(twice / "b"),))
    options = CleanOptions(action=Action.DELETE, policy=policy, dups=DupsOptions(hamming=0))
    (group,) = make_plan(collection.catalog, options).groups
    assert [left.reason for left in group.left] == ["protected"]
    unprotected = collection.plan(Action.DELETE)
    with pytest.raises(BadInput, match="which it protects"):
        apply_plan(collection.catalog, replace(unprotected, policy=policy), permanently=True)
    assert len(tree(collection.folder)) == 4


def test_what_one_group_keeps_goes_under_no_other_name(
    collection: Collection, twice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote the plan: first a copy goes for the sake of a file, then the file itself."""
    (collection.folder / "c").mkdir()
    other = collection.draw(collection.folder / "c" / "1.png", 1)
    plan = collection.plan(Action.DELETE)
    (group,) = plan.groups
    status = other.stat()
    digest = files.digested(os.fsencode(other))[1]
    keep = replace(
        group.keep, path=os.fsencode(other), size=status.st_size, mtime_ns=status.st_mtime_ns, digest=digest
    )
    itself = replace(group.keep, path=os.fsencode(twice / "a" / "0.png"))
    again = replace(group.acts[0], file=itself, kind=Kind.RESIZED)
    unsafe = replace(plan, groups=(group, replace(group, id="1", keep=keep, acts=(again,))))
    with pytest.raises(BadInput, match="no image that this catalog has"):
        apply_plan(collection.catalog, unsafe, permanently=True)
    # The acts are a second line behind the guard, and hold without it.
    monkeypatch.setattr("neardup_cli.pipeline.apply.guard_plan", lambda *_: None)
    outcome = apply_plan(collection.catalog, unsafe, permanently=True)
    assert outcome.done == 1
    assert only_reason(outcome) == "it and a file to keep are one file: removing it frees nothing"
    assert (collection.folder / "a" / "0.png").exists()


def test_two_ways_to_one_file_are_no_doubles(collection: Collection, twice: Path) -> None:
    name = b"a/0.png"
    one, other = (os.path.join(os.fsencode(folder), name) for folder in (collection.folder, twice))
    with pytest.raises(Refused, match="this very file"):
        renaming.remove_double(one, other)
    assert os.path.lexists(one)
    os.link(one, one + b".link")
    renaming.remove_double(one + b".link", other)
    assert os.path.lexists(one)


def test_nothing_comes_back_below_a_mount_point_without_its_disk(
    collection: Collection, mount: Mount
) -> None:
    """It would be hidden as soon as the disk is there again."""
    disk, spare = collection.base / "disk", collection.base / "spare"
    disk.mkdir()
    spare.mkdir()
    mount(disk, "-t", "tmpfs", "tmpfs")
    collection.folder = disk / "photos"
    collection.fill(1)
    before = tree(disk)
    apply_plan(
        collection.catalog, collection.plan(Action.MOVE, collection.base / "away", across_devices=True)
    )
    mount(spare, "--bind", str(disk))
    subprocess.run(["umount", disk], check=True)
    assert only_reason(undo_batch(collection.catalog)) == "the disk that it was on is not mounted"
    assert list(disk.iterdir()) == []
    mount(disk, "--bind", str(spare))
    undone = undo_batch(collection.catalog)
    assert (undone.done, undone.refused) == (2, ())
    assert tree(disk) == before
