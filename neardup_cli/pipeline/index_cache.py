"""The FAISS file beside the catalog: loaded when it agrees with the catalog, brought up to date when not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from neardup_cli.catalog import neighbours, queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.queries import StoredModel, VectorState
from neardup_cli.index.vectors import (
    IndexKind,
    IndexStamp,
    VectorIndex,
    candidates,
    kind_for,
    sampled,
)

_SUFFIX = ".faiss"
# Candidates of a compressed index that are measured by their vectors: at least, and at most.
_SHORTLIST, _LONGEST_LIST = 64, 2048
# Queries that are measured at once: a few dozen megabytes.
_BLOCK = 256


class CatalogIndex:
    """The index of a model's vectors, with the catalog behind it: all similarities are exact.

    A flat index is asked alone. One of kind IVF only proposes: its candidates are measured again by their
    stored vectors.
    """

    def __init__(self, catalog: Catalog, model: StoredModel, index: VectorIndex) -> None:
        self._catalog = catalog
        self._model = model
        self.vectors = index

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self, vectors: NDArray[np.float32], top_k: int, *, probed: float = 1.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the nearest contents of (n, dimension) unit vectors, as `VectorIndex.search` does.

        An index of kind IVF gives at most 2,048, and -1 with -inf where it found no more.
        """
        if self.vectors.kind is IndexKind.FLAT:
            return self.vectors.search(vectors, top_k)
        blocks = [
            self._measured(vectors[start : start + _BLOCK], top_k, probed)
            for start in range(0, len(vectors), _BLOCK)
        ]
        ids, similarities = zip(*blocks, strict=True)
        return np.concatenate(ids), np.concatenate(similarities)

    def _measured(
        self, vectors: NDArray[np.float32], top_k: int, probed: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        shortlist = min(max(candidates(len(self.vectors), top_k), _SHORTLIST), _LONGEST_LIST)
        ids, _ = self.vectors.search(vectors, shortlist, probed=probed)
        named = np.unique(ids[ids >= 0])
        table = self._stored(named)
        places = np.minimum(np.searchsorted(named, ids), max(0, len(named) - 1))
        exact = np.full(ids.shape, -np.inf, np.float32)
        for row, vector in enumerate(vectors):
            found = ids[row] >= 0
            exact[row, found] = table[places[row, found]] @ vector
        gone = np.isnan(exact)
        ids, exact = np.where(gone, -1, ids), np.where(gone, np.float32(-np.inf), exact)
        order = np.argsort(-exact, axis=1, kind="stable")[:, :top_k]
        return np.take_along_axis(ids, order, axis=1), np.take_along_axis(exact, order, axis=1)

    def _stored(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the (n, dimension) vectors of ascending ids; NaN for one that went away meanwhile."""
        table = np.full((len(ids), self._model.identity.dimension), np.nan, np.float32)
        with self._catalog.read() as connection:
            for page in neighbours.vectors_of(connection, self._model, ids.tolist()):
                table[np.searchsorted(ids, page.ids)] = page.vectors
        return table

    def vector(self, content: int) -> NDArray[np.float32] | None:
        """Return the (dimension,) vector of a content, or None if it has none."""
        if self.vectors.kind is IndexKind.FLAT:
            return self.vectors.vector(content)
        with self._catalog.read() as connection:
            for page in neighbours.vectors_of(connection, self._model, [content]):
                found: NDArray[np.float32] = page.vectors[0].astype(np.float32)
                return found
        return None


def index_path(catalog: Path, model: StoredModel) -> Path:
    """Return where the index of a model lies: beside the catalog, named after it and the model."""
    identity = model.identity
    key = blake3(f"{identity.fingerprint}\0{identity.preprocessing}".encode()).hexdigest()[:12]
    return catalog.with_name(f"{catalog.name}.{key}{_SUFFIX}")


def index_files(catalog: Path) -> list[Path]:
    """Return all index files of a catalog."""
    return sorted(catalog.parent.glob(f"{catalog.name}.*{_SUFFIX}"))


def open_index(catalog: Catalog, model: StoredModel, *, rebuild: bool = False) -> CatalogIndex:
    """Return an index that holds exactly the model's vectors, and leave it on disk for the next time.

    The file is a cache: what is missing is added, and what does not fit the catalog, or has outgrown its
    kind, is built anew.
    """
    path = index_path(catalog.path, model)
    with catalog.read() as connection:
        wanted = _wanted_stamp(connection, model)
        index, stamp = (None if rebuild else usable_index(path, wanted)) or (
            _empty_index(connection, model, wanted.vectors),
            wanted._replace(vectors=0, last_row=0),
        )
        if stamp != wanted:
            for page in queries.vectors_after(connection, model, stamp.last_row):
                index.add(page.ids, page.vectors)
            if len(index) != wanted.vectors:  # rows went away that the file still held
                return open_index(catalog, model, rebuild=True)
    if stamp != wanted or rebuild:
        with suppress(OSError):  # a full or read-only disk costs time at the next start, no answer
            index.save(path, wanted)
    return CatalogIndex(catalog, model, index)


def _empty_index(connection: Connection, model: StoredModel, vectors: int) -> VectorIndex:
    """Make the kind of index that suits so many vectors, trained where it needs that."""
    dimension = model.identity.dimension
    if kind_for(vectors) is IndexKind.FLAT:
        return VectorIndex(dimension)
    pages = (page.vectors for page in queries.vectors_after(connection, model))
    return VectorIndex.trained(sampled(pages, vectors), vectors)


class IndexState(StrEnum):
    """What an index file is worth."""

    CURRENT = "current"
    BEHIND = "behind"  # a beginning of what the catalog holds; the next query adds the rest
    ABSENT = "not built yet"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The state of an index file, and how it holds its vectors where it can be used."""

    state: IndexState
    kind: IndexKind | None = None
    lists: int = 1

    def __str__(self) -> str:
        """Describe it in a few words."""
        match self.kind:
            case None:
                return self.state.value
            case IndexKind.FLAT:
                return f"{self.state.value}, flat"
            case IndexKind.IVF:
                return f"{self.state.value}, ivf of {self.lists:,} lists"


def inspect_index(catalog: Catalog, model: StoredModel) -> IndexReport:
    """Say how the index file of a model agrees with the catalog."""
    path = index_path(catalog.path, model)
    if not path.exists():
        return IndexReport(IndexState.ABSENT)
    with catalog.read() as connection:
        wanted = _wanted_stamp(connection, model)
    usable = usable_index(path, wanted)
    if usable is None:
        return IndexReport(IndexState.UNUSABLE)
    index, stamp = usable
    state = IndexState.CURRENT if stamp == wanted else IndexState.BEHIND
    return IndexReport(state, index.kind, index.lists)


def usable_index(
    path: Path, wanted: IndexStamp, flat_up_to: int | None = None
) -> tuple[VectorIndex, IndexStamp] | None:
    """Load the file if it holds a beginning of what is wanted, in a way that suits all of it."""
    loaded = VectorIndex.load(path)
    if loaded is None:
        return None
    index, stamp = loaded
    same = stamp._replace(vectors=wanted.vectors, last_row=wanted.last_row) == wanted
    beginning = stamp.vectors <= wanted.vectors and stamp.last_row <= wanted.last_row
    return loaded if same and beginning and index.suits(wanted.vectors, flat_up_to) else None


def _wanted_stamp(connection: Connection, model: StoredModel) -> IndexStamp:
    state: VectorState = queries.vector_state(connection, model)
    return IndexStamp(
        queries.catalog_uuid(connection), model.identity.fingerprint, model.identity.preprocessing, *state
    )
