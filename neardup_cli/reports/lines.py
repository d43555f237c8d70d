"""Groups as lines for other programs: JSON lines, CSV, pairs, and bare paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neardup_cli.images.formats import is_raw
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.csv_row import csv_row
from neardup_cli.reports.evidence import evidence, shown_kind
from neardup_cli.reports.json_report import dump, group_document, match_document
from neardup_cli.reports.paths import data_path
from neardup_cli.rules.totals import certain_files

_PAIR_COLUMNS = ("a", "b", "stage", "similarity", "hamming", "inliers", "agreement", "kind", "confidence")


def jsonl_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one JSON object a group."""
    for group in groups:
        yield dump(group_document(group), one_line=True)


def csv_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one row a file: which group, whether it would be kept, what it is, and what was done to it."""
    yield csv_row(["group", "keep", "path", "bytes", "width", "height", "format", "content", "kind", "role"])
    for group in groups:
        reasons = evidence(group)
        for member in group.members:
            keep = "yes" if member.path == group.keep or member.path in group.kept else "no"
            size = [member.stamp.size, member.width, member.height]
            kind = shown_kind(reasons.get(member.path))
            yield csv_row(
                [
                    *(
                        group.id,
                        keep,
                        data_path(member.path),
                        *size,
                        member.format,
                        member.digest.hex(),
                        kind,
                    ),
                    group.role_of(member).value,
                ]
            )


def pair_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one CSV row a match of two files."""
    yield csv_row(["group", *_PAIR_COLUMNS])
    for group in groups:
        for match in group.matches:
            document = match_document(match)
            yield csv_row([group.id, *(document.get(column) for column in _PAIR_COLUMNS)])


def redundant_paths(groups: Sequence[DuplicateGroup]) -> Iterator[bytes]:
    """Yield the path of every file with which nothing is lost, as bytes: what a clean-up removes unasked.

    A camera's raw file is never among them, as no clean-up ever removes one.
    """
    for group in groups:
        for member in certain_files(group):
            if not is_raw(member.path, member.format):
                yield member.path
