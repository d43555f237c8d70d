"""A data set for FiftyOne's own importer: `fo.Dataset.from_dir(DIR, dataset_type=fo.types.FiftyOneDataset)`.

Two files: `metadata.json` and `samples.json`, in the form without a version, which every FiftyOne since 0.1
reads. No image is copied: a sample has the path of its file, and what neardup knows in fields of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neardup_cli.records.rows import ImageRow

_IMAGE = "image"


def metadata_document() -> dict[str, Any]:
    """Return the `metadata.json` of a data set of images."""
    return {"media_type": _IMAGE, "info": {"made_by": "neardup export --fiftyone"}}


def samples_document(rows: Iterable[ImageRow[str]]) -> dict[str, Any]:
    """Return the `samples.json`: a sample an image that can be read and has a path of its own."""
    return {"samples": [_sample(row) for row in rows if row.error is None and row.id.startswith("/")]}


def _sample(row: ImageRow[str]) -> dict[str, Any]:
    """Return an image as a sample; a field is there only where something is known."""
    tags = ["keep" if row.keep else "drop"] if row.family is not None else []
    sample: dict[str, Any] = {
        "filepath": row.id,
        "tags": [*([] if row.split is None else [row.split]), *tags],
        "metadata": {
            "_cls": "ImageMetadata",
            "size_bytes": row.bytes,
            "width": row.width,
            "height": row.height,
        },
        "neardup_keep": row.keep,
        "neardup_content": row.content,
    }
    if row.family is not None:
        sample["neardup_family"] = row.family
        sample["neardup_role"] = _label(row.role, row.confidence)
    if row.kind is not None:
        sample["neardup_kind"] = _label(row.kind, row.confidence)
    if row.losses is not None and row.family is not None:
        sample["neardup_losses"] = list(row.losses)
    if row.label is not None:
        sample["ground_truth"] = _label(str(row.label), None)
    return sample


def _label(name: str | None, confidence: float | None) -> dict[str, Any]:
    label: dict[str, Any] = {"_cls": "Classification", "tags": [], "label": name}
    return label if confidence is None else {**label, "confidence": round(confidence, 4)}
