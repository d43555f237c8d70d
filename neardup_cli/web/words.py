"""Why something is a match, in words."""

from __future__ import annotations

from neardup_cli.choices import Kind
from neardup_cli.records.answers import QueryMatch
from neardup_cli.records.matches import Alignment, FileMatch, Stage
from neardup_cli.reports.units import shown_similarity

_HASH_BITS = 64

_KINDS = {
    Kind.EXACT: "The same bytes",
    Kind.SAME_PIXELS: "The same pixels in another file",
    Kind.SIMILAR_SHOT: "Another shot of the same scene",
    Kind.EMBEDDED: "Shown inside another picture",
    Kind.OVERLAY: "Text, a frame or something else added",
    Kind.CROPPED: "Cut",
    Kind.MIRRORED: "Mirrored",
    Kind.ROTATED: "Turned",
    Kind.COLOUR: "Recoloured",
    Kind.RESIZED: "Resized",
    Kind.RE_ENCODED: "Encoded again",
}


def match_reason(match: FileMatch | QueryMatch) -> str:
    """Return one sentence: what happened, and what says so."""
    if match.stage is Stage.EXACT:
        return "The same bytes."
    if match.stage is None:
        return f"No copy: {_seen(match.similarity, match.hamming)}."
    kind = None if match.alignment is None else match.alignment.kind
    what = "A copy" if kind is None else _KINDS[kind]
    return f"{what}: {_evidence(match)}."


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
