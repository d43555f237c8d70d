"""`undo --from`: put back what lies in a folder, by the journal beside it and without a catalog."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from neardup_cli.choices import Action
from neardup_cli.cleanup.reasons import Refused, reason_of
from neardup_cli.cleanup.relocation import Relocation
from neardup_cli.cleanup.second_journal import Entry, read_entries, refuse_unlike, remove_idle
from neardup_cli.errors import BadInput
from neardup_cli.plans import Batch, BatchState, Intent, Outcome, Refusal
from neardup_cli.progress import Progress, Silent


def undo_from(folder: bytes, progress: Progress | None = None) -> Outcome:
    """Put back every file that the journal of a folder names and that is still there.

    No catalog is asked or told: one that knows the clean-up finds the files back when it is undone there.

    Args:
        folder: of a quarantine or a move, wherever it is now.
        progress: watches.

    Raises:
        BadInput: it has no journal.
    """
    folder, watch = os.path.realpath(folder), progress or Silent()
    try:
        entries = read_entries(folder)
    except OSError as exc:
        shown = os.fsdecode(folder)
        raise BadInput(f"{shown} has no journal of a clean-up: {reason_of(exc)}") from exc
    there = [entry for entry in entries if entry.place is not None]
    watch.start("Undoing", len(there))
    refused: list[Refusal] = []
    done = size = 0
    for entry in there:
        reason = _put_back(entry, folder)
        if reason is None:
            done, size = done + 1, size + entry.operation.file.size
        else:
            refused.append(Refusal(entry.operation.file.path, reason))
        watch.advance(1)
    remove_idle(folder)
    return Outcome(None, Action.QUARANTINE, done=done, size=size, refused=tuple(refused))


def _put_back(entry: Entry, folder: bytes) -> str | None:
    """Put a file back, or say why not."""
    batch = Batch(
        0, entry.token, Action.QUARANTINE, BatchState.UNDOING, datetime.now(UTC), folder, across_devices=True
    )
    act = Relocation(batch)
    try:
        refuse_unlike(entry)
        intent = _intent(entry)
        act.obstacle(entry.operation, intent)
        act.backward(entry.operation, intent)
    except (Refused, OSError) as exc:
        return reason_of(exc)
    return None


def _intent(entry: Entry) -> Intent:
    if entry.operation.intent is None:
        raise Refused("the journal does not say what was done")
    return entry.operation.intent
