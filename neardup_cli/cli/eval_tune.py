"""`neardup eval tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.choices import Suite
from neardup_cli.cli.eval_options import (
    MaxSideOption,
    OnlyOption,
    SampleOption,
    SeedOption,
    SuiteOption,
)
from neardup_cli.cli.options import CatalogOption, DeviceOption, JsonOption, ModelOption, WorkersOption
from neardup_cli.cli.output import raw_path, say, write_lines, write_text
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.evaluation.tune import TuneOptions
    from neardup_cli.evaluation.tuning import Labelled, Tuned
    from neardup_cli.settings import Settings


def eval_tune(
    attacks: Annotated[
        Path | None,
        typer.Option(
            "--attacks",
            metavar="DIR",
            help="Tune on attacked copies of photographs of yours.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="CSV",
            help="Tune on labelled pairs: columns a, b, copy (1 or 0).",
            show_default=False,
        ),
    ] = None,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Tune on what you called different in the catalog.")
    ] = False,
    precision: Annotated[
        float, typer.Option("--precision", min=0.01, max=1.0, help="The precision that is wanted.")
    ] = 0.99,
    suite: SuiteOption = None,
    only: OnlyOption = None,
    sample: SampleOption = 60,
    seed: SeedOption = 0,
    max_side: MaxSideOption = 1024,
    catalog: CatalogOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="With --apply: the threshold for `dups --no-verify`.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the settings into neardup.toml; the rest of it stays.")
    ] = False,
    workers: WorkersOption = None,
    json: JsonOption = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the curves (extra `eval`).", show_default=False),
    ] = None,
) -> None:
    """Find the settings that give the precision you want, on your own pictures.

    Each dial is set as wide as that allows: the Hamming radius where hashes decide alone, the threshold of
    SSCD alone, and the threshold with geometry and its preset.
    """
    from neardup_cli.evaluation.plots import require_matplotlib
    from neardup_cli.evaluation.tune_report import settings_to_apply, tune_document, tune_lines
    from neardup_cli.evaluation.tuning import tune_dials
    from neardup_cli.reports.json_report import dump
    from neardup_cli.settings import load_settings

    if [attacks is not None, pairs is not None, decisions].count(True) != 1:
        raise BadInput("say what to tune on: one of --attacks, --pairs and --decisions")
    if plot is not None:
        require_matplotlib()
    settings = load_settings(catalog=catalog, model=model, device=device, workers=workers)
    try:
        labelled = _labelled(settings, attacks, pairs, suite, only, sample, seed, max_side)
    except KeyboardInterrupt:
        say("stopped: nothing was changed")
        raise typer.Exit(130) from None
    tuned = tune_dials(labelled, precision, seed=seed)
    if json:
        write_text(dump(tune_document(tuned, labelled, precision)))
    else:
        write_lines(tune_lines(tuned, labelled, precision))
    if plot is not None:
        _draw(tuned, plot.expanduser())
    if apply:
        _apply(settings_to_apply(tuned, verify=not no_verify))


def _labelled(
    settings: Settings,
    attacks: Path | None,
    pairs: Path | None,
    suite: Suite | None,
    only: list[str] | None,
    sample: int | None,
    seed: int,
    max_side: int | None,
) -> Labelled:
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.evaluation.suites import suite_attacks
    from neardup_cli.evaluation.tune import (
        TuneOptions,
        pairs_of_attacks,
        pairs_of_decisions,
        pairs_of_table,
    )

    options: TuneOptions = TuneOptions(
        model=settings.model,
        input_size=settings.input_size,
        workers=settings.worker_count,
        device=settings.device,
    )
    with shown_progress() as progress:
        if attacks is not None:
            return pairs_of_attacks(
                raw_path(attacks),
                suite_attacks(suite or Suite.STANDARD, only or ()),
                options,
                progress,
                sample=sample,
                seed=seed,
                longest_side=max_side,
            )
        if pairs is not None:
            return pairs_of_table(pairs.expanduser(), options, progress)
        with Catalog.open(settings.catalog_location) as opened:
            return pairs_of_decisions(opened, options, progress)


def _draw(tuned: list[Tuned], target: Path) -> None:
    import numpy as np

    from neardup_cli.evaluation.plots import plot_tuning

    columns = {one.dial.value: np.array(one.curve, dtype=np.float64).T for one in tuned}
    curves = {name: (column[0], column[1], column[2]) for name, column in columns.items()}
    chosen = {one.dial.value: one.setting for one in tuned if one.setting is not None}
    plot_tuning(curves, chosen, target)
    say(f"drawn to {target}")


def _apply(values: dict[str, str | int | float]) -> None:
    from neardup_cli.evaluation.settings_file import target_file, write_settings

    file = target_file()
    write_settings(file, values)
    said = ", ".join(f"{name} = {value}" for name, value in values.items())
    say(f"{file}: {said}")
