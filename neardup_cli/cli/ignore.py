"""`neardup ignore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.choices import Grouping
from neardup_cli.cli import completing
from neardup_cli.cli.options import (
    CatalogOption,
    GroupingOption,
    HammingOption,
    IncludeOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    UnderOption,
)
from neardup_cli.cli.output import real_paths, say
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.dups import DupsOptions


def ignore(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Two files or more, no two of them duplicates."),
    ] = None,
    not_duplicates: Annotated[
        list[str] | None,
        typer.Option(
            "--not-duplicates",
            metavar="GROUP",
            help="A group as `dups` names it; repeatable.",
            autocompletion=completing.groups,
        ),
    ] = None,
    catalog: CatalogOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    grouping: GroupingOption = Grouping.COHERENT,
    include: IncludeOption = None,
    under: UnderOption = None,
) -> None:
    """Say that files are no copies of each other, now and later.

    The decision is about their contents: it survives moves and rescans; `neardup ignored` takes it back. The
    options say, as for `dups`, how the groups were found.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.decisions import call_files_different
    from neardup_cli.pipeline.dups import DupsOptions
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.reports.units import shown_count
    from neardup_cli.settings import load_settings

    if bool(files) == bool(not_duplicates):
        raise BadInput("name either files or, with --not-duplicates, groups")
    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        preset=preset,
        min_confidence=min_confidence,
    )
    with Catalog.open(settings.catalog_location) as opened:
        if files:
            new = call_files_different(opened, real_paths(files))
        else:
            options = DupsOptions.from_settings(
                settings,
                verify=not no_verify,
                grouping=grouping,
                similar_shots=bool(include),
                under=real_paths(under),
            )
            demand_catalogued(opened, options.folders)
            new = _ignore_groups(opened, not_duplicates or [], options)
    say(f"{shown_count(new, 'pair')} recorded as not duplicates: `neardup ignored` lists them")


def _ignore_groups(catalog: Catalog, ids: list[str], options: DupsOptions) -> int:
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.decisions import call_groups_different
    from neardup_cli.pipeline.dups import find_duplicates

    with shown_progress() as progress:
        report = find_duplicates(catalog, options, progress)
    return call_groups_different(catalog, report.groups, ids)
