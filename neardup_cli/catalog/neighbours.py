"""The stored neighbour lists: what the vectors of a model had in common when they were last compared.

All of it follows from the vectors; see `models.NeighbourColumns` and `pipeline/join.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from neardup_cli.catalog.models import Content, Embedding, File, Neighbour, VectorJoin
from neardup_cli.catalog.queries import StoredModel, StoredVectors
from neardup_cli.catalog.upsert import insert, upsert
from neardup_cli.errors import CatalogCorrupt

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAGE = 20_000
_VARIABLES = 500
_NO_BEST = -2.0


class StoredJoin(NamedTuple):
    """How the lists of a model came about; see `models.VectorJoinColumns`."""

    kind: str
    depth: int
    floor: float
    revision: int


class PresentVectors(NamedTuple):
    """The contents that have a present file and a vector, in order of content id.

    Attributes:
        ids: (n,) content ids.
        rows: (n,) row ids of their embeddings: a vector that is replaced gets a new one.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]


class ListedVectors(NamedTuple):
    """The contents that have a list, in order of content id, and whether each list is complete."""

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    settled: NDArray[np.bool_]


class StoredLists(NamedTuple):
    """A page of lists, one after the other.

    Attributes:
        owners: (m,) content ids, ascending.
        lengths: (m,) entries of each.
        others: (sum of lengths,) content ids.
        similarities: (sum of lengths,) float32.
    """

    owners: NDArray[np.int64]
    lengths: NDArray[np.int64]
    others: NDArray[np.int64]
    similarities: NDArray[np.float32]


class NeighbourRow(NamedTuple):
    """A list to store: ids and similarities as arrays, nearest first."""

    content: int
    embedding: int
    settled: bool
    others: NDArray[np.int64]
    similarities: NDArray[np.float32]


def present_vectors(connection: Connection, model: StoredModel) -> PresentVectors:
    """Return the vectors of a model that take part in a join."""
    present = select(File.c.content_id).where(File.c.missing_scan_id.is_(None))
    unreadable = select(Content.c.id).where(Content.c.error.is_not(None))
    query = (
        select(Embedding.c.content_id, Embedding.c.id)
        .where(
            Embedding.c.model_id == model.id,
            Embedding.c.content_id.in_(present),
            Embedding.c.content_id.not_in(unreadable),
        )
        .order_by(Embedding.c.content_id)
    )
    return PresentVectors(*_columns(connection, query, 2))


def stored_join(connection: Connection, model: StoredModel) -> StoredJoin | None:
    """Return how a model's lists came about; None where there are none yet."""
    query = select(VectorJoin.c.kind, VectorJoin.c.depth, VectorJoin.c.floor, VectorJoin.c.revision)
    row = connection.execute(query.where(VectorJoin.c.model_id == model.id)).one_or_none()
    return None if row is None else StoredJoin(*row)


def count_lists(connection: Connection, model: StoredModel) -> int:
    """Return how many contents have a complete list."""
    query = select(func.count()).where(Neighbour.c.model_id == model.id, Neighbour.c.settled)
    return connection.execute(query).scalar_one()


def listed_vectors(connection: Connection, model: StoredModel) -> ListedVectors:
    """Return which vectors have a list."""
    query = (
        select(Neighbour.c.content_id, Neighbour.c.embedding_id, Neighbour.c.settled)
        .where(Neighbour.c.model_id == model.id)
        .order_by(Neighbour.c.content_id)
    )
    ids, rows, settled = _columns(connection, query, 3)
    return ListedVectors(ids, rows, settled.astype(bool))


def listed_contents(connection: Connection, model: StoredModel) -> NDArray[np.int64]:
    """Return which contents have a list, ascending."""
    query = select(Neighbour.c.content_id).where(Neighbour.c.model_id == model.id)
    (ids,) = _columns(connection, query.order_by(Neighbour.c.content_id), 1)
    return ids


