"""What is lost with the companions of an image that goes.

The rule: a companion travels with its image, to the trash, the quarantine, the folder, and back with an undo.
Nothing of it is lost by that, be it a film, a raw file, a voice note or an empty sidecar. It is a loss
- where the action destroys it (`delete`) and no companion of the file that stays has the same bytes;
- where it is a sidecar that says something (time, place, rating, words) which neither the file that stays nor
  a sidecar of its own says, or that holds an edit of which none of these has the same bytes: what a sidecar
  says is about the image, which stays, and would be away from it.
Links leave the name and all that is beside it where they are: nothing is lost there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from neardup_cli.cleanup import files
from neardup_cli.cleanup.companions import is_sidecar
from neardup_cli.cleanup.reasons import Refused, named
from neardup_cli.images.sidecars import SidecarFacts, read_sidecar
from neardup_cli.plans import Companion
from neardup_cli.records.holdings import Holdings
from neardup_cli.rules.losses import is_same_place


def companion_loss(
    gone: Sequence[Companion],
    kept: Sequence[Companion],
    *,
    known: Holdings | None = None,
    destroyed: bool = False,
) -> tuple[str, ...]:
    """Say what is lost with the companions of an image, a sentence for each; empty where nothing is.

    Args:
        gone: companions of the file that goes.
        kept: companions of the file that stays.
        known: what the file that stays holds itself; None where that was not looked at.
        destroyed: whether the action removes them for good.

    A companion that cannot be read is a loss: nobody knows what it says.
    """
    if not gone:
        return ()
    told = SidecarFacts() if known is None else _of_holdings(known)
    beside = [told, *(facts for one in kept if (facts := _facts(one)) is not None)]
    return tuple(note for one in gone for note in _lost(one, kept, beside, destroyed=destroyed))


def _lost(
    one: Companion, kept: Sequence[Companion], beside: Sequence[SidecarFacts], *, destroyed: bool
) -> Iterator[str]:
    name = named(os.path.basename(one.path))
    if not destroyed and not is_sidecar(one.path):
        return
    if _has_twin(one, kept):
        return
    facts = _facts(one)
    if facts is None:
        yield f"{name}: {'has no copy beside the file that stays' if destroyed else 'cannot be read'}"
        return
    said = list(_said_alone(facts, beside))
    if said:
        yield f"{name}: {', '.join(said)}"
    elif destroyed:
        yield f"{name}: has no copy beside the file that stays"


def _said_alone(facts: SidecarFacts, beside: Sequence[SidecarFacts]) -> Iterator[str]:
    """Name what a sidecar says and nothing that stays does."""
    if facts.captured_at is not None and all(other.captured_at is None for other in beside):
        yield f"time {facts.captured_at:%Y-%m-%d %H:%M:%S}"
    if facts.place is not None and not any(is_same_place(facts.place, other.place) for other in beside):
        yield "place {:.5f}, {:.5f}".format(*facts.place)
    if facts.rating > 0 and all(other.rating != facts.rating for other in beside):
        yield f"rating {facts.rating}"
    words = facts.words.difference(*(other.words for other in beside))
    if words:
        yield f"words {', '.join(sorted(words))}"
    if facts.edit:
        yield "an edit, or what only its program can read"


def _facts(one: Companion) -> SidecarFacts | None:
    """Return what a companion says; None where it is no sidecar, or cannot be read."""
    if not is_sidecar(one.path):
        return None
    try:
        return read_sidecar(one.path)
    except OSError:
        return None


def _of_holdings(known: Holdings) -> SidecarFacts:
    return SidecarFacts(known.captured_at, known.place, known.rating, known.words)


def _has_twin(one: Companion, kept: Sequence[Companion]) -> bool:
    for other in kept:
        if other.size == one.size:
            with suppress(OSError, Refused):
                if files.digested(other.path)[1] == files.digested(one.path)[1]:
                    return True
    return False


def is_rejected(companions: Sequence[Companion]) -> bool:
    """Return True if an XMP sidecar among the companions of an image marks it as rejected.

    Not where a film, a raw file or a voice note belongs to it as well: these would go with it, and stay in no
    other place.
    """
    if not all(is_sidecar(one.path) for one in companions):
        return False
    beside = [one for one in companions if one.path.lower().endswith(b".xmp")]
    return bool(beside) and said_by_sidecars(beside).rating < 0


def said_by_sidecars(companions: Sequence[Companion]) -> Holdings:
    """Return what sidecars say of an image, as if its file held it; the first that says something counts."""
    told = [facts for one in companions if (facts := _facts(one)) is not None]
    return Holdings(
        captured_at=next((one.captured_at for one in told if one.captured_at is not None), None),
        place=next((one.place for one in told if one.place is not None), None),
        rating=next((one.rating for one in told if one.rating), 0),
        words=frozenset().union(*(one.words for one in told)),
    )
