"""What came of watching folders, in a line for each scan and one at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neardup_cli.reports.units import shown_count, shown_seconds

if TYPE_CHECKING:
    from neardup_cli.records.scans import ScanSummary, Watched


def taken_in_line(summary: ScanSummary) -> str:
    """Say what a scan took in: "3 new, 1 changed, of 1,204 images"."""
    parts = (
        (summary.added, "new"),
        (summary.changed, "changed"),
        (summary.moved, "moved"),
        (summary.missing, "missing"),
        (len(summary.unreadable), "unreadable"),
    )
    said = ", ".join(f"{number:,} {name}" for number, name in parts if number) or "nothing new"
    return f"{said}, of {shown_count(summary.seen, 'image')}"


def watched_line(watched: Watched) -> str:
    """Say what came of all of it."""
    found = f"{watched.added:,} new, {watched.changed:,} changed, {watched.moved:,} moved"
    found += f", {watched.missing:,} missing"
    return f"watched for {shown_seconds(watched.seconds)}, {shown_count(watched.scans, 'scan')}: {found}"
