"""Which file of a family stays: one order for every command, report and page, and the reason in a sentence.

What a person said; `--prefer`; what nobody has rejected; where the content stands among the versions of the
image (`standing.py`); the keys of `--keep`; the drive that was named first; and between equals what nobody
has to think about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from neardup_cli.choices import KeepKey, Loss
from neardup_cli.images.walk import is_below
from neardup_cli.plans import DEFAULT_KEYS, Policy
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.proofs import Proof
from neardup_cli.rules.evidence import ALL_OF_IT, LARGEST_ENLARGEMENT, LOSSLESS

_FORMATS = ("TIFF", "PNG", "BMP", "JPEG2000", "HEIF", "AVIF", "JPEG", "WEBP", "GIF")
_FORMAT_RANK = {name: rank for rank, name in enumerate(_FORMATS)}
"""Lossless formats before lossy ones, GIF with its 256 colours last; unknown ones after all of them."""

_COPY_NAME = re.compile(rb"copy of .+|.*(\(\d+\)|[ _-](copy|kopie|copie|copia)( ?\d+)?)", re.IGNORECASE)
_CAMERA_NAME = re.compile(rb"[a-z]{0,5}[-_ ]?\d[\d _.-]*|[0-9a-f-]{16,}", re.IGNORECASE)


type ProofOf = Callable[[CatalogedFile, CatalogedFile], Proof | None]
"""What is lost if the first file goes and the second stays; None where nobody has looked yet."""
type Oldest = tuple[int, int, bytes]
"""Of the files of one content: the time of the oldest, and the shortest path with its length."""


_ENLARGED = 1.1  # times the pixels


class NameRank(IntEnum):
    """How much a file name says, best first."""

    GIVEN = 0
    CAMERA = 1
    COPY = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that could stay.

    Attributes:
        companions: how many raw files, films and sidecars belong to it.
        protected: whether it must not be touched.
        rejected: whether a person has marked it as rejected, in the file or beside it.
    """

    file: CatalogedFile
    companions: int = 0
    protected: bool = False
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What decides beside the contents themselves.

    Attributes:
        policy: `prefer` and the keys of `keep`.
        said: paths that a person said to keep.
        standing: the place of each content of the family, by digest; 0 where nothing is known.
        drives: devices, the one that was named first or holds most of the library foremost.
        outdone: digests of contents of which nothing is lost while another one of the family stays, and not
            the other way round: see `outdone`.
    """

    policy: Policy = field(default_factory=Policy)
    said: Collection[bytes] = ()
    standing: Mapping[bytes, int] = field(default_factory=dict)
    drives: Sequence[int] = ()
    outdone: Collection[bytes] = ()


def ranked(candidates: Sequence[Candidate], wishes: Wishes) -> list[Candidate]:
    """Sort files, the one to keep first; the same for any order of input.

    Between files with the same bytes a protected one goes first, unless `--prefer` says otherwise: it stays
    in any case, and so the other one need not.
    """
    of_content: dict[bytes, Oldest] = {}
    for one in candidates:
        digest, path, time = one.file.digest, one.file.path, one.file.stamp.mtime_ns
        others = of_content.get(digest, (time, len(path), path))
        of_content[digest] = min(time, others[0]), *min((len(path), path), others[1:])
    ordered = sorted(candidates, key=lambda one: (*_wanted(one, wishes), *_by_itself(one, of_content)))
    if ordered:
        best = ordered[0].file
        if best.path not in wishes.said and preference(best.path, wishes.policy) == len(wishes.policy.prefer):
            ordered.sort(key=lambda one: not (one.file.digest == best.digest and one.protected))
    return ordered


def outdone(files: Iterable[CatalogedFile], proof: ProofOf) -> frozenset[bytes]:
    """Return the contents that lose to another one: it has all that they have, and more or by itself.

    Args:
        files: of one family.
        proof: what is lost if the first of two files goes and the second stays, as far as it is known.
    """
    contents = list({file.digest: file for file in files}.values())
    return frozenset(
        one.digest
        for one in contents
        if any(other is not one and _outdoes(other, one, proof) for other in contents)
    )


def _outdoes(other: CatalogedFile, one: CatalogedFile, proof: ProofOf) -> bool:
    """Return True if nothing is lost with one file while the other stays, and something the other way round.

    What was saved from the other one, or enlarged from it, has nothing more. Where nothing is lost either
    way, a lossless file with the pixels of a lossy one was saved from it.
    """
    forth, back = proof(one, other), proof(other, one)
    if back is not None and back.source:
        return True  # enlarged from the other one: whatever it shows beyond that a filter has put there
    if forth is None or not forth.is_empty:
        return False
    pixels, others = one.width * one.height, other.width * other.height
    if max(pixels, others) > _ENLARGED * min(pixels, others):
        # More pixels and nothing in them; or fewer, and what the larger one has more may come from a filter.
        return forth.made and pixels > others
    if back is None or back.unproven:
        return False
    if forth.is_saved != back.is_saved:
        return forth.is_saved  # one was saved from the other, and nothing else counts
    lost_back = set(back.losses)
    if other.format != "JPEG" and other.format not in LOSSLESS:
        lost_back -= {Loss.DETAIL, Loss.SHOT}  # it does not say how coarse it is: its noise looks like that
    return bool(lost_back) or (one.format in LOSSLESS and other.format not in LOSSLESS)


def may_be_outdone(
    kept: CatalogedFile, other: CatalogedFile, forth: Proof, held: Holdings | None = None
) -> bool:
    """Return True if it is worth to look whether the file to keep loses anything to another version.

    That one stays then: of two versions it loses least. A lossless file may have been saved from a lossy
    one, and what has many more pixels than detail, or was never measured, may be an enlargement: the other
    one is the better original then, though neither may lose anything.

    Args:
        kept: the file to keep.
        other: a plain version of it.
        forth: what is lost if the other one goes.
        held: what the file to keep holds, as far as it is known.
    """
    if forth.unproven:
        return False
    resaved = kept.format in LOSSLESS and other.format not in LOSSLESS
    as_large = (kept.width, kept.height) == (other.width, other.height)
    sides = max(kept.width, kept.height), max(other.width, other.height)
    lacks_detail = forth.source is None and (held is None or held.detail < ALL_OF_IT)
    enlarged = sides[1] < sides[0] <= LARGEST_ENLARGEMENT * sides[1] and lacks_detail
    return bool(forth.losses) or ((resaved or forth.made) and as_large) or enlarged


def may_be_enlarged_from(
    large: CatalogedFile, small: CatalogedFile, forth: Proof | None, held: Holdings | None
) -> bool:
    """Return True if a file may have been enlarged from a smaller one: that one may be the original.

    Where the pixels do not tell, one with more pixels than detail may have been; but a camera's own file is
    soft by itself.

    Args:
        large: the one with more pixels.
        small: the other one.
        forth: what is lost if the small one goes, as far as it is known.
        held: what the large one holds, as far as it is known.
    """
    if forth is not None and forth.source is not None:
        return forth.source
    if held is None or held.from_camera or not 0 < held.detail < ALL_OF_IT:
        return False
    sides = max(large.width, large.height), max(small.width, small.height)
    return sides[1] < ALL_OF_IT * sides[0] <= ALL_OF_IT * LARGEST_ENLARGEMENT * sides[1]


def preference(path: bytes, policy: Policy) -> int:
    """Return the place among the preferred folders of the one that a path is below; their number if none."""
    for place, folder in enumerate(policy.prefer):
        if is_below(path, folder):
            return place
    return len(policy.prefer)


def name_rank(path: bytes) -> NameRank:
    """Say who named a file: a person, a camera or program, or something that made a copy."""
    stem = os.path.splitext(os.path.basename(path))[0]
    if _COPY_NAME.fullmatch(stem):
        return NameRank.COPY
    return NameRank.CAMERA if _CAMERA_NAME.fullmatch(stem) else NameRank.GIVEN


def asked_keys(policy: Policy) -> tuple[KeepKey, ...]:
    """Return the keys that a person asked for."""
    return () if policy.keep == DEFAULT_KEYS else policy.keep


def key_of(candidate: Candidate, key: KeepKey) -> int:
    """Return what a key compares; the smallest is the best."""
    return _KEYS[key](candidate)


_KEYS: Mapping[KeepKey, Callable[[Candidate], int]] = {
    KeepKey.RESOLUTION: lambda one: -one.file.width * one.file.height,
    KeepKey.SIZE: lambda one: -one.file.stamp.size,
    KeepKey.FORMAT: lambda one: _FORMAT_RANK.get(one.file.format, len(_FORMATS)),
    KeepKey.METADATA: lambda one: one.file.captured_at is None,
    KeepKey.COMPANIONS: lambda one: -one.companions,
    KeepKey.NAME: lambda one: name_rank(one.file.path),
    KeepKey.OLDEST: lambda one: one.file.stamp.mtime_ns,
    KeepKey.NEWEST: lambda one: -one.file.stamp.mtime_ns,
    KeepKey.SHORTEST_PATH: lambda one: len(one.file.path),
    KeepKey.LONGEST_PATH: lambda one: -len(one.file.path),
}


def drive_of(file: CatalogedFile, drives: Sequence[int]) -> int:
    """Return the place of a file's drive; what was not named comes after what was."""
    return drives.index(file.stamp.device) if file.stamp.device in drives else len(drives)


type _Wanted = tuple[bool, int, bool, bool, bool, int, tuple[int, ...], int]


def _wanted(one: Candidate, wishes: Wishes) -> _Wanted:
    file = one.file
    return (
        file.path not in wishes.said,
        preference(file.path, wishes.policy),
        bool(file.damage),
        one.rejected,
        file.digest in wishes.outdone,
        wishes.standing.get(file.digest, 0),
        tuple(key_of(one, key) for key in asked_keys(wishes.policy)),
        drive_of(file, wishes.drives),
    )


def _by_itself(
    one: Candidate, of_content: Mapping[bytes, Oldest]
) -> tuple[bool, int, int, int, bytes, int, int, int, bytes]:
    """Decide between contents first, by what they hold, and then between the files of one content."""
    file = one.file
    oldest, length, first = of_content[file.digest]
    return (
        file.captured_at is None,
        -file.width * file.height,
        oldest,
        length,
        first,
        -one.companions,
        file.stamp.mtime_ns,
        len(file.path),
        file.path,
    )
