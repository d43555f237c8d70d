"""Which copies a clean-up is about: across folders, inside each, of images that are large enough.

Pure: groups in, groups out. A group that is left with one file is none any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from neardup_cli.images.walk import is_below
from neardup_cli.plans import LeftAlone, Plan, PlannedGroup
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, FileMatch


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """What a clean-up is about.

    Attributes:
        between: only copies of which one is in one of these folders and the file that stays in another one.
        within: only copies that are in the same one of these folders as the file that stays.
        min_side: images whose short side has fewer pixels take no part.

    Folders are absolute and real. Of folders in each other the innermost counts.
    """

    between: tuple[bytes, ...] = ()
    within: tuple[bytes, ...] = ()
    min_side: int = 0


NO_FILTER = GroupFilter()


def filtered_groups(groups: Sequence[DuplicateGroup], wanted: GroupFilter) -> Sequence[DuplicateGroup]:
    """Return what is left of groups, in their order; one that is split keeps its id in its first part."""
    if wanted == NO_FILTER:
        return groups
    return [part for group in groups for part in _parts(group, wanted)]


def filtered_plan(plan: Plan, wanted: GroupFilter) -> Plan:
    """Leave alone what `between` does not mean: copies in the same folder as the file that stays."""
    if not wanted.between:
        return plan
    return replace(plan, groups=tuple(_across(group, wanted.between) for group in plan.groups))


def _parts(group: DuplicateGroup, wanted: GroupFilter) -> Iterator[DuplicateGroup]:
    members = [member for member in group.members if min(member.width, member.height) >= wanted.min_side]
    parts = list(_by_folder(members, wanted.within).values()) if wanted.within else [members]
    if wanted.between:
        parts = [_spread(part, wanted.between) for part in parts]
    for number, part in enumerate(part for part in parts if len(part) > 1):
        yield _with_members(group, part, group.id if number == 0 else f"{group.id}-{number + 1}")


def _spread(members: Sequence[CatalogedFile], folders: Sequence[bytes]) -> list[CatalogedFile]:
    """Return the members in the folders; none if they are all in one of them."""
    placed = _by_folder(members, folders)
    if len(placed) < 2:
        return []
    there = {member.path for some in placed.values() for member in some}
    return [member for member in members if member.path in there]


def _by_folder(
    members: Iterable[CatalogedFile], folders: Sequence[bytes]
) -> dict[bytes, list[CatalogedFile]]:
    found: dict[bytes, list[CatalogedFile]] = {}
    for member in members:
        if (folder := _folder_of(member.path, folders)) is not None:
            found.setdefault(folder, []).append(member)
    return found


def _folder_of(path: bytes, folders: Sequence[bytes]) -> bytes | None:
    return max((folder for folder in folders if is_below(path, folder)), key=len, default=None)


def _with_members(group: DuplicateGroup, members: Sequence[CatalogedFile], name: str) -> DuplicateGroup:
    """Return a group of some of the members, with the matches between their contents."""
    if len(members) == len(group.members):
        return group
    there = {member.path for member in members}
    keep = group.keep if group.keep in there else members[0].path
    ordered = sorted(members, key=lambda member: (member.path != keep, member.path))
    return DuplicateGroup(
        id=name,
        keep=keep,
        reclaimable_bytes=sum(member.stamp.size for member in ordered[1:] if member.path not in group.kept),
        members=tuple(ordered),
        matches=tuple(_matches_among(group, ordered)),
        kept=group.kept & there,
    )


def _matches_among(group: DuplicateGroup, members: Sequence[CatalogedFile]) -> Iterator[FileMatch]:
    """Yield the matches of what is left: one names one file of each content and holds for all of them."""
    digests = {member.path: member.digest for member in group.members}
    left = {member.digest: member.path for member in reversed(members)}
    there = {member.path for member in members}
    for match in group.matches:
        a = match.a if match.a in there else left.get(digests.get(match.a, b""))
        b = match.b if match.b in there else left.get(digests.get(match.b, b""))
        if a is not None and b is not None and a != b:
            yield replace(match, a=a, b=b)


def _across(group: PlannedGroup, folders: Sequence[bytes]) -> PlannedGroup:
    kept_in = _folder_of(group.keep.path, folders)
    acts = tuple(act for act in group.acts if _folder_of(act.file.path, folders) != kept_in)
    same = [act.file.path for act in group.acts if act not in acts]
    reason = "in the same folder as the file to keep (--between)"
    left = sorted((*group.left, *(LeftAlone(path, reason) for path in same)), key=lambda one: one.path)
    return replace(group, acts=acts, left=tuple(left))
