"""How many files have to stay that hold all of what a file that goes holds, and on how many drives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neardup_cli.choices import Action, Kind, Loss
from neardup_cli.cleanup.check import check_plan
from neardup_cli.cleanup.reserve import Reserve
from neardup_cli.cleanup.ways import Going
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.plans import FileState, LeftAlone, Plan, PlannedAct, Policy
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.reports.plan_reader import read_plan
from tests.cleanup.conftest import Collection

type Proofs = Mapping[tuple[bytes, bytes], Proof]


def file(name: str, content: str, drive: int = 1, inode: int | None = None) -> CatalogedFile:
    number = sum(name.encode()) if inode is None else inode
    stamp = FileStamp(1, 1, drive, number)
    return CatalogedFile(name.encode(), stamp, ord(content), content.encode() * 32, 1, 1, "JPEG", None)


def held_back(
    going: list[CatalogedFile], staying: list[CatalogedFile], proofs: Proofs | None = None, **policy: object
) -> dict[str, str]:
    known = proofs or {}
    reserve = Reserve(
        Policy(**policy),  # type: ignore[arg-type]
        lambda gone, kept: known.get((gone.digest[:1], kept.digest[:1])),
        lambda one: (one.stamp.device or 0, one.stamp.inode or 0),
    )
    leavers = [
        (one, Going(PlannedAct(FileState(one.path, 1, 1, one.digest), Kind.EXACT), staying[0]))
        for one in going
    ]
    return {one.path.decode(): why for one, why in reserve.held_back(leavers, staying)}


KEPT, A, B, C = file("kept", "k"), file("a", "k"), file("b", "k"), file("c", "k")
SMALL, SMALL_2 = file("s", "s"), file("t", "s")
SMALLER = {(b"s", b"k"): NOTHING_LOST, (b"k", b"s"): Proof((Loss.DETAIL,))}


def test_without_wishes_nothing_is_held_back() -> None:
    assert held_back([A, B], [KEPT]) == {}


def test_the_first_of_equals_are_held_back() -> None:
    found = held_back([A, B, C], [KEPT], min_copies=3)
    assert found == dict.fromkeys(("a", "b"), "one of 3 copies to be left (--min-copies)")
    assert held_back([A], [KEPT], min_copies=3).keys() == {"a"}  # there are only two: both stay


def test_what_stays_anyway_counts() -> None:
    assert held_back([A, B], [KEPT, C], min_copies=2) == {}


def test_two_names_of_one_file_count_once() -> None:
    link = file("link", "k", inode=KEPT.stamp.inode)
    assert held_back([A], [KEPT, link], min_copies=2).keys() == {"a"}


def test_originals_are_reserve_for_a_thumbnail_and_not_the_other_way_round() -> None:
    assert held_back([A, SMALL], [KEPT], SMALLER, min_copies=2).keys() == {"a"}
    assert held_back([SMALL, SMALL_2], [KEPT], SMALLER, min_copies=2).keys() == {"s"}


def test_what_was_given_up_needs_no_reserve() -> None:
    lossy = {(b"s", b"k"): Proof((Loss.COLOUR,))}
    assert held_back([SMALL], [KEPT, A], lossy, min_copies=2).keys() == {"s"}
    assert held_back([SMALL], [KEPT, A], lossy, min_copies=2, accept=frozenset({Loss.COLOUR})) == {}
    unproven = {(b"s", b"k"): Proof(unproven="too large")}
    assert held_back([SMALL], [KEPT, A], unproven, min_copies=2).keys() == {"s"}


def test_of_drives_the_one_that_adds_is_held_back() -> None:
    elsewhere = file("z", "k", drive=2)
    found = held_back([A, B, elsewhere], [KEPT], min_disks=2)
    assert found == {"z": "needed on 2 drives (--min-disks)"}
    assert held_back([A, B], [KEPT, elsewhere], min_disks=2) == {}
    assert held_back([A, B], [KEPT], min_disks=2).keys() == {"a", "b"}  # nothing to add: all stay


@st.composite
def families(draw: st.DrawFn) -> tuple[list[CatalogedFile], list[CatalogedFile]]:
    members = [
        file(f"f{number}", draw(st.sampled_from("kxs")), draw(st.integers(1, 3)), draw(st.integers(1, 9)))
        for number in range(draw(st.integers(2, 9)))
    ]
    members[0] = replace(members[0], digest=b"k" * 32)
    stays = draw(st.integers(1, len(members)))
    return members[stays:], members[:stays]


@settings(max_examples=300, deadline=None)
@given(families(), st.integers(1, 4), st.integers(1, 3))
def test_no_file_goes_of_which_too_little_is_left(
    family: tuple[list[CatalogedFile], list[CatalogedFile]], copies: int, disks: int
) -> None:
    going, staying = family
    proofs = {(b"s", b"k"): NOTHING_LOST, (b"x", b"k"): NOTHING_LOST, (b"k", b"x"): NOTHING_LOST}
    back = held_back(going, staying, proofs, min_copies=copies, min_disks=disks)
    if (copies, disks) == (1, 1):
        assert not back
        return
    left = [*staying, *(one for one in going if one.path.decode() in back)]
    for one in going:
        if one in left:
            continue
        holders = {
            (other.stamp.device, other.stamp.inode)
            for other in left
            if other.digest == one.digest
            or (one.digest[:1], other.digest[:1]) in proofs
            or other is staying[0]
        }
        assert len(holders) >= copies
        assert len({drive for drive, _ in holders}) >= disks


# --- whole plans ---


def plan(collection: Collection, **policy: object) -> Plan:
    chosen = Policy(prefer=(os.fsencode(collection.folder / "a"),), **policy)  # type: ignore[arg-type]
    return make_plan(collection.catalog, CleanOptions(Action.TRASH, chosen, dups=DupsOptions(hamming=0)))


def test_a_plan_leaves_as_many(collection: Collection) -> None:
    collection.fill(3, copies=2)
    made = plan(collection, min_copies=2)
    assert [(len(group.acts), len(group.left)) for group in made.groups] == [(1, 1)] * 3
    assert {left.reason for group in made.groups for left in group.left} == {
        "one of 2 copies to be left (--min-copies)"
    }
    assert read_plan(dump(plan_document(made))) == made
    assert plan(collection, min_copies=3).acts == 0
    assert plan(collection, min_disks=2).acts == 0


def test_a_copy_on_another_drive_is_what_stays(collection: Collection, other_disk: Path) -> None:
    from neardup_cli.pipeline.scan import ScanOptions, scan

    collection.fill(1, copies=2)
    original = collection.folder / "a" / "0.png"
    (other_disk / "backup.png").write_bytes(original.read_bytes())
    scan(collection.catalog, [os.fsencode(other_disk)], ScanOptions(hash_only=True))
    made = plan(collection, min_disks=2, across_drives=True)
    assert made.acts == 2
    (left,) = made.groups[0].left
    assert (left.path, left.reason) == (
        os.fsencode(other_disk / "backup.png"),
        "needed on 2 drives (--min-disks)",
    )


def test_a_plan_that_says_of_itself_that_it_leaves_too_few_is_refused(collection: Collection) -> None:
    collection.fill(1, copies=2)
    made = plan(collection, min_copies=2)
    check_plan(made)
    (group,) = made.groups
    with pytest.raises(BadInput, match="fewer than 2 copies"):
        check_plan(replace(made, groups=(replace(group, left=()),)))
    other = replace(group, id=f"{group.id}.2", keep=replace(group.keep, path=b"/other"), acts=())
    check_plan(replace(made, groups=(replace(group, left=()), other)))
    assert LeftAlone(group.left[0].path, group.left[0].reason) == group.left[0]


@pytest.mark.parametrize("what", ["removed", "changed", "named"])
def test_copies_that_were_to_be_left_are_counted_again(collection: Collection, what: str) -> None:
    """Between a plan and its execution a copy may go, and an editor may name anything as left alone."""
    collection.fill(1, copies=2)
    made = plan(collection, min_copies=2)
    assert made.acts == 1
    (group,) = made.groups
    left = Path(os.fsdecode(group.left[0].path))
    if what == "removed":
        left.unlink()
    elif what == "changed":
        left.write_bytes(b"something else")
    else:
        stranger = collection.folder / "stranger.png"
        stranger.write_bytes(b"x")
        left.unlink()
        alone = LeftAlone(os.fsencode(stranger), "whatever")
        made = replace(made, groups=(replace(group, left=(alone,)),))
    with pytest.raises(
        BadInput, match=r"groups\[0\]\.acts\[0\]: of .* 1 copy on 1 drive would be left, not 2 on 1"
    ):
        apply_plan(collection.catalog, made)
    assert Path(os.fsdecode(group.acts[0].file.path)).is_file()


def test_a_plan_that_leaves_enough_is_carried_out(collection: Collection) -> None:
    collection.fill(2, copies=2)
    made = plan(collection, min_copies=2)
    assert apply_plan(collection.catalog, made).done == made.acts == 2
