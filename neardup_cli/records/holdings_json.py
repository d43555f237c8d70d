"""Holdings as JSON has them: in the catalog, and between two processes."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import fields
from datetime import datetime
from typing import Any

from neardup_cli.records.holdings import Holdings

_NOT_STORED = "damage"  # is the content's own: a scan finds it


def holdings_facts(held: Holdings) -> dict[str, object]:
    """Return the fields that differ from those of a file that holds nothing, as JSON has them; no damage."""
    facts: dict[str, object] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(held, name)
        if name == _NOT_STORED or value == default:
            continue
        facts[name] = _ENCODED[name](value) if name in _ENCODED else value
    return facts


def holdings_of_facts(facts: dict[str, Any], damage: str) -> Holdings:
    """Return the record of such fields; what is no field of ours is left out."""
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
