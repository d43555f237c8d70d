"""`neardup doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from neardup_cli.cli.options import CatalogOption, JsonOption
from neardup_cli.cli.output import write_lines, write_text
from neardup_cli.errors import ChecksFailed


def doctor(
    catalog: CatalogOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild index files that do not agree with the catalog.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check the catalog and its index.

    The exit code is 14 if something is wrong.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.doctor import examine
    from neardup_cli.reports import json_report, text
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog)
    with Catalog.open(settings.catalog_location) as opened:
        findings = examine(opened, repair=repair)
    if json:
        write_text(json_report.dump(json_report.doctor_document(findings)))
    else:
        write_lines(text.doctor_lines(findings))
    if broken := [finding for finding in findings if not finding.ok]:
        raise ChecksFailed(f"{len(broken)} of {len(findings)} checks failed")
