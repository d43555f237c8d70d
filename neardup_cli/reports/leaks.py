"""The leaks of a data set: JSON, CSV, lines, a table, and the lists of what is clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neardup_cli.errors import BadInput
from neardup_cli.records.leaks import Leak, LeaksReport, SplitFile, SplitSummary
from neardup_cli.records.members import name_below
from neardup_cli.reports.csv_row import csv_row
from neardup_cli.reports.json_report import match_document
from neardup_cli.reports.paths import data_path, shown_path
from neardup_cli.reports.units import shown_count, shown_similarity

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = ("leak", "split_a", "label_a", "a", "split_b", "label_b", "b", "stage", "similarity", "hamming")


def leaks_document(report: LeaksReport) -> dict[str, Any]:
    """Return what `neardup leaks --json` prints."""
    return {
        "schema": "neardup.leaks/1",
        "parameters": {
            **report.parameters,
            "under": [data_path(path) for path in report.parameters["under"]],
        },
        "splits": [
            {
                "name": split.name,
                "folder": data_path(split.folder),
                "images": split.images,
                "clean": len(split.clean),
            }
            for split in report.splits
        ],
        "leaks": [
            {
                **match_document(leak.match),
                "leak": leak.kind.value,
                **_side("a", leak.a),
                **_side("b", leak.b),
            }
            for leak in report.leaks
        ],
        "summary": {
            "leaks": len(report.leaks),
            **_counts(report.leaks),
            "cannot_tell": report.cannot_tell,
        },
        "unreadable": [
            {"path": data_path(skipped.path), "reason": skipped.reason} for skipped in report.unreadable
        ],
    }


def _side(name: str, file: SplitFile) -> dict[str, str | None]:
    label = None if file.label is None else data_path(file.label)
    return {f"split_{name}": file.split, f"label_{name}": label}


def _counts(leaks: Sequence[Leak]) -> dict[str, int]:
    return dict(sorted(Counter(leak.kind.value for leak in leaks).items()))


def leaks_csv(report: LeaksReport) -> Iterator[str]:
    """Yield one CSV row a pair of files."""
    yield csv_row(_COLUMNS)
    for entry in leaks_document(report)["leaks"]:
        yield csv_row([entry[column] for column in _COLUMNS])


def leaks_lines(report: LeaksReport) -> Iterator[str]:
    """Yield one line a pair of files: what is wrong, both files, and the stage that found it."""
    for leak in report.leaks:
        near = shown_similarity(leak.match.similarity)
        cells = (
            leak.kind.value,
            leak.a.split,
            data_path(leak.a.path),
            leak.b.split,
            data_path(leak.b.path),
        )
        yield "\t".join((*cells, leak.match.stage.value, near))


def leaks_summary(report: LeaksReport) -> str:
    """Say how many leaks there are, and what remains."""
    counts = ", ".join(f"{count} {kind}" for kind, count in _counts(report.leaks).items())
    found = shown_count(len(report.leaks), "leak") + (f" ({counts})" if counts else "")
    left = ", ".join(f"{split.name} {len(split.clean):,} of {split.images:,}" for split in report.splits)
    return f"{found}; clean: {left}"


def print_leaks(report: LeaksReport, console: Console) -> None:
    """Draw the leaks on a terminal."""
    from rich.table import Table

    if report.leaks:
        folder_of = {split.name: split.folder for split in report.splits}
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("Leak", no_wrap=True)
        table.add_column("File", overflow="fold", ratio=1)
        table.add_column("is a copy of", overflow="fold", ratio=1)
        table.add_column("Stage", no_wrap=True)
        table.add_column("Sim.", justify="right", no_wrap=True)
        for leak in report.leaks:
            shown = (_below(file, folder_of[file.split]) for file in (leak.a, leak.b))
            similarity = shown_similarity(leak.match.similarity)
            table.add_row(leak.kind.value, *shown, leak.match.stage.value, similarity)
        console.print(table)
    console.print(leaks_summary(report))


def _below(file: SplitFile, folder: bytes) -> str:
    return f"{file.split}: {shown_path(name_below(file.path, folder) or file.path)}"


def write_clean_lists(splits: Sequence[SplitSummary], folder: Path) -> list[Path]:
    """Write `NAME.txt` for each split: its images without the leaks, a path a line, relative to the split.

    Raises:
        BadInput: the folder cannot be written, or a split's name is no file name.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for split in splits:
            if "/" in split.name or split.name in {".", ".."}:
                raise BadInput(f"{split.name} cannot be the name of a file")
            target = folder / f"{split.name}.txt"
            lines = (data_path(name_below(path, split.folder) or path) + "\n" for path in split.clean)
            target.write_text("".join(lines), encoding="utf-8")
            written.append(target)
    except OSError as exc:
        raise BadInput(f"{folder} cannot be written: {exc.strerror}") from exc
    return written
