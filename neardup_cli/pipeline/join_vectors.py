"""The comparing of a join: which vectors are similar to which, found here or by a cluster's workers.

Nothing is written here. Workers look at vectors and propose; the lists are filled in one place, in one order,
so that they come out the same wherever and however many at once have looked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours as store
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.neighbours import PresentVectors
from neardup_cli.catalog.queries import StoredModel, StoredVectors
from neardup_cli.engines.local import LocalEngine
from neardup_cli.index.neighbours import BLOCK, Hits, Neighbours, Tile, compare_tile, join_exactly
from neardup_cli.index.vectors import PROBED, RefinedIndex, search_threads
from neardup_cli.pipeline.index_cache import CatalogIndex, open_index
from neardup_cli.records.scans import Cluster

if TYPE_CHECKING:
    from neardup_cli.engines.ray import RayEngine

# From this share of new contents on, all vectors are read into memory rather than looked up one by one, and
# a cluster is asked: starting one takes longer than comparing a few.
_BULK = 1 / 40
# Vectors whose neighbours are asked for at once, by one thread.
_QUESTIONS = 1024

type Ids = NDArray[np.int64]
type Found = tuple[Ids, NDArray[np.float32]]
type Search = Callable[[NDArray[np.float32], int], Found]
type Compared = Generator[tuple[Ids, Ids]]
"""Rows that were compared, and those whose lists are to be written for that."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares vectors of a model.

    Attributes:
        present: what takes part; its order numbers the rows.
        step: rows whose lists are written together; no part of the work is larger.
        cluster: compares where there is much to compare; None for this machine.
    """

    catalog: Catalog
    model: StoredModel
    present: PresentVectors
    step: int
    cluster: Cluster | None = None

    def exactly(self, lists: Neighbours, settled: Ids, fresh: Ids) -> Compared:
        """Compare all pairs of which one is fresh, and fill the lists of both."""
        cluster = self.cluster if _is_much(len(fresh), len(self.present.ids)) else None
        vectors, there = self._vectors(np.float32 if cluster is None else np.float16)
        settled, fresh = settled[there[settled]], fresh[there[fresh]]
        look = partial(compare_tile, vectors)
        compare = partial(_one_by_one, look) if cluster is None else partial(_engine_of(cluster).map, look)
        return join_exactly(lists, settled, fresh, compare, min(BLOCK, self.step))

    def by_index(self, lists: Neighbours, settled: Ids, fresh: Ids) -> Compared:
        """Ask an index for the neighbours of what is fresh, and fill the lists of both.

        What that changes in settled lists comes once, at the end: all pairs are in the fresh ones too,
        unless these are full of nearer ones.
        """
        is_settled = np.zeros(len(lists), dtype=bool)
        is_settled[settled] = True
        changed = [np.empty(0, np.int64)]
        with closing(self._answers(fresh, lists.depth + 1)) as answers:
            for rows, (ids, similarities) in answers:
                owner, other = np.repeat(rows, ids.shape[1]), places_of(self.present.ids, ids.ravel())
                found = other >= 0
                owner, other, values = owner[found], other[found], similarities.ravel()[found]
                lists.enter(owner, other, values)
                back = is_settled[other]
                changed.append(lists.enter(other[back], owner[back], values[back]))
                yield rows, rows
        yield np.empty(0, np.int64), np.concatenate(changed)

    def _answers(self, fresh: Ids, top_k: int) -> Generator[tuple[Ids, Found]]:
        """Yield the fresh rows whose vectors are still there, part by part, with what is nearest to each."""
        index = open_index(self.catalog, self.model)
        held = self._held(index) if _is_much(len(fresh), len(index)) else None
        if held is None:
            for start in range(0, len(fresh), self.step):
                rows, vectors = self._vectors_of(fresh[start : start + self.step])
                yield rows, index.search(vectors, top_k, probed=PROBED)
            return
        refined, places = held
        fresh, size = fresh[places[fresh] >= 0], min(_QUESTIONS, self.step)
        parts = [fresh[start : start + size] for start in range(0, len(fresh), size)]
        engine = LocalEngine(search_threads()) if self.cluster is None else _engine_of(self.cluster)
        found = engine.map(partial(refined.nearest_of, top_k=top_k), [places[rows] for rows in parts])
        del held, refined  # a cluster has memory of its own for it
        with closing(found):
            yield from zip(parts, found, strict=True)

    # --- reading ----------------------------------------------------------------------------------------

    def _vectors(self, kind: type[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
        """Read the vectors of all rows; say which are still those that were planned with."""
        vectors = np.zeros((len(self.present.ids), self.model.identity.dimension), kind)
        there = np.zeros(len(vectors), dtype=bool)
        with self.catalog.read() as connection:
            for page in queries.vectors_after(connection, self.model):
                rows, same = self._planned(page)
                vectors[rows] = page.vectors[same]
                there[rows] = True
        return vectors, there

    def _held(self, index: CatalogIndex) -> tuple[RefinedIndex, Ids] | None:
        """Read all vectors of an index into memory; None if a scan has replaced some meanwhile.

        Returns:
            Them, and the place of each row's vector among them; -1 where it is no longer the planned one.
        """
        places = np.full(len(self.present.ids), -1, np.int64)

        def pages(connection: Connection) -> Iterator[tuple[Ids, NDArray[np.float16]]]:
            first = 0
            for page in queries.vectors_after(connection, self.model):
                rows, same = self._planned(page)
                places[rows] = first + np.flatnonzero(same)
                first += len(page.ids)
                yield page.ids, page.vectors

        with self.catalog.read() as connection, suppress(ValueError):
            refined = RefinedIndex(index.vectors, pages(connection))
            places[places >= len(index)] = -1
            return refined, places
        return None

    def _vectors_of(self, rows: Ids) -> tuple[Ids, NDArray[np.float32]]:
        """Read the vectors of some rows; return those rows whose vector is still there, with it."""
        found = [np.empty(0, np.int64)]
        vectors = [np.empty((0, self.model.identity.dimension), np.float32)]
        with self.catalog.read() as connection:
            for page in store.vectors_of(connection, self.model, self.present.ids[rows].tolist()):
                held, same = self._planned(page)
                found.append(held)
                vectors.append(page.vectors[same].astype(np.float32))
        return np.concatenate(found), np.concatenate(vectors)

    def _planned(self, page: StoredVectors) -> tuple[Ids, NDArray[np.bool_]]:
        """Return the rows of those vectors of a page that were planned with, and which they are."""
        rows = places_of(self.present.ids, page.ids)
        same = rows >= 0
        same[same] &= self.present.rows[rows[same]] == page.rows[same]
        return rows[same], same


def asking_index(catalog: Catalog, model: StoredModel, questions: int) -> Search:
    """Return how to ask the index of a model: with all vectors in memory, if there are many questions."""
    index = open_index(catalog, model)
    if _is_much(questions, len(index)):
        with catalog.read() as connection, suppress(ValueError):  # a scan has replaced some
            pages = queries.vectors_after(connection, model)
            refined = RefinedIndex(index.vectors, ((page.ids, page.vectors) for page in pages))
            return refined.search
    return partial(index.search, probed=PROBED)


def places_of(ids: Ids, wanted: Ids) -> Ids:
    """Return where ascending `ids` have each of the wanted ones; -1 where they do not."""
    if not len(ids):
        return np.full(len(wanted), -1, np.int64)
    if ids[-1] - ids[0] == len(ids) - 1:  # no gaps, as in most catalogs: each place is known
        places = wanted - ids[0]
        return np.where((places >= 0) & (places < len(ids)), places, -1)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[places] == wanted, places, -1)


def _engine_of(cluster: Cluster) -> RayEngine:
    from neardup_cli.engines.ray import RayEngine  # few have a cluster, and `dups` begins 3 ms later with it

    return RayEngine(cluster)


def _is_much(new: int, among: int) -> bool:
    return new >= _BULK * among


def _one_by_one(look: Callable[[Tile], Hits], tiles: Iterator[Tile]) -> Generator[Hits]:
    """Look here: the matrix products use all cores, and each tile asks for what the lists ask by then."""
    for tile in tiles:
        yield look(tile)
