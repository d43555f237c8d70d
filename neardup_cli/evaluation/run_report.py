"""What `neardup eval run` prints: JSON, CSV, lines, a table, and DISC's submission."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neardup_cli.evaluation.ground_truth import GroundTruth
from neardup_cli.evaluation.run import Evaluation
from neardup_cli.evaluation.scoring import Figures, Scored
from neardup_cli.reports.csv_row import csv_row
from neardup_cli.reports.paths import data_path

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = ("queries", "recall", "precision", "f1", "µAP", "R@P90", "R@P99.9", "R@1")
DISC_PREDICTIONS = 10
"""How many references DISC21 takes for a query."""


def run_document(found: Evaluation) -> dict[str, Any]:
    """Return what `neardup eval run --json` prints."""
    return {
        "schema": "neardup.eval-run/1",
        "parameters": found.parameters,
        "overall": _document(found.overall),
        "attacks": {name: _document(one) for name, one in found.attacks.items()},
        "levels": {name: _document(one) for name, one in found.levels.items()},
        "stages": [
            {
                "stage": stage.stage.value,
                "found": stage.found,
                "wrong": stage.wrong,
                "recall": _rounded(stage.recall),
                "precision": _rounded(stage.precision),
            }
            for stage in found.stages
        ],
        "funnel": dict(found.funnel),
        "costs": [
            {
                "stage": cost.stage,
                "seconds": round(cost.seconds, 3),
                "cpu_seconds": round(cost.cpu_seconds, 3),
                "peak_mb": round(cost.peak_mb, 1),
            }
            for cost in found.costs
        ],
        "unreadable": [{"path": data_path(one.path), "reason": one.reason} for one in found.unread],
    }


def csv_lines(found: Evaluation) -> Iterator[str]:
    """Yield the figures of all queries, of each level and of each attack as CSV."""
    yield csv_row(("set", *_COLUMNS, "found", "wrong", "missed"))
    for name, one in _rows(found):
        counts = (one.quality.found, one.quality.wrong, one.quality.missed)
        yield csv_row((name, one.questions, *(f"{share:.4f}" for share in _shares(one)), *counts))


def text_lines(found: Evaluation) -> Iterator[str]:
    """Yield the figures as plain lines, for a pipe."""
    for name, one in _rows(found):
        shares = "  ".join(
            f"{heading} {share:.4f}" for heading, share in zip(_COLUMNS[1:], _shares(one), strict=True)
        )
        yield f"{name}\t{one.questions} queries\t{shares}"
    for stage in found.stages:
        yield f"stage {stage.stage}\tfound {stage.found}\twrong {stage.wrong}\trecall {stage.recall:.4f}"
    for name, count in found.funnel.items():
        yield f"pairs {name}\t{count}"
    for cost in found.costs:
        spent = f"{cost.seconds:.2f} s\t{cost.cpu_seconds:.2f} s CPU\t{cost.peak_mb:.0f} MB peak"
        yield f"cost {cost.stage}\t{spent}"


def print_tables(found: Evaluation, console: Console) -> None:
    """Draw the figures on a terminal: by attack, by stage, and what each stage cost."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Attack", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    rows = list(_rows(found))
    for place, (name, one) in enumerate(rows):
        summary = place < 1 + len(found.levels)
        cells = (name, f"{one.questions:,}", *(f"{share:.3f}" for share in _shares(one)))
        table.add_row(*cells, style="bold" if place == 0 else "dim" if summary else "")
        if place == len(found.levels):
            table.add_row()
    console.print(table)
    console.print()
    stages = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("Stage", "found", "wrong", "recall", "precision"):
        stages.add_column(heading, justify="left" if heading == "Stage" else "right")
    for stage in found.stages:
        cells = (stage.stage.value, f"{stage.found:,}", f"{stage.wrong:,}")
        stages.add_row(*cells, f"{stage.recall:.3f}", f"{stage.precision:.3f}")
    console.print(stages)
    console.print(funnel_line(found.funnel))
    console.print()
    costs = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("Cost of", "seconds", "CPU s", "peak MB"):
        costs.add_column(heading, justify="left" if heading == "Cost of" else "right")
    for cost in found.costs:
        costs.add_row(cost.stage, f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", f"{cost.peak_mb:,.0f}")
    console.print(costs)


def funnel_line(funnel: Mapping[str, int]) -> str:
    """Say in words how the pairs went through the funnel."""
    return (
        f"{funnel['possible_pairs']:,} pairs: {funnel['proposed_by_sieve']:,} proposed by the sieve, "
        f"{funnel['candidates']:,} candidates, {funnel['checked_by_geometry']:,} checked by their pixels; "
        f"the sieve spared {funnel['spared_by_sieve']:,} of them that check"
    )


def submission_lines(found: Evaluation, truth: GroundTruth) -> Iterator[str]:
    """Yield the answers as DISC21's matching track takes them: `query_id,reference_id,score`.

    The ids are file stems, or where two files share one the paths below their common folder. The best ten
    of each query, all ranked together, the surest first.
    """
    yield csv_row(("query_id", "reference_id", "score"))
    scored = found.scored
    queries = _ids([question.path for question in truth.questions])
    references = _ids(scored.references)
    for row in _ranked(scored):
        query, reference = queries[int(scored.query[row])], references[int(scored.reference[row])]
        yield csv_row((query, reference, f"{scored.score[row]:.6f}"))


def _ranked(scored: Scored) -> list[int]:
    """Return the rows of each query's best predictions, in the order of their scores."""
    order = np.lexsort((scored.reference, scored.query, -scored.score))
    left: dict[int, int] = {}
    kept = []
    for row in order.tolist():
        query = int(scored.query[row])
        left[query] = left.get(query, DISC_PREDICTIONS) - 1
        if left[query] >= 0:
            kept.append(row)
    return kept


def _rows(found: Evaluation) -> Iterator[tuple[str, Figures]]:
    yield "all", found.overall
    yield from found.levels.items()
    yield from found.attacks.items()


def _shares(one: Figures) -> tuple[float, ...]:
    quality = one.quality
    return (
        quality.recall,
        quality.precision,
        quality.f1,
        one.micro_ap,
        *one.recall_at,
        one.recall_at_one,
    )


def _document(one: Figures) -> dict[str, Any]:
    names = ("recall", "precision", "f1", "micro_ap", "recall_at_p90", "recall_at_p999", "recall_at_1")
    shares = {name: _rounded(share) for name, share in zip(names, _shares(one), strict=True)}
    return {"queries": one.questions, **one.quality._asdict(), **shares}


def _rounded(share: float) -> float:
    return round(share, 5)


def _ids(paths: Sequence[bytes]) -> list[str]:
    stems = [os.path.splitext(os.path.basename(path))[0] for path in paths]
    if len(set(stems)) < len(stems):
        folder = os.path.commonpath([os.path.dirname(path) for path in paths])
        stems = [os.path.relpath(path, folder) for path in paths]
    return [data_path(stem) for stem in stems]
