"""`neardup eval attacks`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.choices import Suite
from neardup_cli.cli.eval_options import (
    MaxSideOption,
    OnlyOption,
    SampleOption,
    SeedOption,
    SuiteOption,
)
from neardup_cli.cli.options import JsonOption, WorkersOption
from neardup_cli.cli.output import raw_path, say, write_prose, write_text


def eval_attacks(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of the originals; only read.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder for the copies.")],
    suite: SuiteOption = None,
    only: OnlyOption = None,
    seed: SeedOption = 0,
    limit: SampleOption = None,
    max_side: MaxSideOption = None,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Make edited copies of every picture of a folder, and a manifest that says what was done.

    The same pictures, suite and seed give the same bytes.
    """
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.evaluation.copies import CopyOptions, make_copies
    from neardup_cli.evaluation.copies_report import copies_document, copies_lines
    from neardup_cli.evaluation.suites import suite_attacks
    from neardup_cli.reports.json_report import dump
    from neardup_cli.settings import load_settings

    settings = load_settings(workers=workers)
    attacks = suite_attacks(suite or Suite.STANDARD, only or ())
    options = CopyOptions(attacks, seed, limit, max_side, settings.worker_count)
    try:
        with shown_progress() as progress:
            made = make_copies(raw_path(source), raw_path(out), options, progress)
    except KeyboardInterrupt:
        say("stopped: run the same command again to begin again")
        raise typer.Exit(130) from None
    if json:
        write_text(dump(copies_document(made, seed)))
    else:
        write_prose(copies_lines(made))
    for skipped in made.skipped:
        from neardup_cli.reports.paths import shown_path

        say(f"left out {shown_path(skipped.path)}: {skipped.reason}")
