"""Which images look like a part of which other ones, if the scan has looked at parts."""

from __future__ import annotations

from neardup_cli.catalog.database import Catalog
from neardup_cli.matching.regions import RegionPairs
from neardup_cli.pipeline.criteria import Criteria
from neardup_cli.progress import Progress


def seen_by_regions(catalog: Catalog, criteria: Criteria, watch: Progress) -> RegionPairs:
    """Return what regions look like, if there are any and geometry is there to decide what they propose."""
    if criteria.model is None or criteria.limits.preset is None:
        return RegionPairs.none()
    # Late: it brings Pillow, which a catalog of hashes and `--no-verify` do without.
    from neardup_cli.pipeline.region_join import join_regions

    return join_regions(catalog, criteria.model, criteria.limits.threshold, watch)
