"""The stored vectors of regions: what `scan --thorough` brings, and what was found by them.

What was found follows from the vectors and can be made again; see `models.RegionNeighbourColumns` and
`pipeline/region_join.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from neardup_cli.catalog.models import File, Region, RegionJoin, RegionNeighbour
from neardup_cli.catalog.queries import StoredModel, VectorState
from neardup_cli.catalog.scanning import content_states, for_each, raise_generation
from neardup_cli.catalog.upsert import insert, upsert
from neardup_cli.errors import CatalogCorrupt
from neardup_cli.records.files import Failure, Features

if TYPE_CHECKING:  # a scan asks for no arrays, and need not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

_PAGE = 2000  # contents; 10 MB of vectors
_VARIABLES = 500


class StoredRegions(NamedTuple):
    """A page of regions: row ids, content ids, and an (n, regions, dimension) float16 array."""

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    vectors: NDArray[np.float16]


class PresentRegions(NamedTuple):
    """The contents that have a present file and regions, in order of id, with the row ids of these."""

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]


class StoredRegionJoin(NamedTuple):
    """How the lists of a model came about; see `models.RegionJoinColumns`."""

    depth: int
    floor: float
    revision: int
    compared: NDArray[np.int64]


class RegionList(NamedTuple):
    """The contents that look most like a region of one, the most similar first.

    Attributes:
        content: whose regions.
        regions: their row id.
        others: (k,) content ids.
        similarities: (k,) float32.
    """

    content: int
    regions: int
    others: NDArray[np.int64]
    similarities: NDArray[np.float32]


def store_regions(
    connection: Connection,
    outcomes: Mapping[bytes, tuple[int, Features | Failure]],
    model_id: int,
    *,
    replace: bool = False,
) -> int:
    """Write the regions of contents that are stored, by digest; return how many contents got some.

    What is there stays, unless `replace` says that it was computed anew: then it makes room for what came,
    and goes where the content can no longer be decoded.
    """
    states = content_states(connection, list(outcomes), model_id, regions=True)
    came = {
        states[digest].id: outcome.regions
        for digest, (_, outcome) in outcomes.items()
        if isinstance(outcome, Features)
        and outcome.regions is not None
        and (replace or not states[digest].done)
    }
    if replace:
        broken = {states[digest].id for digest, (_, found) in outcomes.items() if isinstance(found, Failure)}
        ours = delete(Region).where(Region.c.model_id == model_id, Region.c.content_id == bindparam("row"))
        if for_each(connection, ours, broken | came.keys()):
            raise_generation(connection, model_id)
    rows = [
        {"model_id": model_id, "content_id": content, "vectors": vectors} for content, vectors in came.items()
    ]
    if rows:
        connection.execute(insert(connection, Region), rows)
    return len(rows)


def region_state(connection: Connection, model: StoredModel) -> VectorState:
    """Return what whoever caches regions of the model has to agree with; its numbers count contents."""
    query = select(func.count(), func.coalesce(func.max(Region.c.id), 0)).where(Region.c.model_id == model.id)
    count, last = connection.execute(query).one()
    return VectorState(model.generation, count, last)


def regions_after(connection: Connection, model: StoredModel, row: int = 0) -> Iterator[StoredRegions]:
    """Yield the model's regions whose row id is greater than `row`, in pages, oldest first.

    Raises:
        CatalogCorrupt: vectors are not what a scan stored.
    """
    query = (
        select(Region.c.id, Region.c.content_id, Region.c.vectors)
        .where(Region.c.model_id == model.id, Region.c.id > row)
        .order_by(Region.c.id)
    )
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        for page in result.partitions(_PAGE):
            yield _regions(page, model)


def regions_of(connection: Connection, model: StoredModel, ids: Sequence[int]) -> Iterator[StoredRegions]:
    """Yield the regions of the given contents that have some, in pages, in no promised order.

    Raises:
        CatalogCorrupt: vectors are not what a scan stored.
    """
    query = select(Region.c.id, Region.c.content_id, Region.c.vectors).where(
        Region.c.model_id == model.id, Region.c.content_id.in_(bindparam("ids", expanding=True))
    )
    for some in batched(ids, _VARIABLES):
        if page := connection.execute(query, {"ids": some}).all():
            yield _regions(page, model)


def _regions(page: Sequence[Row[int, int, bytes]], model: StoredModel) -> StoredRegions:
    import numpy as np

    rows, ids, blobs = zip(*page, strict=True)
    dimension = model.identity.dimension
    size = len(blobs[0])
    if not size or size % (2 * dimension) or any(len(blob) != size for blob in blobs):
        raise CatalogCorrupt(
            "stored regions are damaged: run `neardup scan --thorough --rehash` on their folders"
        )
    vectors = np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(page), -1, dimension)
    return StoredRegions(np.array(rows, np.int64), np.array(ids, np.int64), vectors)


# --- what was found by them -----------------------------------------------------------------------------


def present_regions(connection: Connection, model: StoredModel) -> PresentRegions:
    """Return the regions of a model that take part in a join."""
    import numpy as np

    present = select(File.c.content_id).where(File.c.missing_scan_id.is_(None))
    query = (
        select(Region.c.content_id, Region.c.id)
        .where(Region.c.model_id == model.id, Region.c.content_id.in_(present))
        .order_by(Region.c.content_id)
    )
    rows = np.array(connection.execute(query).all(), np.int64).reshape(-1, 2)
    return PresentRegions(rows[:, 0], rows[:, 1])


def stored_join(connection: Connection, model: StoredModel) -> StoredRegionJoin | None:
    """Return how a model's lists came about; None where there are none yet."""
    import numpy as np

    columns = (RegionJoin.c.depth, RegionJoin.c.floor, RegionJoin.c.revision, RegionJoin.c.compared)
    row = connection.execute(select(*columns).where(RegionJoin.c.model_id == model.id)).one_or_none()
    if row is None:
        return None
    depth, floor, revision, compared = row
    if len(compared) % 8:
        raise _damaged_lists()
    return StoredRegionJoin(depth, floor, revision, np.frombuffer(compared, "<i8").astype(np.int64))


