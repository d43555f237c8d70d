"""What a plan promises, for any groups and any policy; and by hand, for the cases that have a story."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neardup_cli.choices import Action, KeepKey, Kind
from neardup_cli.cleanup.check import check_plan
from neardup_cli.cleanup.plan import plan_groups
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.errors import BadInput
from neardup_cli.plans import Companion, Plan, Policy
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, DuplicateGroup, FileMatch, Stage

FILES = 14
NOTHING = dict.fromkeys(
    ("agreement", "content_a", "content_b", "coverage_a", "coverage_b", "tone", "spread"), 0.0
)


def aligned(kind: Kind) -> Alignment:
    return Alignment(matched=True, reason="", inliers=0, transform=(), mirrored=False, kind=kind, **NOTHING)


def match(a: CatalogedFile, b: CatalogedFile, kind: Kind | None) -> FileMatch:
    if kind is Kind.EXACT:
        return FileMatch(a.path, b.path, Stage.EXACT, None, 0)
    return FileMatch(a.path, b.path, Stage.GEOMETRY, 0.5, 20, None if kind is None else aligned(kind))


def group_of(
    *members: CatalogedFile, matches: tuple[FileMatch, ...], name: str = "0", **more: object
) -> DuplicateGroup:
    group = DuplicateGroup(name, members[0].path, 0, members, matches)
    return replace(group, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to plan for: f0 … f13 in three folders, two of them names of one file."""
    base = tmp_path_factory.mktemp("plan")
    for number in range(FILES):
        path = base / f"d{number % 3}" / f"f{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * (10 + number))
    (base / "d1" / "f13.jpg").unlink()
    os.link(base / "d0" / "f12.jpg", base / "d1" / "f13.jpg")
    return base


def cataloged(folder: Path, number: int, content: int | None = None) -> CatalogedFile:
    path = folder / f"d{number % 3}" / f"f{number}.jpg"
    status = path.lstat()
    stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
    content = number if content is None else content
    return CatalogedFile(
        os.fsencode(path), stamp, content, bytes([content]) * 32, 100 + content, 80, "JPEG", None
    )


def plan(*groups: DuplicateGroup, action: Action = Action.TRASH, **policy: object) -> Plan:
    made = plan_groups(groups, PlanRequest(action, Policy(**policy)))  # type: ignore[arg-type]
    check_plan(made)
    return made


@dataclass(frozen=True)
class Situation:
    """Groups that overlap at will, by the numbers of their files and folders, and a policy.

    `contents` is the content of each file; the pairs of a group are matches of its members.
    """

    contents: dict[int, int]
    groups: list[tuple[list[int], list[tuple[int, int, Kind | None]]]]
    keep: tuple[KeepKey, ...]
    prefer: list[int]
    protect: list[int]
    only: frozenset[Kind | None]
    kept: set[int]
    action: Action


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    contents = {number: draw(st.integers(0, 6)) for number in range(FILES)}
    contents[13] = contents[12]  # one file
    kinds = st.one_of(st.none(), st.sampled_from([kind for kind in Kind if kind is not Kind.EXACT]))
    groups: list[tuple[list[int], list[tuple[int, int, Kind | None]]]] = []
    for _ in range(draw(st.integers(1, 6))):
        members = draw(st.lists(st.integers(0, FILES - 1), min_size=2, max_size=6, unique=True))
        pairs: list[tuple[int, int, Kind | None]] = [
            (a, b, draw(kinds)) for a in members for b in members if a < b and draw(st.booleans())
        ]
        groups.append((members, pairs))
    return Situation(
        contents,
        groups,
        keep=tuple(draw(st.lists(st.sampled_from(KeepKey), max_size=4))),
        prefer=draw(st.lists(st.integers(0, 2), max_size=2)),
        protect=draw(st.lists(st.integers(0, 2), max_size=2)),
        only=frozenset({Kind.EXACT, *draw(st.sets(st.one_of(st.none(), st.sampled_from(Kind))))}),
        kept=draw(st.sets(st.integers(0, FILES - 1), max_size=3)),
        action=draw(st.sampled_from([Action.TRASH, Action.HARDLINK, Action.MOVE, Action.DELETE])),
    )


