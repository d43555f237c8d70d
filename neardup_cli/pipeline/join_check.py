"""Whether the stored neighbour lists are what a join makes; they can always be forgotten and made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours as store
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.neighbours import ListedVectors, StoredJoin, StoredLists
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.errors import CatalogCorrupt
from neardup_cli.index.vectors import IndexKind
from neardup_cli.pipeline.join import ranks
from neardup_cli.pipeline.join_vectors import Ids, places_of

# Lists that are made again, and how far similarities may lie apart then.
_CHECKED, _TOLERANCE = 32, 1e-4


def forget_join(catalog: Catalog, model: StoredModel) -> None:
    """Remove all lists of a model: the next join compares everything anew."""
    with catalog.write() as connection:
        store.forget_lists(connection, model)


def join_problem(catalog: Catalog, model: StoredModel) -> str:
    """Say what is wrong with the stored lists of a model, nothing if they are sound.

    Lists that are only out of date are sound: the next join sees that by itself.
    """
    with catalog.read() as connection:
        stored = store.stored_join(connection, model)
        listed = store.listed_vectors(connection, model)
        if stored is None:
            return "lists without a join" if len(listed.ids) else ""
        try:
            pages = list(store.stored_lists(connection, model))
        except CatalogCorrupt:
            return "damaged lists"
        if any(not _is_sound(page, listed, stored) for page in pages):
            return "lists that no join has made"
        if not _follows(connection, model, stored, listed, pages):
            return "lists that do not follow from the vectors"
    return ""


def _is_sound(page: StoredLists, listed: ListedVectors, stored: StoredJoin) -> bool:
    """Whether lists are in order, above the floor, and name only contents that have a list themselves."""
    owners = np.repeat(page.owners, page.lengths)
    following = ranks(page.lengths) > 0
    falling = page.similarities[following] <= page.similarities[np.flatnonzero(following) - 1]
    return bool(
        falling.all()
        and (page.similarities >= np.float32(stored.floor)).all()
        and (page.others != owners).all()
        and (places_of(listed.ids, page.others) >= 0).all()
    )


def _follows(
    connection: Connection,
    model: StoredModel,
    stored: StoredJoin,
    listed: ListedVectors,
    pages: Sequence[StoredLists],
) -> bool:
    """Compare a sample of the lists with the vectors: what they say, and if exact that nothing is missing."""
    sample = np.sort(np.random.default_rng(0).permutation(np.flatnonzero(listed.settled))[:_CHECKED])
    owners = listed.ids[sample]
    true = _similarities(connection, model, listed, owners)
    if np.isnan(true).any():
        return True  # vectors were replaced or removed since: the next join goes by their rows
    lists = {owner: entries for page in pages for owner, entries in _entries(page, owners)}
    for row, owner, similarities in zip(sample.tolist(), owners.tolist(), true, strict=True):
        others, said = lists[owner]
        others, said = others[: stored.depth], said[: stored.depth]
        if _differ(similarities[places_of(listed.ids, others)], said):
            return False
        similarities[row] = -np.inf
        best = -np.sort(-similarities)[: stored.depth]
        missed = best[len(said) :] >= stored.floor + _TOLERANCE
        if stored.kind == IndexKind.FLAT and (missed.any() or _differ(best[: len(said)], said)):
            return False
    return True


def _similarities(
    connection: Connection, model: StoredModel, listed: ListedVectors, owners: Ids
) -> NDArray[np.float32]:
    """Compare some contents with all that have a list; NaN where a vector is no longer the listed one."""
    asked = np.full((len(owners), model.identity.dimension), np.nan, np.float32)
    for page in store.vectors_of(connection, model, owners.tolist()):
        asked[places_of(owners, page.ids)] = page.vectors
    found = np.full((len(owners), len(listed.ids)), np.nan, np.float32)
    for page in queries.vectors_after(connection, model):
        places = places_of(listed.ids, page.ids)
        same = places >= 0
        same[same] &= listed.rows[places[same]] == page.rows[same]
        found[:, places[same]] = asked @ page.vectors[same].astype(np.float32).T
    return found


def _differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return len(one) != len(other) or bool((np.abs(one - other) > _TOLERANCE).any())


def _entries(page: StoredLists, owners: Ids) -> Iterator[tuple[int, tuple[Ids, NDArray[np.float32]]]]:
    """Yield the lists of some owners."""
    ends = np.cumsum(page.lengths)
    for at in np.flatnonzero(np.isin(page.owners, owners)).tolist():
        part = slice(ends[at] - page.lengths[at], ends[at])
        yield int(page.owners[at]), (page.others[part], page.similarities[part])
