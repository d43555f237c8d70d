"""Whether a catalog file is as new as the last work that was done in it.

What is committed stands in the write-ahead log until that is folded into the file. A log that was cut, or is
not there any more, is no damage to SQLite: the catalog just reads as it was before. So transactions are
counted, in the catalog and, while there is a log, in a small file beside it, that is written after each of
them. It is not synchronised: after a power cut it may be behind, and then says nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3
from sqlalchemy import Connection, text

SUFFIX = ".newest"

_COUNT = text(
    "INSERT INTO fact (name, value) VALUES ('commits', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
)
_COUNTED = text("SELECT name, value FROM fact WHERE name IN ('uuid', 'commits')")
_CHECK = 16


class State(NamedTuple):
    """Which catalog it is, and how many transactions have written to it."""

    uuid: str
    commits: int


def counted(connection: Connection) -> State:
    """Return the state of a catalog."""
    facts = {str(row.name): str(row.value) for row in connection.execute(_COUNTED)}
    commits = facts.get("commits", "0")
    return State(facts.get("uuid", ""), int(commits) if commits.isdecimal() else 0)


def count(connection: Connection) -> State:
    """Count the transaction that this connection is in; return the state after it."""
    connection.execute(_COUNT)
    return counted(connection)


def note(catalog: Path, state: State) -> None:
    """Note that a state was committed; who cannot write that goes without."""
    line = f"{state.uuid} {state.commits:020d}"
    data = f"{line} {_check(line)}\n".encode()
    with suppress(OSError):
        handle = os.open(_path(catalog), os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)


def noted(catalog: Path) -> State | None:
    """Return the state that was noted last; None where there is no note, or none that can be believed."""
    try:
        uuid, commits, check = _path(catalog).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    believed = check == _check(f"{uuid} {commits}") and commits.isdecimal()
    return State(uuid, int(commits)) if believed else None


def forget(catalog: Path) -> None:
    """Take the note away: there is no log any more."""
    with suppress(OSError):
        _path(catalog).unlink()


def missing(catalog: Path, now: State) -> str | None:
    """Say that the last work is not in a catalog, if a note says so."""
    last = noted(catalog)
    if last is None or last.uuid != now.uuid or last.commits <= now.commits:
        return None
    return (
        f"catalog {catalog} is older than what was done last: its log ({catalog.name}-wal) was cut off, or "
        "is not there; scan again, and see `neardup undo --from` for what a clean-up has moved"
    )


def _path(catalog: Path) -> Path:
    return catalog.with_name(catalog.name + SUFFIX)


def _check(line: str) -> str:
    return blake3(line.encode()).hexdigest()[:_CHECK]
