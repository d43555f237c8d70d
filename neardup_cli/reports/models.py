"""The models there are, as lines and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neardup_cli.records.weights import ChecksumOrigin, WeightsStatus
from neardup_cli.reports.units import shown_bytes

if TYPE_CHECKING:
    from neardup_cli.embedders.converted import Conversion


def models_lines(
    bundled: Sequence[str], default: str, published: Sequence[WeightsStatus], made: Mapping[str, Path]
) -> Iterator[str]:
    """Yield one line a model: name, dimension, what it is, where it is.

    Args:
        bundled: names.
        published: Meta's.
        default: the name of one.
        made: ONNX files of the published ones, by name.
    """

    def marked(name: str) -> str:
        return ", the default" if name == default else ""

    for name in bundled:
        yield f"{name:<24}  512  bundled{marked(name)}"
    for one in published:
        here = "not here" if one.size is None else f"{shown_bytes(one.size)} at {one.path}"
        yield f"{one.name:<24} {one.dimension:>4}  Meta's, {one.trunk}: {here}"
        for name in _made_of(one, made):
            size = shown_bytes(made[name].stat().st_size)
            yield f"{name:<24} {one.dimension:>4}  made of it{marked(name)}: {size} at {made[name]}"


def models_document(
    bundled: Sequence[str], default: str, published: Sequence[WeightsStatus], made: Mapping[str, Path]
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
                "converted": _made_of(one, made),
            }
            for one in published
        ],
    }


def _made_of(one: WeightsStatus, made: Mapping[str, Path]) -> list[str]:
    return [name for name in made if name.rpartition("_")[0] == one.name]


def conversion_lines(done: Conversion) -> Iterator[str]:
    """Yield what came of a conversion, and how good it is."""
    if done.likeness is not None:
        yield f"the same vectors as PyTorch's: cosine {done.likeness:.6f} at least"
    if done.agreement is None:
        yield done.reason
    else:
        yield f"in eight bits nearly the same: cosine {done.agreement:.4f}, the median"
    name = (done.small or done.full).stem
    yield f'`neardup scan --model {name} FOLDER` takes it, or `model = "{name}"` in neardup.toml'


def checksum_line(one: WeightsStatus) -> str:
    """Say which checksum a file has, and how far that can be trusted."""
    believed = {
        ChecksumOrigin.PINNED: "as other projects know it",
        ChecksumOrigin.RECORDED: "as recorded when it was first seen here, for Meta publishes none",
        ChecksumOrigin.UNKNOWN: "not recorded",
    }
    return f"{one.name}: SHA-256 {one.sha256}, {believed[one.origin]}"
