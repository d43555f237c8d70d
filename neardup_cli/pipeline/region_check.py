"""What `doctor` looks at where a catalog has regions: their vectors, their index, what was found by them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neardup_cli.catalog import regions as store
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.embedders.regions import REGIONS
from neardup_cli.errors import CatalogCorrupt
from neardup_cli.matching.regions import REGION_DOOR
from neardup_cli.pipeline.region_index import region_index_is_usable, region_index_path
from neardup_cli.records.health import Finding

_UNIT_TOLERANCE = 5e-3  # float16 keeps 11 bits of each coordinate
_ADVICE = "run `neardup scan --thorough --rehash` on their folders"


def check_regions(catalog: Catalog, model: StoredModel, *, repair: bool) -> Iterator[Finding]:
    """Yield what is found about the regions of a model; nothing if it has none.

    Args:
        catalog: the catalog.
        model: one of its models.
        repair: remove an index file that does not agree, and forget lists that cannot be right.
    """
    with catalog.read() as connection:
        if not store.region_state(connection, model).vectors:
            return
    name = model.identity.name
    wrong = _wrong_vectors(catalog, model)
    yield Finding(f"regions of {name}", not wrong, f"{wrong}: {_ADVICE}" if wrong else "")
    usable = region_index_is_usable(catalog, model)
    if repair and not usable:
        region_index_path(catalog.path, model).unlink(missing_ok=True)
    yield _finding(f"region index of {name}", sound=usable, repair=repair)
    sound = _lists_are_sound(catalog, model)
    if repair and not sound:
        with catalog.write() as connection:
            store.forget_lists(connection, model)
    yield _finding(f"what regions of {name} look like", sound=sound, repair=repair)


def _finding(check: str, *, sound: bool, repair: bool) -> Finding:
    problem = "does not agree with the catalog"
    if sound:
        return Finding(check, ok=True)
    if not repair:
        return Finding(check, ok=False, detail=f"{problem}: run `neardup doctor --repair`")
    return Finding(check, ok=True, detail=f"{problem}; made anew when it is needed", repaired=True)


def _wrong_vectors(catalog: Catalog, model: StoredModel) -> str:
    """Say what is wrong with the stored vectors; nothing if nothing is."""
    wrong = 0
    try:
        with catalog.read() as connection:
            for page in store.regions_after(connection, model):
                if page.vectors.shape[1] != len(REGIONS):
                    return f"{page.vectors.shape[1]} regions a picture instead of {len(REGIONS)}"
                lengths = np.linalg.norm(page.vectors.astype(np.float32), axis=2)
                wrong += int(np.count_nonzero(~(np.abs(lengths - 1) < _UNIT_TOLERANCE)))
    except CatalogCorrupt:
        return "some have another dimension"
    return f"{wrong} vectors are not unit vectors" if wrong else ""


def _lists_are_sound(catalog: Catalog, model: StoredModel) -> bool:
    """Return True if the lists are such as a join makes: nearest first, each other once, none too far."""
    try:
        with catalog.read() as connection:
            store.stored_join(connection, model)
            for found in store.stored_lists(connection, model):
                values = found.similarities
                ordered = bool((np.diff(values) <= 0).all() and (values >= np.float32(REGION_DOOR)).all())
                once = len(np.unique(found.others)) == len(found.others) and found.content not in found.others
                if not (ordered and once):
                    return False
    except CatalogCorrupt:
        return False
    return True
