"""Which version was made from which: what has to be looked at to know it, and what follows.

An original and what was made of it may look the same. What tells them apart costs a look at full size, so it
is asked only where the answer decides what stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from neardup_cli.choices import Loss
from neardup_cli.records.holdings import table_name
from neardup_cli.records.matches import PairMatch
from neardup_cli.records.proofs import Proof
from neardup_cli.rules import evidence as known
from neardup_cli.rules.evidence import ALL_OF_IT, LARGEST_ENLARGEMENT, NOTHING, Evidence
from neardup_cli.rules.families import Family, linked
from neardup_cli.rules.kinship import is_plain
from neardup_cli.rules.standing import (
    AS_LONG,
    CHILDREN,
    EvidenceOf,
    FileOf,
    Quality,
    is_coarser,
    qualities,
    saved_from,
)

_SHOWN = frozenset({Loss.DETAIL, Loss.CONTENT, Loss.COLOUR})
_MOST_SOURCES = 4
_MOST_TABLES = 3
_MOST_CANDIDATES = 6
_MOST_CHILDREN = 3
_UNKNOWN_STEP = 1000.0
_DECIDED = Quality._fields.index("aside")
"""What comes before it decides without anybody asking."""

type Directed = tuple[int, int]
"""Two contents: the one that goes, the one that stays."""
type Proofs = Mapping[Directed, Proof]


def plain_versions(families: Iterable[Family], pairs: Iterable[PairMatch]) -> list[tuple[int, ...]]:
    """Return the contents that are the same image plainly, a tuple for each image; single ones too."""
    members = [content for family in families if len(family.members) > 1 for content in family.members]
    there = set(members)
    plain = [(pair.a, pair.b) for pair in pairs if is_plain(pair) and {pair.a, pair.b} <= there]
    return linked(members, plain)


def maybe_enlarged(versions: Iterable[Sequence[int]], files: FileOf, evidence: EvidenceOf) -> list[list[int]]:
    """Return the contents whose real detail has to be known, a list for each image.

    Those that are the same image plainly and of different sizes, the largest first; but where a camera wrote
    the largest ones, they are originals.
    """
    found = []
    for some in versions:
        sides = {content: max(files[content].width, files[content].height) for content in some}
        longest = max(sides.values())
        by_cameras = all(
            known.is_from_camera(evidence.get(content, NOTHING))
            for content in some
            if sides[content] >= AS_LONG * longest
        )
        if longest * AS_LONG > min(sides.values()) and not by_cameras:
            found.append(sorted(some, key=lambda content: (-sides[content], files[content].digest)))
    return found


def enlargements(
    sized: Iterable[Sequence[int]], evidence: EvidenceOf, files: FileOf, proofs: Proofs
) -> list[Directed]:
    """Return pairs to compare, from what would go to what would stay: one may be enlarged from the other.

    The smaller one goes, for an enlargement bears its traces. Where they do not tell, the large one, if it
    lacks detail for its size: it may hold nothing that the small one has not. Only of the largest ones it
    matters; when they are known to be enlarged, of the next smaller ones.

    Args:
        sized: lists of `maybe_enlarged`.
        evidence: with the detail that was measured, and the true sizes as far as they are known.
        files: one file of each content.
        proofs: those that are known.
    """
    return [
        pair
        for some in sized
        for pair in _enlargements_of(some, evidence, files, proofs)
        if pair not in proofs
    ]


def _enlargements_of(
    some: Sequence[int], evidence: EvidenceOf, files: FileOf, proofs: Proofs
) -> Iterator[Directed]:
    side = {content: max(files[content].width, files[content].height) for content in some}
    about = {content: evidence.get(content, NOTHING) for content in some}
    length = {content: known.long_side(files[content], about[content]) for content in some}
    for content in some:
        held = about[content].holdings
        is_best = length[content] >= AS_LONG * max(length.values())
        if held is None or not is_best or known.is_from_camera(about[content]):
            continue
        lowest, highest = length[content] / LARGEST_ENLARGEMENT, AS_LONG * length[content]
        sources = sorted(
            (one for one in some if lowest <= side[one] < highest),
            key=lambda one: (
                -side[one],
                not known.is_from_camera(about[one]),
                _step(about[one]),
                files[one].digest,
            ),
        )
        for one in sources[:_MOST_SOURCES]:
            forth = proofs.get((one, content))
            if forth is None:
                yield one, content
            elif forth.source is None and 0 < held.detail < ALL_OF_IT:
                yield content, one


def _step(about: Evidence) -> float:
    """Return how coarse a content was quantised: what was enlarged was made from the finest."""
    held = about.holdings
    if held is None:
        return _UNKNOWN_STEP
    return 0.0 if held.lossless else held.quality or _UNKNOWN_STEP


def with_true_sizes(evidence: EvidenceOf, proofs: Proofs, files: FileOf) -> dict[int, Evidence]:
    """Add to what was enlarged from another content that it has no more detail than that one."""
    found = dict(evidence)
    for (gone, kept), proof in proofs.items():
        if not (proof.made or proof.source) or gone not in files or kept not in files:
            continue
        content, source = (kept, gone) if proof.source else (gone, kept)
        sides = [max(files[one].width, files[one].height) for one in (source, content)]
        if content in found and sides[0] < AS_LONG * sides[1]:
            detail = found[content].detail
            found[content] = replace(found[content], detail=min(float(sides[0]), detail or float(sides[0])))
    return found


def maybe_resaved(
    versions: Iterable[Sequence[int]], files: FileOf, evidence: EvidenceOf
) -> dict[int, list[tuple[int, ...]]]:
    """Return the contents that may have been saved from a coarser JPEG, and the quantisers to look for.

    Those that are the same image plainly and of one size, and not compressed most.
    """
    found: dict[int, list[tuple[int, ...]]] = {}
    for some in versions:
        for content in some:
            held = evidence.get(content, NOTHING).holdings
            if held is None:
                continue
            size = files[content].width, files[content].height
            coarser = {
                other.table: other.quality
                for one in some
                if (other := evidence.get(one, NOTHING).holdings) is not None
                and (files[one].width, files[one].height) == size
                and other.table
                and is_coarser(other, held)
            }
            asked = sorted(coarser, key=lambda table: (coarser[table], table))[:_MOST_TABLES]
            known_names = {name for name, _ in held.bears}
            new = [table for table in asked if table_name(table) not in known_names]
            if new:
                found[content] = new
    return found


class Descendants:
    """Of the versions that may stay, which one were others made of?

    The least compressed looks best: so does a blurred or noisy version that was saved finely. If some of the
    others are what their encoder makes of its very pixels, or bear its quantiser, it is the original; if not,
    the next best is asked.
    """

    def __init__(self, versions: Iterable[Sequence[int]], pairs: Iterable[PairMatch], files: FileOf) -> None:
        """Take lists of contents that are the same image plainly, the matches between them, and files."""
        self._versions = list(versions)
        self._files = files
        of = {content: number for number, some in enumerate(self._versions) for content in some}
        self._pairs: list[list[PairMatch]] = [[] for _ in self._versions]
        for pair in pairs:
            if pair.a in of and of[pair.a] == of.get(pair.b):
                self._pairs[of[pair.a]].append(pair)

    def asked(self, evidence: EvidenceOf, proofs: Proofs) -> list[Directed]:
        """Return pairs to compare: what may have been made, and from what.

        Args:
            evidence: with the true sizes as far as they are known.
            proofs: those that are known.
        """
        doubted = [pair for pair in self._doubted(evidence) if pair not in proofs]
        return doubted or [pair for some in self._looked_at(evidence, proofs) for pair in some.unknown]

    def _doubted(self, evidence: EvidenceOf) -> Iterator[Directed]:
        """Yield pairs that show whether something was made of another one, as one sign says.

        It may be the other way round, or another program with the same quantiser; and what converts to a
        format of cameras keeps their words.
        """
        for some, pairs in zip(self._versions, self._pairs, strict=True):
            for child, source in sorted(saved_from(pairs, evidence)):
                yield source, child
                yield child, source
            yield from self._in_camera_formats(some, evidence)

    def _in_camera_formats(self, some: Sequence[int], evidence: EvidenceOf) -> Iterator[Directed]:
        """Yield a camera's JPEGs with what has a format of cameras, of one size: was it made of that?"""
        about = {content: evidence.get(content, NOTHING) for content in some}
        size = {content: (self._files[content].width, self._files[content].height) for content in some}
        for source in some:
            if known.is_in_camera_format(self._files[source], about[source]):
                for child in some:
                    jpeg = self._files[child].format == "JPEG" and known.is_from_camera(about[child])
                    if jpeg and size[child] == size[source]:
                        yield child, source

    def told(self, evidence: EvidenceOf, proofs: Proofs) -> dict[int, Evidence]:
        """Add to the versions that were asked what was made from each."""
        found = dict(evidence)
        saved: dict[int, set[int]] = {}
        apart: dict[int, set[int]] = {}
        for (child, source), proof in proofs.items():
            if proof.is_saved and source in found:
                saved.setdefault(source, set()).add(child)
            if child in found and _is_apart(found[child], proof):
                apart.setdefault(child, set()).add(source)
        found |= {source: replace(found[source], saved=frozenset(some)) for source, some in saved.items()}
        found |= {child: replace(found[child], apart=frozenset(some)) for child, some in apart.items()}
        for one in self._looked_at(found, proofs):
            if not one.unknown and one.content in found:
                found[one.content] = replace(found[one.content], children=one.children, likely=one.likely)
        return found

    def _looked_at(self, evidence: EvidenceOf, proofs: Proofs) -> Iterator[_Candidate]:
        """Yield candidates, the best first, until one has several children, or is not known yet."""
        for some, pairs in zip(self._versions, self._pairs, strict=True):
            saved = saved_from(pairs, evidence)
            for content in self._candidates(some, pairs, evidence):
                surely = {child for child, source in saved if source == content}
                surely |= evidence.get(content, NOTHING).saved & set(some)
                unknown: Sequence[Directed] = ()
                likely = set(surely)
                if len(surely) < CHILDREN:
                    possible = _children_of(content, some, evidence, self._files)
                    unknown = [(child, content) for child in possible if (child, content) not in proofs]
                    known_ones = {child: proofs.get((child, content)) for child in possible}
                    likely |= {child for child, proof in known_ones.items() if proof and proof.made}
                yield _Candidate(content, len(surely), len(likely), unknown)
                if unknown or len(surely) >= CHILDREN:
                    break

    def _candidates(
        self, some: Sequence[int], pairs: Sequence[PairMatch], evidence: EvidenceOf
    ) -> Sequence[int]:
        """Return those between which nothing else decides, the best first; none where it does."""
        files = self._files
        quality = qualities(some, files, evidence, pairs)
        decided = min(quality.values())[:_DECIDED]
        best = [content for content in some if quality[content][:_DECIDED] == decided]
        best.sort(key=lambda content: (quality[content], files[content].digest))
        return best[:_MOST_CANDIDATES] if len(best) > 1 else ()


