"""`neardup compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.options import (
    DeviceOption,
    HammingOption,
    JsonOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
)
from neardup_cli.cli.output import raw_path, write_prose, write_text


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="An image file.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    model: ModelOption = None,
    device: DeviceOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    hash_only: Annotated[bool, typer.Option("--hash-only", help="Compare hashes alone.")] = False,
    max_pixels: MaxPixelsOption = None,
    json: JsonOption = False,
) -> None:
    """Compare two image files: distance, similarity, verdict.

    No catalog is used. Where the two do not match as a whole, a part of one is sought in the other, as `dups`
    does after `scan --thorough`.
    """
    from neardup_cli.pipeline.compare import compare as run_compare
    from neardup_cli.pipeline.compare import load_rules_of
    from neardup_cli.reports import json_report, text
    from neardup_cli.settings import load_settings

    settings = load_settings(
        model=model,
        device=device,
        threshold=threshold,
        hamming=hamming,
        preset=preset,
        min_confidence=min_confidence,
        max_pixels=max_pixels,
    )
    rules = load_rules_of(settings, hash_only=hash_only, verify=not no_verify)
    comparison = run_compare(raw_path(a), raw_path(b), rules, max_pixels=settings.max_pixels)
    if json:
        write_text(json_report.dump(json_report.compare_document(comparison, rules.parameters())))
    else:
        write_prose(text.compare_lines(comparison))
