"""`neardup scan`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.choices import Device
from neardup_cli.cli.options import (
    CatalogOption,
    DeviceOption,
    EngineOption,
    JsonOption,
    MaxPixelsOption,
    ModelOption,
    RayAddressOption,
    WorkersOption,
)
from neardup_cli.cli.output import hint, say, write_prose, write_text
from neardup_cli.errors import BadInput, ChecksFailed

if TYPE_CHECKING:
    from neardup_cli.settings import Settings


def scan(
    paths: Annotated[
        list[str] | None,  # a Path would take one of the slashes from s3://
        typer.Argument(
            metavar="PATH...",
            help="Folders, files, containers and s3:// addresses; image_dirs of neardup.toml by default.",
        ),
    ] = None,
    catalog: CatalogOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    hash_only: Annotated[
        bool, typer.Option("--hash-only", help="No embeddings: fast; a later scan adds them.")
    ] = False,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Look at parts too, for pictures pasted into others: three times the work."
        ),
    ] = False,
    previews: Annotated[
        bool | None,
        typer.Option(
            "--previews/--no-previews",
            help="Keep small versions, to compare and show pictures without their files (yes); "
            "with --no-previews those kept of these folders are removed.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="GLOB", help="Leave out names (or, with a slash, paths) like this."
        ),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files and folders too.")] = False,
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="Scan what symbolic links point at.")
    ] = False,
    app_folders: Annotated[
        bool,
        typer.Option(
            "--app-folders",
            help="Look inside photo libraries, previews and bins too; nothing there is ever acted upon.",
        ),
    ] = False,
    containers: Annotated[
        bool,
        typer.Option(
            "--containers",
            help="Read .tar, .zip and .cbz files in the folders too; a named one is read anyway.",
        ),
    ] = False,
    rehash: Annotated[bool, typer.Option("--rehash", help="Read unchanged files again too.")] = False,
    max_pixels: MaxPixelsOption = None,
    workers: WorkersOption = None,
    engine: EngineOption = None,
    ray_address: RayAddressOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if an image could not be read (exit code 14).")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Scan images under PATH and update the catalog.

    Only new and changed files are read; stop it at any time and run it again to go on.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cli.cluster import chosen_cluster
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.scan import ScanOptions
    from neardup_cli.pipeline.scan import scan as run_scan
    from neardup_cli.pipeline.survey import real_roots, refuse_app_folders
    from neardup_cli.reports.json_report import dump, scan_document
    from neardup_cli.reports.summary import scan_lines, unreadable_lines
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        model=model,
        device=device,
        max_pixels=max_pixels,
        workers=workers,
        thorough=thorough or None,
        previews=previews,
        engine=engine,
        ray_address=ray_address,
    )
    if hash_only and thorough:
        raise BadInput("--thorough needs embeddings: leave --hash-only out")
    roots = _roots(paths, settings)
    options = ScanOptions.from_settings(
        settings,
        hash_only=hash_only,
        thorough=settings.thorough and not hash_only,
        rehash=rehash,
        exclude=exclude or [],
        hidden=hidden,
        follow_links=follow_symlinks,
        app_folders=app_folders,
        containers=containers,
        cluster=chosen_cluster(settings, gpu=settings.device is Device.CUDA),
    )
    # Before a catalog is made: a mistyped path must not leave an empty one behind.
    named = real_roots(roots)
    if not app_folders:
        refuse_app_folders(named)
    if settings.model is not None:
        from neardup_cli.embedders.registry import model_path

        model_path(settings.model)
    with Catalog.open(settings.catalog_location, create=True) as opened:
        try:
            with shown_progress() as progress:
                summary = run_scan(opened, roots, options, progress)
        except KeyboardInterrupt:
            say("stopped: what was read so far is in the catalog; run the same command again to go on")
            raise typer.Exit(130) from None
    if json:
        write_text(dump(scan_document(summary)))
    else:
        write_prose(scan_lines(summary))
        for line in unreadable_lines(summary):
            say(line)
        if summary.seen:
            hint("Next: `neardup dups` prints the copies, `neardup serve --open` shows them on a page")
    if strict and summary.unreadable:
        raise ChecksFailed(f"{len(summary.unreadable)} images could not be read")


def _roots(paths: list[str] | None, settings: Settings) -> list[bytes]:
    given = paths or settings.image_dirs
    if not given:
        raise BadInput("nothing to scan: give a folder, or set image_dirs in neardup.toml")
    return [os.fsencode(os.path.expanduser(path)) for path in given]
