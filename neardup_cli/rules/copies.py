"""What counts as a copy: the user's wishes, and the measured defaults where they left something open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from neardup_cli.choices import Kind
from neardup_cli.matching.search import DOOR, certainty_level, plain_threshold
from neardup_cli.matching.sieve import DEFAULT_RADIUS, STRICT_RADIUS
from neardup_cli.records.matches import Alignment, Stage
from neardup_cli.rules.confidence import LEVELS, settled
from neardup_cli.rules.options import Matching


class Judgement(NamedTuple):
    """The stage that decided for a match, None if it is none, and what geometry found if it was asked.

    `untold` says that the pixels had to decide and could not be looked at: it may be a match.
    """

    stage: Stage | None
    alignment: Alignment | None = None
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that decide.

    Attributes:
        threshold: SSCD similarity from which a pair counts.
        radius: of the sieve in bits of 64, for what it proposes.
        radius_alone: of the sieve, for what it decides because a picture has no vector.
        certainty: similarity from which geometry is not asked; None if it never is.
        preset: how sure a match has to be, in a word; None if the geometric stage is never asked.
        least: the confidence from which its matches count.
        similar_shots: whether the same scene photographed twice counts; only geometry can tell.
    """

    threshold: float
    radius: int
    radius_alone: int
    certainty: float | None = None
    preset: str | None = None
    similar_shots: bool = False
    least: float = LEVELS["normal"]

    def judge(
        self,
        *,
        hamming: int,
        similarity: float | None,
        flat: bool,
        same_bytes: bool,
        align: Callable[[], Alignment | None],
        seen: Callable[[], bool] = lambda: False,
    ) -> Judgement:
        """Take one pair through the funnel.

        Args:
            hamming: differing bits of the two hashes.
            similarity: of the two vectors; None where there are none.
            flat: whether one of the pictures is flat, so that neither hash nor vector can be trusted.
            same_bytes: whether the two files are the same.
            align: asks the geometric stage, which decides the doubtful pairs and says of all that match what
                happened; not called without a preset, None if it cannot tell.
            seen: whether a region of one looks like the whole of the other, which makes the pair a doubtful
                one; asked where the whole pictures do not look alike.
        """
        if same_bytes:
            return Judgement(Stage.EXACT)
        if similarity is None:
            return Judgement(Stage.SIEVE if hamming <= self.radius_alone and not flat else None)
        alike = similarity >= self.threshold
        undoubted = Stage.SIEVE if hamming <= self.radius and not flat else Stage.VERIFIER
        if self.certainty is None:
            return Judgement(undoubted if alike else None)
        if not alike and not seen():
            return Judgement(None)
        certain = alike and similarity >= self.certainty and not flat
        return self._judge_pixels(undoubted if certain else None, align())

    def _judge_pixels(self, undoubted: Stage | None, alignment: Alignment | None) -> Judgement:
        """Let the alignment decide, and refuse what is only a similar shot; without one, the vectors do."""
        if alignment is None:
            return Judgement(undoubted, untold=undoubted is None)
        alignment = settled(alignment, self.least)
        if not alignment.matched or not self.counts(alignment):
            return Judgement(None, alignment)
        return Judgement(Stage.GEOMETRY if undoubted is None else undoubted, alignment)

    def counts(self, alignment: Alignment | None) -> bool:
        """Return True if what happened makes a copy: a second shot of a scene is none, unless asked for."""
        return self.similar_shots or alignment is None or alignment.kind is not Kind.SIMILAR_SHOT


def limits_for(model: str | None, matching: Matching) -> Limits:
    """Fill in what the user left open.

    Args:
        model: the model's name; None where hashes decide alone.
        matching: what the user said.
    """
    hamming, threshold = matching.hamming, matching.threshold
    alone = STRICT_RADIUS if hamming is None else hamming
    radius = DEFAULT_RADIUS if hamming is None else hamming
    if model is None:
        return Limits(1.0, alone, alone)
    if not matching.verify:
        return Limits(plain_threshold(model) if threshold is None else threshold, radius, alone)
    opening = DOOR if threshold is None else threshold
    least = LEVELS[matching.preset] if matching.min_confidence is None else matching.min_confidence
    return Limits(
        opening, radius, alone, certainty_level(model), matching.preset, matching.similar_shots, least
    )


def parameters(model: str | None, limits: Limits) -> dict[str, Any]:
    """Return a model and limits as the reports name them."""
    return {
        "model": model,
        "threshold": None if model is None else limits.threshold,
        "certainty": limits.certainty,
        "preset": limits.preset,
        "min_confidence": None if limits.preset is None else limits.least,
        "hamming": limits.radius,
        "similar_shots": limits.similar_shots,
    }
