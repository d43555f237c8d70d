"""What a scan asks of the catalog and writes to it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import batched
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from neardup_cli.catalog.models import Content, Embedding, File, Model, Preview, Region, Root, Scan
from neardup_cli.catalog.queries import StoredModel, below, path_range, stored_models
from neardup_cli.catalog.upsert import insert, upsert
from neardup_cli.records.files import Failure, Features, FileStamp, ModelIdentity
from neardup_cli.records.members import is_container, member_range
from neardup_cli.records.previews import PREVIEW_VERSION

_PAGE = 5_000
_VARIABLES = 500
_DECODED = ("format", "width", "height", "dhash", "flatness", "captured_at", "damage")


class KnownFile(NamedTuple):
    """A path as the catalog knows it; `missing_scan_id` is null while the file is there."""

    path: bytes
    size: int
    mtime_ns: int
    id: int
    root_id: int
    missing_scan_id: int | None
    ctime_ns: int | None = None
    inode: int | None = None


type KnownRow = tuple[bytes, int, int, int, int, int | None, int | None, int | None]
"""The fields of a `KnownFile`, bare: there may be a million."""


class KnownFolder(NamedTuple):
    """What the catalog knows below a folder.

    Attributes:
        rows: in the order of paths.
        errors: why the content of a file cannot be decoded, by file id, wherever it lies; few have one.
        incomplete: ids of the files of whose content something is still to compute.
    """

    rows: Iterator[KnownRow]
    errors: dict[int, str]
    incomplete: set[int]


class ContentState(NamedTuple):
    """What the catalog has of a content: nothing more to compute if `done`; a vector if `embedded`.

    `parted` says whether it has vectors of its regions, `pictured` whether it has a preview.
    """

    id: int
    done: bool
    error: str | None
    embedded: bool = False
    parted: bool = False
    pictured: bool = False


class FileRow(NamedTuple):
    """A file that was read in this scan."""

    path: bytes
    stamp: FileStamp
    digest: bytes
    root: bytes


class KnownRoot(NamedTuple):
    """A root and the device it was on at its last scan."""

    id: int
    path: bytes
    device: int


def begin_scan(connection: Connection) -> int:
    """Record that a scan has begun; return its id."""
    started = insert(connection, Scan).values(started_at=_now()).returning(Scan.c.id)
    return connection.execute(started).scalar_one()


def finish_scan(connection: Connection, scan_id: int) -> None:
    """Record that the scan came to its end."""
    connection.execute(update(Scan).where(Scan.c.id == scan_id).values(finished_at=_now()))


def known_roots(connection: Connection) -> list[KnownRoot]:
    """Return all roots."""
    return [KnownRoot(*row) for row in connection.execute(select(Root.c.id, Root.c.path, Root.c.device))]


def store_root(connection: Connection, path: bytes, device: int, scan_id: int) -> int:
    """Record a root as seen in this scan; return its id."""
    values = {"device": device, "scan_id": scan_id}
    statement = insert(connection, Root).values(path=path, **values)
    statement = statement.on_conflict_do_update(index_elements=[Root.c.path], set_=values)
    return connection.execute(statement.returning(Root.c.id)).scalar_one()


def find_model(connection: Connection, fingerprint: str, preprocessing: str) -> StoredModel | None:
    """Return the catalog's record of a model, or None where it has not been used yet."""
    wanted = (fingerprint, preprocessing)
    models = stored_models(connection)  # a handful at most
    return next((m for m in models if (m.identity.fingerprint, m.identity.preprocessing) == wanted), None)


def store_model(connection: Connection, identity: ModelIdentity, scan_id: int) -> int:
    """Record that this scan uses a model; return its id."""
    statement = insert(connection, Model).values(
        name=identity.name,
        fingerprint=identity.fingerprint,
        dimension=identity.dimension,
        preprocessing=identity.preprocessing,
        generation=0,
        scan_id=scan_id,
    )
    statement = statement.on_conflict_do_update(
        index_elements=[Model.c.fingerprint, Model.c.preprocessing],
        set_={"scan_id": scan_id, "name": identity.name},
    )
    return connection.execute(statement.returning(Model.c.id)).scalar_one()


def every_content_has_a_vector(connection: Connection, model_id: int, *, regions: bool = False) -> bool:
    """Return True if the model has embedded all decodable contents, and their regions if these are asked for.

    The usual case, cheaply seen.
    """
    contents = _count_decodable(connection)
    for table in (Embedding, Region) if regions else (Embedding,):
        query = select(func.count()).where(table.c.model_id == model_id)
        if connection.execute(query).scalar_one() != contents:
            return False
    return True


