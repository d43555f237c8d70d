"""`neardup leaks`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import (
    CatalogOption,
    DeviceOption,
    HammingOption,
    JsonOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    WorkersOption,
)
from neardup_cli.cli.output import say, stdout_is_terminal, table_console, write_lines, write_text
from neardup_cli.cli.splits import parsed_split
from neardup_cli.cli.untold import demand_pairs_told
from neardup_cli.errors import BadInput, CopiesFound

if TYPE_CHECKING:
    from neardup_cli.records.leaks import LeaksReport


def leaks(
    split: Annotated[
        list[str],
        typer.Option(
            "--split",
            metavar="NAME=DIR",
            help="A split; repeatable, the one to protect last.",
        ),
    ],
    catalog: CatalogOption = None,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="The folders below a split are no classes.")
    ] = False,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    workers: WorkersOption = None,
    fail_on_match: Annotated[
        bool, typer.Option("--fail-on-match", help="Exit with 15 if there is a leak, for CI.")
    ] = False,
    clean_lists: Annotated[
        Path | None,
        typer.Option(
            "--write-clean-lists",
            metavar="DIR",
            help="Write NAME.txt for each split: its images without the leaks.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Find copies across the splits and classes of a data set.

    The splits are scanned first, which a second time takes next to nothing.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.dups import DupsOptions
    from neardup_cli.pipeline.leaks import find_leaks
    from neardup_cli.pipeline.scan import ScanOptions
    from neardup_cli.pipeline.survey import real_roots
    from neardup_cli.settings import load_settings

    if json and as_csv:
        raise BadInput("--json and --csv exclude each other")
    splits = [parsed_split(entry) for entry in split]
    # Before a catalog is made: a mistyped path must not leave an empty one behind.
    real_roots([one.folder for one in splits])
    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        device=device,
        preset=preset,
        min_confidence=min_confidence,
        workers=workers,
    )
    options = DupsOptions.from_settings(settings, verify=not no_verify)
    scan_options = ScanOptions.from_settings(settings, containers=True)
    with Catalog.open(settings.catalog_location, create=True) as opened:
        try:
            with shown_progress() as progress:
                report = find_leaks(
                    opened, splits, options, scan_options, labels=not no_labels, progress=progress
                )
        except KeyboardInterrupt:
            say("stopped: what was read so far is in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    _print(report, json=json, as_csv=as_csv)
    if clean_lists is not None:
        from neardup_cli.reports.leaks import write_clean_lists

        for written in write_clean_lists(report.splits, clean_lists.expanduser()):
            say(f"written: {written}")
    if fail_on_match and report.leaks:
        from neardup_cli.reports.units import shown_count

        raise CopiesFound(f"{shown_count(len(report.leaks), 'leak')} between the splits or labels")
    demand_pairs_told(report.cannot_tell)


def _print(report: LeaksReport, *, json: bool, as_csv: bool) -> None:
    from neardup_cli.reports import leaks as leaks_report
    from neardup_cli.reports.json_report import dump
    from neardup_cli.reports.paths import shown_path

    if json:
        write_text(dump(leaks_report.leaks_document(report)))
    elif as_csv:
        write_lines(leaks_report.leaks_csv(report))
    elif stdout_is_terminal():
        leaks_report.print_leaks(report, table_console())
    else:
        write_lines(leaks_report.leaks_lines(report))
    if json or as_csv or not stdout_is_terminal():
        say(leaks_report.leaks_summary(report))
    for skipped in report.unreadable:
        say(f"cannot be read: {shown_path(skipped.path)}: {skipped.reason}")
