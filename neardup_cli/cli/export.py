"""`neardup export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.choices import Grouping
from neardup_cli.cli.options import (
    CatalogOption,
    GroupingOption,
    HammingOption,
    IncludeOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    UnderOption,
    WorkersOption,
)
from neardup_cli.cli.output import raw_path, real_paths, say
from neardup_cli.cli.splits import parsed_split
from neardup_cli.cli.untold import demand_pairs_told
from neardup_cli.errors import UnreadableImage

_MB = 1_000_000


def export(
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="A row an image: family, keep, role, kind, confidence, losses, split, label.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option("--pairs", metavar="FILE", help="A row a match; all are looked at.", show_default=False),
    ] = None,
    groups: Annotated[
        Path | None, typer.Option("--groups", metavar="FILE", help="A row a group.", show_default=False)
    ] = None,
    issues: Annotated[
        Path | None,
        typer.Option(
            "--issues",
            metavar="FILE",
            help="A row an image with the issue columns of CleanVision and cleanlab.",
            show_default=False,
        ),
    ] = None,
    drop_list: Annotated[
        Path | None,
        typer.Option("--drop-list", metavar="FILE", help="The copies, a path a line.", show_default=False),
    ] = None,
    keep_list: Annotated[
        Path | None,
        typer.Option(
            "--keep-list",
            metavar="FILE",
            help="One of each group, and all without a copy, a path a line.",
            show_default=False,
        ),
    ] = None,
    webdataset: Annotated[
        Path | None,
        typer.Option(
            "--webdataset", metavar="DIR", help="Shards of the images that stay.", show_default=False
        ),
    ] = None,
    shard_size: Annotated[
        int, typer.Option("--shard-size", min=1, metavar="MB", help="Size of a shard, megabytes.")
    ] = 1000,
    fiftyone: Annotated[
        Path | None,
        typer.Option(
            "--fiftyone", metavar="DIR", help="A data set that FiftyOne imports.", show_default=False
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            "--split",
            metavar="NAME=DIR",
            help="Name the split of the images below DIR, and their label by the folder in it; repeatable.",
            show_default=False,
        ),
    ] = None,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="The folders below a split are no classes.")
    ] = False,
    catalog: CatalogOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    grouping: GroupingOption = Grouping.COHERENT,
    include: IncludeOption = None,
    under: UnderOption = None,
    prove: Annotated[
        bool,
        typer.Option("--prove", help="Compare each copy with the file to keep at full size, for the losses."),
    ] = False,
    workers: WorkersOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write the groups to files that other programs take.

    A table is written as its name ends: .parquet, .arrow, .csv or .jsonl. Several may be named at once; no
    image is changed.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline import export as story
    from neardup_cli.pipeline.dups import DupsOptions
    from neardup_cli.reports import text
    from neardup_cli.reports.paths import shown_path
    from neardup_cli.reports.units import shown_count
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        preset=preset,
        min_confidence=min_confidence,
        workers=workers,
    )
    options = story.ExportOptions(
        dups=DupsOptions.from_settings(
            settings,
            verify=not no_verify,
            grouping=grouping,
            similar_shots=bool(include),
            under=real_paths(under),
            prove=prove,
        ),
        images=_raw(images),
        pairs=_raw(pairs),
        groups=_raw(groups),
        issues=_raw(issues),
        drop_list=_raw(drop_list),
        keep_list=_raw(keep_list),
        webdataset=_raw(webdataset),
        fiftyone=_raw(fiftyone),
        shard_bytes=shard_size * _MB,
        splits=[parsed_split(entry) for entry in split or ()],
        labels=not no_labels,
        force=force,
    )
    with Catalog.open(settings.catalog_location) as opened:
        try:
            with shown_progress() as progress:
                done = story.export(opened, options, progress)
        except KeyboardInterrupt:
            say("stopped: the pairs checked so far are in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    say(text.dups_summary(done.found))
    for one in done.written:
        noun = {"pairs": "pair", "groups": "group"}.get(one.what, "image")
        say(f"written: {shown_path(one.path)} ({shown_count(one.entries, noun)})")
    for path in done.left_out:
        say(f"left out, away or changed since the scan: {shown_path(path)}")
    if done.left_out:
        raise UnreadableImage(f"{shown_count(len(done.left_out), 'image')} could not be put into a shard")
    demand_pairs_told(done.found.summary["cannot_tell"])


def _raw(path: Path | None) -> bytes | None:
    return None if path is None else raw_path(path)
