"""`neardup dups`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

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
    write_bytes,
    write_lines,
    write_paths,
    write_text,
)
from neardup_cli.cli.untold import demand_pairs_told
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neardup_cli.catalog.database import Catalog
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
    PARQUET = "parquet"
    ARROW = "arrow"


class RowsOf(StrEnum):
    """What a row of a table is."""

    IMAGES = "images"
    PAIRS = "pairs"
    GROUPS = "groups"


_OF_ROWS = (Format.PARQUET, Format.ARROW, Format.CSV, Format.JSONL)


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
    rows: Annotated[
        RowsOf | None,
        typer.Option(
            "--rows",
            help="With --format parquet, arrow, csv or jsonl: what a row is. All images, if not said.",
            show_default=False,
        ),
    ] = None,
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
    rows = _rows_of(chosen, rows, limit)
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
        every_pair=chosen is Format.PAIRS or rows is RowsOf.PAIRS,
    )
    with Catalog.open(settings.catalog_location) as opened:
        demand_catalogued(opened, options.folders)
        try:
            with shown_progress() as progress:
                report = find_duplicates(opened, options, progress)
            table = None if rows is None else _table(opened, report, rows, options.folders)
            remember_groups(opened, [group.id for group in report.groups])
        except KeyboardInterrupt:
            say("stopped: the pairs checked so far are in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    if table is not None:
        _print_table(*table, chosen)
    _print(report, chosen, nul=nul, done=table is not None)


def _rows_of(chosen: Format, rows: RowsOf | None, limit: int | None) -> RowsOf | None:
    """Return what a row is; None where the format has no rows of these kinds.

    Raises:
        BadInput: the options do not go together.
    """
    if rows is None and chosen in (Format.PARQUET, Format.ARROW):
        rows = RowsOf.IMAGES
    if rows is not None and chosen not in _OF_ROWS:
        raise BadInput("--rows goes with --format parquet, arrow, csv or jsonl")
    if rows is RowsOf.IMAGES and limit is not None:
        raise BadInput("--limit would leave copies without their groups: leave it out, or add --rows groups")
    if chosen in (Format.PARQUET, Format.ARROW) and stdout_is_terminal():
        raise BadInput(f"{chosen.value} is no text: send it to a file, as in `> groups.{chosen.value}`")
    if chosen in (Format.PARQUET, Format.ARROW):
        from neardup_cli.reports.tables import demand_arrow

        demand_arrow()
    return rows


def _table(
    opened: Catalog, report: DupsReport, rows: RowsOf, under: Sequence[bytes]
) -> tuple[type[Any], list[Any]]:
    from neardup_cli.pipeline.rows import rows_of_images
    from neardup_cli.records.rows import FamilyRow, ImageRow, PairRow
    from neardup_cli.reports.paths import data_path
    from neardup_cli.reports.rows import family_rows, pair_rows

    match rows:
        case RowsOf.IMAGES:
            return ImageRow, rows_of_images(opened, report, under)
        case RowsOf.PAIRS:
            return PairRow, list(pair_rows(report, data_path))
        case RowsOf.GROUPS:
            return FamilyRow, list(family_rows(report.groups, data_path))


def _print_table(kind: type[Any], rows: list[Any], chosen: Format) -> None:
    from neardup_cli.reports.row_lines import csv_rows, jsonl_rows

    match chosen:
        case Format.CSV:
            write_lines(csv_rows(kind, rows))
        case Format.JSONL:
            write_lines(jsonl_rows(rows))
        case _:
            from neardup_cli.reports.tables import table_bytes  # it brings pyarrow

            write_bytes(table_bytes(kind, rows, parquet=chosen is Format.PARQUET))


def _print(report: DupsReport, chosen: Format, *, nul: bool, done: bool) -> None:
    """Print the groups, unless their rows are printed already, and say how many there are."""
    from neardup_cli.reports import json_report, lines, text

    match chosen:
        case _ if done:
            pass
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
    on_its_own = chosen is Format.JSON and stdout_is_terminal()
    if not (on_its_own or _is_table(chosen)):
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
