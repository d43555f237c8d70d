"""`neardup undo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import CatalogOption, JsonOption
from neardup_cli.cli.output import raw_path, say, write_lines, write_prose, write_text
from neardup_cli.errors import BadInput, FilesRefused

if TYPE_CHECKING:
    from neardup_cli.plans import Outcome


def undo(
    batch: Annotated[
        int | None,
        typer.Option("--batch", metavar="N", help="Undo this clean-up; the last one by default."),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the clean-ups, the newest first.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Put back what lies in DIR, or in a trash, by its own journal, without a catalog.",
        ),
    ] = None,
    catalog: CatalogOption = None,
    json: JsonOption = False,
) -> None:
    """Take back what `neardup clean --apply` did.

    Names, bytes, times and permissions are restored. Where something else now stands in the way of a file, it
    stays where it is, with the reason; run undo again when the way is free. What was deleted for good does
    not come back.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.batches import list_batches
    from neardup_cli.pipeline.undo import undo_batch
    from neardup_cli.reports import plan_json, plan_text
    from neardup_cli.reports.json_report import dump
    from neardup_cli.settings import load_settings

    if listing and batch is not None:
        raise BadInput("--list lists all clean-ups, and undoes none")
    if folder is not None:
        if listing or batch is not None:
            raise BadInput("--from goes by the journal in that folder alone, without --list and --batch")
        _undo_from(folder, json=json)
        return
    settings = load_settings(catalog=catalog)
    with Catalog.open(settings.catalog_location) as opened:
        if listing:
            batches = list_batches(opened)
            if json:
                write_text(dump(plan_json.batches_document(batches)))
            else:
                write_lines(plan_text.batch_lines(batches))
            return
        try:
            with shown_progress() as progress:
                outcome = undo_batch(opened, batch, progress)
        except KeyboardInterrupt:
            say("stopped: `neardup undo` goes on")
            raise typer.Exit(130) from None
    _print_outcome(outcome, json=json)


def _undo_from(folder: Path, *, json: bool) -> None:
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.undo_from import undo_from

    try:
        with shown_progress() as progress:
            outcome = undo_from(raw_path(folder), progress)
    except KeyboardInterrupt:
        say("stopped: the same command goes on")
        raise typer.Exit(130) from None
    _print_outcome(outcome, json=json)


def _print_outcome(outcome: Outcome, *, json: bool) -> None:
    from neardup_cli.reports import plan_json, plan_text
    from neardup_cli.reports.json_report import dump
    from neardup_cli.reports.units import shown_count

    if json:
        write_text(dump(plan_json.outcome_document(outcome, "undo")))
    else:
        write_prose([plan_text.undone_line(outcome)])
    for line in plan_text.refusal_lines(outcome):
        say(line)
    if outcome.refused:
        raise FilesRefused(f"{shown_count(len(outcome.refused), 'file')} could not be put back: see above")
