"""`dups`: the groups of copies in a catalog."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from blake3 import blake3

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.errors import ModelMismatch
from neardup_cli.matching.funnel import Collection, matching_pairs
from neardup_cli.matching.group import linked_groups
from neardup_cli.matching.search import default_threshold
from neardup_cli.matching.sieve import DEFAULT_RADIUS, STRICT_RADIUS
from neardup_cli.pipeline.models import stored_model
from neardup_cli.records import CatalogedFile, DuplicateGroup, DupsReport, FileMatch, PairMatch, Stage

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class DupsOptions:
    """What counts as a copy, and where to look.

    Attributes:
        threshold: SSCD similarity from which a pair counts; None takes the model's default.
        hamming: radius of the sieve; None takes 10 bits, and 4 where the sieve decides alone.
        model: whose vectors to use; None takes the model used last.
        under: only files below these real paths take part; empty for all.
        limit: report at most so many groups.
    """

    threshold: float | None = None
    hamming: int | None = None
    model: str | None = None
    under: Sequence[bytes] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Criteria:
    """The options with every default filled in.

    Attributes:
        radius: of the sieve, for what it proposes.
        radius_alone: of the sieve, for what it decides because a picture has no vector.
    """

    model: StoredModel | None
    threshold: float | None
    radius: int
    radius_alone: int

    def parameters(self) -> dict[str, Any]:
        """Return them as the reports name them."""
        return {
            "model": None if self.model is None else self.model.identity.name,
            "threshold": self.threshold,
            "hamming": self.radius,
        }


def resolve_criteria(
    catalog: Catalog, *, model: str | None, threshold: float | None, hamming: int | None
) -> Criteria:
    """Fill in what the user left open, from what the catalog holds.

    Raises:
        ModelMismatch: a model or a threshold is asked for and the catalog has no vectors for it.
    """
    stored = stored_model(catalog, model)
    alone = STRICT_RADIUS if hamming is None else hamming
    if stored is None:
        if threshold is not None:
            raise ModelMismatch(
                "a threshold needs embeddings and this catalog holds hashes alone: "
                "run `neardup scan` without --hash-only first, or leave --threshold out"
            )
        return Criteria(None, None, alone, alone)
    if threshold is None:
        threshold = default_threshold(stored.identity.name)
    return Criteria(stored, threshold, DEFAULT_RADIUS if hamming is None else hamming, alone)


def find_duplicates(catalog: Catalog, options: DupsOptions) -> DupsReport:
    """Find the groups of copies, largest saving first; the same for the same catalog and options.

    Raises:
        ModelMismatch: see `resolve_criteria`.
    """
    started = time.monotonic()
    criteria = resolve_criteria(
        catalog, model=options.model, threshold=options.threshold, hamming=options.hamming
    )
    with catalog.read() as connection:
        collection = load_collection(connection, criteria.model, options.under)
        copied = queries.contents_in_several_files(connection, options.under)
        pairs = matching_pairs(
            collection,
            threshold=1.0 if criteria.threshold is None else criteria.threshold,
            radius=criteria.radius,
            radius_alone=criteria.radius_alone,
        )
        members = {content for pair in pairs for content in (pair.a, pair.b)} | set(copied)
        files = queries.files_of_contents(connection, members, options.under)
    groups = build_groups(files, pairs)
    shown = groups if options.limit is None else groups[: options.limit]
    return DupsReport(
        parameters={**criteria.parameters(), "under": list(options.under), "limit": options.limit},
        groups=tuple(shown),
        summary=_summarise(collection, groups, len(shown), time.monotonic() - started),
    )


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
    """Make groups of files out of pairs of contents; files of one content belong together."""
    by_content = {
        content: sorted(held, key=keeper_order)
        for content, held in groupby(files, key=lambda file: file.content_id)
    }
    members = linked_groups(((pair.a, pair.b) for pair in pairs), by_content)
    group_of = {content: number for number, group in enumerate(members) for content in group}
    pairs_of: dict[int, list[PairMatch]] = {}
    for pair in pairs:
        pairs_of.setdefault(group_of[pair.a], []).append(pair)
    groups = [
        _group({content: by_content[content] for content in contents}, pairs_of.get(number, []))
        for number, contents in enumerate(members)
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
        a, b = sorted((contents[pair.a][0], contents[pair.b][0]), key=keeper_order)
        matches.append(FileMatch(a.path, b.path, pair.stage, pair.similarity, pair.hamming))
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


def _summarise(
    collection: Collection, groups: Sequence[DuplicateGroup], shown: int, seconds: float
) -> dict[str, Any]:
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
        "seconds": seconds,
    }
