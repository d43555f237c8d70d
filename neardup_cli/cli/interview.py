"""Going through the groups of a plan with a person: one key a group, each decision kept at once."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum

from neardup_cli.catalog.database import Catalog
from neardup_cli.cli.output import say, table_console
from neardup_cli.errors import BadInput, NeardupError
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.decisions import call_groups_different, keep_files
from neardup_cli.plans import Plan, PlannedGroup
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.plan_table import numbered_members, print_group
from neardup_cli.reports.plan_text import plan_summary

_CTRL_C = "\x03"
_ESCAPE = "\x1b"
_PAUSE = 0.05  # seconds: a terminal sends what one key means without one
_KEYS = "1-9 keep this (Enter: 1) · a keep all · n not duplicates · s skip · q quit"


class _Key(StrEnum):
    """What a key means; the digits choose the file to keep."""

    FIRST = "\n"
    ALL = "a"
    DIFFERENT = "n"
    SKIP = "s"
    QUIT = "q"


def interview(catalog: Catalog, options: CleanOptions, groups: Sequence[DuplicateGroup], plan: Plan) -> Plan:
    """Ask about each group of a plan; return the plan for those in which one file is kept.

    "Keep this", "keep all" and "not duplicates" are stored as decisions at once; groups of which all files
    are to be kept are not asked about again.
    """
    by_id = {group.id: group for group in groups}
    asked = [group for group in _whole(plan) if not _is_kept_whole(by_id[group.id])]
    chosen: dict[str, bytes] = {}
    with _single_keys():
        for number, group in enumerate(asked, 1):
            say(f"\ngroup {number} of {len(asked)}")
            print_group(plan, group, by_id[group.id], table_console())
            answer = _asked(catalog, options, by_id[group.id], group)
            if answer is _Key.QUIT:
                break
            if isinstance(answer, bytes):
                chosen[group.id] = answer
    agreed = [by_id[name] for name in chosen]
    return make_plan(catalog, replace(options, chosen=chosen), agreed)


def _whole(plan: Plan) -> list[PlannedGroup]:
    """Return the families of a plan, each with all that is to happen to it: a person looks at it at once."""
    families: dict[str, PlannedGroup] = {}
    for group in plan.groups:
        name = group.id.split(".")[0]
        first = families.setdefault(name, group)
        if first is not group:
            families[name] = replace(first, acts=(*first.acts, *group.acts))
    return list(families.values())


def _is_kept_whole(group: DuplicateGroup) -> bool:
    return all(member.path in group.kept for member in group.members)


def _asked(
    catalog: Catalog, options: CleanOptions, found: DuplicateGroup, group: PlannedGroup
) -> bytes | _Key:
    """Return the file to keep, or what else was answered; the decision is kept by then."""
    members = numbered_members(group)
    while True:
        say(_KEYS)
        key = _pressed()
        try:
            if key in ("\n", "\r") or (key.isascii() and key.isdigit() and 0 < int(key) <= len(members)):
                path = members[int(key) - 1 if key.isdigit() else 0]
                _keep(catalog, options, found, path)
                return path
            match key:
                case _Key.ALL:
                    keep_files(catalog, members)
                case _Key.DIFFERENT:
                    call_groups_different(catalog, [found], [found.id])
                case _Key.SKIP | _Key.QUIT:
                    pass
                case _:
                    continue
            return _Key(key)
        except NeardupError as exc:  # files with the same bytes cannot be called different, for one
            say(str(exc))


def _keep(catalog: Catalog, options: CleanOptions, found: DuplicateGroup, path: bytes) -> None:
    """Have one file of a group kept, and say what that means for the others.

    A decision is about bytes: where all files hold the same ones, it would keep them all, and so the choice
    between their names is for this run alone.

    Raises:
        BadInput: it cannot be kept.
    """
    plan = make_plan(catalog, replace(options, chosen={found.id: path}), [found])
    planned = plan.groups[0] if plan.groups else None
    if planned is None or planned.keep.path != path:
        reasons = {} if planned is None else {left.path: left.reason for left in planned.left}
        raise BadInput(f"it cannot be kept: {reasons.get(path, 'it is not there')}")
    if len({member.digest for member in found.members}) > 1:
        keep_files(catalog, [path])
    for line in plan_summary(plan):
        say(line)


@contextmanager
def _single_keys() -> Iterator[None]:
    """Have the terminal hand on each key at once; keys that were pressed early are not lost.

    Ctrl-C is a key too: a signal that came just before the wait for a key would be noticed after the next.
    """
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        now = termios.tcgetattr(sys.stdin)
        now[tty.CC][termios.VINTR] = bytes([os.fpathconf(sys.stdin.fileno(), "PC_VDISABLE")])
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, now)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pressed() -> str:
    """Wait for one key; a terminal that is gone has said `q`.

    Raises:
        KeyboardInterrupt: it was Ctrl-C.
    """
    terminal = sys.stdin.fileno()
    try:
        key = os.read(terminal, 1).decode("latin-1") or _Key.QUIT
        if key == _ESCAPE:  # arrows, Delete, F1 … send some more, in which digits mean nothing
            while select.select([terminal], [], [], _PAUSE)[0] and os.read(terminal, 32):
                pass
    except OSError:
        return _Key.QUIT
    if key == _CTRL_C:
        raise KeyboardInterrupt
    return key
