"""`INSERT … ON CONFLICT`, which standard SQL does not have, in the dialect of the catalog at hand."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite


def insert(connection: Connection, table: Table) -> sqlite.Insert:
    """Return an insert that has `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded`.

    PostgreSQL's has the same three, with the same arguments, and so goes by the same type.
    """
    return _insert(connection.dialect.name, table)


def upsert(
    connection: Connection, table: Table, keys: tuple[str, ...], fresh: tuple[str, ...]
) -> sqlite.Insert:
    """Return an insert that gives the `fresh` columns of a row that is there, by its `keys`, new values."""
    return _upsert(connection.dialect.name, table, keys, fresh)


@cache  # `excluded` is a copy of all the columns, in cycles: a scan that made one a second would grow by them
def _upsert(dialect: str, table: Table, keys: tuple[str, ...], fresh: tuple[str, ...]) -> sqlite.Insert:
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=[table.c[name] for name in keys],
        set_={name: statement.excluded[name] for name in fresh},
    )


def _insert(dialect: str, table: Table) -> sqlite.Insert:
    if dialect == "sqlite":
        return sqlite.Insert(table)
    # Late: who has a file does not wait for the other dialect.
    from sqlalchemy.dialects import postgresql

    return postgresql.Insert(table)  # type: ignore[return-value]
