"""Acting on a batch of the journal, unit by unit, and taking it back.

A unit is a copy with its companions. All of its files are read and compared with the plan first; then the
intents go to the disk; then come the acts; then their completion is recorded. A unit that fails on the way is
put back, so that it is acted upon wholly or not at all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import batched

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action
from neardup_cli.cleanup import files
from neardup_cli.cleanup.act import Act, Ready
from neardup_cli.cleanup.actions import act_for
from neardup_cli.cleanup.reasons import Refused, reason_of
from neardup_cli.images.walk import file_stamp
from neardup_cli.plans import Batch, BatchState, FileState, Intent, Operation, OperationState
from neardup_cli.records import FileStamp

type Watch = Callable[[int], None]
"""Told how many files were just gone through."""

_PAGE = 500  # units read at once
_TO_UNDO = (OperationState.DONE, OperationState.BEGUN, OperationState.UNDOING)


def run_batch(catalog: Catalog, batch: Batch, watch: Watch) -> None:
    """Act on all files of a batch that wait for it; those that a kill cut short are settled first.

    A file that cannot be acted upon gets its reason in the journal, and the rest goes on.
    """
    act = act_for(batch)
    for unit in _units(catalog, batch, [OperationState.BEGUN]):
        _settle(catalog, batch, act, unit)
    for unit in _units(catalog, batch, [OperationState.PLANNED]):
        _run_unit(catalog, batch, act, unit)
        watch(len(unit))
    with catalog.write() as connection:
        journal.set_batch_state(connection, batch.id, BatchState.APPLIED)


def undo(catalog: Catalog, batch: Batch, watch: Watch) -> None:
    """Take back all that a batch has done, the last act first; what cannot be undone gets its reason."""
    act = act_for(batch)
    with catalog.write_durably() as connection:
        journal.set_batch_state(connection, batch.id, BatchState.UNDOING)
        journal.cancel_planned(connection, batch.id)
    for unit in _units(catalog, batch, _TO_UNDO, backwards=True):
        _undo_unit(catalog, act, unit)
        watch(len(unit))
    with catalog.write() as connection:
        journal.set_batch_state(connection, batch.id, BatchState.UNDONE)


def _units(
    catalog: Catalog, batch: Batch, states: Sequence[OperationState], *, backwards: bool = False
) -> Iterator[list[Operation]]:
    """Yield the units that have a file in one of the states now; no read is open while one is out."""
    with catalog.read() as connection:
        numbers = journal.unit_numbers(connection, batch.id, states, backwards=backwards)
    for page in batched(numbers, _PAGE):
        with catalog.read() as connection:
            found = journal.units(connection, batch.id, states, page)
        for number in page:
            yield found[number]


def _run_unit(catalog: Catalog, batch: Batch, act: Act, unit: Sequence[Operation]) -> None:
    try:
        ready = [_prepared(operation, act) for operation in unit]
    except (Refused, OSError) as exc:
        _fail(catalog, unit, exc)
        return
    with catalog.write_durably() as connection:
        journal.begin(connection, {one.operation.id: one.intent for one in ready})
    done: list[Ready] = []
    try:
        for one in ready:
            act.forward(one)
            done.append(one)
    except (Refused, OSError) as exc:
        stuck = _put_back(act, done)
        _complete(catalog, batch, stuck)
        held = {operation.id for operation in stuck}
        _fail(catalog, [operation for operation in unit if operation.id not in held], exc)
        return
    _complete(catalog, batch, [one.operation for one in ready])


def _prepared(operation: Operation, act: Act) -> Ready:
    """Read the file and its keeper, and find out all that the journal has to know.

    Raises:
        Refused, OSError: it must not be acted upon.
    """
    files.writable_folder(os.path.dirname(operation.file.path))
    status, operation = _looked_at(operation)
    kept = None
    if operation.keeper is not None:
        try:
            kept = files.checked(operation.keeper)
        except (Refused, OSError) as exc:
            shown = os.fsdecode(operation.keeper.path)
            raise Refused(f"the file to keep, {shown}: {reason_of(exc)}") from exc
        if os.path.samestat(kept, status):
            raise Refused("it and the file to keep are one file: removing it frees nothing")
    stamp = file_stamp(status)
    intent = Intent(
        operation.file.digest,
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        stamp.device,
        stamp.inode,
    )
    return Ready(operation, act.intend(operation, intent), status, kept)


def _looked_at(operation: Operation) -> tuple[os.stat_result, Operation]:
    """Check a file; a companion, of which only the size and time are known, gets its digest."""
    if operation.file.digest:
        return files.checked(operation.file), operation
    status, digest = files.digested(operation.file.path)
    if (status.st_size, status.st_mtime_ns) != (operation.file.size, operation.file.mtime_ns):
        raise Refused(f"{os.fsdecode(operation.file.path)}, which goes with it, was changed")
    return status, _with_digest(operation, digest)


def _with_digest(operation: Operation, digest: bytes) -> Operation:
    file = FileState(operation.file.path, operation.file.size, operation.file.mtime_ns, digest)
    return Operation(operation.id, operation.unit, file, operation.keeper, operation.target, operation.state)


def _put_back(act: Act, done: Sequence[Ready]) -> list[Operation]:
    """Take back the acts of a unit that failed; return those that could not be."""
    stuck = []
    for one in reversed(done):
        try:
            act.backward(one.operation, one.intent)
        except (Refused, OSError):
            stuck.append(one.operation)
    return stuck


def _complete(catalog: Catalog, batch: Batch, operations: Sequence[Operation]) -> None:
    """Record that files were acted upon, and what that means for the catalog."""
    if not operations:
        return
    paths = [operation.file.path for operation in operations]
    there = _stamps(paths) if batch.action in (Action.HARDLINK, Action.REFLINK) else {}
    with catalog.write() as connection:
        journal.set_state(connection, operations, OperationState.DONE)
        journal.record_gone(connection, [path for path in paths if path not in there])
        journal.record_there(connection, there)


def _fail(catalog: Catalog, unit: Sequence[Operation], exc: Refused | OSError) -> None:
    """Record why a unit was not acted upon."""
    with catalog.write() as connection:
        journal.set_state(connection, unit, OperationState.FAILED, reason_of(exc))


def _settle(catalog: Catalog, batch: Batch, act: Act, unit: Sequence[Operation]) -> None:
    """Find out how far the files of a unit are that a kill cut short; the rest of it is planned again."""
    done: list[Operation] = []
    waiting: list[Operation] = []
    for operation in unit:
        try:
            happened = operation.intent is not None and act.happened(operation, operation.intent)
        except (Refused, OSError) as exc:
            _fail(catalog, [operation], exc)
            continue
        (done if happened else waiting).append(operation)
    _complete(catalog, batch, done)
    with catalog.write() as connection:
        journal.set_state(connection, waiting, OperationState.PLANNED)


def _undo_unit(catalog: Catalog, act: Act, unit: Sequence[Operation]) -> None:
    """Take a unit back: all of it, or, where something is in the way of one of its files, none of it."""
    backwards = list(reversed(unit))
    try:
        undone, waiting = _sorted_out(act, backwards)
    except (Refused, OSError) as exc:
        _keep_done(catalog, unit, exc)
        return
    if undone:
        _undone(catalog, undone)
    if not waiting:
        return
    with catalog.write_durably() as connection:
        journal.set_state(connection, waiting, OperationState.UNDOING)
    for operation in waiting:
        try:
            act.backward(operation, _intent(operation))
        except (Refused, OSError) as exc:
            _keep_done(catalog, [operation], exc)
        else:
            _undone(catalog, [operation])
            _forget_target(catalog, operation)


def _sorted_out(act: Act, unit: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
    """Tell the files of a unit that were never acted upon from those to take back.

    Raises:
        Refused, OSError: one of them cannot be taken back.
    """
    untouched, waiting = [], []
    for operation in unit:
        intent = _intent(operation)
        if operation.state is OperationState.BEGUN and not act.happened(operation, intent):
            untouched.append(operation)
            continue
        if operation.state is not OperationState.UNDOING:
            act.obstacle(operation, intent)
        waiting.append(operation)
    return untouched, waiting


def _keep_done(catalog: Catalog, operations: Sequence[Operation], exc: Refused | OSError) -> None:
    """Record why files could not be taken back; they stay done, and another undo tries again."""
    with catalog.write() as connection:
        journal.set_state(connection, operations, OperationState.DONE, reason_of(exc))


def _undone(catalog: Catalog, operations: Sequence[Operation]) -> None:
    with catalog.write() as connection:
        journal.set_state(connection, operations, OperationState.UNDONE)
        journal.record_there(connection, _stamps([operation.file.path for operation in operations]))


def _forget_target(catalog: Catalog, operation: Operation) -> None:
    """Should a scan have found the file where it was put away: it is not there any more."""
    target = _intent(operation).target
    if target is not None:
        with catalog.write() as connection:
            journal.record_gone(connection, [target])


def _stamps(paths: Sequence[bytes]) -> dict[bytes, FileStamp]:
    found = {}
    for path in paths:
        with suppress(OSError):
            found[path] = file_stamp(os.lstat(path))
    return found


def _intent(operation: Operation) -> Intent:
    if operation.intent is None:
        raise Refused("the journal does not say what was done")
    return operation.intent
