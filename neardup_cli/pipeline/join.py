"""The self-join: which vectors of a model are similar to which, brought up to date and kept.

The catalog holds a list of neighbours for each content that was compared with all others. A join compares
only what has no list yet: new contents, those that came back, those whose vector was replaced, and those
that lost entries of a full list with a content that went away. Each step is one transaction that leaves
complete lists for the contents that have one, so that a kill costs the step in flight.

As long as a join is exact, its lists are the same whatever was scanned when. Beyond `FLAT_UP_TO` vectors it
asks an index of kind IVF instead, and keeps fewer neighbours; what is stored by then stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import batched

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours as store
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.neighbours import (
    ListedVectors,
    NeighbourRow,
    PresentVectors,
    StoredJoin,
    StoredLists,
)
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.errors import CatalogBusy
from neardup_cli.index.neighbours import Neighbours, VectorPairs
from neardup_cli.index.vectors import IndexKind, kind_for
from neardup_cli.matching.funnel import Pictures
from neardup_cli.matching.search import DOOR
from neardup_cli.pipeline.join_vectors import Compared, Comparison, Ids, places_of
from neardup_cli.progress import Progress
from neardup_cli.records.scans import Cluster

DEPTH = {IndexKind.FLAT: 128, IndexKind.IVF: 32}
"""Neighbours that are kept of each content."""

# New contents to a transaction: a few seconds' work.
_STEP = 8192
# Seconds without a change after which another process has ended; and how often to be overtaken.
_PATIENCE = 30.0
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Joined:
    """What a join knows.

    Attributes:
        pictures: the contents that were asked for, with their similar pairs.
        kind: how the vectors were compared; None where there are none.
        compared: contents that were new to it.
        cut: contents with at least as many similar others as are kept of each.
    """

    pictures: Pictures
    kind: IndexKind | None = None
    compared: int = 0
    cut: int = 0


def joined_pictures(
    catalog: Catalog,
    model: StoredModel | None,
    threshold: float,
    under: Sequence[bytes],
    watch: Progress,
    cluster: Cluster | None = None,
) -> Joined:
    """Bring the join of a model up to date; return the present contents and their pairs from `threshold` on.

    The join is that of the whole catalog, whatever `under` says: a picture whose nearest neighbours lie
    elsewhere may have lost some below these folders, once it has more than are kept.

    Args:
        catalog: keeps the join.
        model: whose vectors; None where there are hashes alone.
        threshold: SSCD similarity from which a pair counts.
        under: real paths of folders, or none for all contents.
        watch: told how far it is.
        cluster: compares instead of this machine where there is much to compare, with the same answer.

    Raises:
        CatalogBusy: other processes change the join again and again.
        CatalogCorrupt: what is stored of it is damaged.
        MissingExtra, ClusterFailed: the cluster cannot be used.
    """
    if model is None:
        with catalog.read() as connection:
            prints = queries.fingerprints(connection, under)
        embedded = np.zeros(len(prints.ids), dtype=bool)
        return Joined(Pictures(prints.ids, prints.hashes, prints.flatness, embedded, VectorPairs.none()))
    kind, compared = update_join(catalog, model, threshold, watch, cluster)
    with catalog.read() as connection:
        prints = queries.fingerprints(connection, under)
        embedded = places_of(store.listed_contents(connection, model), prints.ids) >= 0
        pairs, cut = _stored_pairs(connection, model, threshold, prints.ids)
    return Joined(Pictures(prints.ids, prints.hashes, prints.flatness, embedded, pairs), kind, compared, cut)


def update_join(
    catalog: Catalog, model: StoredModel, threshold: float, watch: Progress, cluster: Cluster | None = None
) -> tuple[IndexKind, int]:
    """Compare what has not been compared yet; return how, and the number of contents."""
    compared = 0
    for _ in range(_ATTEMPTS):
        task = _plan(catalog, model, threshold)
        if not task.is_open:
            return task.kind, compared
        try:
            for done in task.steps(watch, cluster):
                compared += done
        except Overtaken:  # what the other process does need not be done twice
            _outwait(catalog, model)
            continue
        return task.kind, compared
    raise CatalogBusy(f"other processes keep changing {catalog.name}: wait for them and try again")


class Overtaken(Exception):
    """Another process has changed the lists since they were read."""


def _outwait(catalog: Catalog, model: StoredModel) -> None:
    """Wait until no other process has changed the lists for a while: two at once would only be in the way."""
    seen, since = None, time.monotonic()
    while time.monotonic() - since < _PATIENCE:
        with catalog.read() as connection:
            stored = store.stored_join(connection, model)
        if stored != seen:
            seen, since = stored, time.monotonic()
        time.sleep(_PATIENCE / 20)


def _plan(catalog: Catalog, model: StoredModel, threshold: float) -> _Task:
    """See what is to be done; begin anew where what is stored cannot be gone on with."""
    with catalog.read() as connection:
        present = store.present_vectors(connection, model)
        stored = store.stored_join(connection, model)
        listed = store.listed_vectors(connection, model)
    kind = kind_for(len(present.ids))
    depth, floor = DEPTH[kind], min(DOOR, threshold)
    if stored is None or stored.depth < depth or stored.floor > floor:
        with catalog.write() as connection:
            if store.stored_join(connection, model) == stored:
                store.begin_lists(connection, model, kind, depth, floor)
        return _plan(catalog, model, threshold)
    return _Task(catalog, model, present, stored, listed, kind)


class _Task:
    """One run of a join, from what is stored to what should be."""

    def __init__(
        self,
        catalog: Catalog,
        model: StoredModel,
        present: PresentVectors,
        stored: StoredJoin,
        listed: ListedVectors,
        kind: IndexKind,
    ) -> None:
        self._catalog = catalog
        self._model = model
        self._present = present
        self._stored = stored
        self.kind = kind
        # Of the present rows: whether the vector has a list, and whether that has to be made again.
        self._listed = _holds(listed, present)
        self._unsettled = self._listed.copy()
        self._unsettled[places_of(present.ids, listed.ids[listed.settled & _holds(present, listed)])] = False
        self._gone = listed.ids[~_holds(present, listed)]

    @property
    def is_open(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            len(self._gone)
            or not self._listed.all()
            or self._unsettled.any()
            or self._stored.kind != self.kind
        )

    def steps(self, watch: Progress, cluster: Cluster | None) -> Iterator[int]:
        """Bring the lists up to date, a transaction a step; yield how many contents each has compared."""
        lists, changed = self._load()
        self._commit(lists, changed, removed=self._gone)
        fresh = np.flatnonzero(~self._listed | self._unsettled)
        settled = np.flatnonzero(self._listed & ~self._unsettled)
        if not len(fresh):
            return
        watch.start("Comparing pictures", len(fresh))
        comparison = Comparison(self._catalog, self._model, self._present, _STEP, cluster)
        compare = comparison.exactly if self.kind is IndexKind.FLAT else comparison.by_index
        with closing(compare(lists, settled, fresh)) as compared:
            yield from self._written(lists, compared, watch)

    def _written(self, lists: Neighbours, compared: Compared, watch: Progress) -> Iterator[int]:
        """Write lists as they become complete, a transaction a step; yield how many contents it compares."""
        fresh = changed = np.empty(0, np.int64)
        for rows, touched in compared:
            watch.advance(len(rows))
            fresh, changed = np.concatenate([fresh, rows]), np.union1d(changed, touched)
            if len(fresh) >= _STEP:
                yield self._write(lists, fresh, changed)
                fresh = changed = np.empty(0, np.int64)
        yield self._write(lists, fresh, changed)

    def _write(self, lists: Neighbours, fresh: Ids, changed: Ids) -> int:
        self._unsettled[fresh] = False
        self._commit(lists, changed)
        return len(fresh)

    # --- what is stored ---------------------------------------------------------------------------------

    def _load(self) -> tuple[Neighbours, Ids]:
        """Read the lists of the present contents; return the rows whose lists have to be written again.

        Entries of contents that went away are dropped. A list that was full may have had more behind them.
        """
        depth = DEPTH[self.kind]
        lists = Neighbours(len(self._present.ids), depth, self._stored.floor)
        changed = [np.empty(0, np.int64)]
        with self._catalog.read() as connection:
            for page in store.stored_lists(connection, self._model):
                changed.append(self._take(lists, page))
        return lists, np.concatenate(changed)

    def _take(self, lists: Neighbours, page: StoredLists) -> Ids:
        ids = self._present.ids
        owners = places_of(ids, page.owners)
        rank = ranks(page.lengths)
        owner, other = np.repeat(owners, page.lengths), places_of(ids, page.others)
        counts = (owner >= 0) & (rank < lists.depth)
        counts[counts] &= self._listed[owner[counts]]
        kept = counts & (other >= 0)
        kept[kept] &= self._listed[other[kept]]
        lost = np.unique(owner[counts & ~kept])
        full = np.unique(owners[(owners >= 0) & (page.lengths >= lists.depth)])
        reopened = np.intersect1d(lost, full)
        self._unsettled[reopened] = True
        kept[kept] &= ~self._unsettled[owner[kept]]
        owner, other, similarities = owner[kept], other[kept], page.similarities[kept]
        place = np.arange(len(owner)) - np.searchsorted(owner, owner)
        lists.others[owner, place] = other
        lists.similarities[owner, place] = similarities
        return lost

    def _commit(self, lists: Neighbours, rows: Ids, removed: Ids | None = None) -> None:
        """Write some lists, and remove others, if nobody else has changed anything meanwhile."""
        outdated = self._stored.kind != self.kind
        if not (len(rows) or outdated or (removed is not None and len(removed))):
            return
        with self._catalog.write() as connection:
            if not store.take_turn(connection, self._model, self._stored):
                raise Overtaken
            if outdated:
                store.change_kind(connection, self._model, self.kind, lists.depth)
            if removed is not None:
                store.remove_lists(connection, self._model, removed.tolist())
            for some in batched(rows.tolist(), _STEP):
                store.store_lists(connection, self._model, (self._row(lists, row) for row in some))
        revision = self._stored.revision + 1
        self._stored = self._stored._replace(kind=self.kind, depth=lists.depth, revision=revision)

    def _row(self, lists: Neighbours, row: int) -> NeighbourRow:
        length = np.count_nonzero(lists.others[row] >= 0)
        return NeighbourRow(
            int(self._present.ids[row]),
            int(self._present.rows[row]),
            not self._unsettled[row],
            self._present.ids[lists.others[row, :length]],
            lists.similarities[row, :length],
        )


def _stored_pairs(
    connection: Connection, model: StoredModel, threshold: float, contents: Ids
) -> tuple[VectorPairs, int]:
    """Read the pairs among some contents from a threshold on, as their rows; count the lists that are cut."""
    stored = store.stored_join(connection, model)
    depth = 0 if stored is None else stored.depth
    least = np.float32(threshold)
    found = [VectorPairs.none()]
    cut = 0
    for page in store.stored_lists(connection, model, float(least)):
        rank = ranks(page.lengths)
        owners = np.repeat(places_of(contents, page.owners), page.lengths)
        others = places_of(contents, page.others)
        near = (page.similarities >= least) & (rank < depth) & (owners >= 0)
        cut += int(np.count_nonzero(near & (rank == depth - 1)))
        near &= others >= 0
        found.append(VectorPairs.of(owners[near], others[near], page.similarities[near]))
    return VectorPairs.of(*(np.concatenate(column) for column in zip(*found, strict=True))), cut


def ranks(lengths: Ids) -> Ids:
    """Number the entries of lists that stand one after the other, each list from 0."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) - np.repeat(starts, lengths)


def _holds(one: PresentVectors | ListedVectors, other: PresentVectors | ListedVectors) -> NDArray[np.bool_]:
    """Say of each vector of the second whether the first has it, the same row under the same content."""
    places = places_of(one.ids, other.ids)
    same = places >= 0
    same[same] &= one.rows[places[same]] == other.rows[same]
    return same
