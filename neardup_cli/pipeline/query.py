"""`query`: which catalogued pictures resemble a given one. Nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.errors import PathNotFound, UnreadableImage
from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.index.vectors import VectorIndex
from neardup_cli.matching.sieve import FLAT, sieve_hits
from neardup_cli.pipeline.criteria import Criteria, resolve_criteria
from neardup_cli.pipeline.index_cache import open_index
from neardup_cli.pipeline.models import input_size_of
from neardup_cli.pipeline.probe import Probe, probe_image
from neardup_cli.records import Alignment, CatalogedFile, QueryMatch, QueryResult, Stage

_STAGE_ORDER = {Stage.EXACT: 0, Stage.SIEVE: 1, Stage.VERIFIER: 2, Stage.GEOMETRY: 3, None: 4}


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What counts as a match, and how many neighbours to show.

    Attributes:
        top_k: at most so many catalogued files an image.
        threshold, hamming, model, verify, preset: as in `DupsOptions`.
        under: only files below these real paths are looked at; empty for all.
        include_self: list the queried file itself, should it be in the catalog.
    """

    top_k: int = 10
    threshold: float | None = None
    hamming: int | None = None
    model: str | None = None
    verify: bool = True
    preset: str = "normal"
    under: Sequence[bytes] = ()
    include_self: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS


class Searcher:
    """A catalog made ready to answer many queries: hashes, index and model are loaded once."""

    def __init__(self, catalog: Catalog, options: QueryOptions) -> None:
        self._catalog = catalog
        self._options = options
        self.criteria: Criteria = resolve_criteria(
            catalog,
            model=options.model,
            threshold=options.threshold,
            hamming=options.hamming,
            verify=options.verify,
            preset=options.preset,
        )
        with catalog.read() as connection:
            self._prints = queries.fingerprints(connection, options.under)
        self._row_of = {content: row for row, content in enumerate(self._prints.ids.tolist())}
        self._embedder: Embedder | None = None
        self._index: VectorIndex | None = None
        if (model := self.criteria.model) is not None:
            self._embedder = load_embedder(model.identity.name, input_size=input_size_of(model))
            self._index = open_index(catalog, model)

    def query(self, path: bytes, *, top_k: int | None = None) -> QueryResult:
        """Return the catalogued files that resemble one image, matches first, then by similarity.

        A file that cannot be read gives a result that says why. `top_k` overrules the options.
        """
        shown = self._options.top_k if top_k is None else top_k
        try:
            probe = probe_image(path, self._embedder, self._options.max_pixels)
        except (PathNotFound, UnreadableImage) as exc:
            return QueryResult(path, error=str(exc))
        similarities = self._neighbours(probe, shown)
        sieved = self._sieved(probe)
        with self._catalog.read() as connection:
            files = queries.files_of_contents(connection, similarities.keys() | sieved, self._options.under)
        matches = [
            self._judge(probe, file, similarities.get(file.content_id), file.content_id in sieved)
            for file in files
            if self._options.include_self or file.path != probe.path
        ]
        matches.sort(key=_rank)
        return QueryResult(path, tuple(matches[:shown]))

    def _neighbours(self, probe: Probe, top_k: int) -> dict[int, float]:
        """Return the similarity of the nearest contents that have a present file."""
        if self._index is None or probe.vector is None:
            return {}
        wanted = top_k + 1  # one more, for the queried file itself
        k = wanted
        while True:
            ids, similarities = self._index.search(probe.vector, k)
            found = {
                content: similarity
                for content, similarity in zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
                if content in self._row_of
            }
            # The index still knows contents whose files are gone: look further until enough are left.
            if len(found) >= wanted or k >= len(self._index):
                return found
            k *= 4

    def _sieved(self, probe: Probe) -> set[int]:
        if probe.features.flatness >= FLAT:
            return self._same_bytes(probe)
        hits = sieve_hits(
            self._prints.hashes, self._prints.flatness, probe.features.dhash, self.criteria.limits.radius
        )
        return {int(self._prints.ids[row]) for row, _ in hits} | self._same_bytes(probe)

    def _same_bytes(self, probe: Probe) -> set[int]:
        """Return the content with the very same bytes; flat pictures never come through the sieve."""
        rows = np.flatnonzero(self._prints.hashes == probe.features.dhash)
        candidates = {int(self._prints.ids[row]) for row in rows}
        with self._catalog.read() as connection:
            files = queries.files_of_contents(connection, candidates)
        return {file.content_id for file in files if file.digest == probe.digest}

    def _judge(self, probe: Probe, file: CatalogedFile, similarity: float | None, sieved: bool) -> QueryMatch:
        row = self._row_of[file.content_id]
        bits = hamming_distance(probe.features.dhash, int(self._prints.hashes[row]))
        if similarity is None and sieved:
            similarity = self._similarity(probe, file.content_id)
        judgement = self.criteria.limits.judge(
            hamming=bits,
            similarity=similarity,
            flat=max(probe.features.flatness, float(self._prints.flatness[row])) >= FLAT,
            same_bytes=file.digest == probe.digest,
            align=lambda: self._align(probe, file),
        )
        return QueryMatch(
            file.path,
            judgement.stage,
            similarity,
            bits,
            file.width,
            file.height,
            file.stamp.size,
            judgement.alignment,
        )

    def _align(self, probe: Probe, file: CatalogedFile) -> Alignment | None:
        # Late: OpenCV takes a fifth of a second to import, and most queries have no doubtful pair.
        from neardup_cli.pipeline.geometry import align_files

        return align_files(probe.path, file.path, self._options.preset, self._options.max_pixels)

    def _similarity(self, probe: Probe, content: int) -> float | None:
        if self._index is None or probe.vector is None:
            return None
        vector = self._index.vector(content)
        return None if vector is None else float(probe.vector[0] @ vector)


def _rank(match: QueryMatch) -> tuple[int, float, int, bytes]:
    similarity = 0.0 if match.similarity is None else match.similarity
    return (_STAGE_ORDER[match.stage], -similarity, match.hamming or 0, match.path)


def query(
    catalog: Catalog, paths: Sequence[bytes], options: QueryOptions
) -> tuple[list[QueryResult], Criteria]:
    """Answer `neardup query`: one result for each path, in order, and the criteria that were used."""
    searcher = Searcher(catalog, options)
    return [searcher.query(path) for path in paths], searcher.criteria
