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

from neardup_cli.choices import SURE_KINDS, Action, KeepKey, Kind, Loss
from neardup_cli.cleanup import ways
from neardup_cli.cleanup.check import check_plan
from neardup_cli.cleanup.plan import plan_groups
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.errors import BadInput
from neardup_cli.plans import Companion, Plan, PlannedAct, Policy
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import Alignment, DuplicateGroup, FileMatch, Stage
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.rules.keep import ProofOf

FILES = 14


def aligned(kind: Kind) -> Alignment:
    return Alignment(matched=True, reason="", kind=kind)


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


def nothing_is_lost(_gone: CatalogedFile, _kept: CatalogedFile) -> Proof:
    return NOTHING_LOST


def losing(*losses: Loss) -> ProofOf:
    """A proof for any two contents: these are lost."""
    return lambda _gone, _kept: Proof(losses)


def plan(
    *groups: DuplicateGroup,
    action: Action = Action.TRASH,
    proof: ProofOf = nothing_is_lost,
    **policy: object,
) -> Plan:
    request = PlanRequest(action, Policy(**policy), proof=proof)  # type: ignore[arg-type]
    made, wanted = plan_groups(groups, request)
    check_plan(made)
    assert not wanted
    return made


@dataclass(frozen=True)
class Situation:
    """Groups that overlap at will, by the numbers of their files and folders, and a policy.

    `contents` is the content of each file; the pairs of a group are matches of its members. `proofs` are by
    contents, the one that goes first; those that are missing nobody has made yet.
    """

    contents: dict[int, int]
    groups: list[tuple[list[int], list[tuple[int, int, Kind | None]]]]
    keep: tuple[KeepKey, ...]
    prefer: list[int]
    protect: list[int]
    only: frozenset[Kind | None]
    kept: set[int]
    action: Action
    accept: frozenset[Loss]
    proofs: dict[tuple[int, int], Proof]

    def proof(self, gone: CatalogedFile, kept: CatalogedFile) -> Proof | None:
        return self.proofs.get((gone.content_id, kept.content_id))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    contents = {number: draw(st.integers(0, 6)) for number in range(FILES)}
    contents[13] = contents[12]  # one file
    losses = st.sets(st.sampled_from(Loss), min_size=1, max_size=2).map(tuple)
    proven = st.one_of(
        st.just(NOTHING_LOST), st.builds(Proof, losses), st.just(Proof(unproven="its disk is away"))
    )
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
        accept=draw(st.frozensets(st.sampled_from(Loss), max_size=3)),
        proofs=draw(
            st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), proven, min_size=10, max_size=42)
        ),
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
    policy = Policy(situation.keep, prefer, protect, situation.only, situation.accept)
    to = os.fsencode(folder / "away") if situation.action is Action.MOVE else None
    request = PlanRequest(situation.action, policy, to, proof=situation.proof)
    made, wanted = plan_groups(groups, request)
    check_plan(made)

    acted_on = [act.file.path for planned in made.groups for act in planned.acts]
    assert len(acted_on) == len(set(acted_on))
    assert not any(
        path.startswith(tuple(folder + b"/" for folder in protect)) for path in acted_on if protect
    )
    for group in groups:
        assert {member.path for member in group.members} - set(acted_on), "a group was emptied"
    files = {member.path: member for group in groups for member in group.members}
    assert {planned.keep.path for planned in made.groups}.isdisjoint(acted_on)
    kept_so_far = set[int]()
    for planned in made.groups:
        assert planned.reason
        kept_so_far.add(files[planned.keep.path].stamp.inode)
        for act in planned.acts:
            assert files[act.file.path].stamp.inode not in kept_so_far  # under no name
            _check_act(act, files[planned.keep.path], files, situation)
    for group in groups:
        _check_accounts(group, made)
    for gone, stays in wanted:
        assert situation.proof(gone, stays) is None
    assert plan_groups(groups, request) == (made, wanted)


