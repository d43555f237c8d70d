"""Going through the groups of a plan with a person: one key a group, each decision kept at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Loss
from neardup_cli.cli.output import say, table_console
from neardup_cli.cli.progress import shown_progress
from neardup_cli.errors import BadInput, NeardupError
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.decisions import call_groups_different, keep_files
from neardup_cli.plans import Plan
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.plan_table import numbered_members, print_group
from neardup_cli.reports.plan_text import plan_summary
from neardup_cli.rules.words import losses_words
from neardup_cli.system.keyboard import Keyboard, single_keys

_KEYS = "1-9 keep this (Enter: 1) · {loss}a keep all · n not duplicates · s skip · q quit"


class _Key(StrEnum):
    """What a key means; the digits choose the file to keep."""

    FIRST = "\n"
    LOSE = "l"
    ALL = "a"
    DIFFERENT = "n"
    SKIP = "s"
    QUIT = "q"


def interview(catalog: Catalog, options: CleanOptions, groups: Sequence[DuplicateGroup], plan: Plan) -> Plan:
    """Ask about each group of a plan; return the plan for those in which one file is kept.

    "Keep this", "keep all" and "not duplicates" are stored as decisions at once; groups of which all files
    are to be kept are not asked about again. What is accepted to be lost is so for this run alone.
    """
    by_id = {group.id: group for group in groups}
    # A family may be planned in several groups; the first one has its id.
    asked = [by_id[one.id] for one in plan.groups if one.id in by_id]
    asked = [found for found in asked if not _is_kept_whole(found)]
    chosen: dict[str, bytes] = {}
    accepted: dict[str, frozenset[Loss]] = {}
    with single_keys() as terminal:
        for number, found in enumerate(asked, 1):
            say(f"\ngroup {number} of {len(asked)}")
            question = _Question(catalog, options, found, terminal)
            answer = question.asked()
            if answer is _Key.QUIT:
                break
            if isinstance(answer, bytes):
                chosen[found.id], accepted[found.id] = answer, question.accepted
    agreed = [by_id[name] for name in chosen]
    return make_plan(catalog, replace(options, chosen=chosen, accepted=accepted), agreed)


def _is_kept_whole(group: DuplicateGroup) -> bool:
    return all(member.path in group.kept for member in group.members)


class _Question:
    """Asks about one group.

    Attributes:
        accepted: what may be lost with its copies, as the person says.
    """

    def __init__(
        self, catalog: Catalog, options: CleanOptions, found: DuplicateGroup, terminal: Keyboard
    ) -> None:
        self._catalog = catalog
        self._options = options
        self._found = found
        self._terminal = terminal
        self.accepted: frozenset[Loss] = frozenset()

    def asked(self) -> bytes | _Key:
        """Return the file to keep, or what else was answered; the decision is kept by then."""
        plan = self._shown()
        while True:
            members, lost = numbered_members(plan), self._lost(plan)
            say(
                _KEYS.format(
                    loss=f"l {losses_words(lost).removeprefix('loses ')} may be lost · " if lost else ""
                )
            )
            key = self._terminal.pressed() or _Key.QUIT
            try:
                if key in ("\n", "\r") or (key.isascii() and key.isdigit() and 0 < int(key) <= len(members)):
                    path = members[int(key) - 1 if key.isdigit() else 0]
                    self._keep(path)
                    return path
                match key:
                    case _Key.LOSE if lost or self.accepted:
                        self.accepted = self.accepted | frozenset(lost) if lost else frozenset()
                        plan = self._shown()
                        continue
                    case _Key.ALL:
                        keep_files(self._catalog, members)
                    case _Key.DIFFERENT:
                        call_groups_different(self._catalog, [self._found], [self._found.id])
                    case _Key.SKIP | _Key.QUIT:
                        pass
                    case _:
                        continue
                return _Key(key)
            except NeardupError as exc:  # files with the same bytes cannot be called different, for one
                say(str(exc))

    def _shown(self) -> Plan:
        """Show the group as it would be planned, with what is lost of each file, proven by now."""
        plan = self._planned({})
        print_group(plan, self._found, table_console())
        return plan

    def _planned(self, chosen: Mapping[str, bytes]) -> Plan:
        options = replace(
            self._options, chosen=chosen, accepted={self._found.id: self.accepted}, prove_all=True
        )
        with self._terminal.interruptible(), shown_progress() as progress:
            return make_plan(self._catalog, options, [self._found], progress)

    def _lost(self, plan: Plan) -> tuple[Loss, ...]:
        """Return what is lost with the files that are left alone because of it."""
        losses = {loss for group in plan.groups for left in group.left for loss in left.losses or ()}
        return tuple(loss for loss in Loss if loss in losses - self.accepted)

    def _keep(self, path: bytes) -> None:
        """Have one file of the group kept, and say what that means for the others.

        A decision is about bytes: where all files hold the same ones, it would keep them all, and so the
        choice between their names is for this run alone.

        Raises:
            BadInput: it cannot be kept.
        """
        plan = self._planned({self._found.id: path})
        planned = next(iter(plan.groups), None)
        if planned is None or planned.keep.path != path:
            reasons = {} if planned is None else {left.path: left.reason for left in planned.left}
            raise BadInput(f"it cannot be kept: {reasons.get(path, 'it is not there')}")
        if len({member.digest for member in self._found.members}) > 1:
            keep_files(self._catalog, [path])
        for line in plan_summary(plan):
            say(line)
