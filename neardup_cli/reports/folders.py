"""Folders that hold the same images, as lines and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from neardup_cli.records.folders import FolderPair, FoldersReport, Relation
from neardup_cli.reports.paths import data_path, shown_path
from neardup_cli.reports.units import shown_bytes, shown_count

_WORDS = {
    Relation.SAME: "the same images, byte for byte",
    Relation.CONTAINED: "all of it is in the other, byte for byte",
    Relation.FAMILY: "all of it, or what it was made of or into, is in the other",
    Relation.OVERLAP: "the greater part is in the other",
}


def folders_document(report: FoldersReport) -> dict[str, Any]:
    """Return what `neardup folders --json` prints."""
    return {
        "schema": "neardup.folders/1",
        "pairs": [_pair_document(pair) for pair in report.pairs],
        "summary": {
            "pairs": len(report.pairs),
            "folders": report.folders,
            "images": report.images,
            "cannot_tell": report.cannot_tell,
        },
    }


def _pair_document(pair: FolderPair) -> dict[str, Any]:
    return {
        "folder": data_path(pair.folder),
        "other": data_path(pair.other),
        "relation": pair.relation.value,
        "shared": pair.shared,
        "shared_bytes": pair.shared_bytes,
        "alone": [data_path(path) for path in pair.alone],
        "other_alone": [data_path(path) for path in pair.other_alone],
    }


def folders_lines(report: FoldersReport) -> Iterator[str]:
    """Yield a few lines for each pair, and an empty one behind it."""
    for pair in report.pairs:
        shared = f"{shown_count(pair.shared, 'image')}, {shown_bytes(pair.shared_bytes)}"
        yield f"{pair.relation.value}: {shared}: {_WORDS[pair.relation]}"
        for folder, alone in ((pair.folder, pair.alone), (pair.other, pair.other_alone)):
            more = f"  {len(alone):,} alone" if alone else ""
            yield f"  {shown_path(folder)}{more}"
        yield ""


def folders_summary(report: FoldersReport) -> str:
    """Return one line about all of them."""
    if not report.pairs:
        return f"no two of {shown_count(report.folders, 'folder')} hold the same images"
    pairs = shown_count(len(report.pairs), "pair")
    return f"{pairs} of folders among {report.folders:,} with {shown_count(report.images, 'image')}"


def whole_command(report: FoldersReport) -> str | None:
    """Return the command that plans to clean the first folder up that has nothing alone; None without one."""
    for pair in report.pairs:
        if not pair.alone:
            folder, other = (shlex.quote(shown_path(one)) for one in (pair.folder, pair.other))
            return f"neardup clean --whole {folder} --prefer {other}"
    return None
