"""`neardup status`."""

from __future__ import annotations

from neardup_cli.cli.options import CatalogOption, JsonOption
from neardup_cli.cli.output import write_prose, write_text


def status(catalog: CatalogOption = None, json: JsonOption = False) -> None:
    """Show what the catalog holds: files, roots, models, sizes."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.status import catalog_status
    from neardup_cli.reports import json_report, text
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog)
    with Catalog.open(settings.catalog_location) as opened:
        found = catalog_status(opened)
    if json:
        write_text(json_report.dump(json_report.status_document(found)))
    else:
        write_prose(text.status_lines(found))
