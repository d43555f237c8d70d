"""`neardup keep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.options import CatalogOption
from neardup_cli.cli.output import real_paths, say


def keep(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to keep, by content.")],
    catalog: CatalogOption = None,
) -> None:
    """Say that FILE stays: the keeper of its group, never redundant.

    The decision is about the content: it holds wherever the file is moved. `neardup ignored` takes it back.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.decisions import keep_files
    from neardup_cli.reports.units import shown_count
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog)
    with Catalog.open(settings.catalog_location) as opened:
        new = keep_files(opened, real_paths(files))
    say(f"{shown_count(new, 'content')} recorded as to be kept: `neardup ignored` lists them")
