"""Each action on real files, what it refuses, and the way back."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog.journal import put_away
from neardup_cli.choices import Action, Loss
from neardup_cli.cleanup import renaming
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan, resume
from neardup_cli.pipeline.batches import list_batches
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import BatchState, Outcome, Policy
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.reports.plan_reader import read_plan
from tests.cleanup.conftest import Collection, contents, tree

if TYPE_CHECKING:
    from neardup_cli.plans import Plan
    from tests.conftest import Mount


def reasons(outcome: Outcome) -> dict[str, str]:
    return {os.path.basename(os.fsdecode(one.path)): one.reason for one in outcome.refused}


def copies(collection: Collection) -> list[Path]:
    return sorted((collection.folder / "b").rglob("*.png"))


MOVING = ["trash", "quarantine", "move", "across"]


@pytest.fixture(params=[*MOVING, "hardlink", "symlink"])
def plan(request: pytest.FixtureRequest, collection: Collection, other_disk: Path) -> Plan:
    """A plan of each action that leaves its mark and can be taken back."""
    name = request.param
    collection.fill(3, companions=True)
    to = {
        "quarantine": collection.base / "away",
        "move": collection.base / "away",
        "across": other_disk / "away" / "far",
    }.get(name)
    action = Action.QUARANTINE if name == "across" else Action(name)
    return collection.plan(action, to, across_devices=name == "across")


def test_apply_and_undo_leave_the_tree_as_it_was(collection: Collection, plan: Plan, home: Path) -> None:
    folders = (collection.folder, home)
    before, originals = tree(*folders), contents(collection.folder)
    outcome = apply_plan(collection.catalog, plan)
    assert not outcome.refused
    assert outcome.done == (6 if plan.action.is_link else 12)  # and two companions of each first copy
    assert tree(*folders) != before
    away = [] if plan.to is None else [Path(os.fsdecode(plan.to))]
    assert contents(*folders, *away) >= originals
    undone = undo_batch(collection.catalog)
    assert (undone.done, undone.refused) == (outcome.done, ())
    assert tree(*folders) == before
    assert not any(folder.exists() for folder in away)
    with pytest.raises(BadInput, match="nothing to undo"):
        undo_batch(collection.catalog)


def test_the_catalog_knows_at_once(collection: Collection, plan: Plan) -> None:
    groups = find_duplicates(collection.catalog, DupsOptions(hamming=0)).groups
    apply_plan(collection.catalog, plan)
    left = find_duplicates(collection.catalog, DupsOptions(hamming=0)).groups
    if plan.action is Action.HARDLINK:
        assert len(left) == len(groups)
        assert sum(group.reclaimable_bytes for group in left) == 0
    else:
        assert left == ()
    undo_batch(collection.catalog)
    assert len(find_duplicates(collection.catalog, DupsOptions(hamming=0)).groups) == len(groups)


def test_a_scan_in_between_does_not_confuse_the_undo(collection: Collection, plan: Plan) -> None:
    before = tree(collection.folder)
    apply_plan(collection.catalog, plan)
    collection.scan()
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before
    collection.scan()
    assert len(find_duplicates(collection.catalog, DupsOptions(hamming=0)).groups) == 3


def test_what_was_put_away_is_neither_kept_nor_acted_upon(collection: Collection) -> None:
    """A quarantine inside the scanned folder must not become the place of the last copies."""
    collection.fill(1)
    away = collection.folder / "0 quarantine"
    apply_plan(collection.catalog, collection.plan(Action.QUARANTINE, away))
    collection.scan()
    with collection.catalog.read() as connection:
        assert len(put_away(connection)) == 2
    again = collection.plan(Action.TRASH)
    assert again.acts == 0
    assert {left.reason for group in again.groups for left in group.left} == {
        "put away by an earlier clean-up"
    }
    assert {os.fsdecode(group.keep.path) for group in again.groups} == {
        str(collection.folder / "a" / "0.png")
    }
    assert collection.plan(Action.QUARANTINE, away).acts == 0


def test_delete_is_for_good_and_has_to_be_said(collection: Collection) -> None:
    collection.fill(2)
    plan = collection.plan(Action.DELETE)
    before = tree(collection.folder)
    with pytest.raises(BadInput, match="--permanently"):
        apply_plan(collection.catalog, plan)
    assert tree(collection.folder) == before
    assert apply_plan(collection.catalog, plan, permanently=True).done == 4
    assert copies(collection) == []
    assert len(contents(collection.folder)) == 2
    with pytest.raises(BadInput, match="for good"):
        undo_batch(collection.catalog, 1)


def test_deleting_spares_what_has_companions_of_its_own(collection: Collection) -> None:
    collection.fill(1, companions=True)
    plan = collection.plan(Action.DELETE)
    assert [os.path.dirname(act.file.path) for act in plan.groups[0].acts] == [
        os.fsencode(collection.folder / "b/deep")
    ]
    (left,) = plan.groups[0].left
    assert left.losses == (Loss.COMPANIONS,)
    for extension in ("xmp", "CR2"):
        assert f"copy of 0.{extension}: has no copy beside the file that stays" in left.reason
    for extension in ("xmp", "CR2"):
        shutil.copy(
            collection.folder / "b" / f"copy of 0.{extension}", collection.folder / "a" / f"0.{extension}"
        )
    assert collection.plan(Action.DELETE).acts == 2


def test_reflinks_or_a_clear_reason(collection: Collection) -> None:
    collection.fill(1)
    before = tree(collection.folder)
    outcome = apply_plan(collection.catalog, collection.plan(Action.REFLINK))
    if outcome.refused:
        assert set(reasons(outcome).values()) == {
            "the file system cannot share blocks between files (Btrfs and XFS can)"
        }
    assert tree(collection.folder) == before  # shared or not: bytes, times and modes are the same
    assert outcome.done + len(outcome.refused) == 2


def test_another_device_is_never_reached_in_silence(collection: Collection, other_disk: Path) -> None:
    collection.fill(1)
    to = other_disk / "away"
    assert collection.plan(Action.QUARANTINE, to).acts == 0
    allowed = collection.plan(Action.QUARANTINE, to, across_devices=True)
    forbidden = replace(allowed, across_devices=False)
    before = tree(collection.folder)
    outcome = apply_plan(collection.catalog, forbidden)
    assert all("on another device" in reason for reason in reasons(outcome).values())
    assert len(outcome.refused) == 2
    assert tree(collection.folder) == before
    assert not to.exists()


def test_the_trash_of_another_disk_is_on_that_disk(collection: Collection, other_disk: Path) -> None:
    top = Path("/dev/shm") / f".Trash-{os.getuid()}"
    existed = top.exists()
    collection.folder = other_disk / "photos"
    collection.fill(1)
    before = tree(collection.folder)
    assert apply_plan(collection.catalog, collection.plan(Action.TRASH)).done == 2
    with collection.catalog.read() as connection:
        places = [Path(os.fsdecode(place)) for place in put_away(connection)]
    notes = [(place.parents[1] / "info" / (place.name + ".trashinfo")).read_text() for place in places]
    assert {place.parents[1] for place in places} == {top}
    # Relative to the top of the disk, as the specification wants it on other volumes.
    assert all(f"Path={other_disk.name}/photos/b/" in note for note in notes)
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before
    if not existed:
        shutil.rmtree(top)


def test_the_home_trash_says_where_a_file_came_from(collection: Collection, home: Path) -> None:
    collection.fill(1)
    trash = home / ".local/share/Trash"
    (trash / "files" / "copy of 0.png").write_text("somebody else's")
    apply_plan(collection.catalog, collection.plan(Action.TRASH))
    assert (trash / "files" / "copy of 0.png").read_text() == "somebody else's"
    assert sorted(path.name for path in (trash / "files").iterdir()) == [
        "copy of 0.2.png",
        "copy of 0.3.png",
        "copy of 0.png",
    ]
    note = (trash / "info" / "copy of 0.2.png.trashinfo").read_text().splitlines()
    assert note[0] == "[Trash Info]"
    assert note[1] == f"Path={collection.folder}/b/copy%20of%200.png".replace("~", "%7E")
    assert note[2].startswith("DeletionDate=20")
    undo_batch(collection.catalog)
    assert [path.name for path in (trash / "files").iterdir()] == ["copy of 0.png"]
    assert list((trash / "info").iterdir()) == []


def test_files_that_changed_are_left_alone(collection: Collection) -> None:
    collection.fill(4)
    plan = collection.plan(Action.TRASH)
    folder = collection.folder
    changed = folder / "b" / "copy of 0.png"
    moment = changed.stat().st_mtime_ns
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    os.utime(changed, ns=(moment, moment))  # size and time as before, a byte not
    (folder / "a" / "1.png").write_bytes(b"no picture any more")
    (folder / "a" / "2.png").unlink()
    outcome = apply_plan(collection.catalog, plan)
    said = {os.fsdecode(one.path).removeprefix(f"{folder}/b/"): one.reason for one in outcome.refused}
    keeper = f"the file to keep, {folder}/a"
    again = "changed since it was looked at: run `neardup scan` and plan again"
    assert said == {
        "copy of 0.png": again,
        "copy of 1.png": f"{keeper}/1.png: {again}",
        "deep/copy of 1.png": f"{keeper}/1.png: {again}",
        "copy of 2.png": f"{keeper}/2.png: no longer there",
        "deep/copy of 2.png": f"{keeper}/2.png: no longer there",
    }
    assert outcome.done == 3  # the other copy of 0, and both of 3


def test_links_that_were_put_in_the_way(collection: Collection) -> None:
    collection.fill(3)
    plan = collection.plan(Action.TRASH)
    folder = collection.folder
    victim = folder / "b" / "copy of 0.png"
    victim.rename(folder / "elsewhere.png")
    victim.symlink_to(folder / "a" / "0.png")
    keeper = folder / "a" / "1.png"
    keeper.unlink()
    os.link(folder / "b" / "copy of 1.png", keeper)  # one file now: to remove a name would free nothing
    outcome = apply_plan(collection.catalog, plan)
    said = {os.fsdecode(one.path).removeprefix(f"{folder}/"): one.reason for one in outcome.refused}
    assert said["b/copy of 0.png"] == "a symbolic link stands there now"
    assert victim.is_symlink()
    assert "b/copy of 1.png" in said
    assert (folder / "b" / "copy of 1.png").exists()
    assert (folder / "a" / "1.png").exists()


def test_a_folder_that_became_a_link(collection: Collection) -> None:
    collection.fill(1)
    plan = collection.plan(Action.DELETE)
    (collection.folder / "b").rename(collection.folder / "moved")
    (collection.folder / "b").symlink_to(collection.folder / "moved")
    outcome = apply_plan(collection.catalog, plan, permanently=True)
    assert outcome.done == 0
    assert set(reasons(outcome).values()) == {"its folder is reached through a symbolic link now"}
    assert len(list((collection.folder / "moved").rglob("*.png"))) == 2


@pytest.mark.usefixtures("bound_by_permissions")
def test_folders_that_must_not_be_changed(collection: Collection) -> None:
    collection.fill(1)
    plan = collection.plan(Action.TRASH)
    (collection.folder / "b").chmod(0o555)
    try:
        outcome = apply_plan(collection.catalog, plan)
    finally:
        (collection.folder / "b").chmod(0o755)
    assert reasons(outcome) == {"copy of 0.png": "no permission to change its folder"}
    assert outcome.done == 1  # the one in b/deep


def test_disks_that_are_mounted_read_only(collection: Collection, mount: Mount) -> None:
    place = collection.base / "disk"
    place.mkdir()
    mount(place, "-t", "tmpfs", "tmpfs")
    collection.folder = place / "photos"
    collection.fill(1)
    plan = collection.plan(Action.HARDLINK)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    outcome = apply_plan(collection.catalog, plan)
    assert [one.reason for one in outcome.refused] == ["the disk is mounted read-only"] * 2


def test_disks_that_are_full(collection: Collection, mount: Mount) -> None:
    """Neither a copy to a full disk nor the undo of a link loses anything."""
    place = collection.base / "disk"
    place.mkdir()
    mount(place, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    collection.fill(1)
    before = tree(collection.folder)
    (place / "filler").write_bytes(b"x" * (64 * 1024 - 4096))
    plan = collection.plan(Action.MOVE, place / "away", across_devices=True)
    outcome = apply_plan(collection.catalog, plan)
    assert set(reasons(outcome).values()) == {"no room left on the disk"}
    assert tree(collection.folder) == before
    assert [path.name for path in place.rglob("*")] == ["filler"]


def test_names_that_are_taken_at_the_target(collection: Collection) -> None:
    collection.fill(1)
    away = collection.base / "away"
    plan = collection.plan(Action.MOVE, away)
    assert [os.path.basename(act.target or b"") for act in plan.groups[0].acts] == [
        b"copy of 0.png",
        b"copy of 0-2.png",
    ]
    away.mkdir()
    (away / "copy of 0.png").write_text("was here first")
    outcome = apply_plan(collection.catalog, plan)
    assert reasons(outcome) == {"copy of 0.png": f"the name is taken: {away}/copy of 0.png"}
    assert (away / "copy of 0.png").read_text() == "was here first"
    assert outcome.done == 1


def test_a_second_move_goes_on_numbering(collection: Collection) -> None:
    away = collection.base / "away"
    for number, expected in enumerate(
        (["copy of 0-2.png", "copy of 0.png"], ["copy of 0-3.png", "copy of 0-4.png"])
    ):
        collection.fill(1)
        plan = collection.plan(Action.MOVE, away)
        assert (
            sorted(os.fsdecode(os.path.basename(act.target or b"")) for act in plan.groups[0].acts)
            == expected
        )
        assert apply_plan(collection.catalog, plan).done == 2
        assert len(list(away.glob("*.png"))) == 2 * (number + 1)


def test_a_name_that_is_taken_in_the_quarantine_is_seen_in_the_plan(collection: Collection) -> None:
    collection.fill(1)
    away = collection.base / "away"
    apply_plan(collection.catalog, collection.plan(Action.QUARANTINE, away))
    collection.fill(1)
    plan = collection.plan(Action.QUARANTINE, away)
    assert plan.acts == 0
    assert all(left.reason.startswith(f"the name is taken: {away}/") for left in plan.groups[0].left)


def test_a_unit_goes_wholly_or_not_at_all(collection: Collection) -> None:
    collection.fill(1, companions=True)
    before = tree(collection.folder)
    away = collection.base / "away"
    plan = collection.plan(Action.QUARANTINE, away)
    taken = away / str(collection.folder).lstrip("/") / "b" / "copy of 0.xmp"
    taken.parent.mkdir(parents=True)
    taken.write_text("was here first")
    outcome = apply_plan(collection.catalog, plan)
    assert {os.path.basename(one.path) for one in outcome.refused} == {
        b"copy of 0.png",
        b"copy of 0.xmp",
        b"copy of 0.CR2",
    }
    assert outcome.done == 1
    undo_batch(collection.catalog)
    assert tree(collection.folder) == before


def test_a_unit_that_fails_halfway_is_put_back(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.fill(1, companions=True)
    before = tree(collection.folder)
    plan = collection.plan(Action.TRASH)
    rename = renaming.rename_exclusive

    def fail_for_sidecars(source: bytes, target: bytes) -> None:
        if source.endswith(b".xmp"):
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(renaming, "rename_exclusive", fail_for_sidecars)
    outcome = apply_plan(collection.catalog, plan)
    assert reasons(outcome) == dict.fromkeys(
        ("copy of 0.png", "copy of 0.CR2", "copy of 0.xmp"), "input/output error"
    )
    monkeypatch.undo()
    undo_batch(collection.catalog)
    assert tree(collection.folder) == before


@pytest.mark.parametrize("plan", MOVING, indirect=True)
def test_undo_refuses_where_something_stands_in_the_way(collection: Collection, plan: Plan) -> None:
    before = tree(collection.folder)
    apply_plan(collection.catalog, plan)
    blocked = collection.folder / "b" / "copy of 1.png"
    blocked.write_text("somebody was here")
    outcome = undo_batch(collection.catalog)
    assert {os.path.basename(one.path) for one in outcome.refused} == {
        b"copy of 1.png",
        b"copy of 1.xmp",
        b"copy of 1.CR2",
    }
    assert {one.reason for one in outcome.refused} == {"something else stands there now"}
    assert blocked.read_text() == "somebody was here"
    blocked.unlink()
    again = undo_batch(collection.catalog)
    assert (again.done, again.refused) == (3, ())
    assert tree(collection.folder) == before


def test_undo_refuses_what_was_changed_since(collection: Collection, plan: Plan) -> None:
    apply_plan(collection.catalog, plan)
    if plan.action.is_link:
        changed = collection.folder / "a" / "0.png"  # through either name, or behind the link
    else:
        with collection.catalog.read() as connection:
            places = sorted(put_away(connection))
        changed = Path(os.fsdecode(next(place for place in places if place.endswith(b"0.png"))))
    changed.write_bytes(b"edited")
    outcome = undo_batch(collection.catalog)
    assert outcome.refused
    assert all("changed" in one.reason for one in outcome.refused)
    assert changed.read_bytes() == b"edited"


@pytest.mark.parametrize("plan", MOVING, indirect=True)
def test_what_a_person_has_put_back_is_undone_already(collection: Collection, plan: Plan) -> None:
    """By copying: the file stands where it was, and where it was put away."""
    copy = collection.folder / "b/deep/copy of 1.png"
    before, status = tree(collection.folder), copy.stat()
    apply_plan(collection.catalog, plan)
    shutil.copy(collection.folder / "a/1.png", copy)
    copy.chmod(status.st_mode)
    os.utime(copy, ns=(status.st_mtime_ns, status.st_mtime_ns))
    with collection.catalog.read() as connection:
        places = put_away(connection)
    assert undo_batch(collection.catalog).refused == ()
    assert tree(collection.folder) == before
    assert not any(map(os.path.lexists, places))


def test_undo_makes_folders_again_that_were_removed(collection: Collection) -> None:
    collection.fill(1)
    before = tree(collection.folder)
    apply_plan(collection.catalog, collection.plan(Action.TRASH))
    (collection.folder / "b/deep").rmdir()
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before


def test_what_is_left_in_a_trash_comes_back(collection: Collection, home: Path) -> None:
    """Somebody has emptied a part of it: the sidecar is gone for good, its picture need not be."""
    collection.fill(1, companions=True)
    before = tree(collection.folder)
    apply_plan(collection.catalog, collection.plan(Action.TRASH))
    lost = home / ".local/share/Trash/files/copy of 0.xmp"
    lost.unlink()
    outcome = undo_batch(collection.catalog)
    assert reasons(outcome) == {"copy of 0.xmp": f"no longer at {lost}"}
    assert outcome.done == 3
    assert {path: value for path, value in before.items() if not path.endswith(".xmp")} == tree(
        collection.folder
    )


def test_an_emptied_trash_is_said(collection: Collection, home: Path) -> None:
    collection.fill(1)
    apply_plan(collection.catalog, collection.plan(Action.TRASH))
    shutil.rmtree(home / ".local/share/Trash")
    outcome = undo_batch(collection.catalog)
    assert outcome.done == 0
    assert all(one.reason.startswith("no longer at ") for one in outcome.refused)


def test_nothing_begins_while_a_batch_is_half_done(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.fill(3)
    before = tree(collection.folder)
    plan = collection.plan(Action.TRASH)
    calls = iter(range(100))

    def interrupt(source: bytes, target: bytes) -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt
        os.rename(source, target)

    monkeypatch.setattr(renaming, "rename_exclusive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        apply_plan(collection.catalog, plan)
    monkeypatch.undo()
    assert list_batches(collection.catalog)[0].state is BatchState.APPLYING
    with pytest.raises(BadInput, match=r"batch 1 was interrupted: `neardup clean --resume` goes on"):
        apply_plan(collection.catalog, plan)
    assert resume(collection.catalog).done == 6
    with pytest.raises(BadInput, match="nothing to resume"):
        resume(collection.catalog)
    undo_batch(collection.catalog)
    assert tree(collection.folder) == before


def test_where_the_file_system_cannot_rename_without_overwriting(
    collection: Collection, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems without renameat2: by a second link, and where there are none either, by a look."""
    monkeypatch.setattr(renaming, "_native_rename", lambda: lambda *_: 38)
    before = tree(collection.folder)
    assert not apply_plan(collection.catalog, plan).refused
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before
    (collection.base / "one").write_text("1")
    (collection.base / "two").write_text("2")
    with pytest.raises(FileExistsError):
        renaming.rename_exclusive(os.fsencode(collection.base / "one"), os.fsencode(collection.base / "two"))

    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(FileExistsError):
        renaming.rename_exclusive(os.fsencode(collection.base / "one"), os.fsencode(collection.base / "two"))
    renaming.rename_exclusive(os.fsencode(collection.base / "one"), os.fsencode(collection.base / "three"))
    assert (collection.base / "three").read_text() == "1"


