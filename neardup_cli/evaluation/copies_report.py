"""What `neardup eval attacks` prints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from neardup_cli.evaluation.copies import CopiesMade
from neardup_cli.reports.paths import data_path, shown_path


def copies_document(made: CopiesMade, seed: int) -> dict[str, Any]:
    """Return what `neardup eval attacks --json` prints."""
    return {
        "schema": "neardup.eval-attacks/1",
        "manifest": data_path(os.fsencode(made.manifest)),
        "seed": seed,
        "sources": [data_path(path) for path in made.sources],
        "attacks": made.attacks,
        "skipped": [{"path": data_path(one.path), "reason": one.reason} for one in made.skipped],
    }


def copies_lines(made: CopiesMade) -> Iterator[str]:
    """Yield one line: how much, and where the manifest is."""
    total = sum(made.attacks.values())
    manifest = shown_path(os.fsencode(made.manifest))
    yield f"{total:,} copies of {len(made.sources):,} pictures by {len(made.attacks)} attacks: {manifest}"
