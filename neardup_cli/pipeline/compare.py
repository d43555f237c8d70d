"""`compare`: two image files side by side, without a catalog."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from neardup_cli.choices import Device
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.regions import REGIONS, prepare_regions
from neardup_cli.embedders.registry import default_model, load_embedder
from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.given import AnyImage
from neardup_cli.matching.regions import View, best_view, region_limit
from neardup_cli.matching.sieve import FLAT
from neardup_cli.pipeline.held import damage_of_file
from neardup_cli.pipeline.picture import unreadable
from neardup_cli.pipeline.probe import Probe, Source, probe_image, source_of
from neardup_cli.records.answers import Comparison
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import Stage
from neardup_cli.rules.copies import Judgement, Limits, limits_for, parameters
from neardup_cli.rules.held import held_apart
from neardup_cli.rules.options import Matching

if TYPE_CHECKING:
    from neardup_cli.pipeline.laying import Laying
    from neardup_cli.settings import Settings


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a copy where there is no catalog to ask.

    Attributes:
        embedder: None lets the sieve decide alone.
        limits: the numbers.
        regions: look through regions too where the whole pictures do not match, as after `scan --thorough`.
    """

    embedder: Embedder | None
    limits: Limits
    regions: bool = True

    def from_threshold(self, threshold: float | None) -> Self:
        """Return the rules with another similarity from which a pair counts, if one is given."""
        return self if threshold is None else replace(self, limits=replace(self.limits, threshold=threshold))

    def parameters(self) -> dict[str, Any]:
        """Return the model and the limits as the reports name them."""
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
    min_confidence: float | None = None,
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
        embedder = load_embedder(model or default_model(), input_size=input_size, device=device)
    name = None if embedder is None else embedder.identity.name
    matching = Matching(
        threshold=threshold, hamming=hamming, verify=verify, preset=preset, min_confidence=min_confidence
    )
    limits = limits_for(name, matching)
    return Rules(embedder, limits)


def load_rules_of(settings: Settings, *, hash_only: bool = False, verify: bool = True) -> Rules:
    """Load the model that the settings name, and the limits that they set; raises as `load_rules`."""
    return load_rules(
        settings.model,
        hash_only=hash_only,
        input_size=settings.input_size,
        device=settings.device,
        threshold=settings.threshold,
        hamming=settings.hamming,
        verify=verify,
        preset=settings.preset,
        min_confidence=settings.min_confidence,
    )


def compare(a: AnyImage, b: AnyImage, rules: Rules, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Comparison:
    """Compare two images as `dups` would after `scan --thorough`, or without, as the rules say.

    Args:
        a: a path, the bytes of a file or an open one, a Pillow image, or an array of pixels.
        b: the other one.
        rules: what counts as a copy, from `load_rules`.
        max_pixels: larger images are refused.

    Raises:
        BadInput: one of them is no image.
        PathNotFound, UnreadableImage: one of them is not there or cannot be read; the message names it.
    """
    sides = SideBySide(source_of(a), source_of(b), rules, max_pixels)
    comparison = sides.compare()
    if not comparison.is_match or comparison.same_bytes:
        return comparison
    return replace(comparison, reason="; ".join([comparison.reason, *held_apart(*sides.holdings)]))


class SideBySide:
    """Two images on their way through the funnel; what several questions need is done once."""

    def __init__(self, a: Source | Probe, b: Source | Probe, rules: Rules, max_pixels: int) -> None:
        """Read both, but for those that have been.

        Raises:
            PathNotFound, UnreadableImage: one of them is not there or cannot be read; the message names it.
        """
        self._rules = rules
        self._a, self._b = (_probe(image, rules.embedder, max_pixels) for image in (a, b))
        self._views: tuple[View, ...] | None = None

    def compare(self) -> Comparison:
        """Decide whether they are copies.

        Raises:
            UnreadableImage: one of them cannot be read any more.
        """
        a, b, limits = self._a, self._b, self._rules.limits
        hamming = hamming_distance(a.features.dhash, b.features.dhash)
        similarity = None if a.vector is None or b.vector is None else float(a.vector[0] @ b.vector[0])
        same = a.digest == b.digest
        flat = max(a.features.flatness, b.features.flatness) >= FLAT
        judgement = limits.judge(
            hamming=hamming,
            similarity=similarity,
            flat=flat,
            same_bytes=same,
            align=lambda: self.laying.laid.alignment,
            seen=lambda: bool(self._look()),
        )
        reason = _reason(limits, judgement, hamming, similarity, flat=flat)
        if judgement.stage is Stage.GEOMETRY and (view := self.laying.view) is not None:
            reason += f" in a part of {'A' if view.of_a else 'B'}"
        if similarity is not None:  # as `dups` has it: through a region, where that was asked
            similarity = max([similarity, *(view.similarity for view in self._views or ())])
        return Comparison(
            a.path, b.path, same, hamming, similarity, judgement.stage, reason, judgement.alignment
        )

    @cached_property
    def holdings(self) -> tuple[Holdings, Holdings]:
        """What the two files hold beside their pixels, and whether they are sound.

        Raises:
            UnreadableImage: one of them cannot be read any more.
        """
        return _holdings(self._a), _holdings(self._b)

    @cached_property
    def laying(self) -> Laying:
        """How the first lies on the second.

        Raises:
            UnreadableImage: one of them cannot be read any more.
        """
        from neardup_cli.pipeline.laying import lay  # late: it imports OpenCV

        return lay(self._a.picture, self._b.picture, self._rules.limits.least, self._look)

    def _look(self) -> tuple[View, ...]:
        """Return the views through which one looks like the other, the more similar first."""
        if self._views is None:
            views = self._all_views() if self._rules.regions and self._rules.limits.preset else []
            limit = region_limit(self._rules.limits.threshold)
            self._views = tuple(sorted((view for view in views if view.similarity >= limit), reverse=True))
        return self._views

    def _all_views(self) -> list[View]:
        """Embed the regions of both, which takes twice as long as the two pictures."""
        embedder, a, b = self._rules.embedder, self._a.vector, self._b.vector
        if embedder is None or a is None or b is None:
            return []
        images = (probe.picture.largest()[0] for probe in (self._a, self._b))
        parts = [prepare_regions(image.colour or image.luma) for image in images]
        # In half precision, as a catalog keeps them.
        vectors = embedder.embed([*parts[0], *parts[1]]).astype(np.float16).astype(np.float32)
        of_a, of_b = vectors[: len(REGIONS)], vectors[len(REGIONS) :]
        return [best_view(of_a, b, of_a=True), best_view(of_b, a, of_a=False)]


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


def _holdings(side: Probe) -> Holdings:
    held = side.picture.holdings
    if side.stored or not side.path:  # the catalog knows; of an upload, nobody keeps it
        return held
    return replace(held, damage=damage_of_file(side.path, side.picture.subject.format))


def _probe(image: Source | Probe, embedder: Embedder | None, max_pixels: int) -> Probe:
    if isinstance(image, Probe):
        return image
    try:
        return probe_image(image, embedder, max_pixels)
    except UnreadableImage as exc:
        if not isinstance(image, bytes):
            raise
        raise unreadable(image, exc) from exc
