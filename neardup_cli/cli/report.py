"""`neardup report`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.choices import Grouping
from neardup_cli.cli.options import (
    CatalogOption,
    GroupingOption,
    HammingOption,
    IncludeOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    UnderOption,
)
from neardup_cli.cli.output import raw_path, real_paths, say
from neardup_cli.cli.untold import demand_pairs_told
from neardup_cli.errors import BadInput

_ENDINGS = (".html", ".htm")


def report(
    out: Annotated[
        Path, typer.Argument(metavar="OUT.html", help="The file to write; an older report is replaced.")
    ],
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
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Show at most so many groups.", show_default=False)
    ] = None,
    max_pixels: MaxPixelsOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is no report; take a name of any ending.")
    ] = False,
) -> None:
    """Write the groups to one HTML file, images inside.

    It opens anywhere and loads nothing. Whoever gets it sees small versions of the pictures and the names of
    their folders.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.dups import DupsOptions
    from neardup_cli.pipeline.report import ReportOptions, write_report
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.reports import text
    from neardup_cli.reports.paths import shown_path
    from neardup_cli.reports.units import shown_bytes
    from neardup_cli.settings import load_settings

    if out.suffix.lower() not in _ENDINGS and not force:
        raise BadInput(f"a report is HTML: name it {out.with_suffix('.html')}, or say --force")
    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        preset=preset,
        min_confidence=min_confidence,
        max_pixels=max_pixels,
    )
    options = ReportOptions(
        dups=DupsOptions.from_settings(
            settings,
            verify=not no_verify,
            grouping=grouping,
            similar_shots=bool(include),
            under=real_paths(under),
            limit=limit,
        ),
        force=force,
        max_pixels=settings.max_pixels,
    )
    with Catalog.open(settings.catalog_location) as opened:
        demand_catalogued(opened, options.dups.folders)
        try:
            with shown_progress() as progress:
                found = write_report(opened, raw_path(out), options, progress)
        except KeyboardInterrupt:
            say("stopped: no report was written; the pairs checked so far are in the catalog")
            raise typer.Exit(130) from None
    size = shown_bytes(os.stat(raw_path(out)).st_size)
    say(f"{text.dups_summary(found)}: {shown_path(raw_path(out))} ({size})")
    for line in (text.similar_shots_line(found), text.budget_line(found)):
        if line is not None:
            say(line)
    demand_pairs_told(found.summary["cannot_tell"])
