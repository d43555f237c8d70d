"""What a person asks for when copies are looked for: one record for every command, page and call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from neardup_cli.choices import Grouping
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neardup_cli.settings import Settings

PRESETS = ("strict", "normal", "loose")
"""How sure a match has to be: each names a probability, `confidence.LEVELS`."""

LEAST_CONFIDENCE = 0.5
"""What is less likely a copy than not is none."""

_BITS = 64


@dataclass(frozen=True, slots=True)
class Matching:
    """What counts as a copy, as far as a person said so.

    The words of the command line stand for what they name: `grouping="linked"`, `preset="strict"`.

    Attributes:
        threshold: SSCD similarity in [-1, 1] from which a pair counts; None takes 0.2, or without `verify`
            the level at which false pairs vanish.
        hamming: radius of the hash filter in bits of 64; None takes 10, and 4 where it decides alone.
        model: whose vectors to use; None takes the model used last.
        verify: let the geometric stage decide the pairs below the model's level of certainty.
        preset: how sure a match has to be: "strict", "normal" or "loose".
        min_confidence: the probability in [0.5, 1] itself, in place of a preset.
        grouping: families, or whatever is linked.
        similar_shots: show the same scene photographed twice too, which is no copy.

    Raises:
        BadInput: a word that is none of these, or a number out of range.
    """

    threshold: float | None = None
    hamming: int | None = None
    model: str | None = None
    verify: bool = True
    preset: str = "normal"
    min_confidence: float | None = None
    grouping: Grouping = Grouping.COHERENT
    similar_shots: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "grouping", word(Grouping, self.grouping, "grouping"))
        if self.preset not in PRESETS:
            raise BadInput(f"preset: {self.preset!r} is none of {', '.join(PRESETS)}")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise BadInput(f"threshold: {self.threshold:g} is not between -1 and 1")
        if self.min_confidence is not None and not LEAST_CONFIDENCE <= self.min_confidence <= 1:
            raise BadInput(
                f"min_confidence: {self.min_confidence:g} is not between {LEAST_CONFIDENCE:g} and 1"
            )
        if self.hamming is not None and not 0 <= self.hamming <= _BITS:
            raise BadInput(f"hamming: {self.hamming} is not between 0 and {_BITS}")


def word[Choice: StrEnum](choices: type[Choice], value: str, name: str) -> Choice:
    """Return the choice that a word stands for.

    Raises:
        BadInput: there is none; the message names those that there are.
    """
    try:
        return choices(value)
    except ValueError:
        raise BadInput(f"{name}: {value!r} is none of {_listed(choices)}") from None


def set_matching(settings: Settings) -> dict[str, Any]:
    """Return what the settings say of `Matching`."""
    return {
        "threshold": settings.threshold,
        "hamming": settings.hamming,
        "model": settings.model,
        "preset": settings.preset,
        "min_confidence": settings.min_confidence,
    }


def _listed(choices: Iterable[StrEnum]) -> str:
    return ", ".join(choice.value for choice in choices)
