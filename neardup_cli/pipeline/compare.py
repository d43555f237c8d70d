"""`compare`: two image files side by side, without a catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import DEFAULT_MODEL, load_embedder
from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.images.decode import DEFAULT_MAX_PIXELS
from neardup_cli.matching.search import default_threshold
from neardup_cli.matching.sieve import DEFAULT_RADIUS, FLAT, STRICT_RADIUS
from neardup_cli.pipeline.probe import Probe, probe_image
from neardup_cli.records import Comparison, Stage


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a copy where there is no catalog to ask.

    Attributes:
        embedder: None lets the sieve decide alone.
        threshold: SSCD similarity from which two images count as copies.
        radius: of the sieve, in bits of 64.
    """

    embedder: Embedder | None
    threshold: float
    radius: int

    def parameters(self) -> dict[str, Any]:
        """Return them as the reports name them."""
        model = None if self.embedder is None else self.embedder.identity.name
        threshold = None if self.embedder is None else self.threshold
        return {"model": model, "threshold": threshold, "hamming": self.radius}


def load_rules(
    model: str | None,
    *,
    hash_only: bool = False,
    input_size: int = 288,
    threshold: float | None = None,
    radius: int | None = None,
) -> Rules:
    """Load the model, and fill in the defaults of what was left open.

    Raises:
        BadInput: a threshold for hashes alone.
        ModelMissing, ModelInvalid: the model cannot be used.
    """
    if hash_only:
        if threshold is not None:
            raise BadInput("--threshold needs embeddings: leave it or --hash-only out")
        return Rules(None, 1.0, STRICT_RADIUS if radius is None else radius)
    embedder = load_embedder(model or DEFAULT_MODEL, input_size=input_size)
    if threshold is None:
        threshold = default_threshold(embedder.identity.name)
    return Rules(embedder, threshold, DEFAULT_RADIUS if radius is None else radius)


def compare(a: bytes, b: bytes, rules: Rules, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Comparison:
    """Compare two image files as `dups` would.

    Raises:
        PathNotFound, UnreadableImage: one of them is not there or cannot be read; the message names it.
    """
    first, second = (_probe(path, rules.embedder, max_pixels) for path in (a, b))
    hamming = hamming_distance(first.features.dhash, second.features.dhash)
    similarity = None
    if first.vector is not None and second.vector is not None:
        similarity = float(first.vector[0] @ second.vector[0])
    same = first.digest == second.digest
    flat = max(first.features.flatness, second.features.flatness) >= FLAT
    stage, reason = _judge(rules, hamming, similarity, same=same, flat=flat)
    return Comparison(first.path, second.path, same, hamming, similarity, stage, reason)


def _judge(
    rules: Rules, hamming: int, similarity: float | None, *, same: bool, flat: bool
) -> tuple[Stage | None, str]:
    sieved = hamming <= rules.radius and not flat
    if same:
        return Stage.EXACT, "the same bytes"
    if similarity is None:
        return Stage.SIEVE if sieved else None, _sieve_reason(hamming, rules.radius, flat=flat)
    if similarity < rules.threshold:
        return None, f"SSCD similarity {similarity:.3f} is below {rules.threshold:g}"
    reason = f"SSCD similarity {similarity:.3f} is at least {rules.threshold:g}"
    return Stage.SIEVE if sieved else Stage.VERIFIER, reason


def _probe(path: bytes, embedder: Embedder | None, max_pixels: int) -> Probe:
    try:
        return probe_image(path, embedder, max_pixels)
    except UnreadableImage as exc:
        raise UnreadableImage(f"{path.decode('utf-8', 'backslashreplace')}: {exc}") from exc


def _sieve_reason(hamming: int, radius: int, *, flat: bool) -> str:
    if flat:
        return "one of them is nearly flat: a dHash says nothing about it"
    return f"dHash distance {hamming} is {'within' if hamming <= radius else 'beyond'} {radius} bits of 64"
