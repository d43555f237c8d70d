"""Which file of a group is kept, and why."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from neardup_cli.choices import KeepKey
from neardup_cli.cleanup.folders import Identity
from neardup_cli.cleanup.reasons import named
from neardup_cli.images.walk import is_below
from neardup_cli.plans import Policy
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup

_FORMATS = ("TIFF", "PNG", "BMP", "JPEG2000", "HEIF", "AVIF", "JPEG", "WEBP", "GIF")
_FORMAT_RANK = {name: rank for rank, name in enumerate(_FORMATS)}
"""Lossless formats before lossy ones, GIF with its 256 colours last; unknown ones after all of them."""

_COPY_NAME = re.compile(rb"copy of .+|.*(\(\d+\)|[ _-](copy|kopie|copie|copia)( ?\d+)?)", re.IGNORECASE)
_CAMERA_NAME = re.compile(rb"[a-z]{0,5}[-_ ]?\d[\d _.-]*|[0-9a-f-]{16,}", re.IGNORECASE)


class NameRank(IntEnum):
    """How much a file name says, best first."""

    GIVEN = 0
    CAMERA = 1
    COPY = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of a group that could be kept.

    Attributes:
        companions: how many raw files, films and sidecars belong to it.
        inode: what its names have in common, if it was looked at.
        protected: whether it must not be touched.
        surrounds: whether it shows the group's picture in a part of itself, as a collage does.
    """

    file: CatalogedFile
    companions: int = 0
    inode: Identity | None = None
    protected: bool = False
    surrounds: bool = False


@dataclass(frozen=True, slots=True)
class _Criterion:
    """A key of the policy: `rank` is smallest for the best, `words` tells the winner from the runner-up."""

    rank: Callable[[Candidate], int]
    words: Callable[[Candidate, Candidate], str]


def ranked(
    candidates: Sequence[Candidate], policy: Policy, said_to_keep: Collection[bytes] = ()
) -> list[Candidate]:
    """Sort the candidates, the one to keep first; the same for any order of input.

    Between files with the same bytes a protected one goes first, unless `--prefer` says otherwise: it stays
    in any case, and so the other one need not.
    """
    ordered = sorted(candidates, key=lambda one: _rank(one, policy, said_to_keep))
    if ordered:
        best = ordered[0].file
        if best.path not in said_to_keep and preference(best.path, policy) == len(policy.prefer):
            ordered.sort(key=lambda one: not (one.file.digest == best.digest and one.protected))
    return ordered


def reason_to_keep(
    best: Candidate, others: Sequence[Candidate], policy: Policy, said_to_keep: Collection[bytes] = ()
) -> str:
    """Say in a few words what the keeper has over the best of the others, given in the order of `ranked`."""
    if best.file.path in said_to_keep:
        return "you said to keep it"
    if (place := preference(best.file.path, policy)) < len(policy.prefer):
        return f"below preferred {named(policy.prefer[place])}"
    if not others or (others[0].surrounds and not best.surrounds):
        return "the picture itself, which the others only contain" if others else "the only one left"
    runner_up = others[0]
    for key in policy.keep:
        criterion = _CRITERIA[key]
        ours, theirs = criterion.rank(best), criterion.rank(runner_up)
        if ours < theirs:
            return criterion.words(best, runner_up)
        if ours > theirs:
            return "the same bytes, and protected"
    return "first by path"


def preference(path: bytes, policy: Policy) -> int:
    """Return the place among the preferred folders of the one that a path is below; their number if none."""
    for place, folder in enumerate(policy.prefer):
        if is_below(path, folder):
            return place
    return len(policy.prefer)


def why_kept(group: DuplicateGroup) -> str:
    """Say in a few words why a group keeps the file that it keeps, as the plan of a clean-up says it."""
    around = surrounding(group)
    keeper, *others = (Candidate(file, surrounds=file.digest in around) for file in group.members)
    policy = Policy()
    order = ranked(others, policy, group.kept)
    if order and _rank(order[0], policy, group.kept) < _rank(keeper, policy, group.kept):
        return "what is better here is a copy in another group"
    return reason_to_keep(keeper, order, policy, group.kept)


