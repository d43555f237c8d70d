"""The funnel asked in one direction: which references is each query a copy of, and how sure is that?

The stages are the ones of `neardup dups`, and so are the decisions (`Limits.judge`, `decide_pairs`). What is
different is that only pairs of a query and a reference are looked at, that each stage is measured on its own,
and that what was refused is kept too, with its similarity: without it there is no curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import queries as stored
from neardup_cli.catalog.database import Catalog
from neardup_cli.evaluation.meter import Meter
from neardup_cli.index.vectors import VectorIndex
from neardup_cli.matching.regions import RegionPairs
from neardup_cli.matching.sieve import FLAT, sieve_hits
from neardup_cli.pipeline.criteria import Criteria
from neardup_cli.pipeline.geometry import decide_pairs
from neardup_cli.pipeline.parts_seen import seen_by_regions
from neardup_cli.pipeline.region_geometry import settle_by_regions
from neardup_cli.progress import Progress
from neardup_cli.records.matches import Alignment, Stage
from neardup_cli.rules.copies import Limits

NEIGHBOURS = 20
"""How many of a query's nearest references the verifier looks at: DISC asks for ten."""

_BLOCK = 1024


class Candidate(NamedTuple):
    """A query and a reference that some stage proposed, by content id.

    Attributes:
        similarity: cosine in [-1, 1]; None where one of them has no vector.
        sieved: whether the sieve proposed the pair; flat pictures and far ones it does not.
        flat: whether neither hash nor vector can be trusted.
        seen: whether a region of one looks like the whole of the other.
    """

    query: int
    reference: int
    similarity: float | None
    hamming: int
    sieved: bool
    flat: bool
    seen: bool = False


