"""`neardup backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.options import CatalogOption
from neardup_cli.cli.output import say


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; nothing may be there.")],
    catalog: CatalogOption = None,
) -> None:
    """Copy the catalog, whole and checked, while others use it.

    To restore: with no neardup at work, move the catalog and the files whose names begin with its name away,
    and put a copy of FILE in its place. Indexes and seal make themselves anew; clean-ups later than the copy
    are not in it, and cannot be undone from it. docs/catalog.md has more.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.reports.paths import shown_text
    from neardup_cli.reports.units import shown_bytes
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog)
    target = file.expanduser()
    with Catalog.open(settings.catalog_location) as opened:
        size = opened.backup(target)
    say(f"{shown_text(str(target))}: {shown_bytes(size)}, checked")
