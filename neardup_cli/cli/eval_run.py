"""`neardup eval run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.eval_options import (
    CsvOption,
    DistractorsOption,
    OwnCatalogOption,
    PlotsOption,
    QueriesOption,
    ReferencesOption,
    TruthOption,
)
from neardup_cli.cli.options import (
    DeviceOption,
    HammingOption,
    JsonOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    WorkersOption,
)
from neardup_cli.cli.output import raw_path, say, stdout_is_terminal, table_console, write_lines, write_text
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.evaluation.ground_truth import GroundTruth
    from neardup_cli.evaluation.run import Evaluation


def eval_run(
    queries: QueriesOption,
    references: ReferencesOption,
    distractors: DistractorsOption = None,
    truth: TruthOption = None,
    catalog: OwnCatalogOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    hash_only: Annotated[
        bool, typer.Option("--hash-only", help="Measure the sieve alone: no embeddings.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Look at parts too, as `neardup scan --thorough` does.")
    ] = False,
    neighbours: Annotated[
        int, typer.Option("--neighbours", min=1, help="Nearest references of a query that are looked at.")
    ] = 20,
    workers: WorkersOption = None,
    json: JsonOption = False,
    as_csv: CsvOption = False,
    plots: PlotsOption = None,
    submission: Annotated[
        Path | None,
        typer.Option(
            "--submission", metavar="FILE", help="Write the answers as DISC takes them.", show_default=False
        ),
    ] = None,
) -> None:
    """Ask for every query which references it is a copy of, and measure the answers.

    Recall, precision, µAP and more: of all queries, of each attack, of each stage; and what each stage cost.
    """
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.evaluation.ground_truth import load_truth
    from neardup_cli.evaluation.plots import require_matplotlib
    from neardup_cli.evaluation.run import EvalOptions, evaluate
    from neardup_cli.settings import load_settings

    if json and as_csv:
        raise BadInput("--json and --csv exclude each other")
    if hash_only and thorough:
        raise BadInput("--thorough needs embeddings: leave --hash-only out")
    if plots is not None:
        require_matplotlib()
    settings = load_settings(
        threshold=threshold, hamming=hamming, model=model, device=device, preset=preset, workers=workers
    )
    options = EvalOptions(
        threshold=settings.threshold,
        hamming=settings.hamming,
        model=settings.model,
        verify=not no_verify,
        preset=settings.preset,
        input_size=settings.input_size,
        hash_only=hash_only,
        thorough=thorough and not hash_only,
        neighbours=neighbours,
        workers=settings.worker_count,
        device=settings.device,
    )
    known = load_truth(truth, raw_path(queries), raw_path(references))
    try:
        with shown_progress() as progress:
            found = evaluate(
                known,
                raw_path(references),
                options,
                distractors=[raw_path(folder) for folder in distractors or ()],
                catalog=None if catalog is None else catalog.expanduser(),
                progress=progress,
            )
    except KeyboardInterrupt:
        say("stopped" if catalog is None else "stopped: run the same command again to go on")
        raise typer.Exit(130) from None
    _print(found, json=json, as_csv=as_csv)
    _write(found, known, plots, submission)


def _print(found: Evaluation, *, json: bool, as_csv: bool) -> None:
    from neardup_cli.evaluation import run_report
    from neardup_cli.reports.json_report import dump
    from neardup_cli.reports.paths import shown_path

    if json:
        write_text(dump(run_report.run_document(found)))
    elif as_csv:
        write_lines(run_report.csv_lines(found))
    elif stdout_is_terminal():
        run_report.print_tables(found, table_console())
    else:
        write_lines(run_report.text_lines(found))
    for skipped in found.unread:
        say(f"cannot be read: {shown_path(skipped.path)}: {skipped.reason}")


def _write(found: Evaluation, truth: GroundTruth, plots: Path | None, submission: Path | None) -> None:
    if plots is not None:
        from neardup_cli.evaluation.plots import plot_evaluation

        for drawn in plot_evaluation(found, plots.expanduser()):
            say(f"drawn to {drawn}")
    if submission is not None:
        from neardup_cli.evaluation.run_report import submission_lines

        target = submission.expanduser()
        try:
            target.write_text("\n".join(submission_lines(found, truth)) + "\n", encoding="utf-8")
        except OSError as exc:
            raise BadInput(f"{target} cannot be written: {exc.strerror}") from exc
        say(f"answers written to {target}")
