"""The options that several commands of `neardup eval` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.choices import Suite

SuiteOption = Annotated[
    Suite | None,
    typer.Option(
        "--suite",
        help="Which attacks (standard); jpeg, crops and strong are called as in Copydays, disc as in DISC.",
        show_default=False,
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--attack", metavar="GLOB", help="Only attacks called like this, of any suite."),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="Another number, other corners, words and samples.")
]
SampleOption = Annotated[
    int | None,
    typer.Option("--sample", min=1, help="Attack so many pictures, drawn at random.", show_default=False),
]
MaxSideOption = Annotated[
    int | None,
    typer.Option(
        "--max-side", min=64, help="Shrink larger pictures to so many pixels first.", show_default=False
    ),
]
TruthOption = Annotated[
    str | None,
    typer.Option(
        "--truth",
        metavar="FILE",
        help="What is a copy of what: a manifest (the one beside the queries by default), DISC's CSV, "
        "or the word copydays.",
        show_default=False,
    ),
]
QueriesOption = Annotated[Path, typer.Option("--queries", metavar="DIR", help="Folder of the copies.")]
ReferencesOption = Annotated[
    Path, typer.Option("--references", metavar="DIR", help="Folder of the originals.")
]
DistractorsOption = Annotated[
    list[Path] | None,
    typer.Option("--distractors", metavar="DIR", help="Images that nothing is a copy of; repeatable."),
]
OwnCatalogOption = Annotated[
    Path | None,
    typer.Option(
        "--catalog",
        metavar="PATH",
        help="Keep the evaluation's own catalog here, so that a second run reads no image.",
        show_default=False,
    ),
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
PlotsOption = Annotated[
    Path | None,
    typer.Option(
        "--plots", metavar="DIR", help="Draw the figures there, as SVG (extra `eval`).", show_default=False
    ),
]
