"""`neardup folders`."""

from __future__ import annotations

from typing import Annotated

import typer

from neardup_cli.choices import Grouping
from neardup_cli.cli.options import (
    CatalogOption,
    GroupingOption,
    HammingOption,
    JsonOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    UnderOption,
    WorkersOption,
)
from neardup_cli.cli.output import hint, real_paths, say, write_prose, write_text
from neardup_cli.cli.untold import demand_pairs_told


def folders(
    catalog: CatalogOption = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare bytes alone: at once, and nothing is looked at.")
    ] = False,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    grouping: GroupingOption = Grouping.COHERENT,
    under: UnderOption = None,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Print the folders that hold the same images, the largest first.

    Two folders are compared with all that lies below them: the same bytes, one within the other, the same by
    family (copies, and what was made of an image), or for the greater part; and what each has alone. A folder
    with nothing alone can be cleaned up as a whole: `neardup clean --whole FOLDER`.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.dups import DupsOptions
    from neardup_cli.pipeline.folders import find_folders
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.reports.folders import folders_document, folders_lines, folders_summary, whole_command
    from neardup_cli.reports.json_report import dump
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        preset=preset,
        min_confidence=min_confidence,
        workers=workers,
    )
    options = DupsOptions.from_settings(
        settings, verify=not no_verify, grouping=grouping, under=real_paths(under)
    )
    with Catalog.open(settings.catalog_location) as opened:
        demand_catalogued(opened, options.folders)
        try:
            with shown_progress() as progress:
                report = find_folders(opened, options, exact=exact, progress=progress)
        except KeyboardInterrupt:
            say("stopped: the pairs checked so far are in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    if json:
        write_text(dump(folders_document(report)))
    else:
        write_prose(folders_lines(report))
        say(folders_summary(report))
        if (command := whole_command(report)) is not None:
            hint(f"Next: `{command}` plans to clean one up as a whole")
    demand_pairs_told(report.cannot_tell)
