"""`neardup eval compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.eval_options import (
    CsvOption,
    DistractorsOption,
    QueriesOption,
    ReferencesOption,
    TruthOption,
)
from neardup_cli.cli.options import JsonOption, ModelOption
from neardup_cli.cli.output import raw_path, say, stdout_is_terminal, table_console, write_lines, write_text
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.evaluation.compare import Compared


def eval_compare(
    queries: QueriesOption,
    references: ReferencesOption,
    distractors: DistractorsOption = None,
    truth: TruthOption = None,
    peer_python: Annotated[
        list[str] | None,
        typer.Option(
            "--peer-python",
            metavar="PACKAGE=PYTHON",
            help="The interpreter of the environment that a peer is installed in; repeatable.",
            show_default=False,
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option("--peer", metavar="PACKAGE", help="Only this peer; repeatable.", show_default=False),
    ] = None,
    model: ModelOption = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Seconds that a program may take.")
    ] = 3600,
    json: JsonOption = False,
    as_csv: CsvOption = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the figures (extra `eval`).", show_default=False),
    ] = None,
) -> None:
    """Put neardup beside other programs on the same images: recall, precision, time, memory.

    Each runs in a process of its own. The peers are no dependencies: what is not installed is named as such.
    """
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.evaluation.compare import CompareOptions, compare
    from neardup_cli.evaluation.ground_truth import load_truth
    from neardup_cli.evaluation.plots import require_matplotlib

    if json and as_csv:
        raise BadInput("--json and --csv exclude each other")
    if plot is not None:
        require_matplotlib()
    options = CompareOptions(_pythons(peer_python or []), tuple(peer or ()), model=model, timeout=timeout)
    known = load_truth(truth, raw_path(queries), raw_path(references))
    folders = [raw_path(references), *(raw_path(folder) for folder in distractors or ())]
    try:
        with shown_progress() as progress:
            compared = compare(known, folders, options, progress)
    except KeyboardInterrupt:
        say("stopped")
        raise typer.Exit(130) from None
    parameters = {"queries": len(known.questions), "true_pairs": known.positives, "truth": known.origin}
    _print(compared, parameters, json=json, as_csv=as_csv)
    if plot is not None:
        _draw(compared, plot.expanduser())


def _pythons(given: list[str]) -> dict[str, Path]:
    pythons = {}
    for entry in given:
        package, equals, python = entry.partition("=")
        if not (package and equals and python):
            raise BadInput(f"--peer-python takes PACKAGE=PYTHON (pdqhash=venv/bin/python), not {entry}")
        # Not resolved: the interpreter of an environment is a link, and known by where it lies.
        pythons[package] = Path(python).expanduser().absolute()
    return pythons


def _print(compared: list[Compared], parameters: dict[str, object], *, json: bool, as_csv: bool) -> None:
    from neardup_cli.evaluation import compare_report
    from neardup_cli.reports.json_report import dump

    if json:
        write_text(dump(compare_report.compare_document(compared, parameters)))
    elif as_csv:
        write_lines(compare_report.compare_csv(compared))
    elif stdout_is_terminal():
        compare_report.print_compared(compared, table_console())
    else:
        write_lines(compare_report.compare_lines(compared))


def _draw(compared: list[Compared], target: Path) -> None:
    from neardup_cli.evaluation.compare import State
    from neardup_cli.evaluation.plots import plot_points

    points = {
        one.name: (one.recall, one.precision, one.seconds) for one in compared if one.state is State.MEASURED
    }
    plot_points(points, target)
    say(f"drawn to {target}")
