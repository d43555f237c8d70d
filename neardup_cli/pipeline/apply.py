"""`clean --apply` and `--resume`: a plan carried out, whoever made it.

Apart from `clean.py`, which makes plans: what compares images need not be imported to move some.
"""

from __future__ import annotations

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.emptied import store_folders
from neardup_cli.catalog.scanning import known_roots
from neardup_cli.catalog.sidecars import store_sidecars
from neardup_cli.choices import Action
from neardup_cli.cleanup.carry import sidecars_of
from neardup_cli.cleanup.check import check_plan
from neardup_cli.cleanup.emptied import folders_of
from neardup_cli.cleanup.execute import run_batch
from neardup_cli.cleanup.reasons import named
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.batches import batch_outcome, find_batch, refuse_if_interrupted
from neardup_cli.pipeline.plan_guard import guard_plan
from neardup_cli.plans import BatchState, EmptiedFolder, OperationState, Outcome, Plan
from neardup_cli.progress import Progress, Silent


def apply_plan(
    catalog: Catalog, plan: Plan, *, permanently: bool = False, progress: Progress | None = None
) -> Outcome:
    """Carry a plan out, each file's intent in the journal before it is touched.

    Args:
        catalog: keeps the journal; no scan of it may run meanwhile.
        plan: made by `make_plan`, or written by hand.
        permanently: has to be said for `delete`, which no undo takes back.
        progress: watches.

    Raises:
        BadInput: the plan is not safe or not of this catalog (see `plan_guard`), there is nothing to apply,
            or an earlier batch was interrupted.
        CatalogBusy: a scan or another clean-up is at work.
        DiskFull: no room for the journal; `resume` goes on when there is some.
    """
    check_plan(plan)
    if plan.action is Action.LIST:
        raise BadInput("--action list only lists: name what is to be done with the copies")
    if plan.action is Action.DELETE and not permanently:
        raise BadInput("delete cannot be undone: add --permanently, or use --action trash")
    with catalog.sole_writer():
        catalog.verify()
        refuse_if_interrupted(catalog)
        guard_plan(catalog, plan)
        if not plan.acts:
            return Outcome(None, plan.action)
        _refuse_put_away(catalog, plan)
        folders = _folders_to_empty(catalog, plan) if plan.remove_empty_folders else []
        with catalog.write_durably() as connection:
            number = journal.open_batch(connection, plan)
            store_folders(connection, number, folders)
            store_sidecars(connection, number, sidecars_of(plan))
        return _run(catalog, number, progress or Silent())


def resume(catalog: Catalog, progress: Progress | None = None) -> Outcome:
    """Go on with the batch that was interrupted.

    Raises:
        BadInput: there is none, or it is being undone.
        CatalogBusy, DiskFull: as in `apply_plan`.
    """
    with catalog.sole_writer():
        catalog.verify()
        with catalog.read() as connection:
            batch = journal.interrupted_batch(connection)
        if batch is None:
            raise BadInput("nothing to resume: no clean-up was interrupted")
        if batch.state is BatchState.UNDOING:
            raise BadInput(f"batch {batch.id} was being undone: `neardup undo` goes on with that")
        return _run(catalog, batch.id, progress or Silent())


def _run(catalog: Catalog, number: int, watch: Progress) -> Outcome:
    batch = find_batch(catalog, number)
    watch.start("Cleaning", batch.counts.get(OperationState.PLANNED, 0))
    run_batch(catalog, batch, watch.advance)
    return batch_outcome(catalog, number, OperationState.FAILED)


def _folders_to_empty(catalog: Catalog, plan: Plan) -> list[EmptiedFolder]:
    with catalog.read() as connection:
        roots = frozenset(root.path for root in known_roots(connection))
    return folders_of(plan, roots)


def _refuse_put_away(catalog: Catalog, plan: Plan) -> None:
    """A plan may be older than a clean-up that has moved its files into a quarantine."""
    with catalog.read() as connection:
        put_away = journal.put_away(connection)
    for group in plan.groups:
        if group.keep.path in put_away:
            shown = named(group.keep.path)
            raise BadInput(f"the plan keeps {shown}, which an earlier clean-up put away: plan again")
