"""What could not be looked at may be a copy: whoever cannot look at it says so, and how."""

from __future__ import annotations

from neardup_cli.errors import CannotTell

_WHAT_TO_DO = "what they show is away, or has changed, and has no preview: connect it, or scan it again"


def demand_told(untold: int, of: str) -> None:
    """Make sure that all that decides could be looked at.

    Args:
        untold: of how many nobody can tell.
        of: what they are, with their number.

    Raises:
        CannotTell: of some nobody can; it comes after everything that there is to print.
    """
    if untold:
        raise CannotTell(f"cannot tell of {of}: {_WHAT_TO_DO}")


def demand_pairs_told(pairs: int) -> None:
    """Make sure of it of the pairs that groups are made from.

    Args:
        pairs: of how many nobody can tell: `cannot_tell` in the summary of `dups`.

    Raises:
        CannotTell: there are some.
    """
    from neardup_cli.reports.units import shown_count

    demand_told(pairs, shown_count(pairs, "pair"))
