"""`neardup look`, which `neardup PATH` is short for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import CatalogOption, WorkersOption
from neardup_cli.cli.output import say, write_prose
from neardup_cli.cli.untold import demand_pairs_told

if TYPE_CHECKING:
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.records.matches import DupsReport
    from neardup_cli.records.scans import ScanSummary
    from neardup_cli.settings import Settings


def look(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Folders, files and s3:// addresses.")
    ],
    catalog: CatalogOption = None,
    workers: WorkersOption = None,
) -> None:
    """Scan PATH, say what was found, and name the next step.

    `neardup PATH` is short for it. No image is changed: what is learnt goes to the catalog.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.survey import real_roots, refuse_app_folders
    from neardup_cli.reports.found import found_lines, next_line
    from neardup_cli.reports.paths import shown_path
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog, workers=workers)
    # Before a catalog is made: a mistyped path must not leave an empty one behind.
    roots = real_roots([os.fsencode(os.path.expanduser(path)) for path in paths])
    refuse_app_folders(roots)
    named = ", ".join(map(shown_path, roots))
    say(f"looking through {named}: no image is changed, what is learnt goes to the catalog")
    with Catalog.open(settings.catalog_location, create=True) as opened:
        try:
            summary, report = _look(opened, roots, settings)
        except KeyboardInterrupt:
            say("stopped: what was read so far is in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    write_prose(found_lines(summary, report))
    say(next_line(report, summary))
    demand_pairs_told(report.summary["cannot_tell"])


def _look(catalog: Catalog, roots: list[bytes], settings: Settings) -> tuple[ScanSummary, DupsReport]:
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
    from neardup_cli.pipeline.scan import ScanOptions, scan

    with shown_progress() as progress:
        summary = scan(catalog, roots, ScanOptions.from_settings(settings), progress)
        report = find_duplicates(catalog, DupsOptions.from_settings(settings, under=roots), progress)
    return summary, report
