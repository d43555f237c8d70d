"""The suites of attacks by the names that the command line takes."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from neardup_cli.choices import Suite
from neardup_cli.errors import BadInput
from neardup_cli.evaluation.attacks import (
    Attack,
    Strength,
    all_attacks,
    attacks_of,
    mild_attacks,
    standard_attacks,
)


def suite_attacks(suite: Suite, only: Iterable[str] = ()) -> tuple[Attack, ...]:
    """Return the attacks of a suite, or those of all suites whose names match one of the patterns `only`.

    Raises:
        BadInput: a pattern matches no attack; the message lists what there is.
    """
    wanted = tuple(only)
    if not wanted:
        return _suite(suite)
    known = all_attacks()
    for pattern in wanted:
        if not any(fnmatchcase(attack.name, pattern) for attack in known):
            names = ", ".join(attack.name for attack in known)
            raise BadInput(f"no attack is called {pattern}; there are {names}")
    return tuple(attack for attack in known if any(fnmatchcase(attack.name, pattern) for pattern in wanted))


def _suite(suite: Suite) -> tuple[Attack, ...]:
    match suite:
        case Suite.MILD:
            return mild_attacks()
        case Suite.STANDARD:
            return standard_attacks()
        case Suite.ALL:
            return all_attacks()
        case _:
            return attacks_of(Strength(suite.value))
