"""What a clean-up put into a folder goes back by the journal in that folder, with the catalog deleted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action
from neardup_cli.cleanup import renaming, second_journal
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.pipeline.undo_from import undo_from
from tests.cleanup.conftest import Collection, Tree, tree

NAME = ".neardup-journal.jsonl"
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.utime", "os.chmod"}


@pytest.fixture
def away(collection: Collection) -> Path:
    collection.fill(3, copies=2, companions=True)
    return collection.base / "away"


def put_away(collection: Collection, away: Path, action: Action = Action.QUARANTINE) -> None:
    assert not apply_plan(collection.catalog, collection.plan(action, away)).refused


ACTIONS = [Action.QUARANTINE, Action.MOVE, Action.TRASH]


def placed(collection: Collection, action: Action) -> Path:
    """Have all copies put somewhere; return where."""
    away = collection.base / "away"
    if action is not Action.TRASH:
        put_away(collection, away, action)
        assert len((away / NAME).read_bytes().splitlines()) == 12
        return away
    assert not apply_plan(collection.catalog, collection.plan(Action.TRASH)).refused
    trash = collection.base / "home/.local/share/Trash"
    assert len(list((trash / "info").iterdir())) == 12
    return trash


def assert_all_comes_back(collection: Collection, folder: Path, before: Tree) -> None:
    outcome = undo_from(os.fsencode(folder))
    assert (outcome.done, outcome.refused) == (12, ())
    assert tree(collection.folder) == before
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("action", ACTIONS)
def test_all_comes_back_with_the_catalog_deleted(collection: Collection, away: Path, action: Action) -> None:
    before = tree(collection.folder)
    folder = placed(collection, action)
    collection.catalog.close()
    for path in collection.base.glob("catalog.db*"):
        path.unlink()
    assert_all_comes_back(collection, folder, before)


@pytest.mark.parametrize("action", ACTIONS)
def test_all_comes_back_with_an_older_catalog(collection: Collection, away: Path, action: Action) -> None:
    before, older = tree(collection.folder), collection.base / "older.db"
    collection.catalog.backup(older)
    folder = placed(collection, action)
    with Catalog.open(older) as catalog:
        with pytest.raises(BadInput, match="nothing to undo"):
            undo_batch(catalog)
        assert_all_comes_back(collection, folder, before)
        summary = scan(catalog, [os.fsencode(collection.folder)], ScanOptions(hash_only=True))
        assert (summary.missing, summary.added, summary.changed) == (0, 0, 0)


@pytest.mark.parametrize("action", ACTIONS)
def test_all_comes_back_with_a_catalog_copied_without_its_log(
    collection: Collection, away: Path, action: Action
) -> None:
    before, copied = tree(collection.folder), collection.base / "copied.db"
    collection.catalog.close()  # which folds the log into the file; what follows is in the log alone
    with collection.catalog.read():
        folder = placed(collection, action)
        assert (collection.base / "catalog.db-wal").stat().st_size
        shutil.copy(collection.base / "catalog.db", copied)
    with Catalog.open(copied) as catalog:
        with pytest.raises(BadInput, match="nothing to undo"):
            undo_batch(catalog)
        assert_all_comes_back(collection, folder, before)


def test_a_trash_that_is_elsewhere_now_gives_back_what_is_ours_alone(
    collection: Collection, away: Path
) -> None:
    before = tree(collection.folder)
    folder = placed(collection, Action.TRASH)
    moved = collection.base / "another" / "Trash"
    shutil.move(folder, moved)
    theirs = (moved / "files" / "thrown away.png", moved / "info" / "thrown away.png.trashinfo")
    theirs[0].write_bytes((collection.folder / "a" / "0.png").read_bytes())
    path = collection.folder / "thrown away.png"
    theirs[1].write_text(f"[Trash Info]\nPath={path}\nDeletionDate=2026-01-01T00:00:00\n")
    assert undo_from(os.fsencode(moved)).done == 12
    assert tree(collection.folder) == before
    assert sorted(moved.rglob("thrown*")) == sorted(theirs)
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Path=/", b"Path=../../"),
        (b"Path=", b"Path=/etc/../"),
        (b".png\nDel", b".desktop\nDel"),
        (b"copy%20of%200.png\n", b".bashrc\n"),
        (b'"content": "', b'"content": "00'),
        (b'"schema": "', b'"schema": "x'),
        (b"X-Neardup=", b"X-Neardup=["),
    ],
)
def test_a_forged_note_moves_nothing(collection: Collection, old: bytes, new: bytes) -> None:
    collection.fill(1, copies=1)
    assert not apply_plan(collection.catalog, collection.plan(Action.TRASH)).refused
    trash = collection.base / "home/.local/share/Trash"
    (note,) = (trash / "info").iterdir()
    assert old in note.read_bytes()
    note.write_bytes(note.read_bytes().replace(old, new, 1))
    before = tree(collection.folder, trash)
    assert undo_from(os.fsencode(trash)).done == 0
    assert tree(collection.folder, trash) == before


def test_the_note_of_a_file_that_is_back_goes(collection: Collection) -> None:
    """A kill came between the two."""
    collection.fill(1, copies=1)
    before = tree(collection.folder)
    assert not apply_plan(collection.catalog, collection.plan(Action.TRASH)).refused
    trash = collection.base / "home/.local/share/Trash"
    shutil.move(trash / "files" / "copy of 0.png", collection.folder / "b" / "copy of 0.png")
    assert undo_from(os.fsencode(trash)).done == 0
    assert list((trash / "info").iterdir()) == []
    assert tree(collection.folder) == before


def test_the_copy_that_a_kill_left_half_done_goes(collection: Collection, other_disk: Path) -> None:
    collection.fill(1, copies=1)
    away = other_disk / "away"
    plan = collection.plan(Action.QUARANTINE, away, across_devices=True)
    assert not apply_plan(collection.catalog, plan).refused
    told = json.loads((away / NAME).read_bytes())
    (away / told["target"]).with_name(f".neardup-{told['batch']}-{told['id']}").write_bytes(b"half")
    assert undo_from(os.fsencode(away)).done == 1
    assert [path for path in away.rglob("*") if path.is_file()] == []


def test_a_folder_that_is_somewhere_else_now(collection: Collection, away: Path) -> None:
    before = tree(collection.folder)
    put_away(collection, away)
    moved = collection.base / "another mount"
    away.rename(moved)
    assert undo_from(os.fsencode(moved)).done == 12
    assert tree(collection.folder) == before


def test_the_catalog_is_content_with_what_came_back_without_it(collection: Collection, away: Path) -> None:
    before = tree(collection.folder)
    put_away(collection, away)
    undo_from(os.fsencode(away))
    assert not undo_batch(collection.catalog).refused
    assert tree(collection.folder) == before


def test_an_undo_with_the_catalog_leaves_no_journal(collection: Collection, away: Path) -> None:
    before = tree(collection.base / "photos", collection.base / "home")
    put_away(collection, away)
    assert not undo_batch(collection.catalog).refused
    assert not away.exists()
    away.mkdir()
    (away / "of the user").touch()
    put_away(collection, away)
    assert not undo_batch(collection.catalog).refused
    assert [path.name for path in away.iterdir()] == ["of the user"]
    assert tree(collection.base / "photos", collection.base / "home") == before


def test_two_clean_ups_share_a_folder(collection: Collection, away: Path) -> None:
    before = tree(collection.folder)
    put_away(collection, away)
    original = collection.folder / "a" / "0.png"
    shutil.copy(original, collection.folder / "b" / "later.png")
    later = tree(collection.folder / "b")
    collection.scan()
    put_away(collection, away)
    assert not undo_batch(collection.catalog).refused
    assert (away / NAME).exists()
    assert tree(collection.folder / "b") == later
    (collection.folder / "b" / "later.png").unlink()
    assert undo_from(os.fsencode(away)).done == 12
    assert tree(collection.folder) == before


def test_what_is_in_the_way_or_changed_stays(collection: Collection, away: Path) -> None:
    put_away(collection, away)
    taken = collection.folder / "b" / "copy of 0.png"
    taken.write_bytes(b"something else")
    (changed,) = away.rglob("copy of 1.CR2")
    changed.write_bytes(b"changed")
    outcome = undo_from(os.fsencode(away))
    assert outcome.done == 10
    assert {Path(os.fsdecode(one.path)).name for one in outcome.refused} == {
        "copy of 0.png",
        "copy of 1.CR2",
    }
    assert taken.read_bytes() == b"something else"
    taken.unlink()
    changed.write_bytes(b"CR2 of 1")
    assert undo_from(os.fsencode(away)).done == 2
    assert not (away / NAME).exists()


def test_torn_and_foreign_lines_are_passed_over(collection: Collection, away: Path) -> None:
    put_away(collection, away)
    path = away / NAME
    line = path.read_bytes().splitlines()[0]
    path.write_bytes(b"[]\n\n{\n" + b"\xff\n" + path.read_bytes() + line[: len(line) // 2])
    shutil.copy(collection.folder / "a" / "0.png", collection.folder / "b" / "later.png")
    collection.scan()
    put_away(collection, away)  # after a torn line a new one begins
    assert undo_from(os.fsencode(away)).done == 13


@pytest.mark.parametrize(
    "forge",
    [
        lambda told: {"target": "../" + told["target"]},
        lambda told: {"target": "/" + told["target"]},
        lambda _: {"path": "relative.png"},
        lambda told: {"path": told["path"] + "/../x.png"},
        lambda told: {"path": told["path"] + "\0.png"},
        lambda _: {"content": "0" * 64},
        lambda _: {"content": 7},
        lambda told: {"path": os.path.dirname(told["path"]) + "/.bashrc"},
        lambda told: {"path": os.path.dirname(told["path"]) + "/authorized_keys"},
        lambda told: {"path": os.path.dirname(told["path"]) + "/x.desktop"},
        lambda _: {"batch": "../../x"},
        lambda _: {"schema": "another"},
        lambda _: {"mode": "all"},
        lambda _: {"mtime_ns": 1 << 80},
        lambda _: {"uid": 1 << 70},
        lambda _: {"bytes": float("inf")},
        lambda _: {"path": None},
        lambda _: {"target": ["x"]},
    ],
)
def test_a_forged_line_moves_nothing(
    collection: Collection, away: Path, forge: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    put_away(collection, away)
    path = away / NAME
    told = json.loads(path.read_bytes().splitlines()[0])
    path.write_text(json.dumps({**told, **forge(told)}) + "\n")
    before = tree(collection.folder, away)
    outcome = undo_from(os.fsencode(away))
    assert outcome.done == 0
    after = tree(collection.folder, away)
    assert {name for name in before if not name.endswith(NAME)} <= after.keys()
    assert after.items() <= before.items()


def test_what_leads_out_of_the_folder_is_left(collection: Collection, away: Path) -> None:
    put_away(collection, away)
    inner = away / next(path for path in away.iterdir() if path.name != NAME)
    elsewhere = collection.base / "elsewhere"
    inner.rename(elsewhere)
    inner.symlink_to(elsewhere)
    before = tree(collection.folder, elsewhere)
    assert undo_from(os.fsencode(away)).done == 0
    assert tree(collection.folder, elsewhere) == before


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no journal of a clean-up"):
        undo_from(os.fsencode(tmp_path))


def test_no_file_goes_if_the_journal_cannot_be_written(collection: Collection, away: Path) -> None:
    before = tree(collection.folder)
    away.mkdir()
    (away / NAME).mkdir()
    outcome = apply_plan(collection.catalog, collection.plan(Action.QUARANTINE, away))
    assert (outcome.done, len(outcome.refused)) == (0, 12)
    assert tree(collection.folder) == before


def test_names_that_are_no_text(collection: Collection, away: Path) -> None:
    odd = os.fsencode(collection.folder / "b") + b'/\xff\xfe \n".png'
    original = collection.folder / "a" / "0.png"
    with open(odd, "wb") as stream:
        stream.write(original.read_bytes())
    collection.scan()
    put_away(collection, away)
    entries = second_journal.read_entries(os.fsencode(away))
    assert odd in {entry.operation.file.path for entry in entries}
    assert undo_from(os.fsencode(away)).done == 13
    assert os.path.exists(odd)


def killed_at(step: int, folder: Path) -> bool:
    """Put back in a process that kills itself at its n-th change of the disk; say whether it did."""
    pid = os.fork()
    if pid == 0:
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
            if event in CHANGES or opens:
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        rename = renaming.rename_exclusive

        def renamed(source: bytes, target: bytes) -> None:
            rename(source, target)  # no call of Python's
            count("os.rename", ())

        renaming.rename_exclusive = renamed
        sys.addaudithook(count)
        try:
            undo_from(os.fsencode(folder))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("across", [False, True])
def test_a_kill_at_every_step(collection: Collection, other_disk: Path, *, across: bool) -> None:
    collection.fill(1, copies=1, companions=True)
    before, step, killed = tree(collection.folder), 0, True
    away = (other_disk if across else collection.base) / "away"
    while killed:
        step += 1
        plan = collection.plan(Action.QUARANTINE, away, across_devices=across)
        assert not apply_plan(collection.catalog, plan).refused
        killed = killed_at(step, away)
        if (away / NAME).exists():
            assert not undo_from(os.fsencode(away)).refused
        assert tree(collection.folder) == before, step
        assert not [path for path in away.rglob("*") if path.is_file()], step
        assert not undo_batch(collection.catalog).refused
    assert step > 6
