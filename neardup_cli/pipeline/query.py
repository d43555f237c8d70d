"""`query`: which catalogued pictures resemble a given one. Nothing is stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Self

import numpy as np

from neardup_cli.catalog import decisions, queries, regions
from neardup_cli.catalog.database import Catalog
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.matching.regions import region_limit
from neardup_cli.matching.sieve import FLAT, sieve_hits
from neardup_cli.pipeline.compare import Rules
from neardup_cli.pipeline.criteria import Criteria, Judgement, Limits, resolve_criteria
from neardup_cli.pipeline.index_cache import CatalogIndex, open_index
from neardup_cli.pipeline.models import input_size_of
from neardup_cli.pipeline.probe import Probe, probe_images
from neardup_cli.pipeline.region_query import Glimpse, RegionSearcher
from neardup_cli.records import Alignment, CatalogedFile, QueryMatch, QueryResult, Stage

if TYPE_CHECKING:
    from neardup_cli.settings import Settings

_STAGE_ORDER = {Stage.EXACT: 0, Stage.SIEVE: 1, Stage.VERIFIER: 2, Stage.GEOMETRY: 3, None: 4}


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What counts as a match, and how many neighbours to show.

    Attributes:
        top_k: at most so many catalogued files an image.
        threshold, hamming, model, verify, preset, similar_shots: as in `DupsOptions`.
        under: only files below these real paths are looked at; empty for all.
        include_self: list the queried file itself, should it be in the catalog.
    """

    top_k: int = 10
    threshold: float | None = None
    hamming: int | None = None
    model: str | None = None
    verify: bool = True
    preset: str = "normal"
    similar_shots: bool = False
    under: Sequence[bytes] = ()
    include_self: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        verify: bool = True,
        similar_shots: bool = False,
        under: Sequence[bytes] = (),
    ) -> Self:
        """Take the rest from the settings."""
        return cls(
            top_k=settings.top_k,
            threshold=settings.threshold,
            hamming=settings.hamming,
            model=settings.model,
            verify=verify,
            preset=settings.preset,
            similar_shots=similar_shots,
            under=under,
            max_pixels=settings.max_pixels,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One image to look up; `top_k` and `threshold` overrule the options where they are given."""

    path: bytes
    top_k: int | None = None
    threshold: float | None = None


class Searcher:
    """A catalog made ready to answer many queries: hashes, index and model are loaded once."""

    def __init__(self, catalog: Catalog, options: QueryOptions, embedder: Embedder | None = None) -> None:
        """Load what answers need.

        Args:
            catalog: stays open as long as questions are asked.
            options: what counts as a match.
            embedder: one that is loaded already, used if it is the catalog's model.

        Raises:
            ModelMismatch: see `resolve_criteria`.
        """
        self._catalog = catalog
        self._options = options
        self.criteria: Criteria = resolve_criteria(
            catalog,
            model=options.model,
            threshold=options.threshold,
            hamming=options.hamming,
            verify=options.verify,
            preset=options.preset,
            similar_shots=options.similar_shots,
        )
        with catalog.read() as connection:
            self._prints = queries.fingerprints(connection, options.under)
        self._row_of = {content: row for row, content in enumerate(self._prints.ids.tolist())}
        self._embedder: Embedder | None = None
        self._index: CatalogIndex | None = None
        self._regions: RegionSearcher | None = None
        if (model := self.criteria.model) is not None:
            fits = embedder is not None and embedder.identity == model.identity
            self._embedder = (
                embedder if fits else load_embedder(model.identity.name, input_size=input_size_of(model))
            )
            self._index = open_index(catalog, model)
            self._regions = self._open_regions(self._index)

    def _open_regions(self, whole: CatalogIndex) -> RegionSearcher | None:
        """Get ready to look for parts of pictures, if there are any and geometry is there to decide."""
        model = self.criteria.model
        if model is None or self.criteria.limits.preset is None:
            return None
        with self._catalog.read() as connection:
            if not regions.region_state(connection, model).vectors:
                return None
        return RegionSearcher(self._catalog, model, whole)

    def query(self, path: bytes, *, top_k: int | None = None) -> QueryResult:
        """Return the catalogued files that resemble one image, matches first, then by similarity.

        A file that cannot be read gives a result that says why. `top_k` overrules the options.
        """
        return self.query_many([Question(path, top_k)])[0]

    @property
    def rules(self) -> Rules:
        """What counts as a copy here, for `compare` and `explain`; the model is not loaded again."""
        return Rules(self._embedder, self.criteria.limits)

    def query_many(self, questions: Sequence[Question]) -> list[QueryResult]:
        """Answer several questions, in order; they share runs of the model and of the index."""
        paths = [question.path for question in questions]
        thorough = self._regions is not None
        probed = probe_images(paths, self._embedder, self._options.max_pixels, thorough=thorough)
        probes = [probe for probe in probed if isinstance(probe, Probe)]
        wanted = max((self._shown(question) for question in questions), default=0)
        similarities = iter(self._neighbours(probes, wanted))
        return [
            self._answer(question, probe, next(similarities))
            if isinstance(probe, Probe)
            else QueryResult(question.path, error=str(probe))
            for question, probe in zip(questions, probed, strict=True)
        ]

    def _shown(self, question: Question) -> int:
        return self._options.top_k if question.top_k is None else question.top_k

    def _answer(self, question: Question, probe: Probe, similarities: dict[int, float]) -> QueryResult:
        limits = self.criteria.limits
        if question.threshold is not None:
            limits = replace(limits, threshold=question.threshold)
        shown = self._shown(question)
        nearest = dict(sorted(similarities.items(), key=lambda found: -found[1])[: shown + 1])
        sieved = self._sieved(probe)
        seen: dict[int, Glimpse] = {}
        if self._regions is not None:
            seen = self._regions.look(probe, region_limit(limits.threshold), self._row_of)
        contents = nearest.keys() | sieved | seen.keys()
        with self._catalog.read() as connection:
            files = queries.files_of_contents(connection, contents, self._options.under)
            different = decisions.different_from(connection, probe.digest)
        matches = [
            match
            for content, held in groupby(files, key=lambda file: file.content_id)
            for match in self._judge(
                probe,
                list(held),
                limits,
                nearest.get(content),
                sieved=content in sieved,
                seen=seen.get(content),
                different=different,
            )
            if self._options.include_self or match.path != probe.path
        ]
        matches.sort(key=_rank)
        return QueryResult(question.path, tuple(matches[:shown]))

    def _neighbours(self, probes: Sequence[Probe], top_k: int) -> list[dict[int, float]]:
        """Return for each probe the similarity of the nearest contents that have a present file."""
        found: list[dict[int, float]] = [{} for _ in probes]
        if self._index is None:
            return found
        wanted = top_k + 1  # one more, for the queried file itself
        open_rows = [row for row, probe in enumerate(probes) if probe.vector is not None]
        k = wanted
        while open_rows:
            vectors = np.concatenate(
                [vector for row in open_rows if (vector := probes[row].vector) is not None]
            )
            ids, similarities = self._index.search(vectors, k)
            for row, near, values in zip(open_rows, ids.tolist(), similarities.tolist(), strict=True):
                found[row] = {
                    content: similarity
                    for content, similarity in zip(near, values, strict=True)
                    if content in self._row_of
                }
            # The index still knows contents whose files are gone: look further until enough are left.
            open_rows = [row for row in open_rows if len(found[row]) < wanted and ids.shape[1] == k]
            k *= 4
        return found

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

    def _judge(
        self,
        probe: Probe,
        files: Sequence[CatalogedFile],
        limits: Limits,
        similarity: float | None,
        *,
        sieved: bool,
        seen: Glimpse | None,
        different: frozenset[bytes],
    ) -> list[QueryMatch]:
        """Judge a content by the first of its files; what a person called different is but a neighbour."""
        file = files[0]
        row = self._row_of[file.content_id]
        bits = hamming_distance(probe.features.dhash, int(self._prints.hashes[row]))
        if similarity is None and (sieved or seen is not None):
            similarity = self._similarity(probe, file.content_id)
        if seen is not None and (similarity is None or similarity < limits.threshold):
            # What a region proposes is for the pixels to decide, however similar it is.
            similarity, limits = seen.similarity, replace(limits, certainty=math.inf)
        judgement = Judgement(None)
        if file.digest not in different:
            judgement = limits.judge(
                hamming=bits,
                similarity=similarity,
                flat=max(probe.features.flatness, float(self._prints.flatness[row])) >= FLAT,
                same_bytes=file.digest == probe.digest,
                align=lambda: self._align(probe, file, seen),
            )
        if seen is not None and similarity is not None:
            similarity = max(similarity, seen.similarity)
        return [
            QueryMatch(
                held.path,
                judgement.stage,
                similarity,
                bits,
                held.width,
                held.height,
                held.stamp.size,
                judgement.alignment,
            )
            for held in files
        ]

    def _align(self, probe: Probe, file: CatalogedFile, seen: Glimpse | None) -> Alignment | None:
        # Late: OpenCV takes a fifth of a second to import, and most queries resemble nothing.
        from neardup_cli.pipeline.geometry import align_files

        preset, max_pixels = self._options.preset, self._options.max_pixels
        whole = align_files(probe.path, file.path, preset, max_pixels)
        if self._regions is None or seen is None or (whole is not None and whole.matched):
            return whole
        part = self._regions.align(probe, file, seen, preset, max_pixels)
        return part if part is not None and part.matched else whole

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
