"""What contents hold beside their first image, kept so that no file is opened for it twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import batched

from sqlalchemy import Connection, bindparam, select

from neardup_cli.catalog.models import Content, Holding
from neardup_cli.catalog.upsert import upsert
from neardup_cli.records.holdings import HOLDINGS_VERSION, Holdings
from neardup_cli.records.holdings_json import holdings_facts, holdings_of_facts

_VARIABLES = 500


def stored_holdings(connection: Connection, ids: Collection[int]) -> dict[int, Holdings]:
    """Return what is stored of some contents, by their ids, with the damage that a scan found.

    Those that nobody has looked at, or an older version of the program, are left out.
    """
    query = (
        select(Holding.c.content_id, Holding.c.facts, Content.c.damage)
        .join(Content, Content.c.id == Holding.c.content_id)
        .where(
            Holding.c.version == HOLDINGS_VERSION, Holding.c.content_id.in_(bindparam("ids", expanding=True))
        )
    )
    return {
        content: holdings_of_facts(facts, damage or "")
        for some in batched(sorted(ids), _VARIABLES)
        for content, facts, damage in connection.execute(query, {"ids": some})
    }


def store_holdings(connection: Connection, holdings: Mapping[int, Holdings]) -> None:
    """Keep holdings, by content ids, in the place of older ones."""
    if not holdings:
        return
    rows = [
        {"content_id": content, "version": HOLDINGS_VERSION, "facts": holdings_facts(held)}
        for content, held in sorted(holdings.items())
    ]
    connection.execute(upsert(connection, Holding, ("content_id",), ("version", "facts")), rows)
