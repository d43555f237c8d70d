"""`neardup eval fetch`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import JsonOption
from neardup_cli.cli.output import say, write_prose, write_text
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.evaluation.datasets import DataSet


class DataSetName(StrEnum):
    """The data sets that there are addresses for."""

    COPYDAYS = "copydays"
    GLDV2 = "gldv2"


def eval_fetch(
    name: Annotated[DataSetName, typer.Argument(metavar="copydays|gldv2", help="Which data set.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Folder of the data sets.")] = Path(
        "data"
    ),
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part", help="original, strong, crop, jpeg; index, test, train. Repeatable.", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="At most so many archives of each part.", show_default=False),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            "--mirror", metavar="URL", help="Base address to fetch from instead.", show_default=False
        ),
    ] = None,
    parallel: Annotated[int, typer.Option("--parallel", min=1, max=16, help="Archives at a time.")] = 4,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Leave the archives there after unpacking.")
    ] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Do not ask: you have read the licence.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Download a public data set, after showing its licence; run it again to go on after a break."""
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.evaluation.datasets import DATA_SETS
    from neardup_cli.evaluation.fetch import FetchOptions, fetch
    from neardup_cli.evaluation.fetch_report import fetch_document, fetch_lines
    from neardup_cli.reports.json_report import dump

    data_set = DATA_SETS[name.value]
    options = FetchOptions(part or (), limit, mirror, parallel, keep_archives)
    count = len(data_set.chosen(options.parts, limit))
    _show_licence(data_set, count, accepted=accept_licence)
    try:
        with shown_progress() as progress:
            fetched = fetch(data_set, into.expanduser(), options, progress)
    except KeyboardInterrupt:
        say("stopped: run the same command again to go on")
        raise typer.Exit(130) from None
    if json:
        write_text(dump(fetch_document(data_set.name, fetched)))
    else:
        write_prose(fetch_lines(fetched))


def _show_licence(data_set: DataSet, archives: int, *, accepted: bool) -> None:
    """Say whose the data is, and ask.

    Raises:
        BadInput: there is nobody to ask.
    """
    say(f"{data_set.title}\n{data_set.homepage}\n")
    for line in data_set.licence:
        say(f"    {line}")
    say(f"\n{archives} archives ({data_set.size})")
    if accepted:
        return
    if not sys.stdin.isatty():
        raise BadInput("the licence has to be accepted: read it above and add --accept-licence")
    if not typer.confirm("Accept and download?", err=True):
        say("nothing was downloaded")
        raise typer.Exit(1)
