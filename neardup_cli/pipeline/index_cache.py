"""The FAISS file beside the catalog: loaded when it agrees with the catalog, brought up to date when not."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from blake3 import blake3

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.queries import StoredModel, VectorState
from neardup_cli.index.vectors import IndexStamp, VectorIndex

_SUFFIX = ".faiss"


def index_path(catalog: Path, model: StoredModel) -> Path:
    """Return where the index of a model lies: beside the catalog, named after it and the model."""
    identity = model.identity
    key = blake3(f"{identity.fingerprint}\0{identity.preprocessing}".encode()).hexdigest()[:12]
    return catalog.with_name(f"{catalog.name}.{key}{_SUFFIX}")


def index_files(catalog: Path) -> list[Path]:
    """Return all index files of a catalog."""
    return sorted(catalog.parent.glob(f"{catalog.name}.*{_SUFFIX}"))


def open_index(catalog: Catalog, model: StoredModel, *, rebuild: bool = False) -> VectorIndex:
    """Return an index that holds exactly the model's vectors, and leave it on disk for the next time.

    The file is a cache: what is missing is added, and what does not fit the catalog is built anew.
    """
    path = index_path(catalog.path, model)
    with catalog.read() as connection:
        wanted = _wanted_stamp(connection, model)
        index, stamp = (None if rebuild else _usable(path, wanted)) or (
            VectorIndex(model.identity.dimension),
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
    return index


class IndexState(StrEnum):
    """What an index file is worth."""

    CURRENT = "current"
    BEHIND = "behind"  # a beginning of what the catalog holds; the next query adds the rest
    ABSENT = "not built yet"
    UNUSABLE = "unusable"


def index_state(catalog: Catalog, model: StoredModel) -> IndexState:
    """Say how the index file of a model agrees with the catalog."""
    path = index_path(catalog.path, model)
    if not path.exists():
        return IndexState.ABSENT
    with catalog.read() as connection:
        wanted = _wanted_stamp(connection, model)
    loaded = _usable(path, wanted)
    if loaded is None:
        return IndexState.UNUSABLE
    return IndexState.CURRENT if loaded[1] == wanted else IndexState.BEHIND


def _usable(path: Path, wanted: IndexStamp) -> tuple[VectorIndex, IndexStamp] | None:
    """Load the file if it holds a beginning of what is wanted."""
    loaded = VectorIndex.load(path)
    if loaded is None:
        return None
    _, stamp = loaded
    same = stamp._replace(vectors=wanted.vectors, last_row=wanted.last_row) == wanted
    return loaded if same and stamp.vectors <= wanted.vectors and stamp.last_row <= wanted.last_row else None


def _wanted_stamp(connection: Connection, model: StoredModel) -> IndexStamp:
    state: VectorState = queries.vector_state(connection, model)
    return IndexStamp(
        queries.catalog_uuid(connection), model.identity.fingerprint, model.identity.preprocessing, *state
    )
