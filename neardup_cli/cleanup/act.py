"""What each action does to one file, how it is taken back, and how to tell after a kill whether it happened.

Every act has the same shape: `intend` finds out all that the journal has to know beforehand; then, with the
intent on disk, `forward` acts. After a kill, `happened` looks which side of the act the file is on and clears
away what was half done. `backward` takes an act back; run twice, it does nothing more.

Temporary files are called `.neardup-…` with the batch's token, and stand in the folder of the file that they
replace. `part` is one that neardup makes and may remove, `aside` is a file of the user's on its way out.
"""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from dataclasses import dataclass

from neardup_cli.cleanup import files, renaming
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.plans import Batch, FileState, Intent, Operation


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that was read and found to be what the plan says, about to be acted upon."""

    operation: Operation
    intent: Intent
    status: os.stat_result
    keeper: os.stat_result | None

    def look_again(self) -> None:
        """Make sure that nothing has changed since: the last step before an act.

        Raises:
            Refused, OSError: see `files.unchanged`.
        """
        files.unchanged(self.operation.file.path, self.status)
        self.look_at_keeper()

    def look_at_keeper(self) -> None:
        """Make sure that the file to keep is there as it was."""
        if self.operation.keeper is not None and self.keeper is not None:
            files.unchanged(self.operation.keeper.path, self.keeper)


class Act(ABC):
    """What one action does to files of one batch. All methods may raise `Refused` and `OSError`."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    @abstractmethod
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        """Return the intent with what this action adds to it, having looked that nothing is in the way."""

    @abstractmethod
    def forward(self, ready: Ready) -> None:
        """Act."""

    @abstractmethod
    def may_be_undone(self, operation: Operation, intent: Intent) -> bool:
        """Say at a glance whether an act that is recorded may not have happened, after a power cut."""

    @abstractmethod
    def may_be_done(self, operation: Operation, intent: Intent) -> bool:
        """Say at a glance whether an act that is recorded as taken back may still be done."""

    def traces(self, operation: Operation, intent: Intent) -> list[bytes]:  # noqa: ARG002 - not of each action
        """Return what is there, of all that an act makes on its way, only while it is not done."""
        return [self.aside(operation, operation.file.path)]

    @abstractmethod
    def happened(self, operation: Operation, intent: Intent) -> bool:
        """Return True if an act whose end nobody saw was done; remove what is left of one that was not."""

    @abstractmethod
    def backward(self, operation: Operation, intent: Intent) -> None:
        """Take the act back."""

    @abstractmethod
    def obstacle(self, operation: Operation, intent: Intent) -> None:
        """Refuse, at little cost, what `backward` would refuse."""

    def part(self, operation: Operation, folder: bytes) -> bytes:
        """Return the name of the operation's temporary file in a folder."""
        return part_of(self._batch.token, operation, folder)

    def aside(self, operation: Operation, path: bytes) -> bytes:
        """Return where a file is put aside, to be looked at a last time before it is removed."""
        return aside_of(self._batch.token, operation, path)

    def _remove(self, operation: Operation, path: bytes, status: os.stat_result) -> None:
        """Remove the file of a status for good, and no other that has come under its name."""
        aside = self.aside(operation, path)
        renaming.rename_this(path, aside, status)
        try:
            os.unlink(aside)
        except OSError:
            if files.is_there(aside):
                renaming.bring_back(aside, path)
            raise

    def _bring_back(self, operation: Operation, path: bytes) -> None:
        """Give a file its name back that a kill caught aside.

        Raises:
            Refused: something has taken the name; the message says where the file is.
        """
        aside = self.aside(operation, path)
        if files.is_there(aside):
            renaming.bring_back(aside, path)


def part_of(token: str, operation: Operation, folder: bytes) -> bytes:
    """Return the name of an operation's temporary file in a folder, by the token of its batch."""
    return os.path.join(folder, b".neardup-%s-%d" % (token.encode(), operation.id))


def aside_of(token: str, operation: Operation, path: bytes) -> bytes:
    """Return where a file is put aside, see `Act.aside`."""
    return part_of(token, operation, os.path.dirname(path)) + b"-aside"


def is_dressed(operation: Operation, intent: Intent) -> bool:
    """Return True if the path holds a regular file with the size, time and mode that it had.

    Raises:
        OSError: it cannot be told.
    """
    try:
        status = os.lstat(operation.file.path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    found = (status.st_size, status.st_mtime_ns, stat.S_IMODE(status.st_mode))
    return stat.S_ISREG(status.st_mode) and found == (
        operation.file.size,
        operation.file.mtime_ns,
        intent.mode,
    )


def keeper_of(operation: Operation) -> FileState:
    """Return the file that is kept instead; only companions have none."""
    if operation.keeper is None:
        raise Refused("the journal does not say which file was kept")
    return operation.keeper