def every_content_has_a_preview(connection: Connection) -> bool:
    """Return True if all decodable contents have a preview of this version: the usual case."""
    query = select(func.count(Preview.c.content_id)).where(Preview.c.version == PREVIEW_VERSION)
    return connection.execute(query).scalar_one() == _count_decodable(connection)


def _count_decodable(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(Content.c.error.is_(None))).scalar_one()


def known_folder(
    connection: Connection,
    folder: bytes,
    model_id: int | None,
    *,
    regions: bool = False,
    previews: bool = False,
) -> KnownFolder:
    """Return what the catalog knows of the files below a folder, or of the file itself.

    Args:
        connection: a read connection; its rows come in pages, so that no long read holds up the log.
        folder: absolute path.
        model_id: a file is incomplete if its content has no vector of this model; None asks for none.
        regions: it is incomplete without the vectors of its regions too.
        previews: it is incomplete without a preview too.
    """
    needed = [
        (table.c.id, and_(table.c.content_id == File.c.content_id, table.c.model_id == model_id))
        for table in (() if model_id is None else (Embedding, Region) if regions else (Embedding,))
    ]
    if previews:
        needed.append((Preview.c.content_id, _has_preview(File.c.content_id)))
    incomplete: set[int] = set()
    for key, condition in needed:
        lacking = (
            select(File.c.id)
            .join(Content, Content.c.id == File.c.content_id)
            .outerjoin(key.table, condition)
            .where(below(folder), key.is_(None), Content.c.error.is_(None))
        )
        incomplete.update(connection.execute(lacking).scalars())
    return KnownFolder(_known_rows(connection, folder), _known_errors(connection), incomplete)


