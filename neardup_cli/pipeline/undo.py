"""`undo`: take back what a clean-up did."""

from __future__ import annotations

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.scanning import known_roots
from neardup_cli.choices import Action
from neardup_cli.cleanup.execute import undo
from neardup_cli.errors import BadInput
from neardup_cli.images.remote import is_remote
from neardup_cli.pipeline.batches import batch_outcome, find_batch, list_batches
from neardup_cli.pipeline.survey import is_offline
from neardup_cli.plans import Batch, BatchState, OperationState, Outcome
from neardup_cli.progress import Progress, Silent

_TO_DO = (OperationState.DONE, OperationState.BEGUN, OperationState.UNDOING)


def undo_batch(catalog: Catalog, number: int | None = None, progress: Progress | None = None) -> Outcome:
    """Put back every file of a batch, with its name, bytes, time and permissions.

    A file that cannot be put back (something else stands there, it was changed since) stays where it is, with
    the reason; another undo tries again.

    Args:
        catalog: keeps the journal.
        number: of the batch; None takes the last one of which something can be undone.
        progress: watches.

    Returns:
        How many files were put back, and which were not.

    Raises:
        BadInput: there is no such batch, or nothing of it can be undone.
        CatalogBusy, DiskFull: as in `apply_plan`.
    """
    watch = progress or Silent()
    with catalog.sole_writer():
        catalog.verify()
        batch = _last_undoable(catalog) if number is None else find_batch(catalog, number)
        if not batch.undoable:
            raise BadInput(_why_not(batch))
        waiting = sum(batch.counts.get(state, 0) for state in _TO_DO)
        watch.start("Undoing", waiting)
        with catalog.read() as connection:
            roots = known_roots(connection)
        offline = [
            root.path for root in roots if not is_remote(root.path) and is_offline(root.path, root.device)
        ]
        undo(catalog, batch, offline, watch.advance)
    after = batch_outcome(catalog, batch.id, OperationState.DONE)
    return Outcome(
        batch.id,
        batch.action,
        done=waiting - after.done - after.left,
        size=batch.size - after.size,
        refused=after.refused,
    )


def _last_undoable(catalog: Catalog) -> Batch:
    for batch in list_batches(catalog):
        if batch.undoable:
            return batch
    raise BadInput("nothing to undo: `neardup undo --list` shows what was done")


def _why_not(batch: Batch) -> str:
    if batch.action is Action.DELETE and OperationState.DONE in batch.counts:
        return f"batch {batch.id} deleted its files for good: that cannot be undone"
    if batch.state is BatchState.UNDONE:
        return f"batch {batch.id} is undone already"
    return f"batch {batch.id} did nothing that could be undone"
