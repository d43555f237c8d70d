"""The groups that `dups` printed last: a shell completes their names, and nothing else asks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from neardup_cli.catalog.database import Connection
from neardup_cli.catalog.models import Fact
from neardup_cli.catalog.upsert import upsert

_NAME = "groups"
_MOST = 5000  # more than anybody goes through by their names


def named_groups(connection: Connection) -> list[str]:
    """Return the names of the groups, in the order in which they were printed."""
    found = connection.execute(select(Fact.c.value).where(Fact.c.name == _NAME)).scalar_one_or_none()
    return (found or "").split()


def store_named_groups(connection: Connection, names: Sequence[str]) -> None:
    """Remember the names in place of those before."""
    row = {"name": _NAME, "value": " ".join(names[:_MOST])}
    connection.execute(upsert(connection, Fact, ("name",), ("value",)), row)
