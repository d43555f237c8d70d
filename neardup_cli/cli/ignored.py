"""`neardup ignored`."""

from __future__ import annotations

from typing import Annotated

import typer

from neardup_cli.cli.options import CatalogOption, JsonOption
from neardup_cli.cli.output import say, write_lines, write_text


def ignored(
    catalog: CatalogOption = None,
    undo: Annotated[
        list[int] | None,
        typer.Option("--undo", metavar="ID", help="Take this decision back; repeatable."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List what you decided with ignore and keep, or take it back."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.decisions import shown_decisions, take_back
    from neardup_cli.reports import json_report, text
    from neardup_cli.reports.units import shown_count
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog)
    with Catalog.open(settings.catalog_location) as opened:
        if undo:
            taken = take_back(opened, undo)
            say(f"{shown_count(len(taken), 'decision')} taken back")
        found = shown_decisions(opened)
    if json:
        write_text(json_report.dump(json_report.decisions_document(found)))
    elif not undo:
        write_lines(text.decision_lines(found))
