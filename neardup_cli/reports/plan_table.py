"""Plans as Rich tables, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neardup_cli.plans import Plan, PlannedGroup
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.plan_text import act_remark, carried_words, plan_summary
from neardup_cli.reports.table import common_folder
from neardup_cli.reports.units import shown_bytes


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
        folder = common_folder([path for group in plan.groups for path in numbered_members(group)])
        table = _new_table("Path", "Size", "Why")
        for group in plan.groups:
            for row in _rows(plan, group):
                table.add_row(*_cells(row, folder))
            table.add_row()
        _print_below(folder, table, console)
    for name, reason in plan.undecided:
        console.print(Text(f"group {shown_text(name)}: {shown_text(reason)}", style="yellow"))
    for line in plan_summary(plan):
        console.print(Text(shown_text(line)))


def print_group(plan: Plan, group: PlannedGroup, found: DuplicateGroup, console: Console) -> None:
    """Draw one group, its members numbered in the order of `numbered_members`, with what is known of them."""
    numbers = {path: str(number) for number, path in enumerate(numbered_members(group), 1)}
    files = {member.path: member for member in found.members}
    folder = common_folder(list(numbers))
    table = _new_table("Path", "Size", "Pixels", "Why")
    for row in _rows(plan, group):
        word, path, size, why = _cells(row, folder)
        pixels = Text()
        if row.path in files:
            file = files[row.path]
            size = Text(shown_bytes(file.stamp.size), style=size.style)
            pixels = Text(f"{file.width}×{file.height}", style=size.style)
        number = "" if row.path is None else numbers.get(row.path, "")
        table.add_row(Text.assemble(f"{number:>2} ", word), path, size, pixels, why)
    _print_below(folder, table, console)


def numbered_members(group: PlannedGroup) -> list[bytes]:
    """Return the members of a group: the keeper, those that are acted upon, those that are left."""
    acted_on = [act.file.path for act in group.acts]
    return [group.keep.path, *acted_on, *(left.path for left in group.left)]


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
        yield _Row("leave", "dim", left.path, "", left.reason)


def _cells(row: _Row, folder: bytes) -> tuple[Text, Text, Text, Text]:
    """Return what is done, the path, the size and why; what is left alone is dim, a warning is red."""
    whole = row.style if row.style in ("dim", "red") else ""
    path = "" if row.path is None else _below(row.path, folder)
    remark = shown_text(row.remark)
    return (
        Text(row.word, style=row.style),
        Text(path, style=whole),
        Text(row.size, style=whole),
        Text(remark, style=whole),
    )


def _new_table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in headings:
        if heading in ("Size", "Pixels"):
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold", ratio=3 if heading == "Path" else 2)
    return table


def _print_below(folder: bytes, table: Table, console: Console) -> None:
    if folder:
        console.print(Text.assemble("Below ", (shown_path(folder), "bold"), ":"))
    console.print(table)


def _below(path: bytes, folder: bytes) -> str:
    return shown_path(path[len(folder) + 1 :] if folder else path)