def stored_lists(connection: Connection, model: StoredModel, at_least: float = -2.0) -> Iterator[StoredLists]:
    """Yield the lists whose first entry is at least as similar, in pages, in order of their owners.

    Raises:
        CatalogCorrupt: a list is not what a join stored.
    """
    query = (
        select(Neighbour.c.content_id, Neighbour.c.others, Neighbour.c.similarities)
        .where(Neighbour.c.model_id == model.id, Neighbour.c.best >= at_least)
        .order_by(Neighbour.c.content_id)
    )
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        for page in result.partitions(_PAGE):
            owners, others, similarities = zip(*page, strict=True)
            lengths = np.fromiter(map(len, similarities), np.int64, len(page))
            if (lengths % 4).any() or (
                np.fromiter(map(len, others), np.int64, len(page)) != lengths * 2
            ).any():
                raise CatalogCorrupt("the stored neighbour lists are damaged: run `neardup doctor --repair`")
            yield StoredLists(
                np.array(owners, np.int64),
                lengths // 4,
                np.frombuffer(b"".join(others), "<i8"),
                np.frombuffer(b"".join(similarities), "<f4"),
            )


def vectors_of(connection: Connection, model: StoredModel, ids: Sequence[int]) -> Iterator[StoredVectors]:
    """Yield the vectors of the given contents that have one, in pages, in no promised order."""
    query = select(Embedding.c.id, Embedding.c.content_id, Embedding.c.vector).where(
        Embedding.c.model_id == model.id, Embedding.c.content_id.in_(bindparam("ids", expanding=True))
    )
    for some in batched(ids, _VARIABLES):
        if page := connection.execute(query, {"ids": some}).all():
            rows, contents, blobs = zip(*page, strict=True)
            vectors = np.frombuffer(b"".join(blobs), "<f2").reshape(len(page), -1)
            yield StoredVectors(np.array(rows, np.int64), np.array(contents, np.int64), vectors)


def begin_lists(connection: Connection, model: StoredModel, kind: str, depth: int, floor: float) -> None:
    """Forget all lists of a model and record how the next ones are made."""
    forget_lists(connection, model)
    values = {"kind": kind, "depth": depth, "floor": floor, "revision": 0}
    connection.execute(insert(connection, VectorJoin).values(model_id=model.id, **values))


def forget_lists(connection: Connection, model: StoredModel) -> None:
    """Remove all that was stored of a model's neighbours: the next join begins anew."""
    connection.execute(delete(Neighbour).where(Neighbour.c.model_id == model.id))
    connection.execute(delete(VectorJoin).where(VectorJoin.c.model_id == model.id))


def take_turn(connection: Connection, model: StoredModel, seen: StoredJoin) -> bool:
    """Claim the next change to a model's lists; False if another process changed them meanwhile."""
    statement = (
        update(VectorJoin)
        .where(VectorJoin.c.model_id == model.id, VectorJoin.c.revision == seen.revision)
        .values(revision=seen.revision + 1)
    )
    return connection.execute(statement).rowcount == 1


def change_kind(connection: Connection, model: StoredModel, kind: str, depth: int) -> None:
    """Record that lists are made in another way from now on, and count up to a smaller depth."""
    statement = update(VectorJoin).where(VectorJoin.c.model_id == model.id)
    connection.execute(statement.values(kind=kind, depth=depth))


def store_lists(connection: Connection, model: StoredModel, lists: Iterable[NeighbourRow]) -> None:
    """Write lists, in place of those that their contents had."""
    rows = [
        {
            "model_id": model.id,
            "content_id": row.content,
            "embedding_id": row.embedding,
            "settled": row.settled,
            "best": float(row.similarities[0]) if len(row.similarities) else _NO_BEST,
            "others": row.others.astype("<i8").tobytes(),
            "similarities": row.similarities.astype("<f4").tobytes(),
        }
        for row in lists
    ]
    if rows:
        keys = ("model_id", "content_id")
        fresh = tuple(name for name in rows[0] if name not in keys)
        connection.execute(upsert(connection, Neighbour, keys, fresh), rows)


def remove_lists(connection: Connection, model: StoredModel, contents: Iterable[int]) -> None:
    """Remove the lists of some contents."""
    parameters = [{"row": content} for content in contents]
    if parameters:
        statement = delete(Neighbour).where(
            Neighbour.c.model_id == model.id, Neighbour.c.content_id == bindparam("row")
        )
        connection.execute(statement, parameters)


def _columns(connection: Connection, query: Select[*tuple[Any, ...]], width: int) -> list[NDArray[np.int64]]:
    """Read whole numbers as arrays, one a column; a million rows take half the time."""
    pages = [np.empty((0, width), np.int64)]
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        for page in result.partitions(_PAGE):
            numbers = np.fromiter(chain.from_iterable(page), np.int64, width * len(page))
            pages.append(numbers.reshape(-1, width))
    return list(np.ascontiguousarray(np.concatenate(pages).T))
