"""`query`: which catalogued pictures resemble a given one. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from neardup_cli.catalog import decisions, queries, regions
from neardup_cli.catalog.database import DAILY, Catalog
from neardup_cli.choices import Device
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.errors import UnreadableImage
from neardup_cli.fingerprints.dhash import hamming_distance
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.index.cores import on_this_core
from neardup_cli.matching.regions import View, region_limit
from neardup_cli.matching.sieve import FLAT, sieve_hits
from neardup_cli.pipeline.compare import Rules
from neardup_cli.pipeline.criteria import Criteria, resolve_criteria
from neardup_cli.pipeline.index_cache import CatalogIndex, open_index
from neardup_cli.pipeline.models import input_size_of
from neardup_cli.pipeline.paths import AnyPaths, many_paths, real_places
from neardup_cli.pipeline.picture import Cache, Picture
from neardup_cli.pipeline.probe import Probe, Source, probe_images
from neardup_cli.pipeline.region_query import Glimpse, RegionSearcher
from neardup_cli.pipeline.stored_image import picture_of
from neardup_cli.records.answers import QueryMatch, QueryResult
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import Alignment, Stage
from neardup_cli.rules.copies import Judgement, Limits
from neardup_cli.rules.options import Matching, set_matching

if TYPE_CHECKING:
    from neardup_cli.settings import Settings

_PICTURES_CACHED = 256
"""Catalogued pictures that uploads were laid on: 150 MB at most. What is copied once is copied again."""

_STAGE_ORDER = {Stage.EXACT: 0, Stage.SIEVE: 1, Stage.VERIFIER: 2, Stage.GEOMETRY: 3, None: 4}


@dataclass(frozen=True, slots=True)
class QueryOptions(Matching):
    """What counts as a match, and how many neighbours to show.

    Attributes:
        top_k: at most so many catalogued files an image.
        threshold, hamming, model, verify, preset, similar_shots: as in `Matching`.
        under: only files at or below these paths are looked at; empty for all.
        include_self: list the queried file itself, should it be in the catalog.
        max_pixels: larger images are refused.
        device: where the model runs.
    """

    top_k: int = 10
    under: AnyPaths = ()
    include_self: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    device: Device = Device.AUTO

    @property
    def folders(self) -> tuple[bytes, ...]:
        """Where `under` really leads."""
        return real_places(self.under)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        verify: bool = True,
        similar_shots: bool = False,
        under: AnyPaths = (),
    ) -> Self:
        """Take the rest from the settings."""
        return cls(
            **set_matching(settings),
            top_k=settings.top_k,
            verify=verify,
            similar_shots=similar_shots,
            under=under,
            max_pixels=settings.max_pixels,
            device=settings.device,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One image to look up; `top_k` and `threshold` overrule the options where they are given."""

    image: Source
    top_k: int | None = None
    threshold: float | None = None

    @property
    def path(self) -> bytes:
        """The path of the image; empty for a stream."""
        return self.image if isinstance(self.image, bytes) else b""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be prepared of an image that somebody else reads: see `probe.Prepared`.

    Attributes:
        side: input size of the network; None without one.
        regions: whether its regions are looked up, too.
    """

    side: int | None
    regions: bool


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What is to be judged of the catalog, by content id, for one image.

    Attributes:
        limits: of this question.
        nearest: similarity of the contents whose vectors are nearest.
        sieved: contents with the same bytes, or a dHash within the radius.
        seen: contents that are seen in the image, or it in them.
    """

    limits: Limits
    nearest: dict[int, float]
    sieved: set[int]
    seen: dict[int, Glimpse]

    @property
    def contents(self) -> set[int]:
        """All of them."""
        return self.nearest.keys() | self.sieved | self.seen.keys()


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
            ModelMissing, ModelInvalid, BadInput: the model cannot be used, or not on that device.
        """
        catalog.verify(DAILY)
        self._catalog = catalog
        self._options = options
        self.criteria: Criteria = resolve_criteria(catalog, options)
        with catalog.read() as connection:
            self._prints = queries.fingerprints(connection, options.folders)
        self._row_of = {content: row for row, content in enumerate(self._prints.ids.tolist())}
        self._embedder: Embedder | None = None
        self._index: CatalogIndex | None = None
        self._pictures = Cache[tuple[CatalogedFile, ...], Picture](
            lambda files: picture_of(catalog, files, options.max_pixels), _PICTURES_CACHED
        )
        self._regions: RegionSearcher | None = None
        if (model := self.criteria.model) is not None:
            if embedder is None or embedder.identity != model.identity:
                size = input_size_of(model)
                embedder = load_embedder(model.identity.name, input_size=size, device=options.device)
            self._embedder = embedder
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
        return Rules(self._embedder, self.criteria.limits, regions=self._regions is not None)

    @property
    def max_pixels(self) -> int:
        """Larger images are refused."""
        return self._options.max_pixels

    @property
    def wanted(self) -> Wanted:
        """What is asked of each image."""
        model = self.criteria.model
        return Wanted(None if model is None else input_size_of(model), self._regions is not None)

    def query_many(self, questions: Sequence[Question]) -> list[QueryResult]:
        """Answer several questions, in order; they share runs of the model and questions to the catalog."""
        probed = probe_images(
            [question.image for question in questions],
            self._embedder,
            self._options.max_pixels,
            thorough=self._regions is not None,
        )
        asked = [
            (question, probe)
            for question, probe in zip(questions, probed, strict=True)
            if isinstance(probe, Probe)
        ]
        with on_this_core():
            answers = iter(self._answers(asked))
        return [
            next(answers) if isinstance(probe, Probe) else QueryResult(question.path, error=str(probe))
            for question, probe in zip(questions, probed, strict=True)
        ]

    def _answers(self, asked: Sequence[tuple[Question, Probe]]) -> list[QueryResult]:
        candidates = self._candidates(asked)
        wanted = {content for some in candidates for content in some.contents}
        digests = {probe.digest for _, probe in asked}
        files: dict[int, list[CatalogedFile]] = {}
        with self._catalog.read() as connection:
            for file in queries.files_of_contents(connection, wanted, self._options.folders):
                files.setdefault(file.content_id, []).append(file)
            different = decisions.different_from(connection, digests)
        results = []
        for (question, probe), some in zip(asked, candidates, strict=True):
            matches = [
                match
                for content in some.contents & files.keys()
                for match in self._judge(probe, files[content], some, different[probe.digest])
                if self._options.include_self or match.path != probe.path
            ]
            matches.sort(key=_rank)
            shown = matches[: self._shown(question)]
            # What cannot be looked at is not left out in favour of what was looked at, and is none.
            shown += [match for match in matches[len(shown) :] if match.untold]
            results.append(QueryResult(question.path, tuple(shown)))
        return results

    def _shown(self, question: Question) -> int:
        return self._options.top_k if question.top_k is None else question.top_k

    def _candidates(self, asked: Sequence[tuple[Question, Probe]]) -> list[_Candidates]:
        probes = [probe for _, probe in asked]
        similar = self._neighbours(probes, max((self._shown(question) for question, _ in asked), default=0))
        with self._catalog.read() as connection:
            known = queries.ids_of_digests(connection, {probe.digest for probe in probes})
        same = {digest: content for digest, content in known.items() if content in self._row_of}
        found = []
        for (question, probe), similarities in zip(asked, similar, strict=True):
            limits = self.criteria.limits
            if question.threshold is not None:
                limits = replace(limits, threshold=question.threshold)
            nearest = sorted(similarities.items(), key=lambda found: -found[1])[: self._shown(question) + 1]
            seen = {}
            if self._regions is not None:
                seen = self._regions.look(probe, region_limit(limits.threshold), self._row_of)
            sieved = self._sieved(probe) | ({same[probe.digest]} if probe.digest in same else set())
            found.append(_Candidates(limits, dict(nearest), sieved, seen))
        return found

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
        """Return the contents within the radius; flat pictures never come through the sieve."""
        if probe.features.flatness >= FLAT:
            return set()
        hits = sieve_hits(
            self._prints.hashes, self._prints.flatness, probe.features.dhash, self.criteria.limits.radius
        )
        return {int(self._prints.ids[row]) for row, _ in hits}

    def _judge(
        self, probe: Probe, files: Sequence[CatalogedFile], some: _Candidates, different: Set[bytes]
    ) -> list[QueryMatch]:
        """Judge a content by the first of its files; what a person called different is but a neighbour."""
        file, limits = files[0], some.limits
        row = self._row_of[file.content_id]
        bits = hamming_distance(probe.features.dhash, int(self._prints.hashes[row]))
        similarity, seen = some.nearest.get(file.content_id), some.seen.get(file.content_id)
        if similarity is None:
            similarity = self._similarity(probe, file.content_id)
        judgement = Judgement(None)
        if file.digest not in different:
            judgement = limits.judge(
                hamming=bits,
                similarity=similarity,
                flat=max(probe.features.flatness, float(self._prints.flatness[row])) >= FLAT,
                same_bytes=file.digest == probe.digest,
                align=lambda: self._align(probe, files, seen),
                seen=lambda: seen is not None,
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
                judgement.untold,
            )
            for held in files
        ]

    def _align(self, probe: Probe, files: Sequence[CatalogedFile], seen: Glimpse | None) -> Alignment | None:
        # Late: OpenCV takes a fifth of a second to import, and most queries resemble nothing.
        from neardup_cli.pipeline.laying import lay

        def views() -> Iterable[View]:
            if self._regions is None or seen is None:
                return ()
            return self._regions.views(probe, files[0].content_id, seen)

        with suppress(UnreadableImage):
            picture = self._pictures[tuple(files)]
            return lay(probe.picture, picture, self.criteria.limits.least, views).laid.alignment
        return None

    def _similarity(self, probe: Probe, content: int) -> float | None:
        if self._index is None or probe.vector is None:
            return None
        vector = self._index.vector(content)
        return None if vector is None else float(probe.vector[0] @ vector)


def _rank(match: QueryMatch) -> tuple[int, float, int, bytes]:
    similarity = 0.0 if match.similarity is None else match.similarity
    return (_STAGE_ORDER[match.stage], -similarity, match.hamming or 0, match.path)


def query(catalog: Catalog, paths: AnyPaths, options: QueryOptions) -> tuple[list[QueryResult], Criteria]:
    """Answer `neardup query`: one result for each path, in order, and the criteria that were used."""
    searcher = Searcher(catalog, options)
    return [searcher.query(path) for path in many_paths(paths)], searcher.criteria
