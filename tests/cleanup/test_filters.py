"""Which copies a clean-up is about."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.choices import Action, Kind
from neardup_cli.cleanup.filters import NO_FILTER, GroupFilter, filtered_groups, filtered_plan
from neardup_cli.plans import FileState, Plan, PlannedAct, PlannedGroup, Policy
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import DuplicateGroup, FileMatch, Stage


def member(path: bytes, digest: bytes = b"x", side: int = 100) -> CatalogedFile:
    return CatalogedFile(path, FileStamp(5, 1, 1, 1), 1, digest, side, 2 * side, "JPEG", None)


def group(*members: CatalogedFile, matches: tuple[tuple[bytes, bytes], ...] = ()) -> DuplicateGroup:
    found = tuple(FileMatch(a, b, Stage.VERIFIER, 0.9, None) for a, b in matches)
    return DuplicateGroup("g", members[0].path, 5 * (len(members) - 1), members, found)


def paths(groups: object) -> list[list[bytes]]:
    assert isinstance(groups, list)
    return [[one.path for one in found.members] for found in groups]


BETWEEN = GroupFilter(between=(b"/a", b"/b"))
WITHIN = GroupFilter(within=(b"/a", b"/b"))


def test_between() -> None:
    inside = group(member(b"/a/1"), member(b"/a/2"), member(b"/c/1"))
    across = group(member(b"/a/1"), member(b"/b/1"), member(b"/c/1"))
    (found,) = filtered_groups([inside, across], BETWEEN)
    assert [one.path for one in found.members] == [b"/a/1", b"/b/1"]
    assert (found.id, found.keep, found.reclaimable_bytes) == ("g", b"/a/1", 5)


def test_between_leaves_copies_beside_the_file_that_stays() -> None:
    acts = tuple(PlannedAct(FileState(path, 5, 1, b"x"), Kind.EXACT) for path in (b"/a/2", b"/b/1"))
    plan = Plan(Action.TRASH, Policy(), (PlannedGroup("g", FileState(b"/a/1", 5, 1, b"x"), "largest", acts),))
    (left,) = filtered_plan(plan, BETWEEN).groups
    assert [act.file.path for act in left.acts] == [b"/b/1"]
    assert [(one.path, one.reason) for one in left.left] == [
        (b"/a/2", "in the same folder as the file to keep (--between)")
    ]
    assert filtered_plan(plan, NO_FILTER) is plan


def test_within_splits_a_group() -> None:
    whole = group(*(member(path) for path in (b"/a/1", b"/a/2", b"/b/1", b"/b/2", b"/c/1", b"/c/2")))
    parts = filtered_groups([whole], WITHIN)
    assert [(part.id, part.keep) for part in parts] == [("g", b"/a/1"), ("g-2", b"/b/1")]
    assert paths(parts) == [[b"/a/1", b"/a/2"], [b"/b/1", b"/b/2"]]


def test_the_innermost_folder_counts() -> None:
    found = filtered_groups(
        [group(member(b"/a/1"), member(b"/a/in/1"))], GroupFilter(between=(b"/a", b"/a/in"))
    )
    assert len(found) == 1
    assert filtered_groups([group(member(b"/a/1"), member(b"/ab/1"))], GroupFilter(within=(b"/a",))) == []


def test_small_images_take_no_part() -> None:
    whole = group(member(b"/a/1", side=300), member(b"/a/2", side=299), member(b"/a/3", side=400))
    assert paths(filtered_groups([whole], GroupFilter(min_side=300))) == [[b"/a/1", b"/a/3"]]
    assert filtered_groups([whole], GroupFilter(min_side=400)) == []


def test_a_match_goes_over_to_another_file_with_the_same_bytes() -> None:
    whole = group(
        member(b"/c/1", b"x"), member(b"/a/1", b"x"), member(b"/b/1", b"y"), matches=((b"/c/1", b"/b/1"),)
    )
    (found,) = filtered_groups([whole], BETWEEN)
    assert [(match.a, match.b) for match in found.matches] == [(b"/a/1", b"/b/1")]


places = st.sampled_from([b"/a", b"/a/in", b"/b", b"/c"])
wanted = st.builds(
    GroupFilter,
    st.lists(places, max_size=3).map(tuple),
    st.lists(places, max_size=3).map(tuple),
    st.integers(0, 3),
)


@given(st.lists(st.tuples(places, st.integers(1, 4)), min_size=2, max_size=6), wanted)
def test_what_is_left_is_a_part_and_filtering_twice_changes_nothing(
    files: list[tuple[bytes, int]], chosen: GroupFilter
) -> None:
    whole = group(*(member(b"%s/%d" % (place, n), side=side) for n, (place, side) in enumerate(files)))
    found = filtered_groups([whole], chosen)
    seen = [one.path for part in found for one in part.members]
    assert len(seen) == len(set(seen))
    assert {one.path for one in whole.members}.issuperset(seen)
    assert all(len(part.members) > 1 and part.members[0].path == part.keep for part in found)
    assert len({part.id for part in found}) == len(found)
    assert filtered_groups(found, chosen) == found
