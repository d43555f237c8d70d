"""`neardup dups`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.choices import Grouping
from neardup_cli.cli.options import (
    CatalogOption,
    EngineOption,
    GroupingOption,
    HammingOption,
    IncludeOption,
    JsonOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    RayAddressOption,
    ThresholdOption,
    UnderOption,
    WorkersOption,
)
from neardup_cli.cli.output import (
    hint,
    real_paths,
    say,
    stdout_is_terminal,
    table_console,
    write_lines,
    write_paths,
    write_text,
)
from neardup_cli.cli.untold import demand_pairs_told
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.records.matches import DupsReport


class Format(StrEnum):
    """How groups are printed; `text` is a table on a terminal and plain lines in a pipe."""

    TEXT = "text"
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PAIRS = "pairs"
    PATHS = "paths"


def dups(
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
        int | None, typer.Option("--limit", min=1, help="Print at most so many groups.", show_default=False)
    ] = None,
    output: Annotated[
        Format,
        typer.Option(
            "--format",
            help="table: in a pipe, too. paths: every copy but the one to keep. pairs: looks at all pairs.",
        ),
    ] = Format.TEXT,
    nul: Annotated[
        bool, typer.Option("-0", "--null", help="With --format paths: end each path with NUL, for xargs -0.")
    ] = False,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove", help="Compare each copy with the file to keep at full size; nothing is done."
        ),
    ] = False,
    workers: WorkersOption = None,
    engine: EngineOption = None,
    ray_address: RayAddressOption = None,
    json: JsonOption = False,
) -> None:
    """Print the groups of copies, the largest saving first."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.cluster import chosen_cluster
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
    from neardup_cli.pipeline.named_groups import remember_groups
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.settings import load_settings

    chosen = Format.JSON if json else output
    if nul and chosen is not Format.PATHS:
        raise BadInput("-0 goes with --format paths")
    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        preset=preset,
        min_confidence=min_confidence,
        workers=workers,
        engine=engine,
        ray_address=ray_address,
    )
    options = DupsOptions.from_settings(
        settings,
        verify=not no_verify,
        grouping=grouping,
        similar_shots=bool(include),
        under=real_paths(under),
        limit=limit,
        cluster=chosen_cluster(settings),
        prove=prove,
        every_pair=chosen is Format.PAIRS,
    )
    with Catalog.open(settings.catalog_location) as opened:
        demand_catalogued(opened, options.under)
        try:
            with shown_progress() as progress:
                report = find_duplicates(opened, options, progress)
            remember_groups(opened, [group.id for group in report.groups])
        except KeyboardInterrupt:
            say("stopped: the pairs checked so far are in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    _print(report, chosen, nul=nul)


def _print(report: DupsReport, chosen: Format, *, nul: bool) -> None:
    from neardup_cli.reports import json_report, lines, text

    match chosen:
        case Format.JSON:
            write_text(json_report.dump(json_report.dups_document(report)))
        case Format.JSONL:
            write_lines(lines.jsonl_lines(report.groups))
        case Format.CSV:
            write_lines(lines.csv_lines(report.groups))
        case Format.PAIRS:
            write_lines(lines.pair_lines(report.groups))
        case Format.PATHS:
            write_paths(lines.redundant_paths(report.groups), nul=nul)
        case _ if _is_table(chosen):
            from neardup_cli.reports import table  # it brings Rich, which no pipe needs

            table.print_dups(report, table_console())
        case _:
            write_lines(text.dups_lines(report.groups))
    if chosen is not Format.JSON and not _is_table(chosen):
        say(text.dups_summary(report))
    for line in (text.looked_line(report), text.similar_shots_line(report), text.budget_line(report)):
        if line is not None:
            say(line)
    if report.groups and chosen is Format.TEXT:
        hint("Next: `neardup clean` plans what would go, `neardup serve --open` shows them on a page")
    demand_pairs_told(report.summary["cannot_tell"])


def _is_table(chosen: Format) -> bool:
    """Return True if groups are drawn as a table: on a terminal, and wherever that is asked for."""
    return chosen is Format.TABLE or (chosen is Format.TEXT and stdout_is_terminal())
