"""The join of regions with whole pictures: what looks like a part of something else, kept up to date.

Each region is compared with each whole vector once: five searches a content at most. The catalog keeps, for
each content with regions, the others that look most like one of them, and which vectors all these lists have
met. A later join compares new regions with all vectors, and new vectors with the regions that have a list.
Each step is one transaction; a kill costs the step in flight.

As in `join.py`, all of it is exact as long as an index of all vectors would be; beyond, indexes are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours, queries
from neardup_cli.catalog import regions as store
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.neighbours import PresentVectors
from neardup_cli.catalog.queries import StoredModel, StoredVectors
from neardup_cli.catalog.regions import PresentRegions, RegionList, StoredRegionJoin
from neardup_cli.embedders.regions import REGIONS
from neardup_cli.errors import CatalogBusy
from neardup_cli.index.neighbours import Neighbours
from neardup_cli.index.vectors import IndexKind, kind_for
from neardup_cli.matching.regions import REGION_DOOR, RegionPairs, region_limit
from neardup_cli.pipeline.join import Overtaken
from neardup_cli.pipeline.join_vectors import Ids, Search, asking_index, places_of
from neardup_cli.pipeline.region_index import open_region_index
from neardup_cli.progress import Progress

DEPTH = 32
"""Others that are kept of each content."""

_FRESH = 1024  # contents with new regions to a transaction
_NEW = 4096  # new vectors to a transaction
_TILE = 8192  # vectors that are compared with a page of regions at once
_PAGE = 256  # contents whose regions are compared at once: 1,280 by 8,192 products take 42 MB
_SLACK = 1e-5
_ATTEMPTS = 20

type Compare = Callable[[Ids, NDArray[np.float16]], object]


def join_regions(catalog: Catalog, model: StoredModel, threshold: float, watch: Progress) -> RegionPairs:
    """Bring the join of regions up to date and return what they look like, from `region_limit` on.

    Raises:
        CatalogBusy: other processes change the join again and again.
        CatalogCorrupt: what is stored of it is damaged.
    """
    limit = region_limit(threshold)
    for _ in range(_ATTEMPTS):
        with catalog.read() as connection:
            if not store.region_state(connection, model).vectors:
                return RegionPairs.none()
        task = _Task(catalog, model)
        try:
            task.run(watch)
        except Overtaken:  # what the other process has done need not be done again
            continue
        return task.pairs(limit)
    raise CatalogBusy(f"other processes keep changing {catalog.name}: wait for them and try again")


class _Whole(NamedTuple):
    """Vectors with the rows of their contents."""

    rows: Ids
    vectors: NDArray[np.float32]


class _Task:
    """One run of the join. Rows number the contents that have a present file and a vector or regions."""

    def __init__(self, catalog: Catalog, model: StoredModel) -> None:
        self._catalog = catalog
        self._model = model
        with catalog.read() as connection:
            self._whole: PresentVectors = neighbours.present_vectors(connection, model)
            self._regions: PresentRegions = store.present_regions(connection, model)
            self._stored = store.stored_join(connection, model)
        self._ids = np.union1d(self._whole.ids, self._regions.ids)
        self._kind = kind_for(len(self._whole.ids))
        self._lists = Neighbours(len(self._ids), DEPTH, REGION_DOOR)
        self._region_rows = np.full(len(self._ids), -1, np.int64)  # row ids of regions, by content
        self._region_rows[self._places(self._regions.ids)] = self._regions.rows
        self._listed = np.zeros(len(self._ids), dtype=bool)

    def run(self, watch: Progress) -> None:
        """Do what is to be done."""
        begun = self._begin()
        gone = self._load()
        compared = np.intersect1d(begun.compared, self._whole.rows)
        new = np.setdiff1d(self._whole.rows, compared)
        fresh = np.flatnonzero((self._region_rows >= 0) & ~self._listed)
        if len(gone):
            self._commit(compared, np.empty(0, np.int64), gone)
        if not (len(new) or len(fresh)):
            return
        watch.start("Comparing regions", int(self._listed.any()) * len(new) + len(fresh))
        compared = self._settle(compared, new, watch)
        if not len(fresh):
            return
        compare = self._comparison(len(fresh))
        for start in range(0, len(fresh), _FRESH):
            rows = fresh[start : start + _FRESH]
            done = self._look(rows, compare)
            self._listed[done] = True
            self._commit(compared, done)
            watch.advance(len(rows))

    def _settle(self, compared: Ids, new: Ids, watch: Progress) -> Ids:
        """Let the lists that are there meet the new vectors; return all that they have met then."""
        if not self._listed.any():
            self._commit(self._whole.rows, np.empty(0, np.int64))
            return self._whole.rows
        for start in range(0, len(new), _NEW):
            step = new[start : start + _NEW]
            changed = self._meet(step)
            compared = np.union1d(compared, step)
            self._commit(compared, changed)
            watch.advance(len(step))
        return compared

    def pairs(self, limit: float) -> RegionPairs:
        """Return what is in the lists, from a similarity on."""
        owners, places = np.nonzero(self._lists.similarities >= np.float32(limit))
        others = self._lists.others[owners, places]
        return RegionPairs(self._ids[owners], self._ids[others], self._lists.similarities[owners, places])

    # --- what is stored ---------------------------------------------------------------------------------

    def _begin(self) -> StoredRegionJoin:
        """Return how the stored lists came about; begin anew where they cannot be gone on with."""
        stored = self._stored
        if stored is None or stored.depth != DEPTH or stored.floor != REGION_DOOR:
            with self._catalog.write() as connection:
                if store.stored_join(connection, self._model) is not None and stored is None:
                    raise Overtaken
                store.begin_lists(connection, self._model, DEPTH, REGION_DOOR)
                stored = store.stored_join(connection, self._model)
            if stored is None:
                raise Overtaken
            self._stored = stored
        return stored

    def _load(self) -> list[int]:
        """Read the lists of contents that are present with the same regions; return the others.

        Entries of vectors that went away are dropped. A list that was full may have had more behind them
        and is made again.
        """
        gone = []
        met = np.zeros(len(self._ids), dtype=bool)
        if self._stored is not None:
            met[self._places(self._whole.ids[np.isin(self._whole.rows, self._stored.compared)])] = True
        with self._catalog.read() as connection:
            for found in store.stored_lists(connection, self._model):
                row = int(self._places(np.array([found.content]))[0])
                if row < 0 or self._region_rows[row] != found.regions:
                    gone.append(found.content)
                    continue
                others = self._places(found.others)
                kept = (others >= 0) & met[others]
                if len(others) >= DEPTH and not kept.all():
                    gone.append(found.content)
                    continue
                count = int(np.count_nonzero(kept))
                self._lists.others[row, :count] = others[kept]
                self._lists.similarities[row, :count] = found.similarities[kept]
                self._listed[row] = True
        return gone

    def _commit(self, compared: Ids, rows: Ids, gone: list[int] | None = None) -> None:
        """Write some lists and remove others, if nobody else has changed anything meanwhile."""
        stored = self._stored
        if stored is None:
            raise Overtaken
        with self._catalog.write() as connection:
            if not store.take_turn(connection, self._model, stored, compared):
                raise Overtaken
            store.remove_lists(connection, self._model, gone or [])
            store.store_lists(connection, self._model, map(self._list_of, rows.tolist()))
        self._stored = stored._replace(revision=stored.revision + 1, compared=compared)

    def _list_of(self, row: int) -> RegionList:
        length = int(np.count_nonzero(self._lists.others[row] >= 0))
        return RegionList(
            int(self._ids[row]),
            int(self._region_rows[row]),
            self._ids[self._lists.others[row, :length]],
            self._lists.similarities[row, :length],
        )

    def _places(self, ids: Ids) -> Ids:
        """Return the rows of contents; -1 where they have none."""
        return places_of(self._ids, ids)

    # --- comparing --------------------------------------------------------------------------------------

    def _meet(self, embeddings: Ids) -> Ids:
        """Compare new vectors with the regions that have a list; return the rows whose lists changed."""
        whole = self._vectors(self._whole.ids[np.isin(self._whole.rows, embeddings)])
        changed = [np.empty(0, np.int64)]
        if self._kind is IndexKind.FLAT:
            with self._catalog.read() as connection:
                for page in store.regions_after(connection, self._model):
                    owners = self._owners(page.ids, page.rows)
                    known = owners >= 0
                    known[known] = self._listed[owners[known]]
                    changed.append(self._compare(owners[known], page.vectors[known], whole))
        else:
            index = open_region_index(self._catalog, self._model)
            ids, similarities = index.search(whole.vectors, DEPTH)
            owners, others = self._places(ids.ravel()), np.repeat(whole.rows, ids.shape[1])
            known = owners >= 0
            known[known] = self._listed[owners[known]]
            changed.append(self._lists.enter(owners[known], others[known], similarities.ravel()[known]))
        return np.unique(np.concatenate(changed))

    def _look(self, rows: Ids, compare: Compare) -> Ids:
        """Compare new regions with all vectors; return the rows that now have a list."""
        self._lists.clear(rows)
        done = [np.empty(0, np.int64)]
        with self._catalog.read() as connection:
            for page in store.regions_of(connection, self._model, self._ids[rows].tolist()):
                owners = self._owners(page.ids, page.rows)
                known = owners >= 0
                compare(owners[known], page.vectors[known])
                done.append(owners[known])
        return np.concatenate(done)

    def _comparison(self, contents: int) -> Compare:
        """Return how new regions of so many contents meet all vectors."""
        if self._kind is IndexKind.FLAT:
            return partial(self._compare, whole=self._all_vectors())
        return partial(self._ask, search=asking_index(self._catalog, self._model, contents * len(REGIONS)))

    def _compare(self, owners: Ids, regions: NDArray[np.float16], whole: _Whole) -> Ids:
        """Compare (n, regions, dimension) vectors with whole ones; return the rows whose lists changed."""
        changed = [np.empty(0, np.int64)]
        for start in range(0, len(owners), _PAGE):
            some = regions[start : start + _PAGE].astype(np.float32)
            for left in range(0, len(whole.rows), _TILE):
                one, other, values = _hits(some, whole.vectors[left : left + _TILE])
                changed.append(self._lists.enter(owners[start + one], whole.rows[left + other], values))
        return np.concatenate(changed)

    def _ask(self, owners: Ids, regions: NDArray[np.float16], search: Search) -> None:
        """Ask an index of whole vectors for what is most similar to (n, regions, dimension) vectors."""
        ids, similarities = search(regions.reshape(-1, regions.shape[-1]).astype(np.float32), DEPTH + 1)
        owner = np.repeat(owners, regions.shape[1] * ids.shape[1])
        other, values = self._places(ids.ravel()), similarities.ravel()
        # Several regions of one picture may name the same other: its best similarity counts.
        order = np.lexsort((-values, other, owner))
        owner, other, values = owner[order], other[order], values[order]
        kept = other >= 0
        kept[1:] &= (np.diff(owner) != 0) | (np.diff(other) != 0)
        self._lists.enter(owner[kept], other[kept], values[kept])

    def _all_vectors(self) -> _Whole:
        """Read the vectors of all present contents: as many as are searched exactly."""
        with self._catalog.read() as connection:
            pages = [self._planned(page) for page in queries.vectors_after(connection, self._model)]
        rows, vectors = zip(*pages, strict=True) if pages else ((), ())
        nothing = np.empty((0, self._model.identity.dimension), np.float32)
        return _Whole(np.concatenate([*rows, np.empty(0, np.int64)]), np.concatenate([*vectors, nothing]))

    def _vectors(self, contents: Ids) -> _Whole:
        """Read the vectors of some contents."""
        whole = [_Whole(np.empty(0, np.int64), np.empty((0, self._model.identity.dimension), np.float32))]
        with self._catalog.read() as connection:
            for page in neighbours.vectors_of(connection, self._model, contents.tolist()):
                whole.append(self._planned(page))
        return _Whole(*map(np.concatenate, zip(*whole, strict=True)))

    def _planned(self, page: StoredVectors) -> _Whole:
        """Keep the vectors that this task was planned with: a scan may have replaced some meanwhile."""
        places = places_of(self._whole.ids, page.ids)
        same = (places >= 0) & (self._whole.rows[places] == page.rows)
        return _Whole(self._places(page.ids[same]), page.vectors[same].astype(np.float32))

    def _owners(self, ids: Ids, rows: Ids) -> Ids:
        """Return the rows of contents whose regions are those of this task; -1 for others."""
        places = self._places(ids)
        return np.where((places >= 0) & (self._region_rows[places] == rows), places, -1)


def _hits(regions: NDArray[np.float32], vectors: NDArray[np.float32]) -> tuple[Ids, Ids, NDArray[np.float32]]:
    """Find which of (n, regions, dimension) pictures have a region like which of (m, dimension) vectors.

    Returns:
        Places in both, and the similarity of the best region.
    """
    products = regions.reshape(-1, regions.shape[-1]) @ vectors.T
    best = products.reshape(len(regions), regions.shape[1], -1).max(axis=1)
    # In the last bits a matrix product depends on its shape: what is kept is summed up pair by pair.
    one, other = np.nonzero(best >= REGION_DOOR - _SLACK)
    values = np.full(len(one), -1, np.float32)
    for region in range(regions.shape[1]):
        for start in range(0, len(one), _TILE):
            some = slice(start, start + _TILE)
            sums = (regions[one[some], region] * vectors[other[some]]).sum(axis=1)
            values[some] = np.maximum(values[some], sums)
    return one, other, values
