"""The small versions of images: which contents have one, and what they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import batched
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, func, or_, select, text

from neardup_cli.catalog.models import File, Preview
from neardup_cli.catalog.queries import below, ids_of_digests
from neardup_cli.catalog.upsert import upsert
from neardup_cli.records.files import Failure, Features
from neardup_cli.records.previews import DIGEST_BYTES, PREVIEW_VERSION
from neardup_cli.records.previews import Preview as Record

_VARIABLES = 500
_AT_ONCE = 100  # previews; 2 MB
_FRESH = ("version", "size", "pixels_digest", "ground", "alpha", "pixels")


class Kept(NamedTuple):
    """How many previews there are, and how many bytes their files take."""

    number: int
    size: int


def store_previews(connection: Connection, outcomes: Mapping[bytes, tuple[int, Features | Failure]]) -> int:
    """Write the previews of contents that are stored, by digest, in the place of older ones; count them."""
    came = {
        digest: outcome.preview
        for digest, (_, outcome) in outcomes.items()
        if isinstance(outcome, Features) and outcome.preview is not None
    }
    if not came:
        return 0
    ids = ids_of_digests(connection, came)
    rows = [
        {
            "content_id": ids[digest],
            "version": PREVIEW_VERSION,
            "size": preview.size,
            "pixels_digest": preview.pixels_digest,
            "ground": preview.ground,
            "alpha": preview.alpha,
            "pixels": preview.pixels,
        }
        for digest, preview in came.items()
    ]
    connection.execute(upsert(connection, Preview, ("content_id",), _FRESH), rows)
    return len(rows)


def stored_preview(connection: Connection, content: int) -> Record | None:
    """Return the preview of a content; None where it has none that this version made."""
    return dict(stored_previews(connection, [content])).get(content)


def stored_previews(connection: Connection, contents: Collection[int]) -> Iterator[tuple[int, Record]]:
    """Yield the previews of some contents, by id; those that have none of this version are left out."""
    query = select(
        Preview.c.content_id, Preview.c.pixels, Preview.c.pixels_digest, Preview.c.alpha, Preview.c.ground
    ).where(Preview.c.version == PREVIEW_VERSION, Preview.c.content_id.in_(bindparam("ids", expanding=True)))
    for some in batched(sorted(contents), _AT_ONCE):
        for content, pixels, digest, alpha, ground in connection.execute(query, {"ids": some}).all():
            yield content, Record(pixels, digest, alpha, ground)


def previews_after(connection: Connection, content: int) -> list[tuple[int, Record]]:
    """Return the next page of previews of this version, of contents after one, in order of their ids."""
    query = (
        select(
            Preview.c.content_id, Preview.c.pixels, Preview.c.pixels_digest, Preview.c.alpha, Preview.c.ground
        )
        .where(Preview.c.version == PREVIEW_VERSION, Preview.c.content_id > content)
        .order_by(Preview.c.content_id)
        .limit(_AT_ONCE)
    )
    return [
        (found, Record(pixels, digest, alpha, ground))
        for found, pixels, digest, alpha, ground in connection.execute(query)
    ]


def contents_with_previews(connection: Connection, contents: Collection[int]) -> set[int]:
    """Return which of some contents have a preview of this version; no preview is read."""
    query = select(Preview.c.content_id).where(
        Preview.c.version == PREVIEW_VERSION, Preview.c.content_id.in_(bindparam("ids", expanding=True))
    )
    found: set[int] = set()
    for some in batched(sorted(contents), _VARIABLES):
        found.update(connection.execute(query, {"ids": some}).scalars())
    return found


def kept_previews(connection: Connection) -> Kept:
    """Count all previews, of whatever version."""
    number, size = connection.execute(
        select(func.count(Preview.c.content_id), func.coalesce(func.sum(Preview.c.size), 0))
    ).one()
    return Kept(number, int(size))


def wrong_previews(connection: Connection) -> list[int]:
    """Return the contents whose preview's files are not of the size that is noted, or have no beginning.

    Whether they can be decoded is for others to see.
    """
    length = func.length(Preview.c.pixels) + func.coalesce(func.length(Preview.c.alpha), 0)
    return list(
        connection.execute(
            select(Preview.c.content_id).where(
                or_(length != Preview.c.size, func.length(Preview.c.pixels_digest) != DIGEST_BYTES)
            )
        ).scalars()
    )


def forget_previews(connection: Connection, contents: Collection[int]) -> None:
    """Remove the previews of some contents."""
    _erasing(connection)
    statement = delete(Preview).where(Preview.c.content_id.in_(bindparam("ids", expanding=True)))
    for some in batched(sorted(contents), _VARIABLES):
        connection.execute(statement, {"ids": some})


def forget_previews_below(connection: Connection, folders: Sequence[bytes]) -> int:
    """Remove the previews of all contents that a file below some folders holds, there or not; count them."""
    _erasing(connection)
    held = or_(*(below(folder) for folder in folders))
    return connection.execute(delete(Preview).where(_has_file(held))).rowcount


def forget_previews_of_gone_files(connection: Connection) -> int:
    """Remove the previews of contents that no file holds any more; count them.

    A file that cannot be reached is not gone.
    """
    _erasing(connection)
    gone = delete(Preview).where(~_has_file(File.c.missing_scan_id.is_(None)))
    return connection.execute(gone).rowcount


def _has_file(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(and_(File.c.content_id == Preview.c.content_id, condition))


def _erasing(connection: Connection) -> None:
    """Have SQLite overwrite with zeros what it deletes: whoever removes pictures wants them gone."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete = ON"))
