"""What a query image has in common with parts of catalogued pictures, and its parts with those pictures."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

import numpy as np

from neardup_cli.catalog import regions as store
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.embedders.base import Vectors
from neardup_cli.matching.regions import View, best_view
from neardup_cli.pipeline.index_cache import CatalogIndex
from neardup_cli.pipeline.probe import Probe
from neardup_cli.pipeline.region_index import open_region_index

_NEAREST = 32  # contents that are looked at, each way; some may have no file any more


class Glimpse(NamedTuple):
    """How a query image and a content look alike where one of them is but a region.

    Attributes:
        similarity: the larger of both ways.
        of_image: a region of the query image (a) that is most like the content (b); None if none is.
        of_content: whether a region of the content is like the query image.
    """

    similarity: float
    of_image: View | None = None
    of_content: bool = False


class RegionSearcher:
    """Looks for contents by regions; the index is loaded once."""

    def __init__(self, catalog: Catalog, model: StoredModel, whole: CatalogIndex) -> None:
        self._catalog = catalog
        self._model = model
        self._whole = whole
        self._regions = open_region_index(catalog, model)

    def look(self, probe: Probe, limit: float, known: Container[int]) -> dict[int, Glimpse]:
        """Return the contents among the known ones that are seen in the image, or it in them.

        Args:
            probe: made with its regions.
            limit: similarity from which something is seen.
            known: content ids.
        """
        if probe.vector is None or probe.regions is None:
            return {}
        found = self._parts_of_image(probe.regions, limit)
        contents, similarities = self._regions.search(probe.vector, _NEAREST)
        for content, similarity in zip(contents[0].tolist(), similarities[0].tolist(), strict=True):
            if similarity >= limit:
                seen = found.get(content, Glimpse(similarity))
                larger = max(seen.similarity, similarity)
                found[content] = seen._replace(similarity=larger, of_content=True)
        return {content: seen for content, seen in found.items() if content in known}

    def _parts_of_image(self, regions: Vectors, limit: float) -> dict[int, Glimpse]:
        found: dict[int, Glimpse] = {}
        ids, similarities = self._whole.search(regions, _NEAREST)
        for region in range(len(regions)):
            for content, similarity in zip(ids[region].tolist(), similarities[region].tolist(), strict=True):
                if similarity >= limit and (content not in found or found[content].similarity < similarity):
                    found[content] = Glimpse(similarity, View(similarity, of_a=True, region=region))
        return found

    def views(self, probe: Probe, content: int, seen: Glimpse) -> Iterator[View]:
        """Yield the views through which the image (a) and a content (b) look alike.

        The regions of the content are read only where the view through the image's was not enough.
        """
        if seen.of_image is not None:
            yield seen.of_image
        if seen.of_content and probe.vector is not None:
            with self._catalog.read() as connection:
                pages = list(store.regions_of(connection, self._model, [content]))
            for page in pages:
                yield best_view(page.vectors[0].astype(np.float32), probe.vector, of_a=False)