def _has_preview(content: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(Preview.c.content_id == content, Preview.c.version == PREVIEW_VERSION)


def _known_errors(connection: Connection) -> dict[int, str]:
    """Ask for the few contents first: the database would begin with all the files of a folder."""
    query = select(Content.c.id, Content.c.error).where(Content.c.error.is_not(None))
    reasons = {content: error for content, error in connection.execute(query) if error is not None}
    holding = select(File.c.id, File.c.content_id).where(
        File.c.content_id.in_(bindparam("contents", expanding=True))
    )
    return {
        file: reasons[content]
        for some in batched(reasons, _VARIABLES)
        for file, content in connection.execute(holding, {"contents": some})
    }


def _known_rows(connection: Connection, folder: bytes) -> Iterator[KnownRow]:
    columns = (
        File.c.path,
        File.c.size,
        File.c.mtime_ns,
        File.c.id,
        File.c.root_id,
        File.c.missing_scan_id,
        File.c.ctime_ns,
        File.c.inode,
    )
    yield from connection.execute(select(*columns).where(File.c.path == folder))
    page_query = (
        select(*columns)
        .where(File.c.path >= bindparam("low"), File.c.path < bindparam("high"))
        .order_by(File.c.path)
        .limit(_PAGE)
    )
    # In the order of their bytes, what is in a container comes before what is in a folder of such a name.
    for low, high in (*([member_range(folder)] if is_container(folder) else []), path_range(folder)):
        first = low
        while page := _bare(connection.execute(page_query, {"low": first, "high": high})):
            yield from page
            if len(page) < _PAGE:
                break
            first = page[-1][0] + b"\x00"  # the next possible path


def _bare(result: CursorResult[Any]) -> Sequence[Any]:
    """Return rows as the driver's tuples, sooner made than SQLAlchemy's: there may be a million."""
    assert result.cursor is not None
    rows = result.cursor.fetchall()
    result.close()
    return rows


def content_states(
    connection: Connection,
    digests: Sequence[bytes],
    model_id: int | None,
    *,
    regions: bool = False,
    previews: bool = False,
) -> dict[bytes, ContentState]:
    """Return what the catalog has of the contents with these digests; unknown ones are left out.

    Without a model, none is asked for; with `regions`, a content is not done without the vectors of these,
    with `previews` not without a preview.
    """
    query = _states_query(model_id)
    states = {}
    for some in batched(digests, _VARIABLES):
        for digest, content_id, error, *has in connection.execute(query, {"digests": some}):
            vector, region, preview = map(bool, has)
            complete = (model_id is None or (vector and (region or not regions))) and (
                preview or not previews
            )
            states[digest] = ContentState(
                content_id, complete or error is not None, error, vector, region, preview
            )
    return states


def done_digests(
    connection: Connection, model_id: int | None, *, regions: bool = False, previews: bool = False
) -> bytes:
    """Return the digests that `content_states` calls done, all of them: sorted, one right after the other."""
    query = select(Content.c.digest).order_by(Content.c.digest)
    has = []
    if model_id is not None:
        for table in (Embedding, Region) if regions else (Embedding,):
            query = query.outerjoin(
                table, and_(table.c.content_id == Content.c.id, table.c.model_id == model_id)
            )
            has.append(table.c.id.is_not(None))
    if previews:
        query = query.outerjoin(Preview, _has_preview(Content.c.id))
        has.append(Preview.c.content_id.is_not(None))
    if has:
        query = query.where(Content.c.error.is_not(None) | and_(*has))
    return b"".join(connection.execute(query).scalars())


@cache  # it is asked for every few images, and takes as long to build as to answer
def _states_query(model_id: int | None) -> Select[bytes, int, str | None, bool, bool, bool]:
    has = (Embedding.c.id.is_not(None), Region.c.id.is_not(None), Preview.c.content_id.is_not(None))
    query = select(Content.c.digest, Content.c.id, Content.c.error, *has)
    for table in (Embedding, Region):
        query = query.outerjoin(table, and_(table.c.content_id == Content.c.id, table.c.model_id == model_id))
    query = query.outerjoin(Preview, _has_preview(Content.c.id))
    return query.where(Content.c.digest.in_(bindparam("digests", expanding=True)))


def store_contents(
    connection: Connection,
    outcomes: Mapping[bytes, tuple[int, Features | Failure]],
    model_id: int | None,
    *,
    replace: bool = False,
) -> int:
    """Write what was decoded and embedded, by digest (with the content's size); return vectors written.

    A content that is there already keeps its row, unless `replace` says that it was computed anew.
    """
    if not outcomes:
        return 0
    rows = [_content_row(digest, size, outcome) for digest, (size, outcome) in outcomes.items()]
    if replace:
        fresh = tuple(name for name in rows[0] if name not in ("digest", "size"))
        statement = upsert(connection, Content, ("digest",), fresh)
    else:
        statement = insert(connection, Content).on_conflict_do_nothing(index_elements=[Content.c.digest])
    connection.execute(statement, rows)
    if model_id is None:
        return 0
    return _store_vectors(connection, outcomes, model_id, replace=replace)


def store_files(
    connection: Connection, rows: Sequence[FileRow], root_ids: Mapping[bytes, int], scan_id: int
) -> None:
    """Write files whose contents are stored; a path that is there already gets its new content."""
    if not rows:
        return
    states = content_states(connection, [row.digest for row in rows], None)
    now = time.time_ns() // 1_000_000
    values = [
        {
            "path": row.path,
            "size": row.stamp.size,
            "mtime_ns": row.stamp.mtime_ns,
            "device": row.stamp.device,
            "inode": row.stamp.inode,
            "ctime_ns": row.stamp.ctime_ns,
            "content_id": states[row.digest].id,
            "root_id": root_ids[row.root],
            "added_scan_id": scan_id,
            "missing_scan_id": None,
            "read_at": now,
        }
        for row in rows
    ]
    fresh = tuple(name for name in values[0] if name not in ("path", "added_scan_id"))
    connection.execute(upsert(connection, File, ("path",), fresh), values)


def digests_at(connection: Connection, paths: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the digest of what the catalog has at each of some paths; paths that it lacks are left out."""
    query = (
        select(File.c.path, Content.c.digest)
        .join(Content, Content.c.id == File.c.content_id)
        .where(File.c.path.in_(bindparam("paths", expanding=True)))
    )
    found: dict[bytes, bytes] = {}
    for some in batched(paths, _VARIABLES):
        found.update((path, digest) for path, digest in connection.execute(query, {"paths": some}))
    return found


def store_ctimes(connection: Connection, ctimes: Mapping[int, int]) -> None:
    """Write the ctime of unchanged files, by file id, which an older neardup did not."""
    statement = update(File).where(File.c.id == bindparam("row")).values(ctime_ns=bindparam("ctime"))
    if ctimes:
        connection.execute(statement, [{"row": row, "ctime": ctime} for row, ctime in ctimes.items()])


def forget_paths(connection: Connection, paths: Iterable[bytes]) -> None:
    """Remove the rows of files whose bytes changed and can no longer be read."""
    for_each(connection, delete(File).where(File.c.path == bindparam("row")), paths)


def mark_missing(connection: Connection, ids: Iterable[int], scan_id: int) -> None:
    """Record that this scan no longer found these files."""
    statement = update(File).where(File.c.id == bindparam("row")).values(missing_scan_id=scan_id)
    for_each(connection, statement, ids)


def mark_present(connection: Connection, ids: Iterable[int]) -> None:
    """Record that files which were missing are back, unchanged."""
    for_each(connection, update(File).where(File.c.id == bindparam("row")).values(missing_scan_id=None), ids)


def last_finished_scan(connection: Connection) -> int:
    """Return the id of the last scan that came to its end, 0 before the first."""
    query = select(func.coalesce(func.max(Scan.c.id), 0)).where(Scan.c.finished_at.is_not(None))
    return connection.execute(query).scalar_one()


def settle_moves(connection: Connection, scan_id: int) -> int:
    """Take away the old rows of files that now stand under another path.

    A file moved when its content stands under a path that is new since the last finished scan (one
    that was killed had no time to settle its moves) while an old path with that content is missing.
    Each new path accounts for one old one; what is missing beyond that stays missing.

    Returns:
        How many of the readable files that this scan added are such moves.
    """
    gone = _missing_by_content(connection)
    if not gone:
        return 0
    new = (
        select(File.c.content_id, and_(File.c.added_scan_id == scan_id, Content.c.error.is_(None)))
        .join(Content, Content.c.id == File.c.content_id)
        .where(
            # Another scan that began later may have come to its end first.
            (File.c.added_scan_id == scan_id) | (File.c.added_scan_id > last_finished_scan(connection)),
            File.c.missing_scan_id.is_(None),
        )
        .order_by(File.c.id)
    )
    settled, moved = [], 0
    for content_id, counts in connection.execute(new):
        if rows := gone.get(content_id):
            settled.append(rows.popleft())
            moved += bool(counts)
    for_each(connection, delete(File).where(File.c.id == bindparam("row")), settled)
    return moved


def damaged_files(connection: Connection, folders: Sequence[bytes]) -> list[tuple[bytes, str]]:
    """Return the present files below some folders whose decoder does not believe them, and why, by path."""
    contents = select(Content.c.id, Content.c.damage).where(
        Content.c.damage.is_not(None), Content.c.damage != ""
    )
    reasons = {content: damage for content, damage in connection.execute(contents) if damage}
    holding = select(File.c.path, File.c.content_id).where(
        File.c.content_id.in_(bindparam("contents", expanding=True)),
        File.c.missing_scan_id.is_(None),
        or_(*(below(folder) for folder in folders)),
    )
    return sorted(
        (path, reasons[content])
        for some in batched(reasons, _VARIABLES)
        for path, content in connection.execute(holding, {"contents": some})
    )


def missing_since(connection: Connection, scan_id: int) -> int:
    """Count the files that this scan was the first not to find."""
    return connection.execute(select(func.count()).where(File.c.missing_scan_id == scan_id)).scalar_one()


def _missing_by_content(connection: Connection) -> dict[int, deque[int]]:
    rows: dict[int, deque[int]] = {}
    query = (
        select(File.c.content_id, File.c.id).where(File.c.missing_scan_id.is_not(None)).order_by(File.c.id)
    )
    for content_id, file_id in connection.execute(query):
        rows.setdefault(content_id, deque()).append(file_id)
    return rows


def _content_row(digest: bytes, size: int, outcome: Features | Failure) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(_DECODED)
    if isinstance(outcome, Failure):
        row["error"] = outcome.reason
    else:
        row.update({name: getattr(outcome, name) for name in _DECODED}, error=None)
    return {"digest": digest, "size": size, **row}


def _store_vectors(
    connection: Connection,
    outcomes: Mapping[bytes, tuple[int, Features | Failure]],
    model_id: int,
    *,
    replace: bool,
) -> int:
    states = content_states(connection, list(outcomes), model_id)
    if replace:
        replaced = delete(Embedding).where(
            Embedding.c.model_id == model_id, Embedding.c.content_id == bindparam("row")
        )
        if for_each(connection, replaced, [state.id for state in states.values()]):
            raise_generation(connection, model_id)
    rows = [
        {"model_id": model_id, "content_id": states[digest].id, "vector": outcome.vector}
        for digest, (_, outcome) in outcomes.items()
        if isinstance(outcome, Features)
        and outcome.vector is not None
        and (replace or not states[digest].done)
    ]
    if rows:
        connection.execute(insert(connection, Embedding), rows)
    return len(rows)


def raise_generation(connection: Connection, model_id: int) -> None:
    """Let whoever caches vectors of a model know that stored ones were replaced or removed."""
    grown = update(Model).where(Model.c.id == model_id).values(generation=Model.c.generation + 1)
    connection.execute(grown)


def for_each(connection: Connection, statement: Update | Delete, keys: Iterable[int | bytes]) -> int:
    """Run a statement with a `row` parameter once for each key; return the rows it touched."""
    parameters = [{"row": key} for key in keys]
    if not parameters:
        return 0
    return connection.execute(statement, parameters).rowcount


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)  # SQLite stores no time zone: UTC throughout
