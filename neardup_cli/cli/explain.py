"""`neardup explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.options import (
    CatalogOption,
    DeviceOption,
    HammingOption,
    JsonOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    PresetOption,
    ThresholdOption,
)
from neardup_cli.cli.output import raw_path, say, write_prose, write_text


def explain(
    a: Annotated[Path, typer.Argument(metavar="A", help="An image file.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="PICTURE", help="Draw both with what they share; a new file."),
    ] = None,
    catalog: CatalogOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    max_pixels: MaxPixelsOption = None,
    json: JsonOption = False,
) -> None:
    """Say what happened between two image files.

    The verdict, its reason, every number. Of files in the catalog, which may be away, their previews are
    compared.
    """
    from contextlib import ExitStack, nullcontext, suppress

    from neardup_cli.catalog.database import Catalog
    from neardup_cli.errors import CatalogError
    from neardup_cli.pipeline.compare import load_rules_of
    from neardup_cli.pipeline.explain import explain as run_explain
    from neardup_cli.pipeline.explain import upright
    from neardup_cli.pipeline.probe import Probe
    from neardup_cli.pipeline.stored_probe import probe_or_path
    from neardup_cli.reports import json_report, picture, text
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        model=model,
        device=device,
        threshold=threshold,
        hamming=hamming,
        preset=preset,
        min_confidence=min_confidence,
        max_pixels=max_pixels,
    )
    rules = load_rules_of(settings)
    limit = settings.max_pixels
    with ExitStack() as opened:
        first: bytes | Probe = raw_path(a)
        second: bytes | Probe = raw_path(b)
        # No catalog is needed: only one that was asked for has to be there.
        with suppress(CatalogError) if catalog is None else nullcontext():
            known = opened.enter_context(Catalog.open(settings.catalog_location))
            first, second = (probe_or_path(known, raw_path(path), rules.embedder, limit) for path in (a, b))
        pair = run_explain(first, second, rules, max_pixels=limit)
        if json:
            write_text(json_report.dump(json_report.explain_document(pair, rules.parameters())))
        else:
            write_prose(text.explain_lines(pair))
        if save is not None:
            left, right = (upright(one, limit) for one in (first, second))
            picture.save_picture(pair, left, right, save.expanduser())
            say(f"drawn to {save}")