class Answer(NamedTuple):
    """A candidate after all stages; `stage` is the one that called it a copy, None if none did.

    Attributes:
        checked: whether the pixels had to be looked at.
    """

    candidate: Candidate
    stage: Stage | None
    checked: bool

    @property
    def score(self) -> float:
        """How sure the funnel is, comparable between queries: what it calls a copy ranks above all else.

        Copies lie in [1, 2] and what is none in [-1, 1], each by similarity; without a vector by hash.
        """
        if self.stage is Stage.EXACT:
            return 2.0
        near = self.candidate.similarity
        if near is None:
            near = 1 - self.candidate.hamming / 64
        return near if self.stage is None else 1 + max(near, 0.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a catalog answers about some of its contents.

    Attributes:
        possible: pairs of a query's content and a reference's.
        answers: candidates of all queries, in order.
    """

    possible: int
    answers: tuple[Answer, ...]


def contents_of(catalog: Catalog) -> dict[bytes, int]:
    """Return the content id of every present file that could be read, by path."""
    with catalog.read() as connection:
        ids = stored.fingerprints(connection).ids.tolist()
        return {file.path: file.content_id for file in stored.files_of_contents(connection, ids)}


def ask(
    catalog: Catalog,
    queries: Sequence[int],
    references: Sequence[int],
    criteria: Criteria,
    *,
    workers: int,
    watch: Progress,
    meter: Meter,
    neighbours: int = NEIGHBOURS,
) -> Asked:
    """Look each query up among the references.

    Args:
        catalog: holds both.
        queries: content ids, without repetitions.
        references: likewise; a content may be in both.
        criteria: what counts as a copy.
        workers: threads of the geometric stage.
        watch: told of the progress.
        meter: gets the cost of each stage.
        neighbours: how many of a query's nearest references the verifier looks at.
    """
    with meter.stage("load"):
        prints, vectors = _load(catalog, criteria)
        asked, known = _Side(prints, vectors, queries), _Side(prints, vectors, references)
    with meter.stage("sieve"):
        sieved = _sieve(asked, known, criteria.limits.radius, watch)
    with meter.stage("verifier"):
        seen = seen_by_regions(catalog, criteria, watch)
        sides = _nearest(asked, known, neighbours), _seen(asked, known, seen)
        near = [whole | parts for whole, parts in zip(*sides, strict=True)]
        candidates = _with_seen(_candidates(asked, known, sieved, near, criteria.limits.radius), seen)
    with meter.stage("geometry"):
        answers = decide(catalog, candidates, criteria, workers=workers, watch=watch, seen=seen)
    return Asked(len(asked.ids) * len(known.ids), tuple(answers))


def measure(catalog: Catalog, pairs: Sequence[tuple[int, int]], criteria: Criteria) -> list[Candidate]:
    """Return what hashes and vectors say of given pairs of contents, in their order."""
    prints, vectors = _load(catalog, criteria)
    everything = _Side(prints, vectors, prints.ids.tolist())
    row_of = {content: row for row, content in enumerate(everything.ids.tolist())}
    return [
        _candidate(everything, everything, row_of[a], row_of[b], criteria.limits.radius) for a, b in pairs
    ]


def decide(
    catalog: Catalog,
    candidates: Sequence[Candidate],
    criteria: Criteria,
    *,
    workers: int,
    watch: Progress,
    seen: RegionPairs | None = None,
) -> list[Answer]:
    """Let the limits decide about candidates, the pixels where they ask for them, and parts of them."""
    limits = criteria.limits
    doubtful = [candidate for candidate in candidates if _is_doubtful(candidate, limits)]
    verdicts = _verdicts(catalog, doubtful, criteria, seen or RegionPairs.none(), workers, watch)
    return [_answer(candidate, limits, verdicts) for candidate in candidates]


class _Vectors(NamedTuple):
    """(m,) content ids and their (m, dimension) unit vectors."""

    ids: NDArray[np.int64]
    rows: NDArray[np.float16]


def _load(catalog: Catalog, criteria: Criteria) -> tuple[stored.Fingerprints, _Vectors]:
    """Read the hashes of all contents, and the vectors where there is a model."""
    with catalog.read() as connection:
        prints = stored.fingerprints(connection)
        if criteria.model is None:
            return prints, _Vectors(np.empty(0, np.int64), np.empty((0, 1), np.float16))
        ids, rows = [np.empty(0, np.int64)], [np.empty((0, criteria.model.identity.dimension), np.float16)]
        for page in stored.vectors_after(connection, criteria.model):
            ids.append(page.ids)
            rows.append(page.vectors)
    return prints, _Vectors(np.concatenate(ids), np.concatenate(rows))


class _Side:
    """The hashes and vectors of the queries, or of the references, one row a content.

    Attributes:
        vector_rows: the row that each of the vectors belongs to.
        vector_of: the vector of each row that has one.
    """

    def __init__(self, prints: stored.Fingerprints, vectors: _Vectors, contents: Sequence[int]) -> None:
        wanted = np.isin(prints.ids, np.asarray(contents, dtype=np.int64))
        self.ids = prints.ids[wanted]
        self.hashes = prints.hashes[wanted]
        self.flatness = prints.flatness[wanted]
        ours = np.isin(vectors.ids, self.ids)
        self.vectors = vectors.rows[ours]
        self.vector_rows = np.searchsorted(self.ids, vectors.ids[ours])
        self.vector_of = {row: place for place, row in enumerate(self.vector_rows.tolist())}


def _sieve(asked: _Side, known: _Side, radius: int, watch: Progress) -> list[set[int]]:
    """Return for each query the rows of the references that the sieve proposes."""
    watch.start("Sieving", len(asked.ids))
    proposed = []
    for row, value in enumerate(asked.hashes.tolist()):
        flat = asked.flatness[row] >= FLAT
        hits = [] if flat else sieve_hits(known.hashes, known.flatness, value, radius)
        proposed.append({place for place, _ in hits})
        watch.advance()
    return proposed


def _candidates(
    asked: _Side, known: _Side, sieved: Sequence[set[int]], near: Sequence[set[int]], radius: int
) -> list[Candidate]:
    """Join what the sieve proposes, what is nearest or seen in a part, and what is the same content."""
    place_of = {content: place for place, content in enumerate(known.ids.tolist())}
    found = []
    for row, content in enumerate(asked.ids.tolist()):
        rows = sieved[row] | near[row]
        if content in place_of:
            rows = rows | {place_of[content]}
        found += [_candidate(asked, known, row, place, radius) for place in sorted(rows)]
    return found


def _candidate(asked: _Side, known: _Side, row: int, place: int, radius: int) -> Candidate:
    bits = int(np.bitwise_count((asked.hashes[row] ^ known.hashes[place]).view(np.uint64)))
    flat = bool(max(asked.flatness[row], known.flatness[place]) >= FLAT)
    return Candidate(
        query=int(asked.ids[row]),
        reference=int(known.ids[place]),
        similarity=_similarity(asked, known, row, place),
        hamming=bits,
        sieved=bits <= radius and not flat,
        flat=flat,
    )


def _nearest(asked: _Side, known: _Side, neighbours: int) -> list[set[int]]:
    """Return for each query the rows of its nearest references."""
    near: list[set[int]] = [set() for _ in asked.ids]
    if not len(asked.vectors) or not len(known.vectors):
        return near
    index = VectorIndex(known.vectors.shape[1])
    for start in range(0, len(known.vectors), _BLOCK):
        index.add(known.vector_rows[start : start + _BLOCK], known.vectors[start : start + _BLOCK])
    for start in range(0, len(asked.vectors), _BLOCK):
        block = asked.vectors[start : start + _BLOCK].astype(np.float32)
        places, _ = index.search(block, neighbours)
        rows = asked.vector_rows[start : start + _BLOCK].tolist()
        for row, some in zip(rows, places.tolist(), strict=True):
            near[row] = set(some)
    return near


def _seen(asked: _Side, known: _Side, seen: RegionPairs) -> list[set[int]]:
    """Return for each query the rows of the references that are seen in a part of it, or it in theirs."""
    row_of = {content: row for row, content in enumerate(asked.ids.tolist())}
    place_of = {content: place for place, content in enumerate(known.ids.tolist())}
    found: list[set[int]] = [set() for _ in asked.ids]
    for one, other in zip(seen.owners.tolist(), seen.others.tolist(), strict=True):
        for query, reference in ((one, other), (other, one)):
            if query in row_of and reference in place_of and query != reference:
                found[row_of[query]].add(place_of[reference])
    return found


def _with_seen(candidates: Sequence[Candidate], seen: RegionPairs) -> list[Candidate]:
    """Mark the candidates of which a part was seen; theirs is the larger one of the two similarities."""
    parts: dict[tuple[int, int], float] = {}
    for one, other, similarity in zip(*(side.tolist() for side in seen), strict=True):
        pair = min(one, other), max(one, other)
        parts[pair] = max(similarity, parts.get(pair, -1.0))
    return [
        candidate._replace(seen=True, similarity=max(similarity, parts[_key(candidate)]))
        if _key(candidate) in parts and (similarity := candidate.similarity) is not None
        else candidate
        for candidate in candidates
    ]


def _similarity(asked: _Side, known: _Side, row: int, place: int) -> float | None:
    if row not in asked.vector_of or place not in known.vector_of:
        return None
    ours: NDArray[np.float32] = asked.vectors[asked.vector_of[row]].astype(np.float32)
    return float(ours @ known.vectors[known.vector_of[place]].astype(np.float32))


def _is_doubtful(candidate: Candidate, limits: Limits) -> bool:
    """Whether the decision would ask for the pixels."""
    asked = []

    def note() -> Alignment | None:
        asked.append(candidate)
        return None

    limits.judge(
        hamming=candidate.hamming,
        similarity=candidate.similarity,
        flat=candidate.flat,
        same_bytes=candidate.query == candidate.reference,
        align=note,
        seen=lambda: candidate.seen,
    )
    return bool(asked)


def _verdicts(
    catalog: Catalog,
    doubtful: Sequence[Candidate],
    criteria: Criteria,
    seen: RegionPairs,
    workers: int,
    watch: Progress,
) -> dict[tuple[int, int], Alignment]:
    limits = criteria.limits
    if not doubtful or limits.preset is None:
        return {}
    pairs = sorted({_key(candidate) for candidate in doubtful})
    least = limits.least
    verdicts = decide_pairs(catalog, pairs, least=least, workers=workers, watch=watch)
    if criteria.model is None or not len(seen.owners):
        return verdicts
    settled, _ = settle_by_regions(
        catalog, criteria.model, verdicts, seen, least=least, workers=workers, watch=watch
    )
    return settled


def _key(candidate: Candidate) -> tuple[int, int]:
    """The pair as the catalog keeps its verdicts: the smaller id first."""
    return min(candidate.query, candidate.reference), max(candidate.query, candidate.reference)


def _answer(candidate: Candidate, limits: Limits, verdicts: dict[tuple[int, int], Alignment]) -> Answer:
    checked = []

    def look_up() -> Alignment | None:
        checked.append(candidate)
        return verdicts.get(_key(candidate))

    judgement = limits.judge(
        hamming=candidate.hamming,
        similarity=candidate.similarity,
        flat=candidate.flat,
        same_bytes=candidate.query == candidate.reference,
        align=look_up,
        seen=lambda: candidate.seen,
    )
    return Answer(candidate, judgement.stage, bool(checked))