@settings(max_examples=300)
@given(situation=situations())
def test_no_plan_empties_a_group_touches_what_is_protected_or_acts_twice(
    folder: Path, situation: Situation
) -> None:
    contents = situation.contents
    groups = []
    for place, (numbers, pairs) in enumerate(situation.groups):
        members = {number: cataloged(folder, number, contents[number]) for number in numbers}
        matches = tuple(
            match(members[a], members[b], kind) for a, b, kind in pairs if contents[a] != contents[b]
        )
        kept = frozenset(file.path for number, file in members.items() if number in situation.kept)
        groups.append(group_of(*members.values(), matches=matches, name=str(place), kept=kept))
    protect = tuple(os.fsencode(folder / f"d{number}") for number in situation.protect)
    prefer = tuple(os.fsencode(folder / f"d{number}") for number in situation.prefer)
    policy = Policy(situation.keep, prefer, protect, situation.only)
    to = os.fsencode(folder / "away") if situation.action is Action.MOVE else None
    made = plan_groups(groups, PlanRequest(situation.action, policy, to))
    check_plan(made)

    acted_on = [act.file.path for planned in made.groups for act in planned.acts]
    assert len(acted_on) == len(set(acted_on))
    assert not any(
        path.startswith(tuple(folder + b"/" for folder in protect)) for path in acted_on if protect
    )
    for group in groups:
        assert {member.path for member in group.members} - set(acted_on), "a group was emptied"
    by_id = {group.id: group for group in groups}
    inodes = {member.path: member.stamp.inode for group in groups for member in group.members}
    kept_so_far = set[int]()
    for planned in made.groups:
        there = {member.path: member for member in by_id[planned.id].members}
        assert planned.keep.path not in acted_on
        kept_so_far.add(inodes[planned.keep.path])
        assert kept_so_far.isdisjoint(inodes[act.file.path] for act in planned.acts)  # under no name
        assert planned.reason
        # Every member is accounted for, once.
        named = [
            planned.keep.path,
            *(act.file.path for act in planned.acts),
            *(left.path for left in planned.left),
        ]
        assert sorted(named) == sorted(there)
        assert all(left.reason for left in planned.left)
        for act in planned.acts:
            assert act.kind in situation.only
            assert inodes[act.file.path] != inodes[planned.keep.path]
            same = act.file.digest == planned.keep.digest
            assert same == (act.kind is Kind.EXACT)
            assert act.file.path not in by_id[planned.id].kept or same
            if not same:
                linked = {
                    frozenset((there[one.a].digest, there[one.b].digest)): one.kind
                    for one in by_id[planned.id].matches
                }
                assert frozenset((act.file.digest, planned.keep.digest)) in linked
    assert plan_groups(groups, PlanRequest(situation.action, policy, to)) == made


def test_the_default_policy_and_its_reasons(folder: Path) -> None:
    small, large = cataloged(folder, 1), cataloged(folder, 2)
    made = plan(group_of(small, large, matches=(match(small, large, Kind.RESIZED),)))
    (group,) = made.groups
    assert group.keep.path == large.path
    assert group.reason == "most pixels (102×80 against 101×80)"
    assert [act.kind for act in group.acts] == [Kind.RESIZED]
    assert made.frees == small.stamp.size


@pytest.mark.parametrize("kind", [Kind.CROPPED, Kind.OVERLAY, Kind.EMBEDDED, Kind.SIMILAR_SHOT, None])
def test_what_may_hold_something_of_its_own_is_left_unless_asked(folder: Path, kind: Kind | None) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    group = group_of(a, b, matches=(match(a, b, kind),))
    (left,) = plan(group).groups[0].left
    assert left.path == a.path
    assert ("not known" in left.reason) if kind is None else left.reason.startswith(f"{kind.value}: ")
    assert plan(group, only=frozenset({kind})).acts == 1


def test_a_member_without_a_match_of_its_own_with_the_keeper_stays(folder: Path) -> None:
    """A chain: a is a resized b, b a resized c; between a and c nobody found anything."""
    a, b, c = (cataloged(folder, number) for number in (1, 2, 3))
    group = group_of(a, b, c, matches=(match(a, b, Kind.RESIZED), match(b, c, Kind.RESIZED)))
    (planned,) = plan(group).groups
    assert planned.keep.path == c.path
    assert [act.file.path for act in planned.acts] == [b.path]
    assert [(left.path, left.reason) for left in planned.left] == [
        (a.path, "no match of its own with the file to keep")
    ]


def test_a_match_holds_for_all_files_with_those_bytes(folder: Path) -> None:
    first, second, large = cataloged(folder, 1), cataloged(folder, 4, content=1), cataloged(folder, 2)
    group = group_of(first, second, large, matches=(match(first, large, Kind.RESIZED),))
    assert {act.kind for act in plan(group).groups[0].acts} == {Kind.RESIZED}
    assert plan(group).acts == 2


def test_the_more_careful_of_two_opinions_counts(folder: Path) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    for kinds in ((Kind.RESIZED, Kind.CROPPED), (Kind.CROPPED, Kind.RESIZED), (None, Kind.RESIZED)):
        group = group_of(a, b, matches=tuple(match(a, b, kind) for kind in kinds))
        assert plan(group).acts == 0


