"""Acting on a batch of the journal, unit by unit, and taking it back.

A unit is a copy with its companions. All of its files are read and compared with the plan first; then the
intents go to the disk; then come the acts; then their completion is recorded. A unit that fails on the way is
put back, so that it is acted upon wholly or not at all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import batched

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action
from neardup_cli.cleanup import emptied, files, second_journal, written
from neardup_cli.cleanup.act import Act, Ready
from neardup_cli.cleanup.actions import act_for
from neardup_cli.cleanup.folders import Identity, identity_of
from neardup_cli.cleanup.reasons import INSIDE_APP_FOLDER, Gone, Refused, named, reason_of
from neardup_cli.errors import NeardupError
from neardup_cli.images.app_folders import in_app_folder
from neardup_cli.images.walk import file_stamp, is_below
from neardup_cli.plans import Batch, BatchState, Intent, Operation, OperationState
from neardup_cli.records.files import FileStamp

type Watch = Callable[[int], None]
"""Told how many files were just gone through."""

_PAGE = 500  # units read at once
_TO_UNDO = (OperationState.DONE, OperationState.UNDOING)


@dataclass(frozen=True, slots=True)
class _Work:
    """A batch that is being carried out or taken back, and by what."""

    catalog: Catalog
    batch: Batch
    act: Act


def run_batch(catalog: Catalog, batch: Batch, watch: Watch) -> None:
    """Act on all files of a batch that wait for it; those that a kill cut short are settled first.

    A file that cannot be acted upon gets its reason in the journal, and the rest goes on.

    Raises:
        NeardupError: a disk does not hold what was done, see `_make_durable`.
    """
    work = _Work(catalog, batch, act_for(batch))
    _doubt_recorded(work, OperationState.DONE)
    _settle_all(work)
    kept = _identities(catalog, batch)
    for unit in _units(catalog, batch, [OperationState.PLANNED]):
        _run_unit(work, unit, kept)
        watch(len(unit))
    _make_durable(work, OperationState.DONE, "neardup clean --resume")
    emptied.remove_emptied(catalog, batch.id)
    written.remove_unneeded(catalog, batch)
    with catalog.write() as connection:
        journal.set_batch_state(connection, batch.id, BatchState.APPLIED)


def undo(catalog: Catalog, batch: Batch, offline: Sequence[bytes], watch: Watch) -> None:
    """Take back all that a batch has done, the last act first; what cannot be undone gets its reason.

    Args:
        catalog: keeps the journal.
        batch: what to take back.
        offline: folders whose disk is not mounted: nothing is brought back below them.
        watch: told of each unit.

    Raises:
        NeardupError: a disk does not hold what was done, see `_make_durable`.
    """
    work = _Work(catalog, batch, act_for(batch))
    if batch.interrupted:
        _doubt_recorded(work, OperationState.DONE)
        _doubt_recorded(work, OperationState.UNDONE)
    _settle_all(work)
    with catalog.write_durably() as connection:
        journal.set_batch_state(connection, batch.id, BatchState.UNDOING)
        journal.cancel_planned(connection, batch.id)
    emptied.bring_back(catalog, batch.id, offline)
    for unit in _units(catalog, batch, _TO_UNDO, backwards=True):
        _undo_unit(work, unit, offline)
        watch(len(unit))
    emptied.dress(catalog, batch.id)
    written.remove_unneeded(catalog, batch, offline)
    _make_durable(work, OperationState.UNDONE, "neardup undo")
    second_journal.remove_idle(batch.to)
    _remove_made(work)
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


def _identities(catalog: Catalog, batch: Batch) -> frozenset[Identity]:
    """Return the identities of all files that a batch keeps, whatever names lead to them."""
    with catalog.read() as connection:
        paths = journal.keeper_paths(connection, batch.id)
    return frozenset(identity for path in paths if (identity := identity_of(path)) is not None)


def _run_unit(work: _Work, unit: Sequence[Operation], kept: Collection[tuple[int, int]]) -> None:
    with ExitStack() as held:
        try:
            ready = [_prepared(work.act, operation, kept) for operation in unit]
            for one in ready:
                _hold(one, held)
            for operation in unit:
                if operation.sidecar is not None:
                    written.ensure_written(work.catalog, work.batch, operation.sidecar)
        except (Refused, OSError) as exc:
            _fail(work, unit, exc)
            return
        with work.catalog.write_durably() as connection:
            journal.begin(connection, {one.operation.id: one.intent for one in ready})
        _act(work, ready)


def _act(work: _Work, unit: Sequence[Ready]) -> None:
    tried: list[Ready] = []
    try:
        second_journal.append(work.batch, unit)
        for one in unit:
            tried.append(one)
            work.act.forward(one)
    except (Refused, OSError) as exc:
        if tried and _is_untouched(work.act, tried[-1], exc):
            tried.pop()
        left = _put_back(work.act, [replace(one.operation, intent=one.intent) for one in tried])
        _complete(work, left.done)
        _doubt(work, left.unsure, exc)
        held = {operation.id for operation in (*left.done, *left.unsure)}
        _fail(work, [one.operation for one in unit if one.operation.id not in held], exc)
        return
    _complete(work, [replace(one.operation, intent=one.intent) for one in unit])


def _is_untouched(act: Act, ready: Ready, exc: Refused | OSError) -> bool:
    """Return True if it is certain that nothing is left of an act that failed."""
    try:
        files.unchanged(ready.operation.file.path, ready.status)
        if isinstance(exc, FileExistsError):  # what stands in the way is another's
            return True
        return not any(files.is_there(trace) for trace in act.traces(ready.operation, ready.intent))
    except (Refused, OSError):
        return False


def _prepared(act: Act, operation: Operation, kept: Collection[tuple[int, int]]) -> Ready:
    """Read the file and its keeper, and find out all that the journal has to know.

    Raises:
        Refused, OSError: it must not be acted upon.
    """
    if in_app_folder(operation.file.path) is not None:
        raise Refused(INSIDE_APP_FOLDER)
    files.writable_folder(os.path.dirname(operation.file.path))
    status, operation = _looked_at(operation)
    keeper = _keeper(operation)
    if (status.st_dev, status.st_ino) in kept or (keeper is not None and os.path.samestat(keeper, status)):
        raise Refused("it and a file to keep are one file: removing it frees nothing")
    stamp = file_stamp(status)
    intent = Intent(
        operation.file.digest,
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        stamp.device,
        stamp.inode,
    )
    return Ready(operation, act.intend(operation, intent), status, keeper)


def _keeper(operation: Operation) -> os.stat_result | None:
    """Check the file that is kept instead; only companions have none."""
    if operation.keeper is None:
        return None
    try:
        return files.checked(operation.keeper)
    except (Refused, OSError) as exc:
        raise Refused(f"the file to keep, {named(operation.keeper.path)}: {reason_of(exc)}") from exc


def _hold(ready: Ready, held: ExitStack) -> None:
    """Keep other neardups from a file and its keeper as long as the stack stands."""
    held.enter_context(files.held(ready.operation.file.path, ready.status, alone=True))
    if ready.operation.keeper is not None and ready.keeper is not None:
        try:
            held.enter_context(files.held(ready.operation.keeper.path, ready.keeper, alone=False))
        except Refused as exc:
            raise Refused(f"the file to keep, {named(ready.operation.keeper.path)}: {exc}") from exc


def _looked_at(operation: Operation) -> tuple[os.stat_result, Operation]:
    """Check a file; a companion of which only the size and time are known gets its digest."""
    if operation.file.digest:
        return files.checked(operation.file), operation
    status, digest = files.digested(operation.file.path)
    if (status.st_size, status.st_mtime_ns) != (operation.file.size, operation.file.mtime_ns):
        raise Refused(f"{named(operation.file.path)}, which goes with it, was changed")
    return status, replace(operation, file=replace(operation.file, digest=digest))


@dataclass(frozen=True, slots=True)
class _Left:
    """What was not put back: files on the other side of their act, and those of which it cannot be told."""

    done: list[Operation]
    unsure: list[Operation]


def _put_back(act: Act, tried: Sequence[Operation]) -> _Left:
    """Take back the acts of a unit that failed, whether they happened or not."""
    left = _Left([], [])
    for operation in reversed(tried):
        try:
            happened = act.happened(operation, _intent(operation))
        except (Refused, OSError):
            left.unsure.append(operation)
            continue
        try:
            if happened:
                act.backward(operation, _intent(operation))
        except Refused:
            left.done.append(operation)
        except OSError:
            left.unsure.append(operation)
    return left


def _doubt(work: _Work, operations: Sequence[Operation], exc: Refused | OSError) -> None:
    """Record of files that it is not known whether they were acted upon: a resume or an undo finds out."""
    with work.catalog.write() as connection:
        journal.set_state(connection, operations, OperationState.BEGUN, reason_of(exc))


def _complete(work: _Work, operations: Sequence[Operation]) -> None:
    """Record that files were acted upon, and what that means for the catalog."""
    if not operations:
        return
    paths = [operation.file.path for operation in operations]
    there = _stamps(paths) if work.batch.action in (Action.HARDLINK, Action.REFLINK) else {}
    with work.catalog.write() as connection:
        journal.set_state(connection, operations, OperationState.DONE)
        journal.record_gone(connection, [path for path in paths if path not in there])
        journal.record_there(connection, there)


def _fail(work: _Work, unit: Sequence[Operation], exc: Refused | OSError) -> None:
    """Record why a unit was not acted upon."""
    with work.catalog.write() as connection:
        journal.set_state(connection, unit, OperationState.FAILED, reason_of(exc))


def _settle_all(work: _Work) -> None:
    written.settle(work.catalog, work.batch)
    for unit in _units(work.catalog, work.batch, [OperationState.BEGUN]):
        _settle(work, unit)


def _settle(work: _Work, unit: Sequence[Operation]) -> None:
    """Find out how far the files of a unit are that a kill cut short.

    A unit that is only half done is taken back, and planned again as a whole. A file that is neither where
    it was nor where it was to go stays begun, with the reason: when it turns up, an undo can bring it back.
    """
    done: list[Operation] = []
    waiting: list[Operation] = []
    for operation in unit:
        try:
            (done if work.act.happened(operation, _intent(operation)) else waiting).append(operation)
        except (Refused, OSError) as exc:
            with work.catalog.write() as connection:
                journal.set_state(connection, [operation], OperationState.BEGUN, reason_of(exc))
    if waiting:
        left = _put_back(work.act, done)
        waiting += [operation for operation in done if operation not in (*left.done, *left.unsure)]
        done = left.done  # and what is unsure stays begun
    _complete(work, done)
    with work.catalog.write() as connection:
        journal.set_state(connection, waiting, OperationState.PLANNED)


def _undo_unit(work: _Work, unit: Sequence[Operation], offline: Sequence[bytes]) -> None:
    """Take a unit back: all of it, or, where something is in the way of one of its files, none of it."""
    waiting: list[Operation] = []
    try:
        for operation in reversed(unit):
            if _is_to_undo(work, operation, offline):
                waiting.append(operation)
    except (Refused, OSError) as exc:
        _keep_done(work, unit, exc)
        return
    if not waiting:
        return
    with work.catalog.write_durably() as connection:
        journal.set_state(connection, waiting, OperationState.UNDOING)
    for operation in waiting:
        try:
            work.act.backward(operation, _intent(operation))
        except Refused as exc:
            _keep_done(work, [operation], exc)
        except OSError as exc:  # on the way, it may be: another undo finds out
            with work.catalog.write() as connection:
                journal.set_state(connection, [operation], OperationState.UNDOING, reason_of(exc))
        else:
            _undone(work, operation)


def _is_to_undo(work: _Work, operation: Operation, offline: Sequence[bytes]) -> bool:
    """Return True if a file can be taken back; one that is gone for good must not keep the others away.

    Raises:
        Refused, OSError: something is in the way.
    """
    if any(is_below(operation.file.path, folder) for folder in offline):
        raise Refused("the disk that it was on is not mounted")
    if operation.state is OperationState.UNDOING:
        return True
    try:
        work.act.obstacle(operation, _intent(operation))
    except Gone as exc:
        _keep_done(work, [operation], exc)
        return False
    return True


def _keep_done(work: _Work, operations: Sequence[Operation], exc: Refused | OSError) -> None:
    """Record why files could not be taken back; they stay done, and another undo tries again."""
    with work.catalog.write() as connection:
        journal.set_state(connection, operations, OperationState.DONE, reason_of(exc))


def _doubt_recorded(work: _Work, state: OperationState) -> None:
    """Look again at what is recorded as done, or as undone, in a batch that was interrupted.

    What an act did to the names is on the disk some seconds later, and the catalog may be on another one: a
    power cut can leave the record of an act that it has unsaid.
    """
    if state is OperationState.DONE:
        is_doubtful, before = work.act.may_be_undone, OperationState.BEGUN
    else:
        is_doubtful, before = work.act.may_be_done, OperationState.UNDOING
    for unit in _units(work.catalog, work.batch, [state]):
        found = []
        for operation in unit:
            with suppress(OSError):
                if operation.intent is not None and is_doubtful(operation, operation.intent):
                    found.append(operation)
        if found:
            with work.catalog.write() as connection:
                journal.set_state(connection, found, before)


def _make_durable(work: _Work, state: OperationState, command: str) -> None:
    """Have the names of all files in a state on the disk, before the batch is called finished.

    Raises:
        NeardupError: a disk cannot write them. The batch stays interrupted: the command looks again.
    """
    with work.catalog.read() as connection:
        places = journal.places(connection, work.batch.id, state)
    try:
        files.sync_folders(
            os.path.dirname(path) for place in places for path in place.paths if path is not None
        )
    except OSError as exc:
        raise NeardupError(
            f"a disk has not confirmed that it holds what was done ({reason_of(exc)}): "
            f"`{command}` looks again"
        ) from exc


def _remove_made(work: _Work) -> None:
    """Remove the folders that were made for files that are back, in whatever order they came."""
    with work.catalog.read() as connection:
        places = journal.places(connection, work.batch.id, OperationState.UNDONE)
    made = {(os.path.dirname(place.target), place.made) for place in places if place.target and place.made}
    for folder, top in sorted(made, reverse=True):
        files.remove_empty(folder, top)


def _undone(work: _Work, operation: Operation) -> None:
    """Record that a file is back; should a scan have found it where it was put away: it is there no more."""
    target = _intent(operation).target
    with work.catalog.write() as connection:
        journal.set_state(connection, [operation], OperationState.UNDONE)
        journal.record_there(connection, _stamps([operation.file.path]))
        journal.record_gone(connection, [] if target is None else [target])


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