def test_attributes_go_to_the_other_disk_and_back(collection: Collection, other_disk: Path) -> None:
    collection.fill(1, copies=1)
    copy = collection.folder / "b" / "copy of 0.png"
    try:
        os.setxattr(copy, "user.xdg.tags", b"Lisbon")
        os.setxattr(other_disk, "user.test", b"")
    except OSError:
        pytest.skip("no extended attributes on one of the two disks")
    away = other_disk / "away"
    apply_plan(collection.catalog, collection.plan(Action.MOVE, away, across_devices=True))
    assert os.getxattr(away / copy.name, "user.xdg.tags") == b"Lisbon"
    assert not undo_batch(collection.catalog).refused
    assert os.getxattr(copy, "user.xdg.tags") == b"Lisbon"


def test_names_of_any_bytes(collection: Collection, home: Path) -> None:
    """In reasons, in the trash's notes, in the journal."""
    folder = os.fsencode(collection.folder)
    names = [b"not \xff utf-8 %41 \n.png", b"a;b'c\"d.png", b"x" * 250 + b".png"]
    original = collection.draw(collection.folder / "a" / "\udcff.png", 1)
    os.makedirs(os.path.join(folder, b"b\xfe"))
    for name in names:
        shutil.copy(os.fsencode(original), os.path.join(folder, b"b\xfe", name))
    collection.scan()
    before = tree(collection.folder, home)
    plan = collection.plan(Action.TRASH)
    assert plan.acts == 3
    assert read_plan(dump(plan_document(plan))) == plan
    preferred = make_plan(
        collection.catalog, CleanOptions(policy=Policy(prefer=(os.path.join(folder, b"b\xfe"),)))
    )
    assert preferred.groups[0].reason == f"below preferred {collection.folder}/b\\xfe"
    assert read_plan(dump(plan_document(preferred))) == preferred
    assert apply_plan(collection.catalog, plan).done == 3
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder, home) == before
    original.unlink()
    said = {one.reason for one in apply_plan(collection.catalog, plan).refused}
    assert said == {f"the file to keep, {collection.folder}/a/\\xff.png: no longer there"}
