"""`neardup doctor`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.options import CatalogOption, JsonOption, WorkersOption
from neardup_cli.cli.output import say, write_prose, write_text
from neardup_cli.errors import BadInput, ChecksFailed

if TYPE_CHECKING:
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.records.health import Finding, VerifiedFiles

_DURATION = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def doctor(
    catalog: CatalogOption = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Rebuild what can be: indexes, and the catalog from its sound pages."),
    ] = False,
    verify_files: Annotated[
        bool,
        typer.Option("--verify-files", help="Read every image again; name those whose bytes changed unseen."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="With --verify-files: leave out what was read after WHEN, a date or 30d, 12h.",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Print versions, settings and counts for a bug report: no paths, no names."
        ),
    ] = False,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Check the catalog, its indexes, and the images.

    The images are read again with --verify-files only; if that was interrupted, it goes on where it was. The
    exit code is 14 if something is wrong: damage in the catalog, or images that rotted or that the disk
    cannot read any more.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.doctor import examine, repair_catalog
    from neardup_cli.reports import json_report, text
    from neardup_cli.settings import load_settings

    if since is not None and not verify_files:
        raise BadInput("--since goes with --verify-files")
    if report and (repair or verify_files or json):
        raise BadInput("--report goes with --catalog alone: it is text, and changes nothing")
    after = None if since is None else _moment(since)
    settings = load_settings(catalog=catalog, workers=workers)
    if report:
        from neardup_cli.pipeline.bug_report import bug_report

        write_prose(text.bug_report_lines(bug_report(settings)))
        return
    repaired = repair_catalog(settings.catalog_location) if repair else []
    with Catalog.open(settings.catalog_location, compare=False) as opened:  # it does so itself, and says more
        findings = [*repaired, *examine(opened, repair=repair)]
        files = _verified(opened, after, settings.worker_count) if verify_files else None
    if json:
        write_text(json_report.dump(json_report.doctor_document(findings, files)))
    else:
        write_prose(text.doctor_lines(findings))
        if files is not None:
            write_prose(text.verified_lines(files))
    _fail_on(findings, files)


def _fail_on(findings: list[Finding], files: VerifiedFiles | None) -> None:
    broken = [finding for finding in findings if not finding.ok]
    said = [f"{len(broken)} of {len(findings)} checks failed"] if broken else []
    if files is not None and not files.sound:
        said.append(f"{len(files.rotten) + len(files.unreadable)} of {files.checked} images are not sound")
    if said:
        raise ChecksFailed("; ".join(said))


def _verified(catalog: Catalog, after: datetime | None, workers: int) -> VerifiedFiles:
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.verify_files import verify_files

    try:
        with shown_progress() as progress:
            return verify_files(catalog, since=after, workers=workers, progress=progress)
    except KeyboardInterrupt:
        say("stopped: `neardup doctor --verify-files` goes on where it was")
        raise typer.Exit(130) from None


def _moment(given: str) -> datetime:
    """Return a moment (UTC) that was named by a date, a date and time, or how long ago it was.

    Raises:
        BadInput: it is none of these.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    try:
        if found := _DURATION.fullmatch(given.strip()):
            return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
        return datetime.fromisoformat(given).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as exc:
        raise BadInput(f"--since {given}: name a date (2026-03-01) or a while (30d, 12h)") from exc
