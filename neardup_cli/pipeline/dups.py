"""`dups`: the groups of copies in a catalog."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np

from neardup_cli.catalog import decisions, queries
from neardup_cli.catalog.database import DAILY, Catalog, Connection
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.catalog.verdicts import IdPair
from neardup_cli.choices import Grouping, Kind
from neardup_cli.matching.funnel import Collection, Sifted, sift_pairs
from neardup_cli.matching.regions import with_regions
from neardup_cli.matching.sieve import FLAT
from neardup_cli.pipeline.criteria import Criteria, resolve_criteria
from neardup_cli.pipeline.grouping import group_contents
from neardup_cli.pipeline.join import joined_pictures
from neardup_cli.pipeline.looking import Candidates
from neardup_cli.pipeline.parts_seen import seen_by_regions
from neardup_cli.pipeline.paths import AnyPaths, real_places
from neardup_cli.pipeline.proven import proven_groups
from neardup_cli.plans import Policy
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch, PairMatch
from neardup_cli.records.scans import Cluster
from neardup_cli.rules.groups import Grouped
from neardup_cli.rules.options import Matching, set_matching
from neardup_cli.rules.totals import totals

if TYPE_CHECKING:
    from neardup_cli.settings import Settings


@dataclass(frozen=True, slots=True)
class DupsOptions(Matching):
    """What counts as a copy, which file stays, and where to look.

    Attributes:
        threshold, hamming, model, verify, preset, grouping, similar_shots: as in `Matching`.
        under: only files at or below these paths take part; empty for all.
        limit: report at most so many groups.
        workers: threads of the geometric stage.
        cluster: compares the vectors where many are new; None for this machine.
        policy: which file of a group stays.
        prove: compare each copy with the file that stays at full size, which is what `clean` asks for.
        every_pair: look at all pairs, also at those that follow from others: who asks for pairs wants all.
    """

    under: AnyPaths = ()
    limit: int | None = None
    workers: int = 1
    cluster: Cluster | None = None
    policy: Policy = field(default_factory=Policy)
    prove: bool = False
    every_pair: bool = False

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
        grouping: Grouping = Grouping.COHERENT,
        similar_shots: bool = False,
        under: AnyPaths = (),
        limit: int | None = None,
        cluster: Cluster | None = None,
        prove: bool = False,
        every_pair: bool = False,
    ) -> Self:
        """Take the rest from the settings."""
        return cls(
            **set_matching(settings),
            verify=verify,
            grouping=grouping,
            similar_shots=similar_shots,
            under=under,
            limit=limit,
            workers=settings.worker_count,
            cluster=cluster,
            prove=prove,
            every_pair=every_pair,
        )


def find_duplicates(catalog: Catalog, options: DupsOptions, progress: Progress | None = None) -> DupsReport:
    """Find the groups of copies, largest saving first; the same for the same catalog and options.

    Raises:
        ModelMismatch: see `resolve_criteria`.
        MissingExtra, ClusterFailed: the cluster cannot be used.
    """
    started = time.monotonic()
    catalog.verify(DAILY)
    criteria = resolve_criteria(catalog, options)
    limits, watch = criteria.limits, progress or Silent()
    joined = joined_pictures(
        catalog, criteria.model, limits.threshold, options.folders, watch, options.cluster
    )
    with catalog.read() as connection:
        copied = queries.contents_in_several_files(connection, options.folders)
        different = decisions.not_duplicate_ids(connection)
    whole = sift_pairs(
        joined.pictures,
        threshold=limits.threshold,
        radius=limits.radius,
        radius_alone=limits.radius_alone,
        certainty=limits.certainty,
    )
    seen = seen_by_regions(catalog, criteria, watch)
    sifted = with_regions(whole, joined.pictures, seen)
    wanted = _without(sifted, different)
    with Candidates(
        catalog,
        wanted,
        seen,
        criteria,
        workers=options.workers,
        watch=watch,
        flat=frozenset(joined.pictures.ids[joined.pictures.flatness >= FLAT].tolist()),
        every_pair=options.every_pair,
    ) as candidates:
        regrouped = partial(_grouped, catalog, candidates, copied, criteria, options, watch, different)
        if options.prove:
            grouped = proven_groups(
                catalog, regrouped, limit=options.limit, workers=options.workers, watch=watch
            )
        else:
            grouped = regrouped()
    checked = [pair for pair in wanted.doubtful if (pair.a, pair.b) in candidates.looked_at]
    shown = grouped.groups[: options.limit]
    asked = {"under": list(options.folders), "limit": options.limit}
    return DupsReport(
        parameters={
            **criteria.parameters(),
            "grouping": options.grouping.value,
            **asked,
        },
        groups=tuple(shown),
        summary={
            "contents": len(joined.pictures.ids),
            "embedded": int(np.count_nonzero(joined.pictures.embedded)),
            **totals(grouped.groups),
            "groups_shown": len(shown),
            "checked_pairs": len(checked),
            "pairs_not_needed": len(wanted.doubtful) - len(checked),
            "region_pairs": len(sifted.doubtful) - len(whole.doubtful),
            "pairs_left_out": sifted.left_out,
            "compared": joined.compared,
            "crowded": joined.cut,
            "similar_shots": sum(map(_is_similar_shot, candidates.matches())),
            "cannot_tell": len(candidates.untold),
            "seconds": time.monotonic() - started,
        },
        links=tuple(_links_of(shown, grouped)),
    )


def _without(sifted: Sifted, different: frozenset[IdPair]) -> Sifted:
    """Leave out the pairs that a person called different: nothing more is to be known of them."""
    if not different:
        return sifted
    return replace(
        sifted,
        certain=[pair for pair in sifted.certain if (pair.a, pair.b) not in different],
        doubtful=[pair for pair in sifted.doubtful if (pair.a, pair.b) not in different],
    )


def _grouped(
    catalog: Catalog,
    candidates: Candidates,
    copied: Iterable[int],
    criteria: Criteria,
    options: DupsOptions,
    watch: Progress,
    different: frozenset[IdPair],
) -> Grouped:
    """Group what matches, until each member was looked at beside the file that stays."""
    limits = criteria.limits
    while True:
        matched = candidates.matches()
        pairs = [pair for pair in matched if limits.counts(pair.alignment)]
        shots = [(pair.a, pair.b) for pair in matched if not limits.counts(pair.alignment)]
        members = {content for pair in pairs for content in (pair.a, pair.b)} | set(copied)
        grouped = group_contents(
            catalog,
            members,
            pairs,
            options,
            watch,
            different=different,
            series=shots,
            unknown=candidates.unknown(),
        )
        if not candidates.settle(grouped.groups):
            return grouped


def _is_similar_shot(pair: PairMatch) -> bool:
    return pair.alignment is not None and pair.alignment.kind is Kind.SIMILAR_SHOT


def _links_of(shown: Sequence[DuplicateGroup], grouped: Grouped) -> Iterator[FileMatch]:
    """Yield the links that touch a file of the groups shown, or none of any group."""
    paths = {member.path for group in shown for member in group.members}
    others = {member.path for group in grouped.groups for member in group.members} - paths
    for link in grouped.links:
        ends = {link.a, link.b}
        if ends & paths or not ends & others:
            yield link


def load_collection(
    connection: Connection, model: StoredModel | None, under: Sequence[bytes] = ()
) -> Collection:
    """Read the hashes, and the vectors of a model, of the contents that have a present file."""
    prints = queries.fingerprints(connection, under)
    dimension = 1 if model is None else model.identity.dimension
    vectors, rows = [np.empty((0, dimension), np.float16)], [np.empty(0, np.int64)]
    if model is not None and len(prints.ids):
        for page in queries.vectors_after(connection, model):
            positions = np.minimum(np.searchsorted(prints.ids, page.ids), len(prints.ids) - 1)
            wanted = prints.ids[positions] == page.ids
            vectors.append(page.vectors[wanted])
            rows.append(positions[wanted])
    all_rows, all_vectors = np.concatenate(rows), np.concatenate(vectors)
    order = np.argsort(all_rows)
    return Collection(prints.ids, prints.hashes, prints.flatness, all_vectors[order], all_rows[order])
