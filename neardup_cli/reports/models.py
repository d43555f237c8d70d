"""The models there are, as lines and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from neardup_cli.records.weights import ChecksumOrigin, WeightsStatus
from neardup_cli.reports.units import shown_bytes


def models_lines(bundled: Sequence[str], default: str, published: Sequence[WeightsStatus]) -> Iterator[str]:
    """Yield one line a model: name, dimension, what it is, where it is."""
    for name in bundled:
        yield f"{name:<24}  512  bundled{', the default' if name == default else ''}"
    for one in published:
        here = "not here" if one.size is None else f"{shown_bytes(one.size)} at {one.path}"
        yield f"{one.name:<24} {one.dimension:>4}  Meta's, {one.trunk}: {here}"


def models_document(
    bundled: Sequence[str], default: str, published: Sequence[WeightsStatus]
) -> dict[str, Any]:
    """Return what `neardup models list --json` prints."""
    return {
        "schema": "neardup.models/1",
        "default": default,
        "bundled": list(bundled),
        "published": [
            {
                "name": one.name,
                "dimension": one.dimension,
                "trunk": one.trunk,
                "url": one.url,
                "path": str(one.path),
                "here": one.size is not None,
                "bytes": one.size,
                "sha256": one.sha256,
                "checksum": one.origin.value,
            }
            for one in published
        ],
    }


def checksum_line(one: WeightsStatus) -> str:
    """Say which checksum a file has, and how far that can be trusted."""
    believed = {
        ChecksumOrigin.PINNED: "as other projects know it",
        ChecksumOrigin.RECORDED: "as recorded when it was first seen here, for Meta publishes none",
        ChecksumOrigin.UNKNOWN: "not recorded",
    }
    return f"{one.name}: SHA-256 {one.sha256}, {believed[one.origin]}"
