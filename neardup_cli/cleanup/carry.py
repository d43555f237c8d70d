"""What of a file that goes is written beside the one that stays: time, place, rating, words.

Carried is what neither the file that stays nor a sidecar of it says. What they say otherwise stands: a file
is never contradicted by a sidecar of ours, and of two files that go the first one is believed. Nothing that
is there already is written to, be it an image or a sidecar; then nothing is carried, and the loss stays one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from neardup_cli.cleanup import files
from neardup_cli.cleanup.companion_loss import said_by_sidecars
from neardup_cli.cleanup.folders import Folders
from neardup_cli.cleanup.reasons import Refused, named, reason_of
from neardup_cli.errors import BadInput
from neardup_cli.images.sidecar_packet import is_writable, sidecar_packet, sidecar_path
from neardup_cli.images.sidecars import SidecarFacts, xmp_facts
from neardup_cli.plans import Carried, Companion, Plan, WrittenSidecar
from neardup_cli.records.holdings import Holdings
from neardup_cli.rules.losses import is_same_place, is_same_time

_UTC = "+00:00"
_PRECISION = 1e-6  # degrees, a tenth of a metre


def told_by(held: Holdings, sidecars: Sequence[Companion]) -> Holdings:
    """Return what a file and its sidecars say of the image; the file comes first, words are all of theirs."""
    beside = said_by_sidecars(sidecars)
    offset = held.offset
    if held.captured_at is None and beside.captured_at is not None:
        offset = _offset_beside(sidecars)
    return replace(
        held,
        captured_at=held.captured_at or beside.captured_at,
        offset=offset,
        place=held.place or beside.place,
        rating=held.rating or beside.rating,
        words=held.words | beside.words,
    )


def _offset_beside(sidecars: Sequence[Companion]) -> str:
    """Return the zone of the time that sidecars say: Takeout's is UTC, and of others it is not known."""
    for one in sidecars:
        if said_by_sidecars([one]).captured_at is not None:
            return _UTC if one.path.lower().endswith(b".json") else ""
    return ""


def carried(
    gone: Holdings, kept: Holdings, sidecar: bytes, before: Carried | None
) -> tuple[Carried, list[str]]:
    """Return what is to be carried, and what cannot be.

    Args:
        gone: what the file that goes and its sidecars say.
        kept: what the file that stays and its sidecars say.
        sidecar: where it is written.
        before: what is going to be written there for the sake of other files.
    """
    found = before or Carried(sidecar)
    notes: list[str] = []
    time, offset, place, rating = None, "", None, 0
    if gone.captured_at is not None and kept.captured_at is None:
        if found.captured_at is None:
            time, offset = gone.captured_at, gone.offset
        elif is_same_time(gone.captured_at, found.captured_at):
            time, offset = found.captured_at, found.offset
        else:
            notes.append("another file that goes says another time")
    if gone.place is not None and kept.place is None:
        if found.place is None:
            place = gone.place
        elif is_same_place(gone.place, found.place):
            place = found.place
        else:
            notes.append("another file that goes says another place")
    if gone.rating > 0 and not kept.rating:
        if found.rating in (0, gone.rating):
            rating = gone.rating
        else:
            notes.append("another file that goes has another rating")
    words = tuple(sorted(word for word in gone.words - kept.words if is_writable(word)))
    return Carried(sidecar, time, offset, place, rating, words), notes


def merged(one: Carried, other: Carried) -> Carried:
    """Return what two files that go say together.

    Raises:
        BadInput: they contradict each other.
    """
    pairs = (
        (one.captured_at, other.captured_at),
        (one.place, other.place),
        (one.rating or None, other.rating or None),
    )
    if any(a is not None and b is not None and a != b for a, b in pairs):
        raise BadInput(f"the plan would write two truths into {named(one.sidecar)}")
    first = one if one.captured_at is not None else other
    return Carried(
        one.sidecar,
        first.captured_at,
        first.offset,
        one.place or other.place,
        one.rating or other.rating,
        tuple(sorted({*one.words, *other.words})),
    )


def reads_back(facts: Carried) -> bool:
    """Return True if a sidecar with these facts says just them to whoever reads it, to the second."""
    try:
        said = xmp_facts(sidecar_packet(facts))
    except ValueError:
        return False
    wanted = SidecarFacts(
        None if facts.captured_at is None else facts.captured_at.replace(microsecond=0),
        said.place,
        facts.rating,
        frozenset(facts.words),
    )
    if said.place is None or facts.place is None:
        return said == wanted and facts.place is None
    off = max(abs(a - b) for a, b in zip(said.place, facts.place, strict=True))
    return said == wanted and off < _PRECISION


