"""Groups of copies become a plan: which file is kept, what happens to each of the others, and why.

A file may be a member of several groups (a collage of two pictures). Whatever the policy: no group loses its
last file, what one group keeps no other group acts upon, and nothing is acted upon twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from neardup_cli.choices import Action, Kind
from neardup_cli.cleanup import files
from neardup_cli.cleanup.check import check_request
from neardup_cli.cleanup.companions import Companions
from neardup_cli.cleanup.folders import Identity
from neardup_cli.cleanup.look import Look, is_readable
from neardup_cli.cleanup.reasons import Refused, named
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.cleanup.savings import counted_once
from neardup_cli.cleanup.targets import Targets
from neardup_cli.plans import Companion, FileState, LeftAlone, Plan, PlannedAct, PlannedGroup
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.rules.keep import Candidate, Wishes, preference, ranked
from neardup_cli.rules.reasons import kept_reason

_NOT_KNOWN = "not known what was done to it: no pixels were compared"
_SIDECAR = 1 << 20  # bytes: larger companions are told apart by their size, and not read
_STRONG_FIRST = {kind: place for place, kind in enumerate(Kind)}


def plan_groups(
    groups: Sequence[DuplicateGroup], request: PlanRequest, watch: Callable[[int], None] = lambda _: None
) -> Plan:
    """Plan what happens to groups of copies, in their order; nothing is read of the files but their `stat`.

    The same for the same groups, request and files on disk.

    Raises:
        BadInput: see `check_request`.
    """
    check_request(request.action, request.to)
    planner = _Planner(request, groups)
    planned = []
    for group in groups:
        planned.append(planner.plan(group))
        watch(1)
    kept = [group for group in planned if isinstance(group, PlannedGroup)]
    undecided = tuple(group for group in planned if not isinstance(group, PlannedGroup))
    return Plan(
        action=request.action,
        policy=request.policy,
        groups=tuple(counted_once(kept, planner.look.several_names)),
        to=request.to,
        across_devices=request.across_devices,
        undecided=undecided,
    )


class _Planner:
    """Plans one group after the other, remembering what earlier ones keep and act upon."""

    def __init__(self, request: PlanRequest, groups: Sequence[DuplicateGroup]) -> None:
        self._request = request
        self._policy = request.policy
        self.look = Look(request)
        self._companions = Companions()
        self._wants_companions = request.action is not Action.LIST and not request.action.is_link
        self._targets = Targets(request)
        self._device_of_folder = None
        if request.to is not None and not request.across_devices:
            self._device_of_folder = _device(request.to)
        self._inodes: dict[bytes, Identity] = {}
        self._kept: set[Identity] = set()
        self._gone: dict[bytes, str] = {}
        self._shared = _files_in_several_groups(groups)
        self._remaining = {
            place: sum(not isinstance(self.look.at(member), str) for member in self._members(groups[place]))
            for place in {place for places in self._shared.values() for place in places}
        }

    def plan(self, group: DuplicateGroup) -> PlannedGroup | tuple[str, str]:
        """Return what happens to a group, or its id and why nothing can."""
        troubles: dict[bytes, str] = {}
        candidates: list[Candidate] = []
        for member in self._members(group):
            candidate = self._candidate(member)
            if isinstance(candidate, str):
                troubles[member.path] = candidate
            else:
                candidates.append(candidate)
        wanted = {self._request.chosen[group.id]} if group.id in self._request.chosen else group.kept
        wishes = Wishes(self._policy, wanted, group.standing, self._request.drives)
        order = ranked(candidates, wishes)
        while order and not is_readable(order[0].file.path):
            troubles[order.pop(0).file.path] = "cannot be read"
        if not order:
            return group.id, "none of its files can be kept: each is gone, changed, put away or acted upon"
        keeper = order[0]
        self._kept.add(self._inodes[keeper.file.path])
        acts, left = self._act_on(group, keeper, order[1:])
        left.extend(LeftAlone(path, trouble) for path, trouble in troubles.items())
        return PlannedGroup(
            id=group.id,
            keep=_state(keeper.file),
            reason=kept_reason(group, keeper, order[1:], wishes),
            acts=tuple(sorted(acts, key=lambda act: act.file.path)),
            left=tuple(sorted(left, key=lambda one: one.path)),
        )

    def _act_on(
        self, group: DuplicateGroup, keeper: Candidate, others: Sequence[Candidate]
    ) -> tuple[list[PlannedAct], list[LeftAlone]]:
        kinds = _kinds_to(keeper.file, group)
        acts, left = [], []
        for other in others:
            kind = Kind.EXACT if other.file.digest == keeper.file.digest else kinds.get(other.file.digest)
            is_linked = other.file.digest == keeper.file.digest or other.file.digest in kinds
            reason = (
                self._reason_to_leave(group, keeper, other, kind) or self._too_far(other.file, keeper.file)
                if is_linked
                else "no match of its own with the file to keep"
            )
            decided = reason or self._act(other.file, keeper.file, kind)
            if isinstance(decided, PlannedAct):
                self._take(decided, group)
                acts.append(decided)
            else:
                left.append(LeftAlone(other.file.path, decided))
        return acts, left

    def _members(self, group: DuplicateGroup) -> Sequence[CatalogedFile]:
        """Return the members, preferred ones first: of two names of one folder the first counts."""
        if not self._policy.prefer:
            return group.members
        return sorted(group.members, key=lambda member: preference(member.path, self._policy))

    def _candidate(self, member: CatalogedFile) -> Candidate | str:
        """Return a member that can be kept or acted upon, or say why it takes no part at all."""
        if member.path in self._gone:
            return f"acted upon in group {self._gone[member.path]}"
        inode = self.look.at(member)
        if isinstance(inode, str):
            return inode
        self._inodes[member.path] = inode
        companions = len(self._companions.of(member.path))
        return Candidate(member, companions, self.look.folders.protects(member.path))

    def _reason_to_leave(
        self, group: DuplicateGroup, keeper: Candidate, other: Candidate, kind: Kind | None
    ) -> str | None:
        """Say why a copy is not acted upon; None if it may be."""
        file, same_bytes = other.file, other.file.digest == keeper.file.digest
        asked = _NOT_KNOWN if kind is None else f"{kind.value}: not among the kinds asked for (--only)"
        chosen = same_bytes and group.id in self._request.chosen  # which of them to keep was chosen just now
        reasons = (
            (file.path in group.kept and not chosen, "you said to keep it"),
            (other.protected, "protected"),
            (
                self._inodes[file.path] == self._inodes[keeper.file.path],
                "a hard link of the file to keep: removing it frees nothing",
            ),
            (self._inodes[file.path] in self._kept, "kept in another group"),
            (kind not in self._policy.only, asked),
            (
                self._request.action.is_link and not same_bytes,
                "not the same bytes: a link would put another file under its name",
            ),
            (
                any(self._remaining[place] <= 1 for place in self._shared.get(file.path, ())),
                "the last one of another group",
            ),
        )
        return next((reason for applies, reason in reasons if applies), None)

    def _too_far(self, file: CatalogedFile, keeper: CatalogedFile) -> str | None:
        """Say that an action cannot reach from one device to the other; the act itself checks it again."""
        action = self._request.action
        if action in (Action.HARDLINK, Action.REFLINK) and _device(file.path) != _device(keeper.path):
            return f"on another device than the file to keep: no {action.value} reaches it"
        if self._device_of_folder is None or self._device_of_folder == _device(file.path):
            return None
        return f"on another device than {named(self._request.to or b'')}: see --across-devices"

    def _act(self, file: CatalogedFile, keeper: CatalogedFile, kind: Kind | None) -> PlannedAct | str:
        """Return the act upon a copy and its companions, or why there is none."""
        companions = self._companions.of(file.path) if self._wants_companions else ()
        for companion in companions:
            if self.look.folders.protects(companion.path):
                return f"{named(companion.path)}, which goes with it, is protected"
        beside = self._companions.of(keeper.path) if companions else ()
        if self._request.action is Action.DELETE:
            companions = tuple(replace(one, twin=_twin(one, beside)) for one in companions)
            for companion in companions:
                if companion.twin is None:
                    shown = named(companion.path)
                    return f"{shown}, which goes with it, has no copy beside the file to keep"
        target, places = self._targets.of(file.path, [companion.path for companion in companions])
        for place in (target, *places):
            if place is not None and os.path.lexists(place):
                return f"the name is taken: {named(place)}"
        return PlannedAct(
            file=_state(file),
            kind=kind,
            target=target,
            frees=file.stamp.size + sum(companion.size for companion in companions),
            companions=tuple(
                replace(companion, target=place) for companion, place in zip(companions, places, strict=True)
            ),
            warnings=(*_seen_losses(file, keeper), *_missing_beside(companions, beside)),
        )

    def _take(self, act: PlannedAct, group: DuplicateGroup) -> None:
        self._gone[act.file.path] = group.id
        for place in self._shared.get(act.file.path, ()):
            self._remaining[place] -= 1


def _kinds_to(keeper: CatalogedFile, group: DuplicateGroup) -> dict[bytes, Kind | None]:
    """Return what happened between the keeper and each content that was matched with it, by digest.

    A match names one file of each content; what it says holds for all files with those bytes.
    """
    digests = {member.path: member.digest for member in group.members}
    kinds: dict[bytes, Kind | None] = {}
    for match in group.matches:
        a, b = digests.get(match.a), digests.get(match.b)
        if a is None or b is None or a == b or keeper.digest not in (a, b):
            continue
        other = b if a == keeper.digest else a
        known = kinds.get(other)
        # Of two opinions the more careful one counts: kinds that may hold something of their own come first.
        if other not in kinds or (known is not None and _rank(match.kind) < _rank(known)):
            kinds[other] = match.kind
    return kinds


def _rank(kind: Kind | None) -> int:
    if kind is None:
        return -1
    return _STRONG_FIRST[kind] + (len(_STRONG_FIRST) if kind in (Kind.EXACT, Kind.SAME_PIXELS) else 0)


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


def _device(path: bytes) -> int:
    """Return the device of a path, or of the deepest folder above it that is there."""
    while True:
        try:
            return os.lstat(path).st_dev
        except OSError:
            path = os.path.dirname(path)


def _seen_losses(file: CatalogedFile, keeper: CatalogedFile) -> Iterator[str]:
    """Name what is lost and can be seen without opening the files."""
    if file.captured_at is not None and keeper.captured_at is None:
        yield f"has a capture time that the file to keep lacks ({file.captured_at:%Y-%m-%d %H:%M})"


def _missing_beside(companions: Iterable[Companion], beside: Iterable[Companion]) -> Iterator[str]:
    """Name the companions of which the keeper has none, or a different one, of the same type."""
    there = {_extension(other): other for other in beside}
    for companion in companions:
        name, other = named(os.path.basename(companion.path)), there.get(_extension(companion))
        if other is None:
            yield f"{name} goes with it, and the file to keep has none like it"
        elif companion.size != other.size or (companion.size <= _SIDECAR and not _twin(companion, [other])):
            yield f"{name} goes with it, and is not the same as {named(os.path.basename(other.path))}"


def _extension(companion: Companion) -> bytes:
    return os.path.splitext(companion.path)[1].lower()


def _twin(companion: Companion, beside: Iterable[Companion]) -> FileState | None:
    """Return the first companion of the keeper with the same bytes; None if there is none."""
    for other in beside:
        if other.size != companion.size:
            continue
        with suppress(OSError, Refused):
            digest = files.digested(other.path)[1]
            if files.digested(companion.path)[1] == digest:
                return FileState(other.path, other.size, other.mtime_ns, digest)
    return None


def _state(file: CatalogedFile) -> FileState:
    return FileState(file.path, file.stamp.size, file.stamp.mtime_ns, file.digest)
