"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.choices import Device, Grouping
from neardup_cli.cli import completing


class Engine(StrEnum):
    """Where pictures are read and embedded, and vectors compared."""

    LOCAL = "local"
    RAY = "ray"


class Preset(StrEnum):
    """How sure a match has to be."""

    STRICT = "strict"
    NORMAL = "normal"
    LOOSE = "loose"


class Include(StrEnum):
    """What is no copy by default and can be shown all the same."""

    SIMILAR_SHOTS = "similar-shots"


CatalogOption = Annotated[
    str | None,  # a Path would take one of the slashes from a URL
    typer.Option(
        "--catalog",
        metavar="PATH",
        help="Catalog file, or postgresql+psycopg:// URL; also NEARDUP_CATALOG.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="A name of `neardup models`, or an .onnx or .pt file.",
        autocompletion=completing.models,
        show_default=False,
    ),
]
DeviceOption = Annotated[
    Device | None,
    typer.Option("--device", help="Where the model runs: the fastest by default.", show_default=False),
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
    typer.Option("--preset", help="How sure a match has to be (normal).", show_default=False),
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        min=0.5,
        max=1.0,
        help="Probability from which a pair is a copy (0.7): in place of a preset.",
        show_default=False,
    ),
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
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Threads, or workers of a cluster; one a core by default.",
        show_default=False,
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option("--engine", help="Do the work here, or on a Ray cluster.", show_default=False),
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="ADDRESS",
        help="A running Ray cluster (auto, host:6379, ray://host:10001); one is started here by default.",
        show_default=False,
    ),
]
GroupingOption = Annotated[
    Grouping,
    typer.Option(
        "--grouping", help="coherent: one group an image; linked: whatever a chain of matches joins."
    ),
]
IncludeOption = Annotated[
    list[Include] | None,
    typer.Option("--include", help="Show these too: other shots of the same scene."),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        "--max-pixels", min=1, help="Skip images with more pixels (500,000,000).", show_default=False
    ),
]
