"""Matches of contents to groups of files, each with the file to keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from blake3 import blake3

from neardup_cli.choices import Grouping, Kind
from neardup_cli.matching.group import Cluster, IdPair, Inset, coherent_clusters, linked_clusters
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, FileMatch, PairMatch, Stage

_ID_DIGITS = 12

# One picture is then only a part of the other, or no copy of it: nothing follows for a third one.
_PARTIAL = frozenset({Kind.EMBEDDED, Kind.CROPPED, Kind.SIMILAR_SHOT})

# Times as many pixels of what both show: rounding and a phone's scaling of a picture to its screen are less.
_SHARPER = 1.2

type FilesByContent = Mapping[int, Sequence[CatalogedFile]]


class Grouped(NamedTuple):
    """Groups, the largest saving first, and the matches between files of different groups."""

    groups: list[DuplicateGroup]
    links: list[FileMatch]


def build_groups(
    files: Sequence[CatalogedFile],
    pairs: Sequence[PairMatch],
    *,
    grouping: Grouping = Grouping.COHERENT,
    different: Collection[IdPair] = (),
    kept: Collection[bytes] = (),
) -> Grouped:
    """Make groups of files out of pairs of contents; files of one content belong together.

    A pair may have lost its files since it was found: a scan can end in between.

    Args:
        files: in order of content id.
        pairs: matches, each pair of contents once.
        grouping: around keepers, or whatever is linked.
        different: pairs of content ids that are never shown as copies of each other.
        kept: digests that are preferred as keepers and never called redundant.
    """
    by_content = {
        content: sorted(held, key=keeper_order)
        for content, held in groupby(files, key=lambda file: file.content_id)
    }
    matches = {
        (pair.a, pair.b): pair
        for pair in pairs
        if pair.a in by_content and pair.b in by_content and (pair.a, pair.b) not in different
    }
    order = sorted(
        by_content,
        key=lambda content: (by_content[content][0].digest not in kept, keeper_order(by_content[content][0])),
    )
    if grouping is Grouping.LINKED:
        clusters = linked_clusters(order, matches)
    else:
        insets = [inset for pair in matches.values() for inset in _insets(by_content, pair)]
        partial = {ids for ids, pair in matches.items() if pair.alignment and pair.alignment.kind in _PARTIAL}
        partial |= {inset.pair for inset in insets}
        clusters = coherent_clusters(order, matches, partial=partial, insets=insets, different=different)
    return _grouped(by_content, clusters, matches, kept)


def _insets(by_content: FilesByContent, pair: PairMatch) -> Iterator[Inset]:
    """Say whether one of the two contains the other, or each a part of the other, among something else."""
    found = pair.alignment
    if found is None:
        return
    shares = {pair.a: found.coverage_a, pair.b: found.coverage_b}
    shared = {
        content: share * by_content[content][0].width * by_content[content][0].height
        for content, share in shares.items()
    }
    sides = ((pair.a, pair.b), (pair.b, pair.a))
    for (outer, inner), surrounds in zip(sides, found.surrounds(), strict=True):
        if surrounds:
            sharper = shares[outer] < shares[inner] and shared[inner] > _SHARPER * shared[outer]
            yield Inset(outer, inner, sharper)


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


def removable_files(group: DuplicateGroup) -> list[CatalogedFile]:
    """Return the members besides the keeper, those that a person said to keep excepted."""
    return _parted(group.members, group.keep, group.kept)[0]


def freed_bytes(groups: Iterable[DuplicateGroup]) -> int:
    """Return what removing all removable files frees; a file in several groups counts once.

    What one inode holds is freed once, and not at all where a file that stays is a link to it.
    """
    return _freed(_parted(group.members, group.keep, group.kept) for group in groups)


def _parted(
    members: Iterable[CatalogedFile], keep: bytes, kept: Collection[bytes]
) -> tuple[list[CatalogedFile], list[CatalogedFile]]:
    """Part what can be removed from what stays."""
    removable: list[CatalogedFile] = []
    staying: list[CatalogedFile] = []
    for file in members:
        (staying if file.path == keep or file.path in kept else removable).append(file)
    return removable, staying


def _freed(parted: Iterable[tuple[list[CatalogedFile], list[CatalogedFile]]]) -> int:
    freed, staying = {}, set()
    for removable, others in parted:
        for file in removable:
            freed[file.stamp.device, file.stamp.inode] = file.stamp.size
        staying.update([(file.stamp.device, file.stamp.inode) for file in others])
    return sum(size for inode, size in freed.items() if inode not in staying)


def _grouped(
    by_content: FilesByContent,
    clusters: Sequence[Cluster],
    matches: Mapping[IdPair, PairMatch],
    kept: Collection[bytes],
) -> Grouped:
    groups_of: dict[int, set[int]] = {}
    for number, cluster in enumerate(clusters):
        for content in cluster.members:
            groups_of.setdefault(content, set()).add(number)
    pairs_of: dict[int, list[PairMatch]] = {}
    links = []
    for pair in matches.values():
        common = groups_of[pair.a] & groups_of[pair.b]
        for number in common:
            pairs_of.setdefault(number, []).append(pair)
        if not common:
            links.append(_file_match(by_content, pair))
    groups = [
        _group(by_content, cluster, pairs_of.get(number, []), kept)
        for number, cluster in enumerate(clusters)
        if cluster.copies or len(by_content[cluster.keeper]) > 1
    ]
    return Grouped(
        sorted(groups, key=lambda group: (-group.reclaimable_bytes, group.keep, group.id)), _sorted(links)
    )


def _group(
    by_content: FilesByContent, cluster: Cluster, pairs: Iterable[PairMatch], kept: Collection[bytes]
) -> DuplicateGroup:
    held = [by_content[content] for content in cluster.members]
    keeper = by_content[cluster.keeper][0]
    others = [file for files in held for file in files if file is not keeper]
    matches = [
        FileMatch(files[0].path, copy.path, Stage.EXACT, None, 0) for files in held for copy in files[1:]
    ]
    matches += [_file_match(by_content, pair) for pair in pairs]
    digests = sorted(files[0].digest for files in held)
    members = (keeper, *sorted(others, key=lambda file: file.path))
    staying = frozenset(file.path for file in members if file.digest in kept) if kept else frozenset()
    return DuplicateGroup(
        id=blake3(b"".join(digests)).hexdigest()[:_ID_DIGITS],
        keep=keeper.path,
        reclaimable_bytes=_freed([_parted(members, keeper.path, staying)]),
        members=members,
        matches=tuple(_sorted(matches)),
        kept=staying,
    )


def _file_match(by_content: FilesByContent, pair: PairMatch) -> FileMatch:
    """Name the files, in the order of their paths: ids follow the order of scans, which says nothing."""
    a, b, alignment = by_content[pair.a][0].path, by_content[pair.b][0].path, pair.alignment
    if b < a:
        a, b, alignment = b, a, None if alignment is None else alignment.turned_round()
    return FileMatch(a, b, pair.stage, pair.similarity, pair.hamming, alignment)


def _sorted(matches: list[FileMatch]) -> list[FileMatch]:
    return sorted(matches, key=lambda match: (match.a, match.b))
