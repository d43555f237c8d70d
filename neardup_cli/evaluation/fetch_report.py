"""What `neardup eval fetch` prints."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from neardup_cli.evaluation.fetch import Fetched
from neardup_cli.reports.paths import data_path, shown_path
from neardup_cli.reports.units import shown_bytes


def fetch_document(name: str, fetched: Sequence[Fetched]) -> dict[str, Any]:
    """Return what `neardup eval fetch --json` prints."""
    return {
        "schema": "neardup.eval-fetch/1",
        "data_set": name,
        "archives": [
            {
                "folder": data_path(os.fsencode(one.folder)),
                "received_bytes": one.received,
                "files": one.files,
                "checksum": one.checked,
            }
            for one in fetched
        ],
    }


def fetch_lines(fetched: Sequence[Fetched]) -> Iterator[str]:
    """Yield a line an archive."""
    for one in fetched:
        folder = shown_path(os.fsencode(one.folder))
        if not one.files:
            yield f"{folder}\tis here"
            continue
        checked = f"{one.checked} is right" if one.checked else "no checksum is published for it"
        yield f"{folder}\t{one.files:,} files from {shown_bytes(one.received)}, {checked}"
