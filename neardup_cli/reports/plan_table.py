"""Plans as Rich tables, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from neardup_cli.plans import Plan, PlannedGroup
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.plan_text import act_remark, carried_words, left_remark, plan_summary
from neardup_cli.reports.sheet import Block, Row, Sheet
from neardup_cli.reports.table import common_folder
from neardup_cli.reports.units import shown_bytes

_WHY = "Why"


class _Row(NamedTuple):
    """One line about a file, or about none: a warning."""

    word: str
    style: str
    path: bytes | None
    size: str
    remark: str


def print_plan(plan: Plan, console: Console) -> None:
    """Draw a plan as one table: the keeper of each group first, with why, then what happens to the others."""
    if plan.groups:
        folder = common_folder(numbered_members(plan))
        blocks = [Block(None, [_drawn(row, folder) for row in _rows(plan, group)]) for group in plan.groups]
        _print_below(folder, console)
        Sheet(blocks, ["Size", _WHY], console.width, prose=_WHY, drop=["Size"]).draw(blocks, console)
    for name, reason in plan.undecided:
        console.print(Text(f"group {shown_text(name)}: {shown_text(reason)}", style="yellow"))
    for line in plan_summary(plan):
        console.print(Text(shown_text(line)))


def print_group(plan: Plan, found: DuplicateGroup, console: Console) -> None:
    """Draw a plan for one family, its members numbered in the order of `numbered_members`.

    Args:
        plan: for this family alone.
        found: what is known of its members. Their roles are shown where the file that stays is the one that
            they are meant towards.
        console: to draw on.
    """
    numbers = {path: str(number) for number, path in enumerate(numbered_members(plan), 1)}
    files = {member.path: member for member in found.members}
    folder = common_folder(list(numbers))
    with_roles = bool(plan.groups) and plan.groups[0].keep.path == found.keep
    drawn: set[bytes] = set()
    rows: list[Row] = []
    for row in (row for group in plan.groups for row in _rows(plan, group)):
        if row.path is not None and row.word in ("keep", "leave") and row.path in drawn:
            continue  # a version that stays and has copies of its own was drawn as left alone
        word, path, cells = _drawn(row, folder)
        more = dict(cells)
        if row.path in files:
            file = files[row.path]
            style = more["Size"].style
            more["Size"] = Text(shown_bytes(file.stamp.size), style=style)
            more["Pixels"] = Text(f"{file.width}×{file.height}", style=style)
            more["Role"] = Text(found.role_of(file).value if with_roles else "", style=style)
            drawn.add(row.path)
        number = "" if row.path is None else numbers.get(row.path, "")
        rows.append(Row(Text.assemble(f"{number:>2} ", word), path, more))
    _print_below(folder, console)
    blocks = [Block(None, rows)]
    headings = ["Size", "Pixels", "Role", _WHY]
    Sheet(blocks, headings, console.width, prose=_WHY, drop=["Role", "Size", "Pixels"]).draw(blocks, console)


def numbered_members(plan: Plan) -> list[bytes]:
    """Return the members of a family that is planned: the keeper, those acted upon, those that are left."""
    kept = [group.keep.path for group in plan.groups]
    acted_on = [act.file.path for group in plan.groups for act in group.acts]
    left = [left.path for group in plan.groups for left in group.left]
    return list(dict.fromkeys([*kept[:1], *acted_on, *left]))


def _rows(plan: Plan, group: PlannedGroup) -> Iterator[_Row]:
    yield _Row("keep", "green", group.keep.path, shown_bytes(group.keep.size), group.reason)
    for act in group.acts:
        size = shown_bytes(act.file.size)
        yield _Row(plan.action.value, "yellow", act.file.path, size, act_remark(act))
        for companion in act.companions:
            yield _Row("with", "yellow", companion.path, shown_bytes(companion.size), "goes with it")
        if act.carried is not None:
            yield _Row("carry", "green", act.carried.sidecar, "", carried_words(act.carried))
        for warning in act.warnings:
            yield _Row("warn", "red", None, "", warning)
    for left in group.left:
        yield _Row("leave", "dim", left.path, "", left_remark(left))


def _drawn(row: _Row, folder: bytes) -> Row:
    """Return what is done, the path, the size and why; what is left alone is dim, a warning is red."""
    whole = row.style if row.style in ("dim", "red") else ""
    path = "" if row.path is None else _below(row.path, folder)
    cells = {"Size": Text(row.size, style=whole), _WHY: Text(shown_text(row.remark), style=whole)}
    return Row(Text(row.word, style=row.style), Text(path, style=whole), cells)


def _print_below(folder: bytes, console: Console) -> None:
    if folder:
        console.print(Text.assemble("Below ", (shown_path(folder), "bold"), ":"), soft_wrap=True)


def _below(path: bytes, folder: bytes) -> str:
    return shown_path(path[len(folder) + 1 :] if folder else path)
