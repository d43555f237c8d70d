"""Plans as Rich tables, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neardup_cli.plans import Plan, PlannedGroup
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.plan_json import kind_name
from neardup_cli.reports.plan_text import plan_summary
from neardup_cli.reports.table import common_folder
from neardup_cli.reports.units import shown_bytes


def print_plan(plan: Plan, console: Console) -> None:
    """Draw a plan as one table: the keeper of each group first, with why, then what happens to the others."""
    if plan.groups:
        folder = common_folder([path for group in plan.groups for path in numbered_members(group)])
        if folder:
            console.print(Text.assemble("Below ", (shown_path(folder), "bold"), ":"))
        table = _new_table()
        for group in plan.groups:
            _add_group(table, plan, group, folder)
        console.print(table)
    for name, reason in plan.undecided:
        console.print(Text(f"group {name}: {shown_text(reason)}", style="yellow"))
    for line in plan_summary(plan):
        console.print(line)


def print_group(plan: Plan, group: PlannedGroup, console: Console) -> None:
    """Draw one group, its members numbered in the order of `numbered_members`."""
    table = _new_table()
    members = numbered_members(group)
    acts = {act.file.path: act for act in group.acts}
    left = {one.path: one.reason for one in group.left}
    for number, path in enumerate(members, 1):
        if path == group.keep.path:
            word, size, remark = Text("keep", style="green"), shown_bytes(group.keep.size), group.reason
        elif path in acts:
            word, act = Text(plan.action.value, style="yellow"), acts[path]
            size = shown_bytes(act.file.size)
            remark = "; ".join([kind_name(act.kind), *act.warnings])
        else:
            word, size, remark = Text("leave", style="dim"), "", left[path]
        table.add_row(word, Text(f"{number} {shown_path(path)}"), size, Text(shown_text(remark)))
    console.print(table)


def _new_table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("Path", overflow="fold", ratio=3)
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("Why", overflow="fold", ratio=2)
    return table


def _add_group(table: Table, plan: Plan, group: PlannedGroup, folder: bytes) -> None:
    table.add_row(
        Text("keep", style="green"),
        Text(_below(group.keep.path, folder)),
        shown_bytes(group.keep.size),
        Text(shown_text(group.reason)),
    )
    for act in group.acts:
        table.add_row(
            Text(plan.action.value, style="yellow"),
            Text(_below(act.file.path, folder)),
            shown_bytes(act.file.size),
            kind_name(act.kind),
        )
        for companion in act.companions:
            table.add_row(
                "", Text(_below(companion.path, folder)), shown_bytes(companion.size), "goes with it"
            )
        for warning in act.warnings:
            table.add_row("", "", "", Text(shown_text(warning), style="red"))
    for left in group.left:
        path, reason = (
            Text(_below(left.path, folder), style="dim"),
            Text(shown_text(left.reason), style="dim"),
        )
        table.add_row(Text("leave", style="dim"), path, "", reason)
    table.add_row()


def numbered_members(group: PlannedGroup) -> list[bytes]:
    """Return the members of a group: the keeper, those that are acted upon, those that are left."""
    acted_on = [act.file.path for act in group.acts]
    return [group.keep.path, *acted_on, *(left.path for left in group.left)]


def _below(path: bytes, folder: bytes) -> str:
    return shown_path(path[len(folder) + 1 :] if folder else path)
