"""How sure it is that one picture was made of another: the signs of the pixels, weighed.

A logistic model: each sign times its weight, and the sum is the log-odds. The weights stand in
`decision.txt`, made by `benchmarks/fit_decision.py`. That two pictures look alike to the network brings a
pair here and has no weight any more: beside what the pixels say, similarity told copies from strangers no
better. What falls short of the limits of the geometric stage is none, however much else speaks for it (two
screenshots of one program reach 0.98), and what the second look at the colours refuses (another word on the
same page, other colours) stays refused.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from importlib import resources

from neardup_cli.records.matches import Alignment
from neardup_cli.records.signs import Signs

LEVELS = {"strict": 0.95, "normal": 0.7, "loose": 0.5}
"""The confidence from which a pair is a copy, by preset."""

IMPOSSIBLE = -20.0
"""Log-odds where nothing of one picture was found in the other one."""

UNSURE = "too little speaks for it"

_NOTHING = "nothing"
_REFUSED = "refused"


def log_odds(signs: Signs) -> float:
    """Weigh the signs of a pair that no rule refuses."""
    by_name = weights()
    seen: dict[str, float] = asdict(signs)
    return by_name[_NOTHING] + sum(by_name[name] * value for name, value in seen.items())


def refused_log_odds() -> float:
    """Return the log-odds of a pair that the second look refuses: so seldom it is wrong."""
    return weights()[_REFUSED]


def settled(alignment: Alignment, least: float) -> Alignment:
    """Return what an alignment says to whoever wants matches from a confidence on."""
    if alignment.matched and alignment.confidence < least:
        return replace(alignment, matched=False, reason=UNSURE)
    return alignment


@cache
def weights() -> dict[str, float]:
    """Return the weight of each sign, in log-odds, as `decision.txt` has them: a name and a number a line."""
    text = resources.files(__package__).joinpath("decision.txt").read_text(encoding="utf-8")
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {line[0]: float(line[1]) for line in lines if line}
