"""What a first look at a collection found, in a few lines, and what may be done next."""

from __future__ import annotations

from collections.abc import Iterator

from neardup_cli.records.matches import DupsReport
from neardup_cli.records.scans import ScanSummary
from neardup_cli.reports.units import shown_bytes, shown_count, shown_seconds
from neardup_cli.rules.totals import freed_bytes


def found_lines(summary: ScanSummary, report: DupsReport) -> Iterator[str]:
    """Yield what there is: exact copies, near ones, series, and what could not be read."""
    yield f"{shown_count(summary.seen, 'image')} looked through in {shown_seconds(summary.seconds)}"
    exact, near, staying = [], [], []
    for group in report.groups:
        digests = {member.digest for member in group.members if member.path == group.keep}
        for member in group.members:
            if member.path == group.keep or member.path in group.kept:
                staying.append(member)
                digests.add(member.digest)
            elif member.digest in digests:
                exact.append(member)
            else:
                digests.add(member.digest)
                near.append(member)
    free = shown_bytes(freed_bytes(exact, [*staying, *near]))
    yield f"  exact       {shown_count(len(exact), 'copy', 'copies')}, byte for byte: {free} to free"
    size = shown_bytes(freed_bytes(near, [*staying, *exact]))
    yield f"  near        {shown_count(len(near), 'image')} made from others, {size}: to look at"
    shots = report.summary["similar_shots"]
    yield f"  series      {shown_count(shots, 'pair')} of other shots of one scene, which are no copies"
    if summary.unreadable:
        told = "`neardup scan` names them"
        yield f"  unreadable  {shown_count(len(summary.unreadable), 'file')}: {told}"


def next_line(report: DupsReport, summary: ScanSummary) -> str:
    """Name the next step: what was found is to be looked at, or there is nothing to do."""
    if report.groups:
        return (
            "Next: `neardup serve --open` shows them on a page, `neardup dups` here; "
            "`neardup clean` plans what would go"
        )
    if not summary.seen:
        return "no images there: see `neardup scan --help` for what is left out"
    return "no copies: `neardup check FOLDER` tells of new images whether you have them already"
