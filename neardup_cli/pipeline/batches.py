"""The batches of the clean-up journal, as `clean` and `undo` ask for them."""

from __future__ import annotations

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.emptied import count_removed
from neardup_cli.catalog.sidecars import count_written, sidecar_refusals
from neardup_cli.errors import BadInput
from neardup_cli.plans import Batch, BatchState, OperationState, Outcome, Refusal

_ON_THE_WAY = (OperationState.BEGUN, OperationState.UNDOING)


def list_batches(catalog: Catalog) -> list[Batch]:
    """Return all batches, the newest first."""
    with catalog.read() as connection:
        return journal.batches(connection)


def find_batch(catalog: Catalog, number: int) -> Batch:
    """Return a batch by its number.

    Raises:
        BadInput: there is none.
    """
    for batch in list_batches(catalog):
        if batch.id == number:
            return batch
    raise BadInput(f"no batch {number}: `neardup undo --list` shows those there are")


def refuse_if_interrupted(catalog: Catalog) -> None:
    """Let nothing new begin while a batch is half done.

    Raises:
        BadInput: one is.
    """
    with catalog.read() as connection:
        batch = journal.interrupted_batch(connection)
    if batch is None:
        return
    onwards = "" if batch.state is BatchState.UNDOING else "`neardup clean --resume` goes on, "
    raise BadInput(f"batch {batch.id} was interrupted: {onwards}`neardup undo` takes it back")


def batch_outcome(catalog: Catalog, number: int, refused: OperationState) -> Outcome:
    """Return how a batch stands; `refused` is the state of the files whose reasons are wanted.

    Those are `FAILED` after an apply; after an undo they are those that still are `DONE`. Files that are
    nowhere to be found belong to them either way.
    """
    batch = find_batch(catalog, number)
    with catalog.read() as connection:
        reasons = journal.refusals(connection, number, (refused, *_ON_THE_WAY))
        reasons += sidecar_refusals(connection, number)
        folders = count_removed(connection, number)
        sidecars = count_written(connection, number)
    return Outcome(
        batch=number,
        action=batch.action,
        done=batch.counts.get(OperationState.DONE, 0),
        size=batch.size,
        refused=tuple(Refusal(path, reason) for path, reason in reasons),
        left=sum(batch.counts.get(state, 0) for state in (OperationState.PLANNED, *_ON_THE_WAY)),
        folders=folders,
        sidecars=sidecars,
    )
