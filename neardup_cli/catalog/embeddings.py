"""All embeddings of a model at once, for programs that compute with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from neardup_cli.catalog import queries
from neardup_cli.errors import ModelMismatch
from neardup_cli.records.embeddings import Embeddings
from neardup_cli.records.files import CatalogedFile


def present_embeddings(connection: Connection, name: str | None) -> Embeddings[NDArray[np.int64]]:
    """Return the embeddings of the contents that have a present file; see `Catalog.embeddings`.

    Raises:
        ModelMismatch: there are none of this model.
    """
    stored = queries.stored_models(connection)
    model = next((one for one in stored if name is None or one.identity.name == name), None)
    if model is None:
        have = ", ".join(one.identity.name for one in stored) or "hashes alone"
        raise ModelMismatch(f"the catalog has no vectors of {name or 'any model'} (it has {have})")
    present = queries.fingerprints(connection).ids
    ids, vectors = [np.empty(0, np.int64)], [np.empty((0, model.identity.dimension), np.float16)]
    for page in queries.vectors_after(connection, model):
        wanted = np.isin(page.ids, present)
        ids.append(page.ids[wanted])
        vectors.append(page.vectors[wanted])
    all_ids = np.concatenate(ids)
    order = np.argsort(all_ids)
    return Embeddings(all_ids[order], np.concatenate(vectors)[order])


def present_files(connection: Connection) -> list[CatalogedFile]:
    """Return the present, decodable files, by content id and path."""
    return queries.files_of_contents(connection, queries.fingerprints(connection).ids.tolist())
