"""What the geometric stage has said of pairs, kept so that no pair is checked twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import batched

from sqlalchemy import Connection, bindparam, select

from neardup_cli.catalog.models import Pair
from neardup_cli.catalog.upsert import insert
from neardup_cli.choices import Kind
from neardup_cli.records.matches import Alignment

_VARIABLES = 500
_COLUMNS = (
    Pair.c.matched,
    Pair.c.reason,
    Pair.c.inliers,
    Pair.c.transform,
    Pair.c.mirrored,
    Pair.c.agreement,
    Pair.c.content_a,
    Pair.c.content_b,
    Pair.c.coverage_a,
    Pair.c.coverage_b,
    Pair.c.tone,
    Pair.c.spread,
    Pair.c.kind,
    Pair.c.evidence,
)

_KEYS = tuple(column.key for column in _COLUMNS)

type IdPair = tuple[int, int]
"""Two content ids, the smaller first."""


def stored_verdicts(
    connection: Connection, pairs: Collection[IdPair], algorithm: str
) -> dict[IdPair, Alignment]:
    """Return what an algorithm has said of some pairs; those it has not seen are left out."""
    query = select(Pair.c.a_id, Pair.c.b_id, *_COLUMNS).where(
        Pair.c.algorithm == algorithm, Pair.c.a_id.in_(bindparam("firsts", expanding=True))
    )
    wanted = set(pairs)
    found = {}
    for some in batched(sorted({a for a, _ in wanted}), _VARIABLES):
        for a, b, *cells in connection.execute(query, {"firsts": some}):
            if (a, b) in wanted:
                values = dict(zip(_KEYS, cells, strict=True))
                values["transform"] = tuple(tuple(row) for row in values["transform"])
                values["kind"] = None if values["kind"] is None else Kind(values["kind"])
                found[a, b] = Alignment(**values)
    return found


def store_verdicts(connection: Connection, verdicts: Mapping[IdPair, Alignment], algorithm: str) -> None:
    """Keep verdicts; one that another process has stored meanwhile says the same and stays."""
    if not verdicts:
        return
    rows = [
        {"a_id": a, "b_id": b, "algorithm": algorithm, **{key: getattr(alignment, key) for key in _KEYS}}
        for (a, b), alignment in verdicts.items()
    ]
    connection.execute(insert(connection, Pair).on_conflict_do_nothing(), rows)
