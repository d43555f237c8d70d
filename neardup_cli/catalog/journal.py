"""The clean-up journal: what is about to be done to which file, what was done, what was taken back.

Intents go through `Catalog.write_durably`. What is recorded after an act need not: if it is lost, the file
itself shows on which side of the act it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, insert, select, update

from neardup_cli.catalog.models import Batch as BatchTable
from neardup_cli.catalog.models import File, Scan
from neardup_cli.catalog.models import Operation as Table
from neardup_cli.choices import Action
from neardup_cli.plans import (
    Batch,
    BatchState,
    FileState,
    Intent,
    Operation,
    OperationState,
    Plan,
)
from neardup_cli.records.files import FileStamp

_PAGE = 2_000
_TOKEN_BYTES = 6
_KEEPER_COLUMNS = ("keeper_path", "keeper_size", "keeper_mtime_ns", "keeper_digest")
_NO_INTENT: dict[str, None] = dict.fromkeys(
    ("mode", "uid", "gid", "device", "inode", "target", "note", "made")
)


def open_batch(connection: Connection, plan: Plan) -> int:
    """Write down a plan, nothing of it done yet; return the number of the batch."""
    batch = connection.execute(
        insert(BatchTable)
        .values(
            token=secrets.token_hex(_TOKEN_BYTES),
            action=plan.action.value,
            state=BatchState.APPLYING.value,
            started_at=datetime.now(UTC).replace(tzinfo=None),
            folder=plan.to,
            across_devices=plan.across_devices,
        )
        .returning(BatchTable.c.id)
    ).scalar_one()
    for rows in batched(_planned_rows(plan, batch), _PAGE):
        connection.execute(insert(Table), list(rows))
    return batch


def set_batch_state(connection: Connection, batch: int, state: BatchState) -> None:
    """Record how far a batch is."""
    connection.execute(update(BatchTable).where(BatchTable.c.id == batch).values(state=state.value))


def batches(connection: Connection) -> list[Batch]:
    """Return all batches, the newest first."""
    counts: dict[int, dict[OperationState, int]] = {}
    sizes: dict[int, int] = {}
    totals = select(
        Table.c.batch_id, Table.c.state, func.count(), func.coalesce(func.sum(Table.c.size), 0)
    ).group_by(Table.c.batch_id, Table.c.state)
    for batch, state, number, size in connection.execute(totals):
        counts.setdefault(batch, {})[OperationState(state)] = number
        if state == OperationState.DONE:
            sizes[batch] = int(size)  # PostgreSQL sums whole numbers to decimal ones
    return [
        Batch(
            row.id,
            row.token,
            Action(row.action),
            BatchState(row.state),
            row.started_at,
            row.folder,
            row.across_devices,
            counts.get(row.id, {}),
            sizes.get(row.id, 0),
        )
        for row in connection.execute(select(BatchTable).order_by(BatchTable.c.id.desc()))
    ]


def interrupted_batch(connection: Connection) -> Batch | None:
    """Return the batch whose apply or undo did not come to its end; None if there is none."""
    return next((batch for batch in batches(connection) if batch.interrupted), None)


def unit_numbers(
    connection: Connection, batch: int, states: Collection[OperationState], *, backwards: bool = False
) -> list[int]:
    """Return the numbers of the units of a batch that have a file in one of the states, in order."""
    numbers = select(Table.c.unit).where(_of(batch, states)).distinct()
    ordered = numbers.order_by(Table.c.unit.desc() if backwards else Table.c.unit)
    return list(connection.execute(ordered).scalars())


def units(
    connection: Connection, batch: int, states: Collection[OperationState], numbers: Sequence[int]
) -> dict[int, list[Operation]]:
    """Return the files of some units that are in one of the states, by unit, each unit in its order."""
    span = Table.c.unit.between(min(numbers), max(numbers))
    found: dict[int, list[Operation]] = {}
    for row in connection.execute(select(Table).where(_of(batch, states), span).order_by(Table.c.id)):
        found.setdefault(row.unit, []).append(_operation(row))
    return found


def keeper_paths(connection: Connection, batch: int) -> list[bytes]:
    """Return the paths of all files that a batch keeps."""
    query = select(Table.c.keeper_path).where(Table.c.batch_id == batch, Table.c.keeper_path.is_not(None))
    return [path for path in connection.execute(query.distinct()).scalars() if path is not None]


def begin(connection: Connection, intents: Mapping[int, Intent]) -> None:
    """Record that files are about to be acted upon, by operation."""
    for operation, intent in intents.items():
        connection.execute(
            update(Table)
            .where(Table.c.id == operation)
            .values(
                state=OperationState.BEGUN.value,
                reason=None,
                digest=intent.digest,
                mode=intent.mode,
                uid=intent.uid,
                gid=intent.gid,
                device=intent.device,
                inode=intent.inode,
                target=intent.target,
                note=intent.note,
                made=intent.made,
            )
        )


def set_state(
    connection: Connection,
    operations: Collection[Operation],
    state: OperationState,
    reason: str | None = None,
) -> None:
    """Record how far files are; one that is planned again loses its intent."""
    values: dict[str, Any] = {"state": state.value, "reason": reason}
    if state is OperationState.PLANNED:
        values.update(_NO_INTENT)
    statement = update(Table).where(Table.c.id == bindparam("operation")).values(**values)
    if operations:
        connection.execute(statement, [{"operation": operation.id} for operation in operations])


def cancel_planned(connection: Connection, batch: int) -> None:
    """Record that what a batch has not begun will not be done."""
    connection.execute(
        update(Table)
        .where(Table.c.batch_id == batch, Table.c.state == OperationState.PLANNED.value)
        .values(state=OperationState.UNDONE.value)
    )


def refusals(
    connection: Connection, batch: int, states: Collection[OperationState]
) -> list[tuple[bytes, str]]:
    """Return the files of a batch that are in one of the states for a reason, and the reason, in order."""
    query = select(Table.c.path, Table.c.reason).where(_of(batch, states), Table.c.reason.is_not(None))
    return [(path, str(reason)) for path, reason in connection.execute(query.order_by(Table.c.id))]


def done_paths(connection: Connection, batch: int) -> list[bytes]:
    """Return where the files were that a batch has acted upon."""
    query = select(Table.c.path).where(_of(batch, [OperationState.DONE]))
    return list(connection.execute(query).scalars())


class Places(NamedTuple):
    """Where a file of a batch was, where it went, and the topmost folder that was made for that."""

    path: bytes
    target: bytes | None
    note: bytes | None
    made: bytes | None

    @property
    def paths(self) -> tuple[bytes | None, ...]:
        """All that was changed."""
        return self.path, self.target, self.note


def places(connection: Connection, batch: int, state: OperationState) -> list[Places]:
    """Return where the files of a batch are or were that are in a state and were acted upon at any time."""
    columns = (Table.c.path, Table.c.target, Table.c.note, Table.c.made)
    query = select(*columns).where(_of(batch, [state]), Table.c.mode.is_not(None))
    return [Places(*row) for row in connection.execute(query)]


def put_away(connection: Connection) -> frozenset[bytes]:
    """Return where files were moved to by clean-ups and still should be: in a trash or a quarantine."""
    query = select(Table.c.target).where(
        Table.c.state.in_([OperationState.DONE.value, OperationState.BEGUN.value]),
        Table.c.target.is_not(None),
    )
    return frozenset(target for target in connection.execute(query).scalars() if target is not None)


def record_gone(connection: Connection, paths: Sequence[bytes]) -> None:
    """Mark files as missing without waiting for a scan to find out; unknown paths are left alone."""
    last_scan = select(func.max(Scan.c.id)).scalar_subquery()
    statement = update(File).where(File.c.path == bindparam("row"), File.c.missing_scan_id.is_(None))
    if paths:
        connection.execute(statement.values(missing_scan_id=last_scan), [{"row": path} for path in paths])


def record_there(connection: Connection, files: Mapping[bytes, FileStamp]) -> None:
    """Mark files as present, with what `stat` says of them now and their content as it was."""
    for path, stamp in files.items():
        connection.execute(
            update(File)
            .where(File.c.path == path)
            .values(
                missing_scan_id=None,
                size=stamp.size,
                mtime_ns=stamp.mtime_ns,
                device=stamp.device,
                inode=stamp.inode,
            )
        )


def _of(batch: int, states: Collection[OperationState]) -> ColumnElement[bool]:
    return and_(Table.c.batch_id == batch, Table.c.state.in_([state.value for state in states]))


def _planned_rows(plan: Plan, batch: int) -> Iterator[dict[str, Any]]:
    unit = 0
    for group in plan.groups:
        for act in group.acts:
            unit += 1
            sidecar = None if act.carried is None else act.carried.sidecar
            yield {**_row(batch, unit, act.file, group.keep, act.target), "sidecar": sidecar}
            for companion in act.companions:
                digest = b"" if companion.twin is None else companion.twin.digest
                file = FileState(companion.path, companion.size, companion.mtime_ns, digest)
                yield _row(batch, unit, file, companion.twin, companion.target)


def _row(
    batch: int, unit: int, file: FileState, keeper: FileState | None, target: bytes | None
) -> dict[str, Any]:
    kept = (None,) * 4 if keeper is None else (keeper.path, keeper.size, keeper.mtime_ns, keeper.digest)
    return {
        "batch_id": batch,
        "unit": unit,
        "state": OperationState.PLANNED.value,
        "path": file.path,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "digest": file.digest or None,
        **dict(zip(_KEEPER_COLUMNS, kept, strict=True)),
        "planned_target": target,
        "sidecar": None,
    }


def _operation(row: Row[Any]) -> Operation:
    keeper = None
    if row.keeper_path is not None:
        keeper = FileState(row.keeper_path, row.keeper_size, row.keeper_mtime_ns, row.keeper_digest)
    intent = None
    if row.mode is not None:
        places = (row.target, row.note, row.made)
        intent = Intent(row.digest, row.mode, row.uid, row.gid, row.device, row.inode, *places)
    return Operation(
        row.id,
        row.unit,
        FileState(row.path, row.size, row.mtime_ns, row.digest or b""),
        keeper,
        row.planned_target,
        OperationState(row.state),
        intent,
        row.reason,
        row.sidecar,
    )
