"""`neardup trust`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.output import say, write_paths
from neardup_cli.errors import BadInput
from neardup_cli.reports.paths import shown_text


def trust(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="A folder of yours; the working folder by default."),
    ] = None,
    *,
    listed: Annotated[bool, typer.Option("--list", help="Print the folders that you trust.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Trust FOLDER no longer.")] = False,
) -> None:
    """Believe all that the neardup.toml of FOLDER says.

    Of other working folders only thresholds and presets are taken: not which catalog or model is used, what
    is scanned, or which cluster does the work. Folders below FOLDER are not trusted with it.
    """
    from neardup_cli.trust import distrust_folder, trust_folder, trusted_folders

    if listed:
        if folder is not None or remove:
            raise BadInput("--list goes alone")
        write_paths((os.fsencode(one) for one in trusted_folders()), nul=False)
        return
    named = Path.cwd() if folder is None else folder.expanduser()
    if remove:
        say(f"not trusted any more: {shown_text(distrust_folder(named))}")
    else:
        say(f"trusted: {shown_text(trust_folder(named))}")
