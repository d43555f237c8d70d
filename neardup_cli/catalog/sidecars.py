"""The sidecars that a clean-up writes beside files that stay: part of the journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Row, func, insert, select, update

from neardup_cli.catalog.models import Operation
from neardup_cli.catalog.models import WrittenSidecar as Table
from neardup_cli.plans import OperationState, WrittenSidecar

_THERE = (OperationState.BEGUN, OperationState.DONE)
_NEEDING = (OperationState.PLANNED, OperationState.BEGUN, OperationState.DONE, OperationState.UNDOING)


def store_sidecars(connection: Connection, batch: int, sidecars: Sequence[WrittenSidecar]) -> None:
    """Write down what a batch is going to write."""
    rows = [
        {
            "batch_id": batch,
            "state": sidecar.state.value,
            "path": sidecar.path,
            "beside": sidecar.beside,
            "content": sidecar.content,
        }
        for sidecar in sidecars
    ]
    if rows:
        connection.execute(insert(Table), rows)


def stored_sidecar(connection: Connection, batch: int, path: bytes) -> WrittenSidecar | None:
    """Return what a batch writes at a path; None if the journal has nothing there."""
    query = select(Table).where(Table.c.batch_id == batch, Table.c.path == path)
    row = connection.execute(query).one_or_none()
    return None if row is None else _sidecar(row)


def begun_sidecars(connection: Connection, batch: int) -> list[WrittenSidecar]:
    """Return the sidecars of which a kill may have hidden whether they are there, by path."""
    return _in_states(connection, batch, [OperationState.BEGUN])


def unneeded_sidecars(connection: Connection, batch: int) -> list[WrittenSidecar]:
    """Return the sidecars that may be there and for the sake of which no file goes or has gone, by path."""
    needed = select(Operation.c.sidecar).where(
        Operation.c.batch_id == batch,
        Operation.c.sidecar.is_not(None),
        Operation.c.state.in_([state.value for state in _NEEDING]),
    )
    needed_paths = set(connection.execute(needed.distinct()).scalars())
    return [one for one in _in_states(connection, batch, _THERE) if one.path not in needed_paths]


def set_sidecar_state(
    connection: Connection, batch: int, path: bytes, state: OperationState, reason: str | None = None
) -> None:
    """Record how far a sidecar is."""
    statement = update(Table).where(Table.c.batch_id == batch, Table.c.path == path)
    connection.execute(statement.values(state=state.value, reason=reason))


def count_written(connection: Connection, batch: int) -> int:
    """Count the sidecars of a batch that are there."""
    done = Table.c.state == OperationState.DONE.value
    query = select(func.count()).where(Table.c.batch_id == batch, done)
    return connection.execute(query).scalar_one()


def sidecar_refusals(connection: Connection, batch: int) -> list[tuple[bytes, str]]:
    """Return the sidecars of a batch that could not be removed again, with the reason, by path."""
    query = select(Table.c.path, Table.c.reason).where(Table.c.batch_id == batch, Table.c.reason.is_not(None))
    return [(path, str(reason)) for path, reason in connection.execute(query.order_by(Table.c.path))]


def _in_states(
    connection: Connection, batch: int, states: Collection[OperationState]
) -> list[WrittenSidecar]:
    wanted = Table.c.state.in_([state.value for state in states])
    query = select(Table).where(Table.c.batch_id == batch, wanted).order_by(Table.c.path)
    return [_sidecar(row) for row in connection.execute(query)]


def _sidecar(row: Row[tuple[object, ...]]) -> WrittenSidecar:
    return WrittenSidecar(row.path, row.beside, row.content, OperationState(row.state))
