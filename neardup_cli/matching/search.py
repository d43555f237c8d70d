"""The verifier's levels: from which SSCD similarity a pair is looked at, and from which it is certain."""

from __future__ import annotations

DOOR = 0.2
"""Cosine similarity from which the geometric stage looks at a pair: nearly every edit has more."""

PLAIN = {"sscd": 0.75, "sscd_distilled": 0.75}
"""Similarity from which SSCD alone decides when geometry is left out: among photographs and their
copies, screenshots and memes with shared chrome among them, no false pair was higher (the highest had
0.726 and 0.743)."""

CERTAINTY = {"sscd": 0.99, "sscd_distilled": 0.99}
"""Similarity from which geometry is not asked. Higher than the plain level, for what is no photograph:
two text pages, brick walls or forms filled in differently reach 0.98."""

_UNMEASURED_PLAIN, _UNMEASURED_CERTAINTY = 0.75, 0.99


def plain_threshold(model: str) -> float:
    """Return the similarity from which a model's word is taken without geometry; SSCD's if not measured."""
    return PLAIN.get(model, _UNMEASURED_PLAIN)


def certainty_level(model: str) -> float:
    """Return the similarity from which geometry is not asked; SSCD's if not measured."""
    return CERTAINTY.get(model, _UNMEASURED_CERTAINTY)
