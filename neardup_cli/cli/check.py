"""`neardup check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import (
    CatalogOption,
    DeviceOption,
    HammingOption,
    IncludeOption,
    JsonOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    UnderOption,
)
from neardup_cli.cli.output import (
    raw_path,
    real_paths,
    say,
    stdout_is_terminal,
    table_console,
    write_lines,
    write_text,
)
from neardup_cli.cli.untold import demand_told
from neardup_cli.errors import CopiesFound, UnreadableImage

if TYPE_CHECKING:
    from neardup_cli.records.answers import CheckReport, QueryResult


def check(
    new: Annotated[list[Path], typer.Argument(metavar="NEW...", help="Files and folders; never stored.")],
    catalog: CatalogOption = None,
    fail_on_match: Annotated[
        bool, typer.Option("--fail-on-match", help="Exit with code 15 if one of them is a copy.")
    ] = False,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    include: IncludeOption = None,
    under: UnderOption = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Leave out names (or paths) like this, as scan does."),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files and folders too.")] = False,
    max_pixels: MaxPixelsOption = None,
    json: JsonOption = False,
) -> None:
    """Say which of the files at or below NEW are copies.

    The new files are not compared with each other, and a file that is catalogued does not match itself.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.check import CheckOptions
    from neardup_cli.pipeline.check import check as run_check
    from neardup_cli.pipeline.query import QueryOptions
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        device=device,
        preset=preset,
        min_confidence=min_confidence,
        max_pixels=max_pixels,
    )
    matching = QueryOptions.from_settings(
        settings, verify=not no_verify, similar_shots=bool(include), under=real_paths(under)
    )
    options = CheckOptions(matching, exclude or [], hidden, settings.worker_count)
    with Catalog.open(settings.catalog_location) as opened, shown_progress() as progress:
        demand_catalogued(opened, matching.folders)
        report = run_check(opened, [raw_path(path) for path in new], options, progress)
    _print(report, json=json)
    if fail_on_match and report.matched:
        raise CopiesFound(f"{len(report.matched)} of {len(report.results)} new images are copies")
    if report.unreadable:
        raise UnreadableImage(f"{len(report.unreadable)} new images could not be read, and were not checked")
    untold = len(report.untold)
    demand_told(untold, f"{untold} of {len(report.results)} new images")


def _print(report: CheckReport, *, json: bool) -> None:
    from neardup_cli.reports import json_report, table, text

    if json:
        write_text(json_report.dump(json_report.check_document(report)))
    elif stdout_is_terminal():
        table.print_query(_worth_showing(report), table_console())
    else:
        write_lines(text.query_lines(_worth_showing(report)))
    if not json:
        for entry in report.unreadable:
            say(text.unreadable_line(entry))
        say(text.check_summary(report))


def _worth_showing(report: CheckReport) -> tuple[QueryResult, ...]:
    return tuple(result for result in report.results if result.is_duplicate or result.cannot_tell)
