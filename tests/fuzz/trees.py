"""Changes to JSON documents, as trees: leaves and branches are replaced, moved, doubled and dropped."""

from __future__ import annotations

import json
import random
from typing import Any

LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, 1e308, -0.0, 2**31, 2**63, 2**64, 10**400, "", "x", "/",
    "/etc/hostname", "..", "../x",
    "\0", "\ud800", "\x1b[31m", "a" * 5000, "%FF", "file:///etc/passwd", [], {}, [[]], {"": None}, "NaN",
    float("nan"), float("inf"),
)  # fmt: skip


def changed_json(data: bytes, chance: random.Random) -> bytes:
    """Change a document once to three times; what is none is left to others."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return data
    for _ in range(chance.choice((1, 1, 2, 3))):
        tree = changed_tree(tree, chance)
    if chance.random() < 0.02:
        return b"[" * 100_000
    return json.dumps(tree).encode("utf-8", "surrogatepass")


def changed_tree(tree: Any, chance: random.Random) -> Any:
    """Change one place of a tree; it may be changed in place."""
    places = list(_places(tree))
    if not places:
        return chance.choice(LEAVES)
    holder, key = chance.choice(places)
    what = chance.randrange(8)
    if what == 0:
        del holder[key]
    elif what in (1, 2):
        other, place = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[place])) if place in _keys(other) else None
    elif what == 3 and isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    elif what == 3:
        holder[chance.choice(("", "x", str(key).upper(), f"{key}_"))] = holder[key]
    elif what == 4 and isinstance(holder[key], str):
        holder[key] = _changed_text(holder[key], chance)
    elif what == 4 and isinstance(holder[key], int):
        holder[key] += chance.choice((-1, 1, 1 << 32))
    else:
        holder[key] = chance.choice(LEAVES)
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found, stack = [], [tree]
    while stack:
        holder = stack.pop()
        for key in _keys(holder):
            found.append((holder, key))
            stack.append(holder[key])
    return found


def _keys(holder: Any) -> list[Any]:
    if isinstance(holder, dict):
        return list(holder)
    return list(range(len(holder))) if isinstance(holder, list) else []


def _changed_text(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    part = chance.choice(("", "/", "/..", "/./", "\0", "\n", " ", "x", "../", ".jpg", "\u202e", "%00", "é"))
    return text[:at] + part + text[at + chance.choice((0, 0, 1, 4)) :]