def _check_act(
    act: PlannedAct, kept: CatalogedFile, files: dict[bytes, CatalogedFile], situation: Situation
) -> None:
    """A file goes in favour of one with its bytes, or to which it loses nothing but what was given up."""
    gone = files[act.file.path]
    assert act.kind in situation.only
    assert gone.stamp.inode != kept.stamp.inode
    same = gone.digest == kept.digest
    assert same == (act.kind is Kind.EXACT)
    if same:
        return
    proof = situation.proof(gone, kept)
    assert proof is not None
    assert not proof.unproven
    assert set(proof.losses) <= situation.accept
    assert act.losses == proof.losses


def _check_accounts(group: DuplicateGroup, made: Plan) -> None:
    """Every member is accounted for, once; what a person said to keep stays, or a file with its bytes."""
    planned = [one for one in made.groups if one.id.split(".")[0] == group.id]
    if not planned:
        assert group.id in dict(made.undecided)
        return
    acts = [act for one in planned for act in one.acts]
    named = [
        planned[0].keep.path,
        *(act.file.path for act in acts),
        *(left.path for left in planned[0].left),
    ]
    assert sorted(named) == sorted(member.path for member in group.members)
    assert all(left.reason for left in planned[0].left)
    assert {one.keep.path for one in planned[1:]} <= {left.path for left in planned[0].left}
    assert not any(one.left for one in planned[1:])
    assert not any(act.file.path in group.kept for act in acts)


def test_the_default_policy_and_its_reasons(folder: Path) -> None:
    small, large = cataloged(folder, 1), cataloged(folder, 2)
    made = plan(group_of(small, large, matches=(match(small, large, Kind.RESIZED),)))
    (group,) = made.groups
    assert group.keep.path == large.path
    assert group.reason == "most pixels (102×80 against 101×80)"
    assert [act.kind for act in group.acts] == [Kind.RESIZED]
    assert made.frees == small.stamp.size


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in SURE_KINDS])
def test_kinds_that_may_hold_something_of_their_own_are_left_unless_asked(folder: Path, kind: Kind) -> None:
    """Not even their proof is asked for."""
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    group = group_of(a, b, matches=(match(a, b, kind),))
    made, wanted = plan_groups([group], PlanRequest(Action.TRASH))
    assert (made.acts, wanted) == (0, [])
    (left,) = made.groups[0].left
    assert left.path == a.path
    assert left.reason.startswith(f"{kind.value}: ")
    assert plan(group, only=frozenset({kind})).acts == 1
    assert plan(group, only=frozenset({kind}), proof=losing(Loss.COLOUR)).acts == 0


@pytest.mark.parametrize("kind", [None, *sorted(SURE_KINDS - {Kind.EXACT})])
def test_nothing_goes_without_a_proof(folder: Path, kind: Kind | None) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    group = group_of(a, b, matches=(match(a, b, kind),))
    made, wanted = plan_groups([group], PlanRequest(Action.TRASH))
    assert (made.acts, wanted) == (0, [(a, b)])
    assert made.groups[0].left[0].reason.startswith("not proven")
    away = plan(group, proof=lambda *_: Proof(unproven="its disk is away"))
    assert [(left.reason, left.losses) for left in away.groups[0].left] == [
        ("not proven: its disk is away", None)
    ]
    assert plan(group).acts == 1


def test_the_same_bytes_need_no_proof(folder: Path) -> None:
    a, b = cataloged(folder, 1, content=5), cataloged(folder, 2, content=5)
    made, wanted = plan_groups([group_of(a, b, matches=())], PlanRequest(Action.TRASH))
    assert (made.acts, wanted) == (1, [])


def test_a_loss_is_named_and_goes_only_if_all_of_it_is_accepted(folder: Path) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    group = group_of(a, b, matches=(match(a, b, Kind.RESIZED),))
    lost = losing(Loss.COLOUR, Loss.TIME)
    (left,) = plan(group, proof=lost).groups[0].left
    assert (left.reason, left.losses) == ("loses colour, time", (Loss.COLOUR, Loss.TIME))
    (left,) = plan(group, proof=lost, accept=frozenset({Loss.COLOUR})).groups[0].left
    assert (left.reason, left.losses) == ("loses time", (Loss.COLOUR, Loss.TIME))
    (act,) = plan(group, proof=lost, accept=frozenset({Loss.COLOUR, Loss.TIME})).groups[0].acts
    assert act.losses == (Loss.COLOUR, Loss.TIME)