def stored_lists(connection: Connection, model: StoredModel) -> Iterator[RegionList]:
    """Yield all lists of a model, in order of their contents.

    Raises:
        CatalogCorrupt: a list is not what a join stored.
    """
    import numpy as np

    columns = (RegionNeighbour.c.content_id, RegionNeighbour.c.region_id)
    lists = (RegionNeighbour.c.others, RegionNeighbour.c.similarities)
    query = (
        select(*columns, *lists)
        .where(RegionNeighbour.c.model_id == model.id)
        .order_by(RegionNeighbour.c.content_id)
    )
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        for content, regions, others, similarities in result:
            if len(others) % 8 or len(others) != 2 * len(similarities):
                raise _damaged_lists()
            yield RegionList(
                content,
                regions,
                np.frombuffer(others, "<i8").astype(np.int64),
                np.frombuffer(similarities, "<f4").astype(np.float32),
            )


def begin_lists(connection: Connection, model: StoredModel, depth: int, floor: float) -> None:
    """Forget all lists of a model and record how the next ones are made."""
    forget_lists(connection, model)
    values = {"depth": depth, "floor": floor, "revision": 0, "compared": b""}
    connection.execute(insert(connection, RegionJoin).values(model_id=model.id, **values))


def forget_lists(connection: Connection, model: StoredModel) -> None:
    """Remove all that was found by a model's regions: the next join begins anew."""
    connection.execute(delete(RegionNeighbour).where(RegionNeighbour.c.model_id == model.id))
    connection.execute(delete(RegionJoin).where(RegionJoin.c.model_id == model.id))


def take_turn(
    connection: Connection, model: StoredModel, seen: StoredRegionJoin, compared: NDArray[np.int64]
) -> bool:
    """Claim the next change to a model's lists and record the embeddings that all of them will have met.

    False if another process has changed them since they were read.
    """
    statement = (
        update(RegionJoin)
        .where(RegionJoin.c.model_id == model.id, RegionJoin.c.revision == seen.revision)
        .values(revision=seen.revision + 1, compared=compared.astype("<i8").tobytes())
    )
    return connection.execute(statement).rowcount == 1


def store_lists(connection: Connection, model: StoredModel, lists: Iterable[RegionList]) -> None:
    """Write lists, in place of those that their contents had."""
    rows = [
        {
            "model_id": model.id,
            "content_id": found.content,
            "region_id": found.regions,
            "others": found.others.astype("<i8").tobytes(),
            "similarities": found.similarities.astype("<f4").tobytes(),
        }
        for found in lists
    ]
    if rows:
        keys, fresh = ("model_id", "content_id"), ("region_id", "others", "similarities")
        connection.execute(upsert(connection, RegionNeighbour, keys, fresh), rows)


def remove_lists(connection: Connection, model: StoredModel, contents: Iterable[int]) -> None:
    """Remove the lists of some contents."""
    ours = delete(RegionNeighbour).where(
        RegionNeighbour.c.model_id == model.id, RegionNeighbour.c.content_id == bindparam("row")
    )
    for_each(connection, ours, contents)


def _damaged_lists() -> CatalogCorrupt:
    return CatalogCorrupt("what was found by regions is damaged: run `neardup doctor --repair`")
