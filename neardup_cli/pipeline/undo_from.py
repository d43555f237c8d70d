"""`undo --from`: put back what lies in a folder, by the journal beside it and without a catalog."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from neardup_cli.choices import Action
from neardup_cli.cleanup.files import sync_folders
from neardup_cli.cleanup.reasons import Refused, reason_of
from neardup_cli.cleanup.relocation import Relocation
from neardup_cli.cleanup.second_journal import Entry, read_entries, refuse_unlike, remove_idle, tidy
from neardup_cli.cleanup.trashing import Trash
from neardup_cli.errors import BadInput, NeardupError
from neardup_cli.plans import Batch, BatchState, Intent, Outcome, Refusal
from neardup_cli.progress import Progress, Silent


def undo_from(folder: bytes, progress: Progress | None = None) -> Outcome:
    """Put back every file that the journal of a folder names and that is still there.

    No catalog is asked or told: one that knows the clean-up finds the files back when it is undone there.

    Args:
        folder: of a quarantine or a move, or a trash (the folder that has `files` and `info` in it), wherever
            it is now. Of a trash only what neardup put there goes back.
        progress: watches.

    Raises:
        BadInput: it has no journal.
        NeardupError: a disk does not hold what was done; the journal stays.
    """
    folder, watch = os.path.realpath(folder), progress or Silent()
    try:
        entries = read_entries(folder)
    except OSError as exc:
        shown = os.fsdecode(folder)
        raise BadInput(f"{shown} has no journal of a clean-up: {reason_of(exc)}") from exc
    there = [entry for entry in entries if _may_be_there(entry)]
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
    _make_durable(there)
    remove_idle(folder)
    return Outcome(None, Action.QUARANTINE, done=done, size=size, refused=tuple(refused))


def _may_be_there(entry: Entry) -> bool:
    try:
        tidy(entry)
        return entry.place() is not None
    except OSError:  # which is said when it is to be put back
        return True


def _put_back(entry: Entry, folder: bytes) -> str | None:
    """Put a file back, or say why not."""
    try:
        intent = _intent(entry)
        act = _act(entry, intent, folder)
        refuse_unlike(entry)
        act.obstacle(entry.operation, intent)
        act.backward(entry.operation, intent)
    except (Refused, OSError) as exc:
        return reason_of(exc)
    return None


def _act(entry: Entry, intent: Intent, folder: bytes) -> Relocation:
    """Return what takes a file back: from a trash with its note, else from below the folder of a batch."""
    is_trash = intent.note is not None
    action, to = (Action.TRASH, None) if is_trash else (Action.QUARANTINE, folder)
    now = datetime.now(UTC)
    batch = Batch(0, entry.token, action, BatchState.UNDOING, now, to, across_devices=True)
    return Trash(batch) if is_trash else Relocation(batch)


def _make_durable(entries: Sequence[Entry]) -> None:
    """Have the names on the disk, before the journal goes.

    Raises:
        NeardupError: a disk cannot write them.
    """
    paths = [path for entry in entries for path in (entry.operation.file.path, entry.operation.target)]
    try:
        sync_folders(os.path.dirname(path) for path in paths if path is not None)
    except OSError as exc:
        raise NeardupError(
            f"a disk has not confirmed that it holds what was done ({reason_of(exc)}): "
            "the same command looks again"
        ) from exc


def _intent(entry: Entry) -> Intent:
    if entry.operation.intent is None:
        raise Refused("the journal does not say what was done")
    return entry.operation.intent
