"""The folders that a clean-up may remove when it has emptied them: part of the journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, update

from neardup_cli.catalog.models import EmptiedFolder as Table
from neardup_cli.plans import EmptiedFolder, OperationState


def store_folders(connection: Connection, batch: int, folders: Sequence[EmptiedFolder]) -> None:
    """Write down the folders of a batch as they are before it."""
    rows = [
        {
            "batch_id": batch,
            "state": OperationState.PLANNED.value,
            "path": folder.path,
            "mode": folder.mode,
            "uid": folder.uid,
            "gid": folder.gid,
            "mtime_ns": folder.mtime_ns,
        }
        for folder in folders
    ]
    if rows:
        connection.execute(insert(Table), rows)


def stored_folders(
    connection: Connection, batch: int, states: Iterable[OperationState]
) -> list[EmptiedFolder]:
    """Return the folders of a batch that are in one of the states, those above before those in them."""
    columns = (Table.c.path, Table.c.mode, Table.c.uid, Table.c.gid, Table.c.mtime_ns)
    wanted = Table.c.state.in_([state.value for state in states])
    query = select(*columns).where(Table.c.batch_id == batch, wanted).order_by(Table.c.path)
    return [EmptiedFolder(*row) for row in connection.execute(query)]


def set_folder_state(
    connection: Connection, batch: int, paths: Sequence[bytes], state: OperationState
) -> None:
    """Record how far folders are."""
    statement = update(Table).where(Table.c.batch_id == batch, Table.c.path == bindparam("folder"))
    if paths:
        connection.execute(statement.values(state=state.value), [{"folder": path} for path in paths])


def count_removed(connection: Connection, batch: int) -> int:
    """Count the folders of a batch that are removed."""
    done = Table.c.state == OperationState.DONE.value
    query = select(func.count()).where(Table.c.batch_id == batch, done)
    return connection.execute(query).scalar_one()
