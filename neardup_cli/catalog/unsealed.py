"""What can be said of a catalog file that came without its seal, and what of it is not believed.

SQLite finds damage where its structure breaks, and references that point nowhere. A vector shows by its
length that it is none any more. A wrong byte anywhere else looks as if it had been written so: what was
concluded from images, from which acts follow, is therefore concluded again. The rest is compared with the
files themselves before anything is acted upon: paths and digests, by reading the file.
"""

from __future__ import annotations

import sqlite3

LEARNED = ("pair", "holding")
"""Tables of what was found out about images, each row for itself, …"""

DERIVED = ("proof", "vector_join", "neighbour", "region_join", "region_neighbour")
"""… and of what follows from other rows."""

_VECTORS = {"embedding": "vector", "region": "vectors"}
_UNIT_TOLERANCE = 5e-3  # float16 keeps 11 bits of each coordinate


def first_wrong(connection: sqlite3.Connection, *, is_believed: bool = False) -> str:
    """Return what is wrong with a catalog, as far as it can be known without a seal; empty if nothing is.

    Args:
        connection: of the file.
        is_believed: neardup wrote it for certain, perhaps an older one, whose vectors may lie elsewhere.

    Raises:
        sqlite3.Error: it cannot even be read.
    """
    said = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(1)") if line != "ok"]
    if said:
        return said[0]
    if lost := connection.execute("PRAGMA foreign_key_check").fetchone():
        return f"row {lost[1]} of {lost[0]} points nowhere"
    for table in () if is_believed else _VECTORS:
        if (content := _without_unit_vector(connection, table)) is not None:
            return f"the {table} of content {content} has not the length of one"
    return ""


def forget_conclusions(connection: sqlite3.Connection) -> int:
    """Remove what was concluded from images, in the transaction of a connection; return how many rows."""
    tables = {*LEARNED, *DERIVED} & _tables(connection)
    return sum(connection.execute(f"DELETE FROM {table}").rowcount for table in sorted(tables))


def _tables(connection: sqlite3.Connection) -> set[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(name) for (name,) in found}


def _without_unit_vector(connection: sqlite3.Connection, table: str) -> int | None:
    """Return a content of which a vector is neither of length one nor all zeros."""
    rows = connection.execute(
        f"SELECT content_id, dimension, {_VECTORS[table]} FROM {table} JOIN model ON model.id = model_id"
    )
    for content, dimension, data in rows:
        import numpy as np  # late: most who open a catalog read no vectors

        if not dimension or len(data) % (2 * dimension):
            return int(content)
        vectors = np.frombuffer(data, "<f2").reshape(-1, dimension).astype(np.float32)
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(vectors, axis=1)
        if not ((np.abs(lengths - 1) < _UNIT_TOLERANCE) | (lengths == 0)).all():
            return int(content)
    return None