def test_a_member_without_a_match_of_its_own_goes_if_it_loses_nothing(folder: Path) -> None:
    """A chain: a is a resized b, b a resized c; between a and c nobody found anything."""
    a, b, c = (cataloged(folder, number) for number in (1, 2, 3))
    group = group_of(a, b, c, matches=(match(a, b, Kind.RESIZED), match(b, c, Kind.RESIZED)))
    (planned,) = plan(group).groups
    assert planned.keep.path == c.path
    assert [(act.file.path, act.kind) for act in planned.acts] == [
        (a.path, Kind.RESIZED),
        (b.path, Kind.RESIZED),
    ]
    assert plan(group, only=frozenset({Kind.EXACT})).acts == 0, "it is no exact copy"
    lost = losing(Loss.DETAIL)
    assert plan(group, proof=lost).acts == 0
    given_up = plan(group, proof=lost, accept=frozenset({Loss.DETAIL}))
    assert [act.file.path for one in given_up.groups for act in one.acts] == [b.path], "matched to c"


def test_a_copy_of_an_edited_version_goes_in_favour_of_that_one(folder: Path) -> None:
    """c stays; b is an edit of it and stays; a is a smaller b."""
    a, b, c = (cataloged(folder, number) for number in (1, 2, 3))
    group = group_of(
        a, b, c, matches=(match(a, b, Kind.RESIZED), match(b, c, Kind.COLOUR), match(a, c, Kind.COLOUR))
    )
    colour = Proof((Loss.COLOUR,))
    made = plan(group, proof=lambda gone, kept: NOTHING_LOST if (gone, kept) == (a, b) else colour)
    first, second = made.groups
    assert (first.keep.path, first.acts) == (c.path, ())
    assert [left.path for left in first.left] == [b.path]
    assert (second.id, second.keep.path) == ("0.2", b.path)
    assert [act.file.path for act in second.acts] == [a.path]


def test_an_exact_copy_of_what_stays_goes_in_favour_of_it(folder: Path) -> None:
    """Two files of one edited version: of the two one goes, whatever the edit is."""
    one, two, large = cataloged(folder, 1, content=1), cataloged(folder, 4, content=1), cataloged(folder, 2)
    group = group_of(one, two, large, matches=(match(one, large, Kind.COLOUR),))
    first, second = plan(group, proof=losing(Loss.COLOUR)).groups
    assert first.keep.path == large.path
    assert [act.kind for act in second.acts] == [Kind.EXACT]
    assert second.keep.path in {left.path for left in first.left}


