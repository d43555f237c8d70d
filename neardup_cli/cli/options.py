"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Preset(StrEnum):
    """The limits of the geometric stage."""

    STRICT = "strict"
    NORMAL = "normal"
    LOOSE = "loose"


CatalogOption = Annotated[
    Path | None,
    typer.Option("--catalog", metavar="PATH", help="Catalog file; also NEARDUP_CATALOG.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="sscd, sscd_distilled, or an .onnx file.", show_default=False
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=-1.0,
        max=1.0,
        help="SSCD cosine similarity from which a pair counts (0.2; with --no-verify 0.75).",
        show_default=False,
    ),
]
NoVerifyOption = Annotated[
    bool, typer.Option("--no-verify", help="Trust the threshold alone: no geometric check.")
]
PresetOption = Annotated[
    Preset | None,
    typer.Option("--preset", help="How much the geometric check demands (normal).", show_default=False),
]
HammingOption = Annotated[
    int | None,
    typer.Option(
        "--hamming",
        min=0,
        max=64,
        help="Radius of the dHash sieve in bits of 64: 10, or 4 where it decides alone.",
        show_default=False,
    ),
]
UnderOption = Annotated[
    list[Path] | None,
    typer.Option("--under", metavar="PATH", help="Only files below PATH take part; repeatable."),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        "--max-pixels", min=1, help="Skip images with more pixels (500,000,000).", show_default=False
    ),
]