def test_prefer_protect_and_what_a_person_said(folder: Path) -> None:
    a, b, c = (cataloged(folder, number) for number in (0, 1, 2))
    group = group_of(
        a, b, c, matches=(match(a, b, Kind.RESIZED), match(a, c, Kind.RESIZED), match(b, c, Kind.RESIZED))
    )
    preferred = plan(group, prefer=(os.fsencode(folder / "d1"),)).groups[0]
    assert preferred.keep.path == b.path
    assert preferred.reason == f"below preferred {folder}/d1"
    protected = plan(group, protect=(os.fsencode(folder / "d0"),)).groups[0]
    assert [(left.path, left.reason) for left in protected.left] == [(a.path, "protected")]
    kept = plan(
        replace(group, kept=frozenset({a.path, b.path})), prefer=(os.fsencode(folder / "d2"),)
    ).groups[0]
    assert kept.keep.path == b.path  # it has more pixels than a; c is preferred, but that is only a wish
    assert kept.reason == "you said to keep it"
    assert [(left.path, left.reason) for left in kept.left] == [(a.path, "you said to keep it")]


def test_of_the_same_bytes_the_protected_file_is_kept(folder: Path) -> None:
    a, b = cataloged(folder, 1, content=5), cataloged(folder, 2, content=5)
    group = group_of(a, b, matches=())
    assert plan(group, keep=(KeepKey.SHORTEST_PATH,)).groups[0].keep.path == a.path
    protected = plan(group, protect=(os.fsencode(folder / "d2"),)).groups[0]
    assert (protected.keep.path, len(protected.acts)) == (b.path, 1)
    protected = plan(
        group, protect=(os.fsencode(folder / "d2"),), prefer=(os.fsencode(folder / "d1"),)
    ).groups[0]
    assert (protected.keep.path, protected.acts) == (a.path, ())


def test_a_keeper_that_cannot_be_read_is_none(folder: Path) -> None:
    """Gone, changed, or another thing by now: the next best is kept, and what is wrong is said."""
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    for wrong, reason in (
        (replace(b, path=b.path + b".gone"), "no longer there"),
        (replace(b, stamp=replace(b.stamp, mtime_ns=1)), "changed since it was scanned"),
        (replace(b, path=os.fsencode(folder / "d2")), "not a regular file any more"),
        (replace(b, path=b"s3://bucket/f.jpg"), "not on a disk of this machine"),
    ):
        (planned,) = plan(group_of(a, wrong, matches=(match(a, wrong, Kind.RESIZED),))).groups
        assert planned.keep.path == a.path
        assert planned.acts == ()
        assert [left.reason for left in planned.left] == [reason]
    gone = replace(a, path=a.path + b".gone")
    assert plan(group_of(gone, matches=())).undecided[0][0] == "0"


@pytest.mark.usefixtures("bound_by_permissions")
def test_a_keeper_without_permission_to_read_is_none(folder: Path) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    path = Path(os.fsdecode(b.path))
    path.chmod(0)
    try:
        (planned,) = plan(group_of(a, b, matches=(match(a, b, Kind.RESIZED),))).groups
    finally:
        path.chmod(0o644)
    assert planned.keep.path == a.path
    assert [left.reason for left in planned.left] == ["cannot be read"]


def test_hard_links_free_nothing_and_two_names_free_once(folder: Path) -> None:
    one, two, large = cataloged(folder, 12, 1), cataloged(folder, 13, 1), cataloged(folder, 2)
    linked = plan(group_of(one, two, matches=()))
    assert linked.acts == 0
    assert "hard link" in linked.groups[0].left[0].reason
    both = plan(group_of(one, two, large, matches=(match(one, large, Kind.RESIZED),)))
    assert (both.acts, both.frees) == (2, one.stamp.size)
    protected = plan(
        group_of(one, two, large, matches=(match(one, large, Kind.RESIZED),)),
        protect=(os.fsencode(folder / "d0"),),
    )
    assert (protected.acts, protected.frees) == (1, 0)


def test_links_are_for_the_same_bytes_only(folder: Path) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    made = plan(group_of(a, b, matches=(match(a, b, Kind.RESIZED),)), action=Action.SYMLINK)
    assert made.acts == 0
    assert "another file under its name" in made.groups[0].left[0].reason


