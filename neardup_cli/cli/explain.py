"""`neardup explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.options import (
    DeviceOption,
    HammingOption,
    JsonOption,
    MaxPixelsOption,
    ModelOption,
    PresetOption,
    ThresholdOption,
)
from neardup_cli.cli.output import raw_path, say, write_lines, write_text


def explain(
    a: Annotated[Path, typer.Argument(metavar="A", help="An image file.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="PICTURE", help="Draw both with what they share; a new file."),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    preset: PresetOption = None,
    max_pixels: MaxPixelsOption = None,
    json: JsonOption = False,
) -> None:
    """Say what happened between two image files.

    The verdict, its reason, every number.
    """
    from neardup_cli.pipeline.compare import load_rules_of
    from neardup_cli.pipeline.explain import explain as run_explain
    from neardup_cli.pipeline.explain import upright
    from neardup_cli.reports import json_report, picture, text
    from neardup_cli.settings import load_settings

    settings = load_settings(
        model=model,
        device=device,
        threshold=threshold,
        hamming=hamming,
        preset=preset,
        max_pixels=max_pixels,
    )
    rules = load_rules_of(settings)
    pair = run_explain(raw_path(a), raw_path(b), rules, max_pixels=settings.max_pixels)
    if json:
        write_text(json_report.dump(json_report.explain_document(pair, rules.parameters())))
    else:
        write_lines(text.explain_lines(pair))
    if save is not None:
        left, right = (upright(raw_path(path), settings.max_pixels) for path in (a, b))
        picture.save_picture(pair, left, right, save.expanduser())
        say(f"drawn to {save}")
