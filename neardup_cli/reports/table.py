"""Reports as Rich tables, for a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neardup_cli.records.answers import QueryMatch, QueryResult
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch
from neardup_cli.reports.evidence import evidence, shown_kind, weakest_link
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.text import dups_summary, nearness, shown_losses, shown_role
from neardup_cli.reports.units import shown_bytes, shown_confidence, shown_similarity

_FILE_COLUMNS = ("Size", "Pixels", "Stage", "Sim.", "Conf.", "Kind")
_LEAST_WIDTH = {"Stage": 80, "Sim.": 80, "Conf.": 100}
_LOSES = "Loses"  # where anything was proven
_LONGEST_LOSS = 12  # letters of "transparency"
_WIDE = 80  # columns from which there is room for all
_WEAKEST = "bold yellow"  # of the match that ties its member to the group least


def print_dups(report: DupsReport, console: Console) -> None:
    """Draw all groups as one table: the keeper of each first, what its copies would free beside it."""
    if report.groups:
        folder = common_folder([member.path for group in report.groups for member in group.members])
        table = _new_table()
        headings = [name for name in _FILE_COLUMNS if console.width >= _LEAST_WIDTH.get(name, 0)]
        if any(group.proofs for group in report.groups):
            headings.append(_LOSES)
            if console.width < _WIDE:
                headings.remove("Kind")
        for heading in (*headings, "Frees"):
            left = heading in ("Stage", "Kind", _LOSES)
            table.add_column(
                heading,
                justify="left" if left else "right",
                no_wrap=heading != _LOSES,
                overflow="fold",
                min_width=_LONGEST_LOSS if heading == _LOSES else None,
            )
        for group in report.groups:
            _add_group(table, group, folder, headings)
        if folder:
            console.print(Text.assemble("Below ", (shown_path(folder), "bold"), ":"))
        console.print(table)
    console.print(dups_summary(report))


def print_query(results: Sequence[QueryResult], console: Console) -> None:
    """Draw one table an image: matches, then near neighbours dimmed."""
    for result in results:
        console.print(Text(shown_path(result.path), style="bold"))
        if result.error is not None:
            console.print(Text(f"  {shown_text(result.error)}", style="red"))
            continue
        if not result.matches:
            console.print("  nothing in the catalog resembles it")
            continue
        table = _new_table()
        roomy = console.width >= _LEAST_WIDTH["Conf."]
        sure = ["Conf."] if roomy else []
        for heading in ("Size", "Pixels", "Stage", "Sim.", "Bits", *sure, "Kind"):
            left = heading in ("Stage", "Kind")
            table.add_column(heading, justify="left" if left else "right", no_wrap=True)
        for match in result.matches:
            table.add_row(*_query_cells(match, roomy=roomy), style="" if match.is_match else "dim")
        console.print(table)


def common_folder(paths: Sequence[bytes]) -> bytes:
    """Return the deepest folder that holds all paths, or nothing where that is the root."""
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return b"" if folder == b"/" else folder


def _new_table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("Path", overflow="fold", ratio=1)
    return table


def _add_group(table: Table, group: DuplicateGroup, folder: bytes, headings: Sequence[str]) -> None:
    reasons = evidence(group)
    weakest = weakest_link(group) if len(group.members) > 2 else None
    table.add_row("", Text(f"group {shown_text(group.id)}", style="dim"))
    for member in group.members:
        role = shown_role(group, member.path)
        match = reasons.get(member.path)
        cells = _file_cells(member, match, is_weakest=match is not None and match == weakest)
        cells[_LOSES] = shown_losses(group, member).removeprefix("loses ")
        table.add_row(
            Text(role, style="green" if role in ("keep", "kept") else "yellow"),
            Text(_below(member.path, folder)),
            *map(cells.get, headings),
            Text(shown_bytes(group.reclaimable_bytes), style="bold") if role == "keep" else "",
            end_section=False,
        )
    table.add_row()


def _file_cells(member: CatalogedFile, match: FileMatch | None, *, is_weakest: bool) -> dict[str, str | Text]:
    style = _WEAKEST if is_weakest else ""
    return {
        "Size": shown_bytes(member.stamp.size),
        "Pixels": f"{member.width}×{member.height}",
        "Stage": Text("" if match is None else match.stage.value, style=style),
        "Sim.": Text("" if match is None else shown_similarity(match.similarity), style=style),
        "Conf.": Text("" if match is None else shown_confidence(match.confidence), style=style),
        "Kind": Text(shown_kind(match), style=style),
    }


def _query_cells(match: QueryMatch, *, roomy: bool) -> list[str | Text]:
    sure = [shown_confidence(match.confidence) if match.is_match else ""]
    return [
        Text(nearness(match), style="green" if match.is_match else "yellow" if match.untold else ""),
        Text(shown_path(match.path)),
        shown_bytes(match.bytes),
        f"{match.width}×{match.height}",
        match.stage.value if match.stage else "",
        shown_similarity(match.similarity),
        "" if match.hamming is None else str(match.hamming),
        *(sure if roomy else ()),
        "" if match.kind is None else match.kind.value,
    ]


def _below(path: bytes, folder: bytes) -> str:
    return shown_path(path[len(folder) + 1 :] if folder else path)
