"""Saving what can be believed of a damaged catalog into a new one; the damaged file stays beside it.

Where the file has a seal, its wrong pages are taken out before SQLite reads it, so that no row comes from
them; the first page, without which nothing can be read, is put back from the seal. Rows on other pages are
what neardup wrote. Without a seal nobody knows that: then only what a person or a clean-up said and what a
scan found are taken, each row as far as it makes sense, and what follows from them is computed again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from neardup_cli.catalog import newest
from neardup_cli.catalog.models import METADATA
from neardup_cli.catalog.seal import Seal, logged_pages
from neardup_cli.catalog.sealing import SealedFile, is_database
from neardup_cli.catalog.sqlite import PATIENCE, SqliteBackend, opening, writer_lock
from neardup_cli.catalog.unsealed import DERIVED, LEARNED
from neardup_cli.errors import CatalogCorrupt, NotACatalog

_ESSENTIAL = ("fact", "scan", "root", "model", "content", "file", "decision", "batch", "operation")
_JOURNAL = ("emptied_folder", "written_sidecar")
_VECTORS = ("embedding", "region")
"""In the order in which rows point at each other, as those of `unsealed`, of which what is derived goes whole
or not at all."""

_NO_REPAIR = "restore a backup, or move it away and scan again"

_LOST = b"(lost " + token_hex(4).encode() + b")"
_LOST_PAGE = b"\xff" + b"".join([_LOST] * 4400)
"""What stands where a wrong page was. SQLite takes it neither for a page of rows nor, where the end of a long
row should be, for a pointer to one more page; and where it is that end, the row says so."""

_TAIL = 6  # bytes at the end of a row by which it is seen that they are not its own

_SENSIBLE = {
    "content": "length(digest) = 32 AND size >= 0 AND (error IS NOT NULL OR dhash IS NOT NULL AND width > 0)",
    "file": "typeof(path) = 'blob' AND length(path) > 0 AND size >= 0 AND typeof(mtime_ns) = 'integer'",
    "root": "typeof(path) = 'blob' AND length(path) > 0",
    "decision": "ruling IN ('not-duplicates', 'keep') AND length(digest_a) = 32 AND length(digest_b) = 32",
    "operation": "typeof(path) = 'blob' AND length(path) > 0 AND size >= 0",
}
"""What a row has to be where no seal says that it is what was written."""


@dataclass(slots=True)
class Salvaged:
    """What became of a damaged catalog.

    Attributes:
        aside: where the damaged file is now.
        rows: taken over, by table.
        incomplete: tables of which rows were lost, or may have been.
    """

    aside: Path
    rows: dict[str, int] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)


def salvage(path: Path) -> Salvaged:
    """Put a new catalog with everything that can be saved in the place of a damaged one, which is kept aside.

    Raises:
        NotACatalog, CatalogCorrupt: nothing of it can be read; it stays as it is.
        CatalogBusy: a scan is at it.
        CatalogError, DiskFull: a file cannot be written; the catalog stays as it is.
    """
    with opening(path), writer_lock(path):
        return _salvage(path)


def _salvage(path: Path) -> Salvaged:
    stem = f"{path.name}.{token_hex(4)}"
    copy, new = path.with_name(f"{stem}.copy.part"), path.with_name(f"{stem}.new.part")
    try:
        sealed = _readable_copy(path, copy)
        result = Salvaged(_aside(path))
        _fill(path, copy, new, result, sealed=sealed)
        _exchange(path, new, result.aside)
        _seal(path)
    finally:
        for file in (copy, new):
            for suffix in ("", "-wal", "-shm", "-journal", ".seal", ".lock"):
                Path(f"{file}{suffix}").unlink(missing_ok=True)
    return result


def _seal(path: Path) -> None:
    """Seal what was saved: it is what neardup wrote, and what was concluded from it is believed."""
    file = SealedFile(path, PATIENCE)
    try:
        file.adopt(is_believed=True)
    finally:
        file.let_go()


def _readable_copy(path: Path, copy: Path) -> bool:
    """Copy a catalog without its wrong pages; return whether a seal says which these are."""
    shutil.copyfile(path, copy)
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{path}-wal", f"{copy}-wal")
    seal = Seal.read(path)
    with open(copy, "r+b") as stream:
        handle = stream.fileno()
        if seal is None or not (seal.folding or seal.is_of(handle) or not is_database(handle)):
            return False
        for number in seal.wrong_pages(stream.fileno(), logged_pages(path)):
            stream.seek((number - 1) * seal.page_size)
            stream.write(seal.sound_copy(number) or _LOST_PAGE[: seal.page_size])
        if not logged_pages(path):
            stream.truncate(seal.pages * seal.page_size)
    return True


def _fill(path: Path, copy: Path, new: Path, result: Salvaged, *, sealed: bool) -> None:
    """Make a new catalog and take over all rows that can be read."""
    SqliteBackend.open(new, create=True).close()
    with closing(sqlite3.connect(copy)) as old, closing(sqlite3.connect(new)) as fresh:
        old.text_factory = lambda data: data.decode("utf-8", "replace")
        tables = _tables_of(old, path)
        fresh.execute("PRAGMA foreign_keys = ON")
        fresh.execute("BEGIN IMMEDIATE")
        ((own_uuid,),) = fresh.execute("SELECT value FROM fact WHERE name = 'uuid'")
        fresh.execute("DELETE FROM fact")
        for table in (*_ESSENTIAL, *_JOURNAL, *((*_VECTORS, *LEARNED) if sealed else ())):
            if table in tables:
                _take_rows(old, fresh, table, result, None if sealed else _SENSIBLE.get(table))
        _take_decisions(old, fresh, result)
        if sealed:
            _take_derived(old, fresh, tables, result)
        fresh.execute("INSERT OR IGNORE INTO fact VALUES ('uuid', ?)", (own_uuid,))
        # An index file may hold vectors that were lost.
        fresh.execute("UPDATE model SET generation = generation + 1")
        fresh.execute("COMMIT")
        said = [line for (line,) in fresh.execute("PRAGMA integrity_check(1)")]
        if said != ["ok"] or not any(result.rows.values()):
            raise CatalogCorrupt(f"nothing of {path} can be read: {_NO_REPAIR}")


def _tables_of(old: sqlite3.Connection, path: Path) -> set[str]:
    try:
        found = {name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as exc:
        raise CatalogCorrupt(f"nothing of {path} can be read ({exc}): {_NO_REPAIR}") from exc
    if not {"content", "file"} <= found:
        raise NotACatalog(f"{path} is not a neardup catalog")
    return found


def _take_rows(
    old: sqlite3.Connection, fresh: sqlite3.Connection, table: str, result: Salvaged, sensible: str | None
) -> None:
    """Take the rows of a table over, one after the other, around what cannot be read."""
    names = _common_columns(old, table)
    columns, marks = ", ".join(names), ", ".join("?" * len(names))
    insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
    taken, gaps = 0, False
    for rows in _rows(old, table, columns, sensible):
        if rows is None:
            gaps = True
            continue
        for row in rows:
            if _is_lost(row):
                gaps = True
                continue
            _name_scans(fresh, names, row)
            try:
                taken += fresh.execute(insert, row).rowcount
            except sqlite3.IntegrityError:  # it points at a row that was lost
                gaps = True
    result.rows[table] = taken
    if gaps or sensible is not None:
        result.incomplete.append(table)


def _unless_lost(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        if _is_lost(row):
            raise sqlite3.DatabaseError("a part of a row is lost")
        yield row


def _is_lost(row: tuple[object, ...]) -> bool:
    """Return True if a part of a row comes from a page that was wrong."""
    return any(
        _LOST in value or value[-_TAIL:] in _LOST_PAGE[: 2 * len(_LOST)]
        for value in (one.encode() if isinstance(one, str) else one for one in row)
        if isinstance(value, bytes) and len(value) > 1000
    )


def _name_scans(fresh: sqlite3.Connection, names: list[str], row: tuple[object, ...]) -> None:
    """Make up the scans that a row names and that were lost: only their times are."""
    for name, value in zip(names, row, strict=True):
        if name.endswith("scan_id") and isinstance(value, int):
            fresh.execute("INSERT OR IGNORE INTO scan (id, started_at) VALUES (?, '1970-01-01')", (value,))


def _take_decisions(old: sqlite3.Connection, fresh: sqlite3.Connection, result: Salvaged) -> None:
    """Take decisions that were lost from their index, which repeats all of them but their time."""
    condition = _SENSIBLE["decision"]
    query = f"""SELECT id, ruling, digest_a, digest_b, '1970-01-01 00:00:00.000000'
        FROM decision INDEXED BY sqlite_autoindex_decision_1 WHERE ruling >= '' AND {condition}"""
    with suppress(sqlite3.DatabaseError):
        insert = "INSERT OR IGNORE INTO decision (id, ruling, digest_a, digest_b, decided_at)"
        rows = fresh.executemany(f"{insert} VALUES (?, ?, ?, ?, ?)", old.execute(query))
        result.rows["decision"] = result.rows.get("decision", 0) + max(0, rows.rowcount)


def _take_derived(
    old: sqlite3.Connection, fresh: sqlite3.Connection, tables: set[str], result: Salvaged
) -> None:
    """Take over what follows from other rows, where all of it is there; else it is made again."""
    for table in DERIVED:
        if table not in tables:
            continue
        columns = ", ".join(_common_columns(old, table))
        marks = ", ".join("?" * (columns.count(",") + 1))
        fresh.execute("SAVEPOINT derived")
        try:
            rows = _unless_lost(old.execute(f"SELECT {columns} FROM {table}"))
            taken = fresh.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows).rowcount
        except sqlite3.DatabaseError:
            fresh.execute("ROLLBACK TO derived")
            result.incomplete.append(table)
        else:
            result.rows[table] = max(0, taken)
        fresh.execute("RELEASE derived")
    for lists, join in (("neighbour", "vector_join"), ("region_neighbour", "region_join")):
        if lists in result.incomplete or join in result.incomplete or "embedding" in result.incomplete:
            fresh.execute(f"DELETE FROM {lists}")
            fresh.execute(f"DELETE FROM {join}")


def _common_columns(old: sqlite3.Connection, table: str) -> list[str]:
    known = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    return [column.name for column in METADATA.tables[table].columns if column.name in known]


def _rows(
    old: sqlite3.Connection, table: str, columns: str, sensible: str | None
) -> Iterator[list[tuple[object, ...]] | None]:
    """Yield rows in the order of their row ids, and None for each stretch that cannot be read."""
    condition = f" AND {sensible}" if sensible else ""
    query = f"SELECT rowid, {columns} FROM {table} NOT INDEXED WHERE rowid >= ?{condition} ORDER BY rowid"
    start: int | None = 0
    while start is not None:
        rows: list[tuple[object, ...]] = []
        last = start - 1
        try:
            for row in old.execute(query, (start,)):
                rows.append(row[1:])
                last = row[0]
        except sqlite3.DatabaseError:
            yield rows
            yield None
            start = _next_readable(old, table, last)
        else:
            yield rows
            start = None


def _next_readable(old: sqlite3.Connection, table: str, last: int) -> int | None:
    """Return a row id behind the stretch that begins after `last`, from which on rows can be read again.

    A page that cannot be read stands for a range of row ids: above it, looking one up works again, whether it
    is there or not. The steps grow until one does.
    """
    step, low = 1, last + 1
    while step < 2**62:
        candidate = min(low + step, 2**63 - 1)
        if _can_read(old, table, candidate):
            return _least_readable(old, table, low, candidate)
        if candidate == 2**63 - 1:
            return None
        step *= 2
    return None


def _least_readable(old: sqlite3.Connection, table: str, low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        if _can_read(old, table, middle):
            high = middle
        else:
            low = middle + 1
    return high


def _can_read(old: sqlite3.Connection, table: str, row: int) -> bool:
    try:
        old.execute(f"SELECT rowid FROM {table} NOT INDEXED WHERE rowid >= ? LIMIT 1", (row,)).fetchone()
        old.execute(f"SELECT rowid FROM {table} NOT INDEXED WHERE rowid = ?", (row,)).fetchone()
    except sqlite3.DatabaseError:
        return False
    return True


def _aside(path: Path) -> Path:
    """Return a name that nothing has."""
    name = f"{path.name}.damaged-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}"
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next(free for free in map(path.with_name, names) if not os.path.lexists(free))


def _exchange(path: Path, new: Path, aside: Path) -> None:
    """Put the new file into the place of the old one, which is kept aside with what belongs to it."""
    with open(new, "rb") as stream:
        os.fsync(stream.fileno())
    os.chmod(new, os.stat(path).st_mode & 0o777)
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        os.rename(path, aside)
    newest.forget(path)
    for suffix in ("-wal", ".seal"):
        with suppress(FileNotFoundError):
            if os.path.getsize(f"{path}{suffix}"):
                os.replace(f"{path}{suffix}", f"{aside}{suffix}")
            else:
                os.unlink(f"{path}{suffix}")
    with suppress(FileNotFoundError):
        os.unlink(f"{path}-shm")
    os.replace(new, path)
