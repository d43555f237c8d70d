"""`leaks`: copies across the splits of a data set, and across class folders that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Grouping
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.splits import Split, place_in, rooted
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.leaks import Leak, LeakKind, LeaksReport, SplitFile, SplitSummary
from neardup_cli.records.matches import DupsReport, FileMatch, Stage
from neardup_cli.records.members import name_below


def find_leaks(
    catalog: Catalog,
    splits: Sequence[Split],
    options: DupsOptions,
    scan_options: ScanOptions,
    *,
    labels: bool = True,
    progress: Progress | None = None,
) -> LeaksReport:
    """Bring the catalog up to date with the splits, and find the copies that must not be.

    The last split is the one to protect: of a pair in two splits, the clean list of the earlier one leaves
    its file out. Of two copies with different labels nobody knows which is right: both are left out.

    Args:
        catalog: takes the scan of the splits.
        splits: at least one, no folder inside another one.
        options: what counts as a copy; `under`, `limit`, `grouping` and `every_pair` are set here.
        scan_options: how to scan.
        labels: take the folders directly below a split for classes.
        progress: told how far it is.

    Raises:
        BadInput: the splits are one too few, or lie in each other.
        PathNotFound: a folder is not there.
    """
    places = _rooted(splits, labels=labels)
    folders = [split.folder for split in places]
    scanned = scan(catalog, folders, scan_options, progress)
    # Every match counts here, also one that a group around a keeper would not show.
    everything = replace(options, under=folders, limit=None, grouping=Grouping.LINKED, every_pair=True)
    found = find_duplicates(catalog, everything, progress)
    pairs = _pairs_of_files(found)
    leaks = sorted(_leaks(pairs, places, labels=labels), key=lambda leak: (leak.a.path, leak.b.path))
    present = _present_files(catalog, folders)
    return LeaksReport(
        parameters={**found.parameters, "labels": labels},
        splits=tuple(_summaries(places, present, leaks)),
        leaks=tuple(leaks),
        unreadable=scanned.unreadable,
        cannot_tell=found.summary["cannot_tell"],
    )


def _rooted(splits: Sequence[Split], *, labels: bool) -> list[Split]:
    """Resolve the folders.

    Raises:
        BadInput: there is nothing to compare, two names are the same, or a file would be in two splits.
    """
    if len(splits) < (1 if labels else 2):
        raise BadInput("give two splits or more: --split train=DIR --split test=DIR")
    return rooted(splits)


def _pairs_of_files(found: DupsReport) -> Iterator[tuple[CatalogedFile, CatalogedFile, FileMatch]]:
    """Yield every pair of files that match: a match names one file of each content, and stands for all."""
    by_content: dict[int, dict[bytes, CatalogedFile]] = {}
    content_of: dict[bytes, int] = {}
    for member in chain.from_iterable(group.members for group in found.groups):
        by_content.setdefault(member.content_id, {})[member.path] = member
        content_of[member.path] = member.content_id
    for files in by_content.values():
        for a, b in combinations(files.values(), 2):
            yield a, b, FileMatch(a.path, b.path, Stage.EXACT, None, 0)
    seen: set[tuple[int, int]] = set()
    for match in chain(found.links, *(group.matches for group in found.groups)):
        key = content_of[match.a], content_of[match.b]
        if key[0] == key[1] or key in seen:
            continue
        seen.add(key)
        for a in by_content[key[0]].values():
            for b in by_content[key[1]].values():
                yield a, b, match


def _leaks(
    pairs: Iterable[tuple[CatalogedFile, CatalogedFile, FileMatch]],
    splits: Sequence[Split],
    *,
    labels: bool,
) -> Iterator[Leak]:
    for a, b, match in pairs:
        first, second = (place_in(file.path, splits, labels=labels) for file in (a, b))
        assert first is not None
        assert second is not None
        if (kind := _kind(first, second)) is None:
            continue
        if first.path > second.path:
            first, second = second, first
        yield Leak(kind, first, second, replace(match, a=first.path, b=second.path))


def _kind(a: SplitFile, b: SplitFile) -> LeakKind | None:
    across = a.split != b.split
    contradictory = a.label is not None and b.label is not None and a.label != b.label
    if across:
        return LeakKind.BOTH if contradictory else LeakKind.SPLIT
    return LeakKind.LABEL if contradictory else None


def _present_files(catalog: Catalog, folders: Sequence[bytes]) -> list[bytes]:
    with catalog.read() as connection:
        ids = queries.fingerprints(connection, folders).ids.tolist()
        return sorted(file.path for file in queries.files_of_contents(connection, ids, folders))


def _summaries(
    splits: Sequence[Split], present: Sequence[bytes], leaks: Sequence[Leak]
) -> Iterator[SplitSummary]:
    dropped = set(_dropped(leaks, {split.name: place for place, split in enumerate(splits)}))
    for split in splits:
        ours = [path for path in present if name_below(path, split.folder) is not None]
        clean = tuple(path for path in ours if path not in dropped)
        yield SplitSummary(split.name, split.folder, len(ours), clean)


def _dropped(leaks: Iterable[Leak], order: Mapping[str, int]) -> Iterator[bytes]:
    """Yield what the clean lists leave out."""
    for leak in leaks:
        if leak.kind is LeakKind.SPLIT:
            yield min(leak.a, leak.b, key=lambda file: order[file.split]).path
        else:
            yield leak.a.path
            yield leak.b.path
