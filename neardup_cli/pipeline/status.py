"""`status`: what a catalog holds."""

from __future__ import annotations

import os
from dataclasses import replace

from neardup_cli.catalog import neighbours, previews, queries, regions, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.images.remote import is_remote
from neardup_cli.pipeline.index_cache import index_files, inspect_index
from neardup_cli.pipeline.survey import is_offline
from neardup_cli.records.health import CatalogStatus, ModelStatus


def catalog_status(catalog: Catalog) -> CatalogStatus:
    """Count what is in the catalog and see which roots can be reached."""
    with catalog.read() as connection:
        totals = queries.counts(connection)
        devices = {root.path: root.device for root in scanning.known_roots(connection)}
        roots = tuple(
            replace(root, online=_is_there(root.path) and not is_offline(root.path, devices[root.path]))
            for root in queries.root_statuses(connection)
        )
        models = queries.stored_models(connection)
        vectors = [queries.vector_state(connection, model).vectors for model in models]
        compared = [neighbours.count_lists(connection, model) for model in models]
        thorough = [regions.region_state(connection, model).vectors for model in models]
        schema = queries.schema_revision(connection)
        last_scan = queries.last_scan(connection)
        kept = previews.kept_previews(connection)
    return CatalogStatus(
        location=catalog.name,
        schema=schema,
        catalog_bytes=catalog.size(),
        index_bytes=sum(path.stat().st_size for path in index_files(catalog.path)),
        files=totals["files"],
        missing=totals["missing"],
        contents=totals["contents"],
        unreadable=totals["unreadable"],
        image_bytes=totals["bytes"],
        roots=roots,
        models=tuple(
            ModelStatus(model.identity, count, str(inspect_index(catalog, model)), with_regions, done)
            for model, count, with_regions, done in zip(models, vectors, thorough, compared, strict=True)
        ),
        last_scan=last_scan,
        previews=kept.number,
        preview_bytes=kept.size,
    )


def _is_there(path: bytes) -> bool:
    return is_remote(path) or os.path.exists(path)
