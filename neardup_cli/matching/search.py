"""The verifier's levels: from which SSCD similarity a pair is looked at, and from which it is certain."""

from __future__ import annotations

DOOR = 0.2
"""Cosine similarity from which the geometric stage looks at a pair: nearly every edit has more."""

CERTAINTY = {"sscd": 0.75, "sscd_distilled": 0.75}
"""Similarity from which no false pair was seen in benchmarks/thresholds.py, by model, even among
screenshots and memes that share their chrome."""

FALLBACK_CERTAINTY = 0.75


def certainty_level(model: str) -> float:
    """Return the level of a model by name; a model not measured gets SSCD's."""
    return CERTAINTY.get(model, FALLBACK_CERTAINTY)
