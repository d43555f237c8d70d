"""What speaks for and against two pictures being copies, each sign in [0, 1]: what a decision weighs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """What was seen when one picture was laid on the other.

    Attributes:
        fits: 1 where the alignment reaches the limits of `matching/verify.py`, 0 where it falls short of
            those for how much agrees.
        content: share of either picture's detail that is found in the other one, the larger of the two.
        tone: correlation of the brightness of agreeing blocks; 0.5 where it is less.
        core: share of the detail in the middle of the overlap that agrees.
        blocks: how much detail there was to compare: 0 for none, 1 from 240 blocks on.
        page: how much of what the two have in common is paper, times what of their detail disagrees.
        soft: 1 where they agree only at the same sharpness.
        gradient: 1 where both have no detail and the same tones everywhere.
        plain: 1 where neither is a photograph.
        small: 1 where one is smaller than 96 pixels.
    """

    fits: float
    content: float
    tone: float
    core: float
    blocks: float
    page: float
    soft: float
    gradient: float
    plain: float = 0.0
    small: float = 0.0
