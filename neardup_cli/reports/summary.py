"""What a scan did, in a few lines for people."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from neardup_cli.images.extras import WITHOUT_EXTRA
from neardup_cli.records.scans import ScanSummary
from neardup_cli.reports.paths import shown_path
from neardup_cli.reports.units import shown_count, shown_seconds

_DAMAGED_NAMED = 5
_NAMED = 50  # unreadable files named one by one; --json names them all
_KINDS = 3  # names of application folders given as examples


def scan_lines(summary: ScanSummary) -> Iterator[str]:
    """Yield the summary of a scan."""
    read = summary.added + summary.changed + summary.moved + summary.embedded + summary.regions
    read += summary.previews
    rate = f", {summary.seen / summary.seconds:,.0f} images/s" if read and summary.seconds > 0 else ""
    yield f"{shown_count(summary.seen, 'image')} seen in {shown_seconds(summary.seconds)}{rate}"
    parts = [
        (summary.added, "new"),
        (summary.changed, "changed"),
        (summary.unchanged, "unchanged"),
        (summary.moved, "moved"),
        (summary.missing, "missing"),
        (summary.offline, "offline"),
        (len(summary.unreadable), "unreadable"),
    ]
    always = {"new", "unchanged"}
    told = {"new": f" ({summary.exact:,} with the bytes of another)" if summary.exact else ""}
    yield "  " + ", ".join(
        f"{number:,} {name}{told.get(name, '')}" for number, name in parts if number or name in always
    )
    if summary.embedded:
        yield f"  {shown_count(summary.embedded, 'embedding')} computed with {summary.model}"
    if summary.regions:
        yield f"  regions of {shown_count(summary.regions, 'image')} computed with {summary.model}"
    if summary.previews:
        yield f"  {shown_count(summary.previews, 'preview')} kept in the catalog (none with --no-previews)"
    if summary.damaged:
        yield _damaged_line(summary)
    if summary.app_folders:
        yield f"  left out {_app_folders(summary.app_folders)}: --app-folders looks inside"
    for reason, where, number in _skipped_by_reason(summary):
        yield f"  skipped {number:,}: {reason} ({where})"


def _damaged_line(summary: ScanSummary) -> str:
    named = ", ".join(f"{shown_path(one.path)} ({one.reason})" for one in summary.damaged[:_DAMAGED_NAMED])
    more = ", … (`--json` names them all)" if len(summary.damaged) > _DAMAGED_NAMED else ""
    return f"  {shown_count(len(summary.damaged), 'damaged file')}: {named}{more}"


def unreadable_lines(summary: ScanSummary) -> Iterator[str]:
    """Yield a line for each image that could not be read, with its reason."""
    for entry in summary.unreadable[:_NAMED]:
        yield f"unreadable: {shown_path(entry.path)}: {entry.reason}"
    if len(summary.unreadable) > _NAMED:
        yield f"unreadable: … and {len(summary.unreadable) - _NAMED:,} more: `--json` names them all"


def _skipped_by_reason(summary: ScanSummary) -> list[tuple[str, str, int]]:
    """Count what was skipped by reason and extension, the most frequent first; a missing extra once."""
    apart = frozenset(summary.app_folders)
    skipped = [entry for entry in summary.skipped if entry.path not in apart]
    by_kind = {
        reason: ", ".join(sorted({_extension(entry.path) for entry in skipped if entry.reason == reason}))
        for reason in {entry.reason for entry in skipped if WITHOUT_EXTRA in entry.reason}
    }
    counted = Counter(
        (entry.reason, by_kind.get(entry.reason) or _extension(entry.path)) for entry in skipped
    )
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [(reason, extension, number) for (reason, extension), number in ordered]


def _app_folders(folders: Sequence[bytes]) -> str:
    """Count folders of applications, and name the kinds that are most frequent."""
    names = Counter(shown_path(os.path.basename(folder)) for folder in folders)
    shown = [name for name, _ in names.most_common(_KINDS)]
    more = ", …" if len(names) > _KINDS else ""
    return f"{shown_count(len(folders), 'folder')} of applications ({', '.join(shown)}{more})"


def _extension(path: bytes) -> str:
    extension = os.path.splitext(path)[1].lower()
    return shown_path(extension) if extension else "no extension"
