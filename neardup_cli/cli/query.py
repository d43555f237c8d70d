"""`neardup query`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    stdout_is_terminal,
    table_console,
    write_lines,
    write_text,
)
from neardup_cli.cli.untold import demand_told
from neardup_cli.errors import UnreadableImage


def query(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files; they are not stored.")
    ],
    catalog: CatalogOption = None,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, help="Show at most so many files (10).", show_default=False),
    ] = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    include: IncludeOption = None,
    under: UnderOption = None,
    max_pixels: MaxPixelsOption = None,
    json: JsonOption = False,
) -> None:
    """Ask which catalogued images resemble IMAGE.

    Matches come first, then near neighbours.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.query import QueryOptions
    from neardup_cli.pipeline.query import query as run_query
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.reports import json_report, table, text
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        device=device,
        preset=preset,
        min_confidence=min_confidence,
        top_k=top_k,
        max_pixels=max_pixels,
    )
    options = QueryOptions.from_settings(
        settings, verify=not no_verify, similar_shots=bool(include), under=real_paths(under)
    )
    with Catalog.open(settings.catalog_location) as opened:
        demand_catalogued(opened, options.folders)
        results, criteria = run_query(opened, [raw_path(image) for image in images], options)
    if json:
        write_text(
            json_report.dump(
                json_report.query_document(results, {**criteria.parameters(), "top_k": options.top_k})
            )
        )
    elif stdout_is_terminal():
        table.print_query(results, table_console())
    else:
        write_lines(text.query_lines(results))
    if failed := [result for result in results if result.error is not None]:
        raise UnreadableImage(
            f"{len(failed)} of {len(results)} images could not be queried: {failed[0].error}"
        )
    untold = sum(result.cannot_tell for result in results)
    demand_told(untold, f"{untold} of {len(results)} images")