def surrounding(group: DuplicateGroup) -> set[bytes]:
    """Return the digests of the members that show the file to keep in a part of themselves."""
    digests = {member.path: member.digest for member in group.members}
    keep = digests[group.keep]
    found: set[bytes] = set()
    for match in group.matches:
        laid = match.alignment
        if laid is None or laid.coverage_a == laid.coverage_b or not any(laid.surrounds()):
            continue
        outer, inner = digests.get(match.a), digests.get(match.b)
        if laid.coverage_a > laid.coverage_b:
            outer, inner = inner, outer
        if outer is not None and outer != keep and inner == keep:
            found.add(outer)
    return found


def name_rank(path: bytes) -> NameRank:
    """Say who named a file: a person, a camera or program, or something that made a copy."""
    stem = os.path.splitext(os.path.basename(path))[0]
    if _COPY_NAME.fullmatch(stem):
        return NameRank.COPY
    return NameRank.CAMERA if _CAMERA_NAME.fullmatch(stem) else NameRank.GIVEN


def _rank(
    candidate: Candidate, policy: Policy, said_to_keep: Collection[bytes]
) -> tuple[bool, int, bool, tuple[int, ...], bytes]:
    path = candidate.file.path
    return (
        path not in said_to_keep,
        preference(path, policy),
        candidate.surrounds,
        tuple(_CRITERIA[key].rank(candidate) for key in policy.keep),
        path,
    )


def _times(best: Candidate, other: Candidate) -> str:
    """Show two times, as days where those differ."""
    ours, theirs = (_moment(one.file.stamp.mtime_ns) for one in (best, other))
    if ours[:10] == theirs[:10]:
        return f"{ours} against {theirs}"
    return f"{ours[:10]} against {theirs[:10]}"


def _moment(mtime_ns: int) -> str:
    seconds = mtime_ns // 1_000_000_000
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # file systems can hold years that this cannot
        return f"{seconds} s"


def _pixels(candidate: Candidate) -> str:
    return f"{candidate.file.width}×{candidate.file.height}"


_CRITERIA: Mapping[KeepKey, _Criterion] = {
    KeepKey.RESOLUTION: _Criterion(
        lambda one: -one.file.width * one.file.height,
        lambda best, next_one: f"most pixels ({_pixels(best)} against {_pixels(next_one)})",
    ),
    KeepKey.SIZE: _Criterion(
        lambda one: -one.file.stamp.size,
        lambda best, next_one: f"most bytes ({best.file.stamp.size:,} against {next_one.file.stamp.size:,})",
    ),
    KeepKey.FORMAT: _Criterion(
        lambda one: _FORMAT_RANK.get(one.file.format, len(_FORMATS)),
        lambda best, next_one: f"better format ({best.file.format} against {next_one.file.format})",
    ),
    KeepKey.METADATA: _Criterion(
        lambda one: one.file.captured_at is None,
        lambda best, _: f"has a capture time ({best.file.captured_at:%Y-%m-%d %H:%M})",
    ),
    KeepKey.COMPANIONS: _Criterion(
        lambda one: -one.companions,
        lambda best, next_one: f"most companion files ({best.companions} against {next_one.companions})",
    ),
    KeepKey.NAME: _Criterion(
        lambda one: name_rank(one.file.path),
        lambda best, next_one: (
            f"better name ({named(os.path.basename(best.file.path))} "
            f"against {named(os.path.basename(next_one.file.path))})"
        ),
    ),
    KeepKey.OLDEST: _Criterion(
        lambda one: one.file.stamp.mtime_ns,
        lambda best, next_one: f"oldest ({_times(best, next_one)})",
    ),
    KeepKey.NEWEST: _Criterion(
        lambda one: -one.file.stamp.mtime_ns,
        lambda best, next_one: f"newest ({_times(best, next_one)})",
    ),
    KeepKey.SHORTEST_PATH: _Criterion(lambda one: len(one.file.path), lambda *_: "shortest path"),
    KeepKey.LONGEST_PATH: _Criterion(lambda one: -len(one.file.path), lambda *_: "longest path"),
}
