"""Reports as Rich tables, for a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from neardup_cli.records.answers import QueryMatch, QueryResult
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch
from neardup_cli.reports.evidence import evidence, shown_kind, weakest_link
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.sheet import Block, Row, Sheet
from neardup_cli.reports.text import dups_summary, nearness, shown_losses, shown_role
from neardup_cli.reports.units import shown_bytes, shown_confidence, shown_similarity

_FILE_COLUMNS = ("Size", "Pixels", "Stage", "Sim.", "Conf.", "Kind")
_LOSES = "Loses"  # where anything was proven
_FREES = "Frees"
_LEAST_WIDTH = {"Conf.": 100}
# What says least goes first where there is no room; what a group frees then stands beside its name.
_DROP = ("Conf.", "Stage", "Sim.", _FREES, "Pixels", "Kind", "Size")
_DROP_OF_QUERY = ("Conf.", "Bits", "Pixels", "Stage", "Size")
_WEAKEST = "bold yellow"  # of the match that ties its member to the group least


def print_dups(report: DupsReport, console: Console) -> None:
    """Draw all groups as one table: the keeper of each first, what its copies would free beside it."""
    if report.groups:
        folder = common_folder([member.path for group in report.groups for member in group.members])
        headings = [name for name in _FILE_COLUMNS if console.width >= _LEAST_WIDTH.get(name, 0)]
        if any(group.proofs for group in report.groups):
            headings.append(_LOSES)
        blocks = [_group_block(group, folder) for group in report.groups]
        sheet = Sheet(blocks, [*headings, _FREES], console.width, prose=_LOSES, drop=_DROP)
        if _FREES not in sheet.headings:
            blocks = [_with_saving(block, group) for block, group in zip(blocks, report.groups, strict=True)]
        if folder:
            console.print(Text.assemble("Below ", (shown_path(folder), "bold"), ":"), soft_wrap=True)
        sheet.draw(blocks, console)
    console.print(dups_summary(report))


def print_query(results: Sequence[QueryResult], console: Console) -> None:
    """Draw one table an image: matches, then near neighbours dimmed."""
    for result in results:
        console.print(Text(shown_path(result.path), style="bold"), soft_wrap=True)
        if result.error is not None:
            console.print(Text(f"  {shown_text(result.error)}", style="red"))
            continue
        if not result.matches:
            console.print("  nothing in the catalog resembles it")
            continue
        sure = ["Conf."] if console.width >= _LEAST_WIDTH["Conf."] else []
        headings = ["Size", "Pixels", "Stage", "Sim.", "Bits", *sure, "Kind"]
        blocks = [Block(None, [_query_row(match) for match in result.matches])]
        Sheet(blocks, headings, console.width, drop=_DROP_OF_QUERY).draw(blocks, console)


def common_folder(paths: Sequence[bytes]) -> bytes:
    """Return the deepest folder that holds all paths, or nothing where that is the root."""
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    return b"" if folder == b"/" else folder


def _group_block(group: DuplicateGroup, folder: bytes) -> Block:
    reasons = evidence(group)
    weakest = weakest_link(group) if len(group.members) > 2 else None
    rows = []
    for member in group.members:
        role = shown_role(group, member.path)
        match = reasons.get(member.path)
        cells = _file_cells(member, match, is_weakest=match is not None and match == weakest)
        cells[_LOSES] = Text(shown_losses(group, member).removeprefix("loses "))
        if role == "keep" and group.reclaimable_bytes:
            cells[_FREES] = Text(shown_bytes(group.reclaimable_bytes), style="bold")
        word = Text(role, style="green" if role in ("keep", "kept") else "yellow")
        rows.append(Row(word, Text(_below(member.path, folder)), cells))
    return Block(Text(f"group {shown_text(group.id)}", style="dim"), rows)


def _with_saving(block: Block, group: DuplicateGroup) -> Block:
    if block.title is None or not group.reclaimable_bytes:
        return block
    saving = Text(f"{shown_bytes(group.reclaimable_bytes)} to free", style="bold")
    return block._replace(title=Text.assemble(block.title, ": ", saving))


def _file_cells(member: CatalogedFile, match: FileMatch | None, *, is_weakest: bool) -> dict[str, Text]:
    style = _WEAKEST if is_weakest else ""
    return {
        "Size": Text(shown_bytes(member.stamp.size)),
        "Pixels": Text(f"{member.width}×{member.height}"),
        "Stage": Text("" if match is None else match.stage.value, style=style),
        "Sim.": Text("" if match is None else shown_similarity(match.similarity), style=style),
        "Conf.": Text("" if match is None else shown_confidence(match.confidence), style=style),
        "Kind": Text(shown_kind(match), style=style),
    }


def _query_row(match: QueryMatch) -> Row:
    style = "" if match.is_match else "dim"
    word = Text(nearness(match), style="green" if match.is_match else "yellow" if match.untold else "")
    cells = {
        "Size": shown_bytes(match.bytes),
        "Pixels": f"{match.width}×{match.height}",
        "Stage": match.stage.value if match.stage else "",
        "Sim.": shown_similarity(match.similarity),
        "Bits": "" if match.hamming is None else str(match.hamming),
        "Conf.": shown_confidence(match.confidence) if match.is_match else "",
        "Kind": "" if match.kind is None else match.kind.value,
    }
    shown = {heading: Text(cell, style=style) for heading, cell in cells.items()}
    return Row(word, Text(shown_path(match.path), style=style), shown)


def _below(path: bytes, folder: bytes) -> str:
    return shown_path(path[len(folder) + 1 :] if folder else path)
