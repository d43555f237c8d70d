"""Whether a plan may be carried out in this catalog, whoever wrote or edited it.

A plan is a file that somebody else can hand over. It says of itself what is to be acted upon, and the checks
before each act compare the file with what the plan says: they hold an honest plan to the truth, and a forged
one to its own words. Here the catalog has the last word: a plan acts upon files that were scanned, below the
folders that were scanned, for the sake of files that the catalog calls copies of them, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import stored_holdings
from neardup_cli.catalog.proofs import stored_proofs
from neardup_cli.catalog.related import IdPair, related
from neardup_cli.cleanup.carry import is_said, told_by
from neardup_cli.cleanup.companions import Companions
from neardup_cli.cleanup.reasons import named
from neardup_cli.errors import BadInput
from neardup_cli.images.formats import is_raw
from neardup_cli.images.walk import is_below
from neardup_cli.pipeline.plan_reserve import staying_paths, too_few_left
from neardup_cli.plans import Companion, FileState, Plan, PlannedAct, PlannedGroup
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings

_MOST_NAMED = 50  # lines in one message


def guard_plan(catalog: Catalog, plan: Plan) -> None:
    """Make sure that a plan is about this catalog, and about nothing beyond it.

    Whether the plan agrees with itself is for `cleanup.check.check_plan` to say.

    Raises:
        BadInput: it is not; the message names each line that is wrong, and nothing of the plan may be done.
    """
    with catalog.read() as connection:
        uuid = queries.catalog_uuid(connection)
        if plan.catalog != uuid:
            if plan.catalog:
                raise BadInput("the plan was made from another catalog: plan again")
            raise BadInput("the plan does not say from which catalog it was made (an older one?): plan again")
        families = staying_paths(plan)
        paths = {state.path for group in plan.groups for state in _states(group)}.union(*families.values())
        paths |= {one.path for group in plan.groups for act in group.acts for one in act.companions}
        known = queries.files_at(connection, paths)
        pairs = {pair for group in plan.groups for pair in _pairs(group, known)}
        proofs = stored_proofs(connection, {gone for gone, _ in pairs})
        proven = {pair for pair in pairs if pair in proofs and proofs[pair].is_empty}
        copies = proven | related(connection, pairs - proven)
        held = stored_holdings(connection, {gone for gone, _ in pairs} if plan.policy.carry_metadata else ())
        guard = _Guard(plan, known, copies, queries.root_paths(connection), held)
    problems = [
        f"groups[{place}].{problem}"
        for place, group in enumerate(plan.groups)
        for problem in guard.problems(group)
    ]
    problems += too_few_left(plan, families, known, proofs)
    if problems:
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        shown = "; ".join(problems[:_MOST_NAMED])
        raise BadInput(f"nothing of the plan is done, for the catalog does not bear it out: {shown}{more}")


def _states(group: PlannedGroup) -> Iterator[FileState]:
    yield group.keep
    for act in group.acts:
        yield act.file


def _pairs(group: PlannedGroup, known: Mapping[bytes, CatalogedFile]) -> Iterator[IdPair]:
    """Yield the contents of each copy and its keeper, where the catalog has both."""
    keeper = known.get(group.keep.path)
    for act in group.acts:
        file = known.get(act.file.path)
        if keeper is not None and file is not None:
            yield file.content_id, keeper.content_id


class _Guard:
    """Finds what is wrong with the groups of one plan."""

    def __init__(
        self,
        plan: Plan,
        known: Mapping[bytes, CatalogedFile],
        copies: set[IdPair],
        roots: list[bytes],
        held: Mapping[int, Holdings],
    ) -> None:
        self._plan = plan
        self._known = known
        self._copies = copies
        self._roots = roots
        self._held = held
        self._companions = Companions()

    def problems(self, group: PlannedGroup) -> Iterator[str]:
        """Yield what is wrong with a group, each with its place in the document."""
        if not group.acts:
            return
        if wrong := self._unknown(group.keep):
            yield f"keep: {named(group.keep.path)} {wrong}"
            return
        for place, act in enumerate(group.acts):
            for wrong in self._wrong_with(act, group):
                yield f"acts[{place}]: {wrong}"

    def _unknown(self, state: FileState) -> str | None:
        """Say how a file is none of the catalog's."""
        file = self._known.get(state.path)
        if file is None:
            return "is no image that this catalog has"
        if file.digest != state.digest:
            return "has another content in the catalog"
        if not any(is_below(state.path, root) for root in self._roots):
            return "is below no folder that was scanned"
        return None

    def _wrong_with(self, act: PlannedAct, group: PlannedGroup) -> Iterator[str]:
        shown = named(act.file.path)
        if wrong := self._unknown(act.file):
            yield f"{shown} {wrong}"
            return
        file = self._known[act.file.path]
        if is_raw(file.path, file.format):
            yield f"{shown} is a camera's raw file, which stays"
        pair = self._known[act.file.path].content_id, self._known[group.keep.path].content_id
        if pair not in self._copies:
            yield f"{shown} and {named(group.keep.path)} are no copies as far as the catalog knows"
        for companion in act.companions:
            if wrong := self._wrong_beside(companion, act.file, group.keep):
                yield f"{named(companion.path)} {wrong}"
        if act.carried is not None:
            told = told_by(self._held.get(pair[0], Holdings()), self._companions.of(act.file.path))
            if not is_said(act.carried, told):
                yield f"{shown} does not say all that would be written into {named(act.carried.sidecar)}"
        for path, target in ((act.file.path, act.target), *((c.path, c.target) for c in act.companions)):
            if target is not None and (wrong := self._wrong_target(path, target)):
                yield f"{named(path)} {wrong}"

    def _wrong_beside(self, companion: Companion, file: FileState, keep: FileState) -> str | None:
        """Say how a file does not go with a picture, by its name and place; one that is gone harms nobody."""
        if not self._goes_with(companion.path, file.path):
            return f"does not belong to {named(file.path)}"
        if companion.path in self._known:
            return "is an image of its own: scan again, and plan again"
        if companion.twin is not None and not self._goes_with(companion.twin.path, keep.path):
            return f"has for its twin {named(companion.twin.path)}, which does not belong to the file kept"
        return None

    def _goes_with(self, path: bytes, picture: bytes) -> bool:
        beside = os.path.dirname(path) == os.path.dirname(picture)
        known = {one.path for one in self._companions.of(picture)}
        return beside and (path in known or not os.path.lexists(path))

    def _wrong_target(self, path: bytes, target: bytes) -> str | None:
        """Say how a target leads out of the plan's folder, or would be another kind of file.

        No file gets the name of a program's configuration: what was `.jpg` stays `.jpg`.
        """
        to = self._plan.to
        if to is None or os.path.dirname(to) == to:
            return f"would go to {named(target)}, which is below no folder of its own"
        place = os.path.dirname(target)
        while is_below(place, to) and not os.path.lexists(place):
            place = os.path.dirname(place)
        led_out = is_below(place, to) and not is_below(os.path.realpath(place), os.path.realpath(to))
        if led_out or not is_below(target, to):
            return f"would go to {named(target)}, which is not below {named(to)}"
        if os.path.splitext(target)[1].lower() != os.path.splitext(path)[1].lower():
            return f"would become {named(target)}: another kind of file"
        return None
