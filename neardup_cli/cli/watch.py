"""`neardup watch`."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import CatalogOption, DeviceOption, ModelOption, WorkersOption
from neardup_cli.cli.output import say, write_prose
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.records.scans import ScanSummary


def watch(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Folders and files of this machine.")],
    catalog: CatalogOption = None,
    model: ModelOption = None,
    device: DeviceOption = None,
    hash_only: Annotated[
        bool, typer.Option("--hash-only", help="No embeddings: fast; a later scan adds them.")
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="GLOB", help="Leave out names (or, with a slash, paths) like this."
        ),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files and folders too.")] = False,
    settle: Annotated[
        float,
        typer.Option(
            "--settle", metavar="SECONDS", min=0.1, help="Wait so long after the last change before a scan."
        ),
    ] = 5.0,
    every: Annotated[
        float,
        typer.Option(
            "--every",
            metavar="SECONDS",
            min=1.0,
            help="Scan after so long without a change, too: shares of other machines tell of none.",
        ),
    ] = 3600.0,
    workers: WorkersOption = None,
) -> None:
    """Take new and changed images in as they come, until stopped.

    It scans first, and again when something has changed and come to rest; then it rests itself, longer the
    longer that took. Ctrl-C or SIGTERM ends it with a summary. Needs the extra `watch`.
    """
    from neardup_cli.embedders.registry import default_model, demand_device
    from neardup_cli.images.remote import is_remote
    from neardup_cli.pipeline.scan import ScanOptions
    from neardup_cli.pipeline.survey import real_roots, refuse_app_folders
    from neardup_cli.pipeline.watch import WatchOptions, demand_watcher
    from neardup_cli.pipeline.watch import watch as run_watch
    from neardup_cli.records.scans import Watched
    from neardup_cli.reports.paths import shown_path
    from neardup_cli.reports.watched import watched_line
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog, model=model, device=device, workers=workers)
    named = [os.fsencode(os.path.expanduser(path)) for path in paths]
    if remote := [path for path in named if is_remote(path)]:
        raise BadInput(f"{shown_path(remote[0])} tells of no changes: run `neardup scan` on it now and then")
    roots = real_roots(named)
    refuse_app_folders(roots)
    scanning = ScanOptions.from_settings(settings, hash_only=hash_only, exclude=exclude or [], hidden=hidden)
    demand_watcher()
    if not hash_only:
        demand_device(settings.model or default_model(), settings.device)
    watched = Watched()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as systemd and launchd stop a service
    say(f"watching {', '.join(map(shown_path, roots))} (Ctrl-C stops it)")
    try:
        run_watch(settings.catalog_location, roots, WatchOptions(scanning, settle, every), _tell, watched)
    except KeyboardInterrupt:
        write_prose([watched_line(watched)])


def _tell(summary: ScanSummary) -> None:
    from neardup_cli.reports.summary import unreadable_lines
    from neardup_cli.reports.watched import taken_in_line

    write_prose([f"{time.strftime('%H:%M:%S')} {taken_in_line(summary)}"])
    for line in unreadable_lines(summary):
        say(line)
