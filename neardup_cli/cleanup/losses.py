"""What would be lost with a copy: a warning wherever it has something that the file to keep lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.holdings import read_holdings
from neardup_cli.plans import Plan, PlannedAct, PlannedGroup
from neardup_cli.records.holdings import Holdings

_MOST_WORDS = 5  # named in one warning


def with_warnings(plan: Plan, most: int | None, watch: Callable[[int], None] = lambda _: None) -> Plan:
    """Return a plan with warnings about metadata, for at most so many copies, in the plan's order.

    Files are opened for that, half a millisecond each. Copies with the keeper's bytes have its metadata
    and are not looked at; `Plan.unread` counts the others beyond `most`.
    """
    left = differing(plan) if most is None else most
    unread, groups = 0, []
    for group in plan.groups:
        wanted = [act for act in group.acts if act.file.digest != group.keep.digest]
        unread += max(0, len(wanted) - left)
        if wanted[:left]:
            group = _warned(group, {act.file.path for act in wanted[:left]})  # noqa: PLW2901
        left -= len(wanted[:left])
        groups.append(group)
        watch(1)
    return replace(plan, groups=tuple(groups), unread=unread)


def differing(plan: Plan) -> int:
    """Count the copies whose bytes are not those of their keeper."""
    return sum(act.file.digest != group.keep.digest for group in plan.groups for act in group.acts)


def _warned(group: PlannedGroup, paths: set[bytes]) -> PlannedGroup:
    kept = _held(group.keep.path)
    acts: list[PlannedAct] = []
    for act in group.acts:
        lost = _lost(_held(act.file.path), kept) if act.file.path in paths else ()
        acts.append(replace(act, warnings=(*act.warnings, *lost)))
    return replace(group, acts=tuple(acts))


def _held(path: bytes) -> Holdings:
    """Read what a file holds; one that cannot be read holds nothing."""
    try:
        with open(path, "rb") as stream:
            return read_holdings(stream)
    except (OSError, UnreadableImage):
        return Holdings()


def _lost(copy: Holdings, kept: Holdings) -> Iterator[str]:
    if copy.place and not kept.place:
        yield "has GPS coordinates that the file to keep lacks"
    if copy.rating and copy.rating != kept.rating:
        yield f"is rated {copy.rating}, the file to keep {kept.rating or 'not at all'}"
    if words := sorted(copy.words - kept.words):
        more = f" and {len(words) - _MOST_WORDS} more" if len(words) > _MOST_WORDS else ""
        yield f"has keywords that the file to keep lacks: {', '.join(words[:_MOST_WORDS])}{more}"
