"""Statements that are compiled once a process, however many catalogs its tests open.

SQLAlchemy keeps what it has compiled with the engine, and each test has engines of its own: without this, a
quarter of what the tests of catalogs do is spelling the same SQL again. A command opens one catalog and has
nothing to share.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Engine

_COMPILED: dict[type, Any] = {}


def share_compiled_statements() -> None:
    """Let engines of one kind of database share the cache that each would fill for itself."""
    create = sqlalchemy.create_engine

    def create_sharing(*arguments: Any, **options: Any) -> Engine:
        engine = create(*arguments, **options)
        kind: Any = type(engine.dialect)
        if kind not in _COMPILED:
            _COMPILED[kind] = engine._compiled_cache
            # What is compiled is kept by dialect: one of a kind is as good as the other.
            kind.__eq__ = lambda one, other: type(one) is type(other)
            kind.__hash__ = lambda one: hash(type(one))
        engine._compiled_cache = _COMPILED[kind]
        return engine

    sqlalchemy.create_engine = create_sharing
