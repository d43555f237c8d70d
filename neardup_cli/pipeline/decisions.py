"""`ignore`, `keep` and `ignored`: what a person decides, and what they decided before."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import combinations
from typing import BinaryIO

from neardup_cli.catalog import decisions
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, PathNotFound, UnreadableImage
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.images.formats import SNIFFED_BYTES, has_image_extension, is_raw, looks_like_image, sniff
from neardup_cli.records.decisions import Decision, ShownDecision
from neardup_cli.records.matches import DuplicateGroup


def call_files_different(catalog: Catalog, paths: Sequence[bytes]) -> int:
    """Record that no two of the files are duplicates; return how many pairs were not decided so before.

    Raises:
        PathNotFound, UnreadableImage: see `digests_of_files`.
        BadInput: fewer than two files, or two of them hold the same bytes.
    """
    if len(paths) < 2:
        raise BadInput("name two files or more that are no duplicates of each other")
    path_of: dict[bytes, bytes] = {}
    for path, digest in zip(paths, digests_of_files(catalog, paths), strict=True):
        if digest in path_of:
            raise BadInput(
                f"{os.fsdecode(path_of[digest])} and {os.fsdecode(path)} hold the same bytes: "
                "they cannot be told apart, and so not be called different"
            )
        path_of[digest] = path
    return _call_different(catalog, [list(path_of)])


def call_groups_different(catalog: Catalog, groups: Sequence[DuplicateGroup], ids: Sequence[str]) -> int:
    """Record that no two contents of each named group are duplicates; return how many pairs are new.

    Raises:
        BadInput: there is no such group, or it is one content in several files.
    """
    by_id = {group.id: group for group in groups}
    contents = []
    for name in ids:
        if name not in by_id:
            raise BadInput(f"no group {name}: give the options with which `neardup dups` printed it")
        digests = {member.digest for member in by_id[name].members}
        if len(digests) == 1:
            raise BadInput(f"all files of group {name} hold the same bytes: they cannot be called different")
        contents.append(sorted(digests))
    return _call_different(catalog, contents)


def keep_files(catalog: Catalog, paths: Sequence[bytes]) -> int:
    """Record that the contents of files are to be kept; return how many were not so before.

    Raises:
        PathNotFound, UnreadableImage: see `digests_of_files`.
    """
    digests = digests_of_files(catalog, paths)
    with catalog.write_durably() as connection:
        return decisions.store_kept(connection, digests)


def shown_decisions(catalog: Catalog) -> list[ShownDecision]:
    """Return all decisions with the files that they are about, the oldest first."""
    with catalog.read() as connection:
        found = decisions.decisions(connection)
        digests = {digest for one in found for digest in (one.digest_a, one.digest_b)}
        paths = decisions.paths_of_digests(connection, digests)
    return [
        ShownDecision(one, tuple(paths.get(one.digest_a, ())), tuple(paths.get(one.digest_b, ())))
        for one in found
    ]


def take_back(catalog: Catalog, ids: Collection[int]) -> list[Decision]:
    """Forget decisions, all of them or, where an id is unknown, none.

    Raises:
        BadInput: there is no decision of such an id.
    """
    with catalog.write_durably() as connection:
        found = decisions.take_back(connection, ids)
        if unknown := sorted(set(ids) - {decision.id for decision in found}):
            raise BadInput(f"no decision {unknown[0]}: `neardup ignored` lists them")
    return found


def digests_of_files(catalog: Catalog, paths: Sequence[bytes]) -> list[bytes]:
    """Return the content hash of each file: of its bytes now, or as catalogued where it cannot be reached.

    Raises:
        PathNotFound: neither the disk nor the catalog has such a file.
        UnreadableImage: it is there and cannot be read.
    """
    with catalog.read() as connection:
        known = decisions.digests_of_paths(connection, paths)
    return [_digest(path, known.get(path)) for path in paths]


def _digest(path: bytes, known: bytes | None) -> bytes:
    name = os.fsdecode(path)
    if not os.path.lexists(path):
        if known is None:
            raise PathNotFound(f"no such file: {name}")
        return known
    if not os.path.isfile(path):
        raise BadInput(f"{name} is no file")
    try:
        with open(path, "rb") as stream:
            if known is None and not _is_image(path, stream):
                raise BadInput(f"{name} is no image: nothing is a copy of it")
            return stream_digest(stream)
    except OSError as exc:
        raise UnreadableImage(f"{name}: {exc.strerror}") from exc


def _is_image(path: bytes, stream: BinaryIO) -> bool:
    """Return True if a file may be an image by what is in it; the stream is at its beginning again."""
    head = stream.read(SNIFFED_BYTES)
    stream.seek(0)
    named = has_image_extension(path) and sniff(head) is not None
    return named or is_raw(path) or looks_like_image(head)


def _call_different(catalog: Catalog, contents: Sequence[Sequence[bytes]]) -> int:
    pairs = [pair for digests in contents for pair in combinations(digests, 2)]
    with catalog.write_durably() as connection:
        return decisions.store_not_duplicates(connection, pairs)
