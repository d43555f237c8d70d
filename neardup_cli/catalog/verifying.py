"""Which files were read when, for `doctor --verify-files`; a scan notes it, too."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import batched
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from neardup_cli.catalog.models import Content, Fact, File
from neardup_cli.catalog.upsert import upsert

_PAGE = 5_000
_UNDER_WAY = "verifying files since"


class FileToVerify(NamedTuple):
    """A present file, and what it was when it was read last."""

    id: int
    path: bytes
    size: int
    mtime_ns: int
    root_id: int
    digest: bytes


class Amount(NamedTuple):
    """A number of files, and their bytes."""

    files: int
    bytes: int


def amounts(connection: Connection, since: datetime | None) -> tuple[Amount, Amount]:
    """Return how much is to be verified, and how much was read since then (UTC) and is not."""
    query = select(func.count(), func.coalesce(func.sum(File.c.size), 0)).where(
        File.c.missing_scan_id.is_(None)
    )
    all_files, all_bytes = connection.execute(query).one()
    if since is None:
        return Amount(all_files, int(all_bytes)), Amount(0, 0)
    spared, spared_bytes = connection.execute(query.where(File.c.read_at >= _noted(since))).one()
    return Amount(all_files - spared, int(all_bytes) - int(spared_bytes)), Amount(spared, int(spared_bytes))


def files_to_verify(connection: Connection, since: datetime | None, after: bytes = b"") -> list[FileToVerify]:
    """Return the first present files that were not read since then (UTC), by path; `after` gives the next.

    A page at a time: whoever reads them for hours must not hold up the log with one long look.
    """
    columns = (File.c.id, File.c.path, File.c.size, File.c.mtime_ns, File.c.root_id, Content.c.digest)
    query = (
        select(*columns)
        .join(Content, Content.c.id == File.c.content_id)
        .where(File.c.missing_scan_id.is_(None), File.c.path > after)
        .order_by(File.c.path)
        .limit(_PAGE)
    )
    if since is not None:
        query = query.where(or_(File.c.read_at.is_(None), File.c.read_at < _noted(since)))
    return [FileToVerify(*row) for row in connection.execute(query)]


def store_read(connection: Connection, ids: Collection[int], when: datetime | None) -> None:
    """Record that files were read at a time (UTC) and were what they had been; None: they were not."""
    statement = (
        update(File)
        .where(File.c.id.in_(bindparam("ids", expanding=True)))
        .values(read_at=None if when is None else _noted(when))
    )
    for some in batched(ids, 500):
        connection.execute(statement, {"ids": some})


def _noted(moment: datetime) -> int:
    """Return a moment in UTC as `file.read_at` has it: whole milliseconds since 1970."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def unfinished_since(connection: Connection) -> datetime | None:
    """Return when the verification began (UTC) that did not come to its end; None if there is none."""
    found = connection.execute(select(Fact.c.value).where(Fact.c.name == _UNDER_WAY)).scalar_one_or_none()
    return None if found is None else datetime.fromisoformat(found)


def set_unfinished(connection: Connection, since: datetime | None) -> None:
    """Record that a verification has begun, or, with None, that it came to its end."""
    if since is None:
        connection.execute(delete(Fact).where(Fact.c.name == _UNDER_WAY))
    else:
        row = {"name": _UNDER_WAY, "value": since.isoformat()}
        connection.execute(upsert(connection, Fact, ("name",), ("value",)), row)
