"""What contents hold beside their first image, kept so that no file is opened for it twice."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import Connection, bindparam, select

from neardup_cli.catalog.models import Content, Holding
from neardup_cli.catalog.upsert import upsert
from neardup_cli.records.holdings import HOLDINGS_VERSION, Holdings

_VARIABLES = 500
_NOT_STORED = "damage"  # is the content's own: a scan finds it


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
        content: _from_json(facts, damage or "")
        for some in batched(sorted(ids), _VARIABLES)
        for content, facts, damage in connection.execute(query, {"ids": some})
    }


def store_holdings(connection: Connection, holdings: Mapping[int, Holdings]) -> None:
    """Keep holdings, by content ids, in the place of older ones."""
    if not holdings:
        return
    rows = [
        {"content_id": content, "version": HOLDINGS_VERSION, "facts": _to_json(held)}
        for content, held in sorted(holdings.items())
    ]
    connection.execute(upsert(connection, Holding, ("content_id",), ("version", "facts")), rows)


def _to_json(held: Holdings) -> dict[str, object]:
    """Return the fields that differ from those of a file that holds nothing, as JSON has them."""
    facts: dict[str, object] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(held, name)
        if name == _NOT_STORED or value == default:
            continue
        facts[name] = _ENCODED[name](value) if name in _ENCODED else value
    return facts


def _from_json(facts: dict[str, Any], damage: str) -> Holdings:
    known = {name: value for name, value in facts.items() if name in _DEFAULTS}
    decoded = {name: _DECODED[name](value) if name in _DECODED else value for name, value in known.items()}
    return Holdings(**decoded, damage=damage)


def _safe(text: str) -> str:
    """Return a text as a database takes it: PostgreSQL's JSON refuses NUL, UTF-8 half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


_DEFAULTS = {field.name: getattr(Holdings(), field.name) for field in fields(Holdings)}
_ENCODED: dict[str, Any] = {
    "captured_at": datetime.isoformat,
    "exposure": lambda pairs: [[_safe(name), _safe(value)] for name, value in pairs],
    "place": list,
    "table": list,
    "bears": lambda shares: [[name, share] for name, share in shares],
    "words": lambda words: sorted(_safe(word) for word in words),
    "frame_views": lambda views: [b64encode(view).decode() for view in views],
    **dict.fromkeys(("offset", "make", "model", "software"), _safe),
}
_DECODED: dict[str, Any] = {
    "captured_at": datetime.fromisoformat,
    "exposure": lambda pairs: tuple((name, value) for name, value in pairs),
    "place": tuple,
    "table": tuple,
    "bears": lambda shares: tuple((name, share) for name, share in shares),
    "words": frozenset,
    "frame_views": lambda views: tuple(b64decode(view) for view in views),
}