def _is_apart(about: Evidence, proof: Proof) -> bool:
    """Return True if a content was surely not made of another one.

    Its encoder would have written something else; of one that does not say what it does, if it shows more.
    """
    if proof.unproven or proof.made or about.holdings is None:
        return False
    if about.holdings.table or about.holdings.lossless:
        return True
    return bool(_SHOWN.intersection(proof.losses))


class _Candidate(NamedTuple):
    """A version, how many were made from it as far as is known, and what has to be compared to know more."""

    content: int
    children: int
    likely: int
    unknown: Sequence[Directed]


def _children_of(candidate: int, some: Sequence[int], evidence: EvidenceOf, files: FileOf) -> Sequence[int]:
    """Return what may have been made from a candidate: of known encoders, the coarsest of its size first."""
    about = {content: evidence.get(content, NOTHING) for content in some}

    def side(content: int) -> int:
        return max(files[content].width, files[content].height)

    def is_possible(content: int) -> bool:
        held = about[content].holdings
        return (
            content != candidate
            and side(content) <= side(candidate)
            and held is not None
            and (bool(held.table) or held.lossless)
        )

    possible = [content for content in some if is_possible(content)]
    possible.sort(key=lambda content: (-side(content), -_step(about[content]), files[content].digest))
    return possible[:_MOST_CHILDREN]
