"""Folders that are cleaned up as a whole, or not at all. Pure: a plan in, a plan out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from neardup_cli.cleanup.reasons import named
from neardup_cli.images.walk import is_below
from neardup_cli.plans import LeftAlone, Plan, PlannedGroup

_ELSEWHERE = "not in a folder that is to be cleaned up as a whole"


def whole_folders(plan: Plan, images: Mapping[bytes, Collection[bytes]]) -> Plan:
    """Act on nothing but whole folders: those of which every image is acted upon.

    Args:
        plan: each act of which is proven.
        images: all images below each folder, those that cannot be read among them.
    """
    acted = {act.file.path for group in plan.groups for act in group.acts}
    reasons = {folder: _reason(folder, sorted(set(held) - acted)) for folder, held in images.items()}
    return replace(plan, groups=tuple(_confined(group, reasons) for group in plan.groups))


def _reason(folder: bytes, staying: list[bytes]) -> str | None:
    """Say why a folder is not cleaned up; None if it is."""
    if not staying:
        return None
    more = f" and {len(staying) - 1:,} more" if len(staying) > 1 else ""
    return f"{named(folder)} is left whole: {named(staying[0])}{more} would stay in it"


def _confined(group: PlannedGroup, reasons: Mapping[bytes, str | None]) -> PlannedGroup:
    acts, left = [], list(group.left)
    for act in group.acts:
        folder = next((one for one in reasons if is_below(act.file.path, one)), None)
        reason = _ELSEWHERE if folder is None else reasons[folder]
        if reason is None:
            acts.append(act)
        else:
            left.append(LeftAlone(act.file.path, reason))
    return replace(group, acts=tuple(acts), left=tuple(sorted(left, key=lambda one: one.path)))
