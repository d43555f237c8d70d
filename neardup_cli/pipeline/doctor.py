"""`doctor`: check the catalog and its index files, and rebuild the latter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Location
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.errors import CatalogCorrupt, NotACatalog
from neardup_cli.index.vectors import IndexKind, VectorIndex
from neardup_cli.pipeline.index_cache import IndexState, index_files, index_path, inspect_index, open_index
from neardup_cli.pipeline.join_check import forget_join, join_problem
from neardup_cli.pipeline.preview_check import check_previews
from neardup_cli.pipeline.region_check import check_regions
from neardup_cli.pipeline.region_index import region_index_path
from neardup_cli.records.health import Finding

# Similarity of a vector with what its 24 bytes of an IVF index say of it: above 0.3, of strangers below 0.1.
_ALIKE = 0.15


def examine(catalog: Catalog, *, repair: bool = False) -> list[Finding]:
    """Run all checks.

    Args:
        catalog: opening it has shown already that it is one, of a known version.
        repair: rebuild index files that do not agree with the catalog, remove those of no model, and forget
            damaged previews and neighbour lists that do not follow from the vectors. Nothing else is changed:
            what is wrong in the rest of the catalog needs a person.
    """
    findings = [_check_database(catalog), _check_contents(catalog)]
    findings.extend(check_previews(catalog, repair=repair))
    with catalog.read() as connection:
        models = queries.stored_models(connection)
    for model in models:
        findings.append(_check_vectors(catalog, model))
        findings.append(_check_index(catalog, model, repair=repair))
        findings.append(_check_join(catalog, model, repair=repair))
        findings.extend(check_regions(catalog, model, repair=repair))
    findings.extend(_check_stray_indexes(catalog, models, repair=repair))
    return findings


def repair_catalog(location: Location) -> list[Finding]:
    """Put a new catalog with all that can be saved into the place of a damaged one, which is kept aside.

    A sound catalog is left as it is, and so is what is no catalog.

    Raises:
        CatalogMissing, NotACatalog, CatalogTooNew, CatalogError: it cannot be opened, undamaged as it is.
        CatalogCorrupt: nothing of it can be saved.
    """
    try:
        with Catalog.open(location) as catalog:
            finding = _check_database(catalog)
        if finding.ok:
            return []
        problem = finding.detail
    except NotACatalog:
        raise
    except CatalogCorrupt as exc:
        problem = str(exc)
    saved = Catalog.salvage(location)
    if saved is None:
        return []
    lost = ""
    if saved.incomplete:
        lost = f"; of {', '.join(saved.incomplete)} some was lost: run `neardup scan` on your folders"
    what = problem.split(": run `neardup")[0]
    rows = f"{sum(saved.rows.values()):,} rows saved, the damaged file is {saved.aside.name}"
    return [Finding("catalog", ok=True, detail=f"{what}; {rows}{lost}", repaired=True)]


def _check_database(catalog: Catalog) -> Finding:
    try:
        catalog.verify()
        with catalog.read() as connection:
            problems = queries.integrity_problems(connection)
    except CatalogCorrupt as exc:
        return Finding("database", ok=False, detail=str(exc))
    advice = " - run `neardup doctor --repair`, or restore a backup"
    return Finding("database", not problems, "; ".join(problems[:3]) + advice if problems else "")


def _check_contents(catalog: Catalog) -> Finding:
    with catalog.read() as connection:
        wrong = queries.wrong_contents(connection)
    detail = f"{wrong} contents are incomplete: run `neardup scan --rehash` on their folders" if wrong else ""
    return Finding("contents", not wrong, detail)


def _check_vectors(catalog: Catalog, model: StoredModel) -> Finding:
    with catalog.read() as connection:
        wrong = queries.wrong_vectors(connection, model)
    detail = (
        f"{wrong} vectors are not unit vectors: run `neardup scan --rehash` on their folders" if wrong else ""
    )
    return Finding(f"vectors of {model.identity.name}", not wrong, detail)


def _check_index(catalog: Catalog, model: StoredModel, *, repair: bool) -> Finding:
    name = f"index of {model.identity.name}"
    found = inspect_index(catalog, model)
    usable = found.state is not IndexState.UNUSABLE
    if found.state is IndexState.ABSENT or (usable and _agrees(catalog, model)):
        return Finding(name, ok=True, detail=str(found))
    problem = "does not agree with the catalog"
    if not repair:
        return Finding(name, ok=False, detail=f"{problem}: run `neardup doctor --repair`")
    open_index(catalog, model, rebuild=True)
    return Finding(name, ok=True, detail=f"{problem}; rebuilt", repaired=True)


def _agrees(catalog: Catalog, model: StoredModel) -> bool:
    """Compare every vector that the index file holds with the catalog's, as far as its codes tell."""
    loaded = VectorIndex.load(index_path(catalog.path, model))
    if loaded is None:
        return False
    index, stamp = loaded
    exact = index.kind is IndexKind.FLAT
    with catalog.read() as connection:
        for page in queries.vectors_after(connection, model):
            old = page.rows <= stamp.last_row
            for content, vector in zip(page.ids[old].tolist(), page.vectors[old], strict=True):
                held, wanted = index.vector(content), vector.astype(np.float32)
                if held is None or not (np.array_equal(held, wanted) if exact else held @ wanted > _ALIKE):
                    return False
    return True


def _check_join(catalog: Catalog, model: StoredModel, *, repair: bool) -> Finding:
    name = f"neighbours in {model.identity.name}"
    problem = join_problem(catalog, model)
    if not problem:
        return Finding(name, ok=True)
    if not repair:
        return Finding(name, ok=False, detail=f"{problem}: run `neardup doctor --repair`")
    forget_join(catalog, model)
    return Finding(name, ok=True, detail=f"{problem}; the next `dups` compares anew", repaired=True)


def _check_stray_indexes(catalog: Catalog, models: list[StoredModel], *, repair: bool) -> Iterator[Finding]:
    wanted = {path(catalog.path, model) for model in models for path in (index_path, region_index_path)}
    for path in index_files(catalog.path):
        if path in wanted:
            continue
        if repair:
            path.unlink()
        yield Finding(
            f"stray index {path.name}",
            ok=repair,
            detail="removed" if repair else "of no model in the catalog: run `neardup doctor --repair`",
            repaired=repair,
        )
