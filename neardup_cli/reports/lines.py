"""Groups as lines for other programs: JSON lines, CSV, pairs, and bare paths."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from neardup_cli.records import DuplicateGroup
from neardup_cli.reports.json_report import dump, group_document, match_document
from neardup_cli.reports.paths import data_path

_PAIR_COLUMNS = ("a", "b", "stage", "similarity", "hamming", "inliers", "agreement")


def jsonl_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one JSON object a group."""
    for group in groups:
        yield dump(group_document(group), indent=None)


def csv_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one row a file: which group, whether it would be kept, and what it is."""
    yield _csv_row(["group", "keep", "path", "bytes", "width", "height", "format", "content"])
    for group in groups:
        for member in group.members:
            keep = "yes" if member.path == group.keep else "no"
            size = [member.stamp.size, member.width, member.height]
            yield _csv_row(
                [group.id, keep, data_path(member.path), *size, member.format, member.digest.hex()]
            )


def pair_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one CSV row a match of two files."""
    yield _csv_row(["group", *_PAIR_COLUMNS])
    for group in groups:
        for match in group.matches:
            document = match_document(match)
            yield _csv_row([group.id, *(document.get(column) for column in _PAIR_COLUMNS)])


def redundant_paths(groups: Sequence[DuplicateGroup]) -> Iterator[bytes]:
    """Yield the raw path of every member but the one to keep: what a clean-up would remove."""
    for group in groups:
        for member in group.members:
            if member.path != group.keep:
                yield member.path


def _csv_row(cells: Sequence[object]) -> str:
    text = io.StringIO()
    # The writer quotes a line end inside a cell only if it ends lines with it itself.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")
