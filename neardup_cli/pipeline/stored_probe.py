"""A catalogued image side by side with another: from what the catalog knows, its file not being opened."""

from __future__ import annotations

import numpy as np

from neardup_cli.catalog import neighbours, queries, scanning
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.previews import contents_with_previews
from neardup_cli.embedders.base import Embedder, Vectors
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.remote import real_place
from neardup_cli.pipeline.probe import Probe
from neardup_cli.pipeline.stored_image import is_unchanged, picture_of
from neardup_cli.records.files import CatalogedFile, Features


def probe_or_path(
    catalog: Catalog, path: bytes, embedder: Embedder | None, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Probe | bytes:
    """Return what the catalog knows of the file at a path, or the path where that does not suffice.

    A file that is away is what it was; one that has changed since the scan is looked at itself.
    """
    with catalog.read() as connection:
        file = queries.file_at(connection, real_place(path))
    if file is None:
        return path
    try:
        if not is_unchanged(file):
            return path
    except OSError:
        pass
    return stored_probe(catalog, file, embedder, max_pixels) or path


def stored_probe(
    catalog: Catalog, file: CatalogedFile, embedder: Embedder | None, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Probe | None:
    """Return a catalogued file as a question; None where its content has no preview, or no vector."""
    with catalog.read() as connection:
        if not contents_with_previews(connection, [file.content_id]):
            return None
        found = queries.hash_of(connection, file.content_id)
        vector = None if embedder is None else _vector(connection, file.content_id, embedder)
        same = queries.files_of_contents(connection, [file.content_id])
    if found is None or (embedder is not None and vector is None):
        return None
    features = Features(
        file.format, file.width, file.height, found.dhash, found.flatness, file.captured_at, None
    )
    picture = picture_of(catalog, [file, *(one for one in same if one != file)], max_pixels)
    return Probe(file.path, file.digest, features, picture, vector, stored=True)


def _vector(connection: Connection, content: int, embedder: Embedder) -> Vectors | None:
    identity = embedder.identity
    model = scanning.find_model(connection, identity.fingerprint, identity.preprocessing)
    if model is None:
        return None
    pages = list(neighbours.vectors_of(connection, model, [content]))
    return pages[0].vectors.astype(np.float32) if pages else None