def test_a_backup_on_another_drive_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the number of a device is made up here; what stands on it are real files."""
    one, two, backup = (cataloged(folder, number, content=5) for number in (0, 3, 1))
    stick = os.fsencode(folder / "d1")
    monkeypatch.setattr(ways, "_device", lambda path: 2 if path.startswith(stick) else 1)
    (planned,) = plan(group_of(one, two, backup, matches=())).groups
    assert [act.file.path for act in planned.acts] == [two.path]
    (left,) = planned.left
    assert left.path == backup.path
    assert "another drive" in left.reason
    assert plan(group_of(one, two, backup, matches=()), across_drives=True).acts == 2


def test_a_match_holds_for_all_files_with_those_bytes(folder: Path) -> None:
    first, second, large = cataloged(folder, 1), cataloged(folder, 4, content=1), cataloged(folder, 2)
    group = group_of(first, second, large, matches=(match(first, large, Kind.RESIZED),))
    assert {act.kind for act in plan(group).groups[0].acts} == {Kind.RESIZED}
    assert plan(group).acts == 2


def test_the_more_careful_of_two_opinions_counts(folder: Path) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    for kinds in ((Kind.RESIZED, Kind.CROPPED), (Kind.CROPPED, Kind.RESIZED)):
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
        (replace(b, path=b"/shards/0.tar!f.jpg"), "inside a container, which is never changed"),
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
    assert protected.acts == 0
    assert [left.reason for left in protected.groups[0].left] == [
        "protected",
        "a hard link of a file that stays: removing it frees nothing",
    ]


def test_links_are_for_the_same_bytes_only(folder: Path) -> None:
    a, b = cataloged(folder, 1), cataloged(folder, 2)
    made = plan(group_of(a, b, matches=(match(a, b, Kind.RESIZED),)), action=Action.SYMLINK)
    assert made.acts == 0
    assert "another file under its name" in made.groups[0].left[0].reason


RATED = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmp:Rating="{}"/></x:xmpmeta>'
TAKEN = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:DateTimeOriginal="2019-05-04T03:02:00" '
    'exif:GPSLatitude="48,51.0N" exif:GPSLongitude="2,21.0E"/></x:xmpmeta>'
)


def beside(folder: Path, *names: str) -> list[CatalogedFile]:
    """Files to plan for, the later the larger, in a folder that tests put sidecars into."""
    files = []
    for content, name in enumerate(names, 1):
        (folder / name).write_bytes(b"x" * content)
        status = (folder / name).stat()
        stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
        path = os.fsencode(folder / name)
        files.append(
            CatalogedFile(path, stamp, content, bytes([content]) * 32, 100 + content, 80, "JPEG", None)
        )
    return files


def test_a_time_decides_between_equals(tmp_path: Path) -> None:
    first, second = beside(tmp_path, "Lisbon.jpg", "IMG_1 (1).jpg")
    lisbon = replace(first, captured_at=datetime(2019, 5, 4, 3, 2))
    group = group_of(lisbon, second, matches=(match(lisbon, second, Kind.RESIZED),))
    assert plan(group).groups[0].reason == "has a capture time (2019-05-04 03:02)"


def test_what_a_companion_alone_says_is_a_loss(tmp_path: Path) -> None:
    small, large = beside(tmp_path, "small.jpg", "large.jpg")
    group = group_of(small, large, matches=(match(small, large, Kind.RESIZED),))
    (tmp_path / "small.xmp").write_text(RATED.format(4))
    (left,) = plan(group).groups[0].left
    assert left.losses == (Loss.COMPANIONS,)
    assert left.reason == "loses companions (small.xmp: rating 4)"
    (act,) = plan(group, accept=frozenset({Loss.COMPANIONS})).groups[0].acts
    assert act.losses == (Loss.COMPANIONS,)
    assert act.warnings == ("small.xmp: rating 4",)
    (tmp_path / "large.xmp").write_text(RATED.format(3))
    assert plan(group).acts == 0
    (tmp_path / "large.xmp").write_text(RATED.format(4))
    (act,) = plan(group).groups[0].acts
    assert (act.losses, act.warnings) == ((), ())


def test_what_a_sidecar_of_the_file_that_stays_says_is_not_lost(tmp_path: Path) -> None:
    small, large = beside(tmp_path, "small.jpg", "large.jpg")
    group = group_of(small, large, matches=(match(small, large, Kind.RESIZED),))
    held = {
        small.digest: Holdings(captured_at=datetime(2019, 5, 4, 3, 2), place=(48.85, 2.35), rating=4),
    }
    lost = Proof((Loss.TIME, Loss.PLACE, Loss.RATING), ("time: 2019-05-04 03:02:00", "rating: 4"))
    request = PlanRequest(Action.TRASH, proof=lambda *_: lost, held=held)

    def reasons() -> list[str]:
        made, _ = plan_groups([group], request)
        return [left.reason for left in made.groups[0].left]

    assert reasons() == ["loses time, place, rating"]
    (tmp_path / "large.xmp").write_text(TAKEN)
    assert reasons() == ["loses rating"]
    (tmp_path / "large.xmp").write_text(RATED.format(4))
    assert reasons() == ["loses time, place"]
    (tmp_path / "large.xmp").write_text(TAKEN.replace("<rdf:Description", '<rdf:Description xmp:Rating="4"'))
    assert reasons() == []


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
                os.fsencode(tmp_path / name),
                stamp,
                content,
                bytes([content]) * 32,
                100 + content,
                80,
                "JPEG",
                None,
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
    moved, _ = plan_groups(
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
