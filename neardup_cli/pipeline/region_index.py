"""The index of regions beside the catalog, by which a query finds the larger pictures that hold it.

A file like that of `index_cache.py`, with a vector for each region: a content has as many as there are
regions. Few are searched exactly; of many the index proposes some, which are measured by what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import queries
from neardup_cli.catalog import regions as store
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.embedders.regions import REGIONS
from neardup_cli.index.vectors import IndexKind, IndexStamp, VectorIndex, kind_for, sampled
from neardup_cli.pipeline.index_cache import index_path, usable_index

FLAT_UP_TO = 15_000
"""Regions that are searched exactly: a query compares so many in 16 ms, and 50,000 in 33."""

# Regions that a compressed index proposes, and that are measured by their stored vectors.
_SHORTLIST = 512
# A query looks into all lists up to so many regions, and beyond into as many of them.
_LOOKED_AT = 1_000_000


class RegionIndex:
    """The regions of a model, by content."""

    def __init__(self, catalog: Catalog, model: StoredModel, index: VectorIndex) -> None:
        self._catalog = catalog
        self._model = model
        self._index = index

    def __len__(self) -> int:
        return len(self._index) // len(REGIONS)

    def search(
        self, vectors: NDArray[np.float32], top_k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the contents of which a region is most similar to each of (n, dimension) unit vectors.

        Returns:
            Content ids and similarities of the best region, both (n, top_k), the most similar first; -1 and
            -inf where there are no more. All similarities are exact.
        """
        ids = np.full((len(vectors), top_k), -1, np.int64)
        similarities = np.full((len(vectors), top_k), -np.inf, np.float32)
        flat = self._index.kind is IndexKind.FLAT
        found, values = self._index.search(
            vectors,
            len(REGIONS) * top_k if flat else _SHORTLIST,
            probed=min(1.0, _LOOKED_AT / max(1, len(self._index))),
        )
        for row, vector in enumerate(vectors):
            contents, best = _best(found[row], values[row]) if flat else self._measured(found[row], vector)
            count = min(top_k, len(contents))
            ids[row, :count], similarities[row, :count] = contents[:count], best[:count]
        return ids, similarities

    def _measured(
        self, proposed: NDArray[np.int64], vector: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Compare a vector with all regions of the proposed contents, as they are stored."""
        ids, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        with self._catalog.read() as connection:
            contents = np.unique(proposed[proposed >= 0]).tolist()
            for page in store.regions_of(connection, self._model, contents):
                ids.append(page.ids)
                values.append((page.vectors.astype(np.float32) @ vector).max(axis=1))
        return _best(np.concatenate(ids), np.concatenate(values))


def region_index_path(catalog: Path, model: StoredModel) -> Path:
    """Return where the index of a model's regions lies: beside that of its vectors."""
    path = index_path(catalog, model)
    return path.with_name(f"{path.stem}.regions{path.suffix}")


def open_region_index(catalog: Catalog, model: StoredModel) -> RegionIndex:
    """Return an index that holds exactly the model's regions, and leave it on disk for the next time.

    The file is a cache: what is missing is added, and what does not fit the catalog, or has outgrown its
    kind, is built anew.
    """
    path = region_index_path(catalog.path, model)
    with catalog.read() as connection:
        wanted = _wanted_stamp(connection, model)
        index, stamp = usable_index(path, wanted, FLAT_UP_TO) or _nothing(connection, model, wanted)
        if stamp != wanted:
            _add(connection, model, index, stamp.last_row)
        if len(index) != wanted.vectors:  # rows went away that the file still held
            index, stamp = _nothing(connection, model, wanted)
            _add(connection, model, index, 0)
    if stamp != wanted:
        with suppress(OSError):  # a full or read-only disk costs time at the next start, no answer
            index.save(path, wanted)
    return RegionIndex(catalog, model, index)


def region_index_is_usable(catalog: Catalog, model: StoredModel) -> bool:
    """Return True if the file holds what the catalog does, or a beginning of it, or is not there yet."""
    path = region_index_path(catalog.path, model)
    with catalog.read() as connection:
        if not path.exists():
            return True
        usable = usable_index(path, _wanted_stamp(connection, model), FLAT_UP_TO)
        return usable is not None and all(_agreements(connection, model, *usable))


def _agreements(
    connection: Connection, model: StoredModel, index: VectorIndex, stamp: IndexStamp
) -> Iterator[bool]:
    """Say page by page whether the index has the contents of the catalog in their order."""
    place = 0
    for page in store.regions_after(connection, model):
        ids = np.repeat(page.ids[page.rows <= stamp.last_row], page.vectors.shape[1])
        yield np.array_equal(index.ids[place : place + len(ids)], ids)
        place += len(ids)
    yield place == len(index)


def _add(connection: Connection, model: StoredModel, index: VectorIndex, row: int) -> None:
    for page in store.regions_after(connection, model, row):
        ids = np.repeat(page.ids, page.vectors.shape[1])
        index.add(ids, page.vectors.reshape(len(ids), -1))


def _nothing(
    connection: Connection, model: StoredModel, wanted: IndexStamp
) -> tuple[VectorIndex, IndexStamp]:
    """Make an empty index of the kind that suits so many vectors, trained where it needs that."""
    stamp = wanted._replace(vectors=0, last_row=0)
    dimension = model.identity.dimension
    if kind_for(wanted.vectors, FLAT_UP_TO) is IndexKind.FLAT:
        return VectorIndex(dimension), stamp
    pages = (page.vectors.reshape(-1, dimension) for page in store.regions_after(connection, model))
    return VectorIndex.trained(sampled(pages, wanted.vectors), wanted.vectors), stamp


def _wanted_stamp(connection: Connection, model: StoredModel) -> IndexStamp:
    generation, contents, last_row = store.region_state(connection, model)
    identity = model.identity
    return IndexStamp(
        queries.catalog_uuid(connection),
        identity.fingerprint,
        identity.preprocessing,
        generation,
        contents * len(REGIONS),
        last_row,
    )


def _best(
    ids: NDArray[np.int64], similarities: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Keep the most similar region of each content, the most similar content first."""
    order = np.argsort(-similarities, kind="stable")
    order = order[ids[order] >= 0]
    _, first = np.unique(ids[order], return_index=True)
    kept = order[np.sort(first)]
    return ids[kept], similarities[kept]
