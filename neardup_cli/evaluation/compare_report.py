"""What `neardup eval compare` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from neardup_cli.evaluation.compare import Compared, State
from neardup_cli.reports.csv_row import csv_row

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = (
    "program",
    "version",
    "recall",
    "precision",
    "pairs",
    "seconds",
    "cpu_seconds",
    "peak_mb",
    "state",
)


def compare_document(compared: Sequence[Compared], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what `neardup eval compare --json` prints."""
    return {
        "schema": "neardup.eval-compare/1",
        "parameters": parameters,
        "programs": [
            {
                "name": one.name,
                "state": one.state.value,
                "version": one.version,
                "reason": one.reason,
                "recall": round(one.recall, 5),
                "precision": round(one.precision, 5),
                "found": one.found,
                "positives": one.positives,
                "pairs": one.pairs,
                "right_pairs": one.right,
                "seconds": round(one.seconds, 3),
                "cpu_seconds": round(one.cpu_seconds, 3),
                "peak_mb": round(one.peak_mb, 1),
            }
            if one.state is State.MEASURED
            else {"name": one.name, "state": one.state.value, "reason": one.reason}
            for one in compared
        ],
    }


def compare_csv(compared: Sequence[Compared]) -> Iterator[str]:
    """Yield a row a program."""
    yield csv_row(_COLUMNS)
    for one in compared:
        yield csv_row(_cells(one))


def compare_lines(compared: Sequence[Compared]) -> Iterator[str]:
    """Yield a line a program."""
    for one in compared:
        if one.state is not State.MEASURED:
            yield f"{one.name}\t{one.state}: {one.reason}"
            continue
        yield (
            f"{one.name} {one.version}\trecall {one.recall:.4f}\tprecision {one.precision:.4f}\t"
            f"{one.pairs} pairs\t{one.seconds:.1f} s\t{one.cpu_seconds:.1f} s CPU\t{one.peak_mb:.0f} MB"
        )


def print_compared(compared: Sequence[Compared], console: Console) -> None:
    """Draw the programs as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("Program", "version", "recall", "precision", "pairs", "seconds", "CPU s", "peak MB"):
        table.add_column(
            heading, justify="left" if heading in {"Program", "version"} else "right", no_wrap=True
        )
    for one in compared:
        if one.state is State.MEASURED:
            costs = (f"{one.seconds:.1f}", f"{one.cpu_seconds:.1f}", f"{one.peak_mb:,.0f}")
            shares = (f"{one.recall:.3f}", f"{one.precision:.3f}", f"{one.pairs:,}")
            style = "bold" if one.name.startswith("neardup") else ""
            table.add_row(one.name, one.version, *shares, *costs, style=style)
        else:
            table.add_row(one.name, one.state.value, style="dim")
    console.print(table)
    for one in compared:
        if one.state is not State.MEASURED:
            console.print(f"{one.name}: {one.state}: {one.reason}", style="dim", markup=False)


def _cells(one: Compared) -> tuple[object, ...]:
    if one.state is not State.MEASURED:
        return (one.name, *[""] * (len(_COLUMNS) - 2), one.state.value)
    shares = (f"{one.recall:.4f}", f"{one.precision:.4f}")
    costs = (f"{one.seconds:.2f}", f"{one.cpu_seconds:.2f}", f"{one.peak_mb:.0f}")
    return (one.name, one.version, *shares, one.pairs, *costs, one.state.value)