def with_carried(said: Holdings | None, facts: Carried | None) -> Holdings:
    """Return what is said of an image once something has been carried to it."""
    said = said or Holdings()
    if facts is None:
        return said
    return replace(
        said,
        captured_at=said.captured_at or facts.captured_at,
        place=said.place or facts.place,
        rating=said.rating or facts.rating,
        words=said.words.union(facts.words),
    )


class Carrying:
    """Finds what can be carried, and remembers what will be written beside each file that stays."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._written: dict[bytes, Carried] = {}

    def offer(
        self, gone: Holdings, kept: Holdings, path: bytes, beside: Sequence[Companion]
    ) -> tuple[Carried | None, str]:
        """Return what can be carried, and why not all that is missing can.

        Args:
            gone: what the file that goes and its sidecars say.
            kept: what the file that stays and its sidecars say.
            path: of the file that stays.
            beside: its companions.
        """
        sidecar = sidecar_path(path)
        if obstacle := self._obstacle(sidecar, beside):
            return None, obstacle
        before = self._written.get(sidecar)
        found, notes = carried(gone, kept, sidecar, before)
        if found == Carried(sidecar):
            return None, "; ".join(notes)
        if not reads_back(found if before is None else merged(before, found)):
            return None, "no sidecar can hold it"
        return found, "; ".join(notes)

    def record(self, found: Carried) -> None:
        """Remember that something will be written."""
        before = self._written.get(found.sidecar)
        self._written[found.sidecar] = found if before is None else merged(before, found)

    def _obstacle(self, sidecar: bytes, beside: Sequence[Companion]) -> str:
        """Say why nothing can be written beside a file; empty where it can."""
        there = [one.path for one in beside if one.path.lower().endswith(b".xmp")]
        if os.path.lexists(sidecar):
            there.append(sidecar)
        if there:
            return f"{named(os.path.basename(there[0]))} is there already, and no sidecar is written to"
        if self._folders.protects(sidecar):
            return "the file to keep is protected, and nothing is written beside it"
        try:
            files.writable_folder(os.path.dirname(sidecar))
        except (Refused, OSError) as exc:
            return f"nothing can be written beside the file to keep: {reason_of(exc)}"
        return ""


def sidecars_of(plan: Plan) -> list[WrittenSidecar]:
    """Return what a plan writes: one sidecar for each file that stays and that something is carried to.

    Raises:
        BadInput: what it carries to one file contradicts itself, or cannot be written.
    """
    found: dict[bytes, tuple[bytes, Carried]] = {}
    for group in plan.groups:
        for one in (act.carried for act in group.acts if act.carried is not None):
            before = found.get(one.sidecar)
            found[one.sidecar] = (group.keep.path, one if before is None else merged(before[1], one))
    for _, facts in found.values():
        if not reads_back(facts):
            raise BadInput(
                f"what the plan would write into {named(facts.sidecar)} is nothing a sidecar holds"
            )
    return [WrittenSidecar(path, beside, sidecar_packet(facts)) for path, (beside, facts) in found.items()]


def check_carried(plan: Plan) -> None:
    """Make sure that what a plan writes stands beside the files that it keeps, and is sound.

    Raises:
        BadInput: it is not so.
    """
    acts = [(group.keep, act) for group in plan.groups for act in group.acts if act.carried is not None]
    if acts and not plan.policy.carry_metadata:
        raise BadInput("the plan carries something, and its policy does not say so (carry_metadata)")
    folders = Folders(plan.policy.protect)
    for keep, act in acts:
        sidecar = b"" if act.carried is None else act.carried.sidecar
        if sidecar != sidecar_path(keep.path):
            raise BadInput(f"the plan writes to {named(sidecar)}, which is not the sidecar of what it keeps")
        if folders.protects(sidecar):
            raise BadInput(f"the plan writes to {named(sidecar)}, which it protects")
    sidecars_of(plan)


def is_said(one: Carried, told: Holdings) -> bool:
    """Return True if a file and its sidecars say all of what would be carried.

    Args:
        one: what a plan would write.
        told: see `told_by`.
    """
    return (
        (one.captured_at is None or is_same_time(one.captured_at, told.captured_at))
        and (one.place is None or is_same_place(one.place, told.place))
        and one.rating in (0, told.rating)
        and told.words.issuperset(one.words)
    )
