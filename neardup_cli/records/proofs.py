"""What is gone for good if one file goes and another one stays."""

from __future__ import annotations

from dataclasses import dataclass, field

from neardup_cli.choices import Loss

PROOF_VERSION = 13
"""Raised whenever a proof may come out differently; stored ones of other versions are made again."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a content holds that another one does not, seen from the one that goes.

    Attributes:
        losses: in the order of `Loss`, each once; empty where nothing is lost.
        notes: a sentence for each loss that needs one ("time: 2024-05-01 10:00:00").
        unproven: why it could not be looked at (a disk that is away, an image too large); empty where it
            was. An unproven one never counts as empty, whatever its losses.
        made: whether the one that goes was made from the very pixels of the one that stays: saved again, or
            enlarged.
        source: whether the one that stays was enlarged from the one that goes: it bears its quantiser. None
            where nobody can tell.
        exact: of a JPEG of the same size, the share of its blocks that are to the bit what its encoder makes
            of the pixels of the one that stays: 1 if it was saved from it. None where that was not looked at.
    """

    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()
    unproven: str = ""
    made: bool = field(default=False, compare=False)
    source: bool | None = field(default=None, compare=False)
    exact: float | None = field(default=None, compare=False)

    @property
    def is_saved(self) -> bool:
        """Whether the one that goes is, to the bit, what an encoder made of the one that stays."""
        return self.exact == 1

    @property
    def is_empty(self) -> bool:
        """Whether it is proven that nothing is lost."""
        return not self.losses and not self.unproven


NOTHING_LOST = Proof()
