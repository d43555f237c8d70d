"""What a person decided about contents: "these two are no duplicates", "keep this".

Kept by content hash: a decision holds after its files were moved, renamed, rescanned or lost, and for the
same bytes wherever they turn up. Two files with the same bytes cannot be told apart, and so cannot be
called different.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from itertools import batched

from sqlalchemy import Connection, bindparam, delete, func, select

from neardup_cli.catalog.models import Content, File
from neardup_cli.catalog.models import Decision as Table
from neardup_cli.catalog.upsert import insert
from neardup_cli.catalog.verdicts import IdPair
from neardup_cli.errors import BadInput
from neardup_cli.records.decisions import Decision, Ruling

_VARIABLES = 500


def store_not_duplicates(connection: Connection, pairs: Iterable[tuple[bytes, bytes]]) -> int:
    """Record that the contents of each pair, given by digest in any order, are no duplicates of each other.

    Returns:
        How many pairs were not decided so before.

    Raises:
        BadInput: a pair names one content twice.
    """
    wanted = {(min(pair), max(pair)) for pair in pairs}
    if any(a == b for a, b in wanted):
        raise BadInput("files with the same bytes cannot be told apart, and so not be called different")
    return _store(connection, Ruling.NOT_DUPLICATES, wanted)


def store_kept(connection: Connection, digests: Iterable[bytes]) -> int:
    """Record that contents are to be kept; return how many were not before."""
    return _store(connection, Ruling.KEEP, {(digest, digest) for digest in digests})


def take_back(connection: Connection, ids: Collection[int]) -> list[Decision]:
    """Forget decisions by their ids; return those that were there."""
    found = [decision for decision in decisions(connection) if decision.id in set(ids)]
    for some in batched(found, _VARIABLES):
        connection.execute(delete(Table).where(Table.c.id.in_([decision.id for decision in some])))
    return found


def decisions(connection: Connection) -> list[Decision]:
    """Return all decisions, the oldest first."""
    rows = connection.execute(select(Table).order_by(Table.c.id))
    return [Decision(row.id, Ruling(row.ruling), row.digest_a, row.digest_b, row.decided_at) for row in rows]


def not_duplicates(connection: Connection) -> frozenset[tuple[bytes, bytes]]:
    """Return the pairs of digests, the smaller first, that are no duplicates of each other."""
    query = select(Table.c.digest_a, Table.c.digest_b).where(Table.c.ruling == Ruling.NOT_DUPLICATES)
    return frozenset((a, b) for a, b in connection.execute(query))


def not_duplicate_ids(connection: Connection) -> frozenset[IdPair]:
    """Return the pairs that are no duplicates as content ids, the smaller first, of known contents."""
    a, b = Content.alias("a"), Content.alias("b")
    query = (
        select(a.c.id, b.c.id)
        .select_from(Table)
        .join(a, a.c.digest == Table.c.digest_a)
        .join(b, b.c.digest == Table.c.digest_b)
        .where(Table.c.ruling == Ruling.NOT_DUPLICATES)
    )
    return frozenset((min(first, second), max(first, second)) for first, second in connection.execute(query))


def different_from(connection: Connection, digests: Collection[bytes]) -> dict[bytes, set[bytes]]:
    """Return for each of some contents those, all by digest, that are no duplicates of it."""
    found: dict[bytes, set[bytes]] = {digest: set() for digest in digests}
    one, other = Table.c.digest_a, Table.c.digest_b
    for given, answer in ((one, other), (other, one)):
        query = select(given, answer).where(
            Table.c.ruling == Ruling.NOT_DUPLICATES, given.in_(bindparam("digests", expanding=True))
        )
        for some in batched(digests, _VARIABLES):
            for digest, different in connection.execute(query, {"digests": some}):
                found[digest].add(different)
    return found


def kept(connection: Connection) -> frozenset[bytes]:
    """Return the digests of the contents that are to be kept."""
    query = select(Table.c.digest_a).where(Table.c.ruling == Ruling.KEEP)
    return frozenset(connection.execute(query).scalars())


def digests_of_paths(connection: Connection, paths: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the digest that the catalog has of each present path; unknown paths are left out."""
    query = (
        select(File.c.path, Content.c.digest)
        .join(Content, Content.c.id == File.c.content_id)
        .where(File.c.path.in_(bindparam("paths", expanding=True)), File.c.missing_scan_id.is_(None))
    )
    found: dict[bytes, bytes] = {}
    for some in batched(sorted(paths), _VARIABLES):
        found.update((path, digest) for path, digest in connection.execute(query, {"paths": some}))
    return found


def paths_of_digests(connection: Connection, digests: Collection[bytes]) -> dict[bytes, list[bytes]]:
    """Return the present paths of each content, in order; contents without one are left out."""
    query = (
        select(Content.c.digest, File.c.path)
        .join(Content, Content.c.id == File.c.content_id)
        .where(Content.c.digest.in_(bindparam("digests", expanding=True)), File.c.missing_scan_id.is_(None))
        .order_by(File.c.path)
    )
    found: dict[bytes, list[bytes]] = {}
    for some in batched(sorted(digests), _VARIABLES):
        for digest, path in connection.execute(query, {"digests": some}):
            found.setdefault(digest, []).append(path)
    return found


def _store(connection: Connection, ruling: Ruling, pairs: Collection[tuple[bytes, bytes]]) -> int:
    if not pairs:
        return 0
    count = select(func.count()).select_from(Table)
    before = connection.execute(count).scalar_one()
    now = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        {"ruling": ruling.value, "digest_a": a, "digest_b": b, "decided_at": now} for a, b in sorted(pairs)
    ]
    connection.execute(insert(connection, Table).on_conflict_do_nothing(), rows)
    return connection.execute(count).scalar_one() - before
