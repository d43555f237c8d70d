"""`dups`: the groups of copies in a catalog."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from blake3 import blake3

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.matching.funnel import Collection, sift_pairs
from neardup_cli.matching.group import linked_groups
from neardup_cli.pipeline.criteria import Limits, resolve_criteria
from neardup_cli.pipeline.progress import Progress, Silent
from neardup_cli.records import CatalogedFile, DuplicateGroup, DupsReport, FileMatch, PairMatch, Stage

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class DupsOptions:
    """What counts as a copy, and where to look.

    Attributes:
        threshold: SSCD similarity from which a pair counts; None takes 0.2, or without `verify` the level
            at which false pairs vanish.
        hamming: radius of the sieve; None takes 10 bits, and 4 where the sieve decides alone.
        model: whose vectors to use; None takes the model used last.
        verify: let the geometric stage decide the pairs below the model's level of certainty.
        preset: its limits: "strict", "normal" or "loose".
        under: only files below these real paths take part; empty for all.
        limit: report at most so many groups.
        workers: threads of the geometric stage.
    """

    threshold: float | None = None
    hamming: int | None = None
    model: str | None = None
    verify: bool = True
    preset: str = "normal"
    under: Sequence[bytes] = ()
    limit: int | None = None
    workers: int = 1


def find_duplicates(catalog: Catalog, options: DupsOptions, progress: Progress | None = None) -> DupsReport:
    """Find the groups of copies, largest saving first; the same for the same catalog and options.

    Raises:
        ModelMismatch: see `resolve_criteria`.
    """
    started = time.monotonic()
    criteria = resolve_criteria(
        catalog,
        model=options.model,
        threshold=options.threshold,
        hamming=options.hamming,
        verify=options.verify,
        preset=options.preset,
    )
    with catalog.read() as connection:
        collection = load_collection(connection, criteria.model, options.under)
        copied = queries.contents_in_several_files(connection, options.under)
    limits = criteria.limits
    sifted = sift_pairs(
        collection,
        threshold=limits.threshold,
        radius=limits.radius,
        radius_alone=limits.radius_alone,
        certainty=limits.certainty,
    )
    pairs = sifted.certain + _decided(catalog, sifted.doubtful, limits, options, progress or Silent())
    members = {content for pair in pairs for content in (pair.a, pair.b)} | set(copied)
    with catalog.read() as connection:
        files = queries.files_of_contents(connection, members, options.under)
    groups = build_groups(files, pairs)
    shown = groups if options.limit is None else groups[: options.limit]
    return DupsReport(
        parameters={**criteria.parameters(), "under": list(options.under), "limit": options.limit},
        groups=tuple(shown),
        summary={
            **_summarise(collection, groups, len(shown)),
            "checked_pairs": len(sifted.doubtful),
            "pairs_left_out": sifted.left_out,
            "seconds": time.monotonic() - started,
        },
    )


def _decided(
    catalog: Catalog,
    doubtful: Sequence[PairMatch],
    limits: Limits,
    options: DupsOptions,
    watch: Progress,
) -> list[PairMatch]:
    """Let the pixels decide the doubtful pairs; return those that match."""
    if not doubtful or limits.preset is None:
        return []
    # Late: OpenCV takes a fifth of a second to import, and a catalog without doubts needs none of it.
    from neardup_cli.pipeline.geometry import decide_pairs

    verdicts = decide_pairs(
        catalog,
        [(pair.a, pair.b) for pair in doubtful],
        preset=limits.preset,
        workers=options.workers,
        watch=watch,
    )
    return [
        replace(pair, alignment=alignment)
        for pair in doubtful
        if (alignment := verdicts.get((pair.a, pair.b))) is not None and alignment.matched
    ]


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


def build_groups(files: Sequence[CatalogedFile], pairs: Sequence[PairMatch]) -> list[DuplicateGroup]:
    """Make groups of files out of pairs of contents; files of one content belong together.

    A pair may have lost its files since it was found: a scan can end in between.
    """
    by_content = {
        content: sorted(held, key=keeper_order)
        for content, held in groupby(files, key=lambda file: file.content_id)
    }
    pairs = [pair for pair in pairs if pair.a in by_content and pair.b in by_content]
    members = linked_groups(((pair.a, pair.b) for pair in pairs), by_content)
    group_of = {content: number for number, group in enumerate(members) for content in group}
    pairs_of: dict[int, list[PairMatch]] = {}
    for pair in pairs:
        pairs_of.setdefault(group_of[pair.a], []).append(pair)
    groups = [
        _group({content: by_content[content] for content in contents}, pairs_of.get(number, []))
        for number, contents in enumerate(members)
        if len(contents) > 1 or len(by_content[contents[0]]) > 1
    ]
    return sorted(groups, key=lambda group: (-group.reclaimable_bytes, group.keep))


def keeper_order(file: CatalogedFile) -> tuple[int, bool, int, int, int, bytes]:
    """Sort the file to keep first: most pixels, a capture time, most bytes, oldest, shortest path.

    The capture time goes before the bytes: editors and messengers drop it, and a copy with a caption,
    or a PNG made of a JPEG, is larger than its original and no better.
    """
    return (
        -(file.width * file.height),
        file.captured_at is None,
        -file.stamp.size,
        file.stamp.mtime_ns,
        len(file.path),
        file.path,
    )


def _group(contents: Mapping[int, Sequence[CatalogedFile]], pairs: Iterable[PairMatch]) -> DuplicateGroup:
    files = sorted((file for held in contents.values() for file in held), key=keeper_order)
    keeper, *others = files
    matches = [
        FileMatch(held[0].path, copy.path, Stage.EXACT, None, 0)
        for held in contents.values()
        for copy in held[1:]
    ]
    for pair in pairs:
        a, b = contents[pair.a][0], contents[pair.b][0]
        matches.append(FileMatch(a.path, b.path, pair.stage, pair.similarity, pair.hamming, pair.alignment))
    # What one inode holds is freed once, and not at all where the keeper is a link to it.
    freed = {(file.stamp.device, file.stamp.inode): file.stamp.size for file in others}
    freed.pop((keeper.stamp.device, keeper.stamp.inode), None)
    digests = sorted(held[0].digest for held in contents.values())
    return DuplicateGroup(
        id=blake3(b"".join(digests)).hexdigest()[:_ID_DIGITS],
        keep=keeper.path,
        reclaimable_bytes=sum(freed.values()),
        members=(keeper, *sorted(others, key=lambda file: file.path)),
        matches=tuple(sorted(matches, key=lambda match: (match.a, match.b))),
    )


def _summarise(collection: Collection, groups: Sequence[DuplicateGroup], shown: int) -> dict[str, Any]:
    stages = Counter(match.stage for group in groups for match in group.matches)
    return {
        "contents": len(collection.ids),
        "embedded": len(collection.vector_rows),
        "groups": len(groups),
        "groups_shown": shown,
        "files": sum(len(group.members) for group in groups),
        "redundant_files": sum(len(group.members) - 1 for group in groups),
        "reclaimable_bytes": sum(group.reclaimable_bytes for group in groups),
        "matches": {stage.value: stages[stage] for stage in Stage},
    }
