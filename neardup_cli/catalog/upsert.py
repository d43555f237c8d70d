"""`INSERT … ON CONFLICT`, which standard SQL does not have, in the dialect of the catalog at hand."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite


def insert(connection: Connection, table: Table) -> sqlite.Insert:
    """Return an insert that has `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded`.

    PostgreSQL's has the same three, with the same arguments, and so goes by the same type.
    """
    if connection.dialect.name == "sqlite":
        return sqlite.Insert(table)
    # Late: who has a file does not wait for the other dialect.
    from sqlalchemy.dialects import postgresql

    return postgresql.Insert(table)  # type: ignore[return-value]
