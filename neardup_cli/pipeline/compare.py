"""`compare`: two image files side by side, without a catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neardup_cli.choices import Device
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import DEFAULT_MODEL, load_embedder
from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.matching.sieve import FLAT
from neardup_cli.pipeline.criteria import Judgement, Limits, limits_for, parameters
from neardup_cli.pipeline.probe import Probe, Source, probe_image
from neardup_cli.records import Alignment, Comparison, Stage


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a copy where there is no catalog to ask; no `embedder` lets the sieve decide alone."""

    embedder: Embedder | None
    limits: Limits

    def parameters(self) -> dict[str, Any]:
        """Return them as the reports name them."""
        return parameters(None if self.embedder is None else self.embedder.identity.name, self.limits)


def load_rules(
    model: str | None = None,
    *,
    hash_only: bool = False,
    input_size: int = 288,
    device: Device = Device.AUTO,
    threshold: float | None = None,
    hamming: int | None = None,
    verify: bool = True,
    preset: str = "normal",
) -> Rules:
    """Load the model, and fill in the defaults of what was left open.

    Raises:
        BadInput: a threshold for hashes alone, or the device is not here.
        ModelMissing, ModelInvalid: the model cannot be used.
    """
    if hash_only and threshold is not None:
        raise BadInput("--threshold needs embeddings: leave it or --hash-only out")
    embedder = None
    if not hash_only:
        embedder = load_embedder(model or DEFAULT_MODEL, input_size=input_size, device=device)
    name = None if embedder is None else embedder.identity.name
    limits = limits_for(name, threshold=threshold, hamming=hamming, verify=verify, preset=preset)
    return Rules(embedder, limits)


def compare(a: bytes, b: bytes, rules: Rules, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Comparison:
    """Compare two image files as `dups` would.

    Raises:
        PathNotFound, UnreadableImage: one of them is not there or cannot be read; the message names it.
    """
    return compare_probes(*probe_both(a, b, rules, max_pixels), rules)


def probe_both(a: Source, b: Source, rules: Rules, max_pixels: int) -> tuple[Probe, Probe]:
    """Take the fingerprints of two images; raises as `compare`."""
    return _probe(a, rules.embedder, max_pixels), _probe(b, rules.embedder, max_pixels)


def compare_probes(first: Probe, second: Probe, rules: Rules) -> Comparison:
    """Compare two images of which the fingerprints are known."""
    hamming = hamming_distance(first.features.dhash, second.features.dhash)
    similarity = None
    if first.vector is not None and second.vector is not None:
        similarity = float(first.vector[0] @ second.vector[0])
    same = first.digest == second.digest
    flat = max(first.features.flatness, second.features.flatness) >= FLAT
    judgement = rules.limits.judge(
        hamming=hamming,
        similarity=similarity,
        flat=flat,
        same_bytes=same,
        align=lambda: _align(first, second, rules),
    )
    reason = _reason(rules.limits, judgement, hamming, similarity, flat=flat)
    return Comparison(
        first.path, second.path, same, hamming, similarity, judgement.stage, reason, judgement.alignment
    )


def _align(a: Probe, b: Probe, rules: Rules) -> Alignment | None:
    from neardup_cli.pipeline.geometry import align  # late: it imports OpenCV

    return align(a.picture, b.picture, rules.limits.preset or "normal")


def _reason(
    limits: Limits, judgement: Judgement, hamming: int, similarity: float | None, *, flat: bool
) -> str:
    if judgement.stage is Stage.EXACT:
        return "the same bytes"
    if judgement.alignment is not None and judgement.stage in (Stage.GEOMETRY, None):
        counts = limits.counts(judgement.alignment)
        return judgement.alignment.reason if counts else "the same scene in another shot"
    if similarity is None:
        if flat:
            return "one of them is nearly flat: a dHash says nothing about it"
        side = "within" if hamming <= limits.radius_alone else "beyond"
        return f"dHash distance {hamming} is {side} {limits.radius_alone} bits of 64"
    if similarity < limits.threshold:
        return f"SSCD similarity {similarity:.3f} is below {limits.threshold:g}"
    level = limits.threshold if limits.certainty is None else limits.certainty
    return f"SSCD similarity {similarity:.3f} is at least {level:g}"


def _probe(image: Source, embedder: Embedder | None, max_pixels: int) -> Probe:
    try:
        return probe_image(image, embedder, max_pixels)
    except UnreadableImage as exc:
        if not isinstance(image, bytes):
            raise
        raise UnreadableImage(f"{image.decode('utf-8', 'backslashreplace')}: {exc}") from exc
