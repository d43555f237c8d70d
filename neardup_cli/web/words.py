"""Why something is a match, in words."""

from __future__ import annotations

from neardup_cli.records.answers import QueryMatch
from neardup_cli.records.matches import Alignment, FileMatch, Stage
from neardup_cli.reports.units import shown_similarity
from neardup_cli.rules.words import kind_sentence

_HASH_BITS = 64


def match_reason(match: FileMatch | QueryMatch) -> str:
    """Return one sentence: what happened, and what says so."""
    if match.stage is Stage.EXACT:
        return "The same bytes."
    if isinstance(match, QueryMatch) and match.untold:
        return f"Cannot tell, for it cannot be looked at now: {_seen(match.similarity, match.hamming)}."
    if match.stage is None:
        return f"No copy: {_seen(match.similarity, match.hamming)}."
    kind = None if match.alignment is None else match.alignment.kind
    return f"{kind_sentence(kind)}: {_evidence(match)}."


def _evidence(match: FileMatch | QueryMatch) -> str:
    if match.stage is Stage.GEOMETRY and match.alignment is not None:
        return f"laid on each other, {_agreement(match.alignment)}, SSCD {shown_similarity(match.similarity)}"
    return _seen(match.similarity, match.hamming)


def _agreement(alignment: Alignment) -> str:
    return f"{alignment.agreement:.0%} of the detail agrees"


def _seen(similarity: float | None, hamming: int | None) -> str:
    said = []
    if similarity is not None:
        said.append(f"SSCD similarity {shown_similarity(similarity)}")
    if hamming is not None:
        said.append(f"hashes differ in {hamming} of {_HASH_BITS} bits")
    return ", ".join(said) or "nothing was measured"
