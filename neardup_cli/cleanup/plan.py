"""Groups of copies become a plan: which file is kept, what happens to each of the others, and why.

Whatever the policy: a file goes only in favour of one that stays, no group loses its last file, what one
group keeps no other group acts upon, and nothing is acted upon twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from neardup_cli.cleanup.check import check_request
from neardup_cli.cleanup.folders import Identity
from neardup_cli.cleanup.look import Look, is_readable
from neardup_cli.cleanup.reasons import named
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.cleanup.reserve import Leaver, Reserve
from neardup_cli.cleanup.savings import counted_once
from neardup_cli.cleanup.ways import Asked, Going, Ways, kinds_between, state_of
from neardup_cli.images.formats import is_raw
from neardup_cli.plans import LeftAlone, Plan, PlannedAct, PlannedGroup
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.rules.keep import Candidate, Wishes, outdone, preference, ranked
from neardup_cli.rules.reasons import kept_reason

RAW_STAYS = "a camera's raw file: it stays, whatever was made of it"
_ANOTHER = "another version of it, with copies of its own"


def plan_groups(
    groups: Sequence[DuplicateGroup], request: PlanRequest, watch: Callable[[int], None] = lambda _: None
) -> tuple[Plan, list[Asked]]:
    """Plan what happens to groups of copies, in their order; nothing is read of the files but their `stat`.

    The same for the same groups, request and files on disk.

    Returns:
        The plan as far as `request.proof` knows, and the proofs with which more could be decided: files that
        wait for one are left alone.

    Raises:
        BadInput: see `check_request`.
    """
    check_request(request.action, request.to)
    planner = _Planner(request, groups)
    planned: list[PlannedGroup] = []
    undecided: list[tuple[str, str]] = []
    for group in groups:
        found = planner.plan(group)
        if isinstance(found, list):
            planned += found
        else:
            undecided.append(found)
        watch(1)
    plan = Plan(
        action=request.action,
        policy=request.policy,
        groups=tuple(counted_once(planned, planner.look.several_names)),
        to=request.to,
        across_devices=request.across_devices,
        undecided=tuple(undecided),
    )
    return plan, planner.wanted


class _Planner:
    """Plans one group after the other, remembering what earlier ones keep and act upon."""

    def __init__(self, request: PlanRequest, groups: Sequence[DuplicateGroup]) -> None:
        self._request = request
        self._policy = request.policy
        self.look = Look(request)
        self._ways = Ways(request, self.look.folders)
        self._kept: dict[Identity, bytes] = {}
        self._inodes: dict[bytes, Identity] = {}
        self._gone: dict[bytes, str] = {}
        self._raws = {
            member.path for group in groups for member in group.members if is_raw(member.path, member.format)
        }
        self._shared = _files_in_several_groups(groups)
        self._remaining = {
            place: sum(not isinstance(self.look.at(member), str) for member in self._members(groups[place]))
            for place in {place for places in self._shared.values() for place in places}
        }

    @property
    def wanted(self) -> list[Asked]:
        """The proofs without which nothing could be decided, each once."""
        return list(dict.fromkeys(self._ways.wanted))

    def plan(self, group: DuplicateGroup) -> list[PlannedGroup] | tuple[str, str]:
        """Return what happens to a group, or its id and why nothing can."""
        troubles: dict[bytes, str] = {}
        candidates: list[Candidate] = []
        for member in self._members(group):
            candidate = self._candidate(member, group)
            if isinstance(candidate, str):
                troubles[member.path] = candidate
            else:
                candidates.append(candidate)
        said = {self._request.chosen[group.id]} if group.id in self._request.chosen else group.kept
        there = [one.file for one in candidates]
        least = outdone(there, self._request.proof)
        wishes = Wishes(self._policy, said, group.standing, self._request.drives, least)
        order = ranked(candidates, wishes)
        while order and not is_readable(order[0].file.path):
            troubles[order.pop(0).file.path] = "cannot be read"
        if not order:
            return group.id, "none of its files can be kept: each is gone, changed, put away or acted upon"
        self._keep(order[0].file.path)
        staying, acts, left = self._decided(group, order)
        left.extend(LeftAlone(path, trouble) for path, trouble in troubles.items())
        first = PlannedGroup(
            id=group.id,
            keep=state_of(order[0].file),
            reason=kept_reason(group, order[0], order[1:], wishes),
            acts=_by_path(acts[order[0].file.path]),
            left=tuple(sorted(left, key=lambda one: one.path)),
        )
        others = [one.file for one in staying[1:] if acts[one.file.path]]
        return [
            first,
            *(
                PlannedGroup(f"{group.id}.{number}", state_of(file), _ANOTHER, _by_path(acts[file.path]))
                for number, file in enumerate(others, start=2)
            ),
        ]

    def _decided(
        self, group: DuplicateGroup, order: Sequence[Candidate]
    ) -> tuple[list[Candidate], dict[bytes, list[PlannedAct]], list[LeftAlone]]:
        """Decide on each file in turn: it goes in favour of one that stays, or stays itself."""
        staying = [order[0]]
        left: list[LeftAlone] = []
        going: list[Leaver] = []
        kinds = kinds_between(group)
        self._ways.enter(group)
        for other in order[1:]:
            found = self._untouchable(group, order[0], other) or self._ways.first(other, staying, kinds)
            self._ways.ask_back(order[0].file, other.file, kinds)
            if isinstance(found, Going):
                going.append((other.file, found))
                self._goes(other.file.path, group)
            else:
                left.append(found)
                staying.append(other)
                self._keep(other.file.path)
        back = self._held_back(going, [one.file for one in staying])
        staying += [one for one in order if one.file.path in back]
        acts: dict[bytes, list[PlannedAct]] = {one.file.path: [] for one in staying}
        for file, found in going:
            if file.path not in back:
                acts[found.kept.path].append(found.act)
        return staying, acts, [*left, *back.values()]

    def _goes(self, path: bytes, group: DuplicateGroup) -> None:
        """Remember that a file is acted upon."""
        self._gone[path] = group.id
        for place in self._shared.get(path, ()):
            self._remaining[place] -= 1

    def _held_back(self, going: Sequence[Leaver], staying: Sequence[CatalogedFile]) -> dict[bytes, LeftAlone]:
        """Return the files that must stay, for too few or too few drives would be left."""
        reserve = Reserve(self._policy, self._request.proof, lambda file: self._inodes[file.path])
        back = {file.path: LeftAlone(file.path, why) for file, why in reserve.held_back(going, staying)}
        for path in back:
            del self._gone[path]
            self._keep(path)
            for place in self._shared.get(path, ()):
                self._remaining[place] += 1
        return back

    def _keep(self, path: bytes) -> None:
        self._kept.setdefault(self._inodes[path], path)

    def _members(self, group: DuplicateGroup) -> Sequence[CatalogedFile]:
        """Return the members, preferred ones first: of two names of one folder the first counts."""
        if not self._policy.prefer:
            return group.members
        return sorted(group.members, key=lambda member: preference(member.path, self._policy))

    def _candidate(self, member: CatalogedFile, group: DuplicateGroup) -> Candidate | str:
        """Return a member that can be kept or acted upon, or say why it takes no part at all."""
        if member.path in self._gone:
            return f"acted upon in group {self._gone[member.path]}"
        inode = self.look.at(member)
        if isinstance(inode, str):
            return inode
        self._inodes[member.path] = inode
        companions = len(self._ways.companions_of(member.path))
        protected = self.look.folders.protects(member.path)
        return Candidate(member, companions, protected, member.path in group.rejected)

    def _untouchable(self, group: DuplicateGroup, keeper: Candidate, other: Candidate) -> LeftAlone | None:
        """Say why a file stays whatever else there is; None if it may go."""
        file = other.file
        same_bytes = file.digest == keeper.file.digest
        chosen = same_bytes and group.id in self._request.chosen  # which of them to keep was chosen just now
        inode = self._inodes[file.path]
        protected = self.look.folders.protects
        beside = next(
            (one.path for one in self._ways.going_with(file.path) if protected(one.path)),
            None,
        )
        own = next((one.path for one in self._ways.going_with(file.path) if one.path in self._raws), None)
        reasons = (
            (is_raw(file.path, file.format), RAW_STAYS),
            (own is not None, f"{named(own or b'')}, which goes with it, is an image of its own: scan again"),
            (file.path in group.kept and not chosen, "you said to keep it"),
            (other.protected, "protected"),
            (
                inode == self._inodes[keeper.file.path],
                "a hard link of the file to keep: removing it frees nothing",
            ),
            (self._kept.get(inode) == file.path, "kept in another group"),
            (inode in self._kept, "a hard link of a file that stays: removing it frees nothing"),
            (
                any(self._remaining[place] <= 1 for place in self._shared.get(file.path, ())),
                "the last one of another group",
            ),
            (beside is not None, f"{named(beside or b'')}, which goes with it, is protected"),
        )
        reason = next((reason for applies, reason in reasons if applies), None)
        return None if reason is None else LeftAlone(file.path, reason)


def _by_path(acts: Iterable[PlannedAct]) -> tuple[PlannedAct, ...]:
    return tuple(sorted(acts, key=lambda act: act.file.path))


def _files_in_several_groups(groups: Iterable[DuplicateGroup]) -> dict[bytes, list[int]]:
    """Return the places of the groups of each file that is in more than one."""
    first: dict[bytes, int] = {}
    several: dict[bytes, list[int]] = {}
    for place, group in enumerate(groups):
        for member in group.members:
            if member.path in first:
                several.setdefault(member.path, [first[member.path]]).append(place)
            else:
                first[member.path] = place
    return several
