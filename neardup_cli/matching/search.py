"""The verifier: from which SSCD similarity two pictures count as copies."""

from __future__ import annotations

DEFAULT_THRESHOLDS = {"sscd": 0.75, "sscd_distilled": 0.75}
"""Cosine similarity above which false pairs vanished in benchmarks/thresholds.py, by model."""

FALLBACK_THRESHOLD = 0.75


def default_threshold(model: str) -> float:
    """Return the threshold of a model by name; a model not measured gets SSCD's."""
    return DEFAULT_THRESHOLDS.get(model, FALLBACK_THRESHOLD)
