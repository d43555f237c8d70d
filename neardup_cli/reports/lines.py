"""Groups as lines for other programs: JSON lines, CSV, pairs, and bare paths."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from neardup_cli.records import DuplicateGroup
from neardup_cli.reports.json_report import group_document, match_document
from neardup_cli.reports.paths import data_path


def jsonl_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield one JSON object a group."""
    for group in groups:
        yield json.dumps(group_document(group), ensure_ascii=False)


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
    yield _csv_row(["group", "a", "b", "stage", "similarity", "hamming"])
    for group in groups:
        for match in group.matches:
            yield _csv_row([group.id, *match_document(match).values()])


def redundant_paths(groups: Sequence[DuplicateGroup]) -> Iterator[bytes]:
    """Yield the raw path of every member but the one to keep: what a clean-up would remove."""
    for group in groups:
        for member in group.members:
            if member.path != group.keep:
                yield member.path


def _csv_row(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