def test_warnings_that_need_no_opening(tmp_path: Path) -> None:
    taken = datetime(2019, 5, 4, 3, 2)
    files = []
    for name, content in (("Lisbon.jpg", 1), ("IMG_1 (1).jpg", 2)):
        (tmp_path / name).write_bytes(b"x" * content)
        status = (tmp_path / name).stat()
        stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
        path = os.fsencode(tmp_path / name)
        files.append(CatalogedFile(path, stamp, content, bytes([content]) * 32, content, 1, "JPEG", None))
    lisbon = replace(files[0], captured_at=taken)
    (tmp_path / "Lisbon.xmp").write_text("x")
    group = group_of(lisbon, files[1], matches=(match(lisbon, files[1], Kind.RESIZED),))
    (act,) = plan(group, keep=(KeepKey.RESOLUTION,)).groups[0].acts
    assert act.warnings == (
        "has a capture time that the file to keep lacks (2019-05-04 03:02)",
        "Lisbon.xmp goes with it, and the file to keep has none like it",
    )
    assert plan(group).groups[0].reason == "has a capture time (2019-05-04 03:02)"
    for other, warned in (("y", 1), ("longer", 1), ("x", 0)):
        (tmp_path / "IMG_1 (1).xmp").write_text(other)
        (act,) = plan(group, keep=(KeepKey.RESOLUTION,)).groups[0].acts
        said = "Lisbon.xmp goes with it, and is not the same as IMG_1 (1).xmp"
        assert act.warnings.count(said) == warned
        assert len(act.warnings) == 1 + warned


def test_a_companion_that_is_protected_protects_its_picture(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    for name in ("one/a.jpg", "one/a.xmp", "b.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    files = []
    for name, content in (("one/a.jpg", 1), ("b.jpg", 2)):
        status = (tmp_path / name).stat()
        stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
        files.append(
            CatalogedFile(
                os.fsencode(tmp_path / name), stamp, content, bytes([content]) * 32, content, 1, "JPEG", None
            )
        )
    group = group_of(*files, matches=(match(files[0], files[1], Kind.RESIZED),))
    made = plan(group, keep=(KeepKey.RESOLUTION,), protect=(os.fsencode(tmp_path / "one" / "a.xmp"),))
    assert made.acts == 0
    assert made.groups[0].left[0].reason.endswith("a.xmp, which goes with it, is protected")


@pytest.mark.parametrize(
    ("action", "to", "message"),
    [(Action.MOVE, None, "needs a folder"), (Action.TRASH, b"/somewhere", "--to goes with")],
)
def test_a_folder_goes_with_some_actions(action: Action, to: bytes | None, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        plan_groups([], PlanRequest(action, to=to))


def test_plans_that_are_not_safe(folder: Path) -> None:
    """However a plan came to be, it is looked at before anything is done."""
    a, b, c = (cataloged(folder, number, 5) for number in (0, 1, 2))
    good = plan(group_of(a, b, c, matches=()))
    (group,) = good.groups
    first, second = group.acts
    moved = plan_groups(
        [group_of(a, b, c, matches=())], PlanRequest(Action.MOVE, to=b"/away", across_devices=True)
    )
    one, two = moved.groups[0].acts
    wrong = {
        "acts twice": replace(good, groups=(replace(group, acts=(first, second, first)),)),
        "keeps .* and acts upon it": replace(good, groups=(replace(group, keep=first.file),)),
        "which it protects": replace(good, policy=Policy(protect=(os.path.dirname(first.file.path),))),
        "has no use for a target": replace(
            good, groups=(replace(group, acts=(replace(first, target=b"/x/y"),)),)
        ),
        "other bytes": replace(
            good,
            action=Action.HARDLINK,
            groups=(replace(group, keep=replace(group.keep, digest=b"?" * 32)),),
        ),
        "no exact copy": replace(good, groups=(replace(group, keep=replace(group.keep, digest=b"?" * 32)),)),
        "a link in the place of": replace(
            good,
            action=Action.SYMLINK,
            groups=(replace(group, acts=(replace(first, companions=(Companion(b"/a/f0.xmp", 1, 1),)),)),),
        ),
        "names no file with the same bytes": replace(
            good,
            action=Action.DELETE,
            groups=(replace(group, acts=(replace(first, companions=(Companion(b"/a/f0.xmp", 1, 1),)),)),),
        ),
        "needs a target": replace(
            moved, groups=(replace(moved.groups[0], acts=(replace(one, target=None),)),)
        ),
        "out of /away": replace(
            moved, groups=(replace(moved.groups[0], acts=(replace(one, target=b"/away/../etc/x"),)),)
        ),
        "gives two files the name": replace(
            moved, groups=(replace(moved.groups[0], acts=(one, replace(two, target=one.target))),)
        ),
        "needs a folder": replace(moved, to=None),
    }
    check_plan(good)
    check_plan(moved)
    for message, plan_ in wrong.items():
        with pytest.raises(BadInput, match=message):
            check_plan(plan_)


def test_planning_changes_nothing(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    before = sorted((path, path.lstat().st_mtime_ns) for path in copy.rglob("*"))
    files = [cataloged(copy, number, 3) for number in (0, 1, 2)]
    plan_groups([group_of(*files, matches=())], PlanRequest(Action.MOVE, to=os.fsencode(tmp_path / "away")))
    assert sorted((path, path.lstat().st_mtime_ns) for path in copy.rglob("*")) == before
    assert not (tmp_path / "away").exists()
