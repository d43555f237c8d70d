"""Which version was made from which: what has to be looked at to know it, and what follows.

An original and what was made of it may look the same. What tells them apart costs a look at full size, so it
is asked only where the answer decides what stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from neardup_cli.records.holdings import table_name
from neardup_cli.records.matches import PairMatch
from neardup_cli.records.proofs import Proof
from neardup_cli.rules import evidence as known
from neardup_cli.rules.evidence import ALL_OF_IT, LARGEST_ENLARGEMENT, NOTHING, Evidence
from neardup_cli.rules.families import Family, linked
from neardup_cli.rules.kinship import is_plain
from neardup_cli.rules.standing import AS_LONG, CHILDREN, EvidenceOf, FileOf, Quality, is_coarser, qualities

_MOST_SOURCES = 4
_MOST_TABLES = 3
_MOST_CANDIDATES = 4
_MOST_CHILDREN = 4
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


def maybe_enlarged(versions: Iterable[Sequence[int]], files: FileOf) -> list[list[int]]:
    """Return the contents whose real detail has to be known, a list for each image.

    Those that are the same image plainly and of different sizes, the largest first.
    """
    found = []
    for some in versions:
        sides = {content: max(files[content].width, files[content].height) for content in some}
        if max(sides.values()) * AS_LONG > min(sides.values()):
            found.append(sorted(some, key=lambda content: (-sides[content], files[content].digest)))
    return found


def enlargements(
    sized: Iterable[Sequence[int]], evidence: EvidenceOf, files: FileOf
) -> list[tuple[int, int]]:
    """Return pairs to compare, from what would go to what would stay: one may be enlarged from the other.

    A JPEG's quantiser can be told in what was enlarged from it, so the smaller one goes. Of other formats the
    large one goes, where it lacks detail for its size: it may hold nothing that the small one has not. Only
    of the largest ones it matters; when they are known to be enlarged, of the next smaller ones.

    Args:
        sized: lists of `maybe_enlarged`.
        evidence: with the detail that was measured, and the true sizes as far as they are known.
        files: one file of each content.
    """
    return [pair for some in sized for pair in _enlargements_of(some, evidence, files)]


def _enlargements_of(some: Sequence[int], evidence: EvidenceOf, files: FileOf) -> Iterator[tuple[int, int]]:
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
            if (source := about[one].holdings) is not None and source.table:
                yield one, content
            elif 0 < held.detail < ALL_OF_IT:
                yield content, one


def _step(about: Evidence) -> float:
    """Return how coarse a content was quantised: what was enlarged was made from the finest."""
    held = about.holdings
    if held is None:
        return _UNKNOWN_STEP
    return 0.0 if held.lossless else held.quality or _UNKNOWN_STEP


def with_true_sizes(
    evidence: EvidenceOf, proofs: Mapping[tuple[int, int], Proof], files: FileOf
) -> dict[int, Evidence]:
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


def possible_children(
    versions: Iterable[Sequence[int]], evidence: EvidenceOf, files: FileOf, proofs: Proofs
) -> list[Directed]:
    """Return pairs to compare to know which version is the one that others were made of.

    Of a version that looks best because it is the least compressed: so is a blurred or noisy one that was
    saved finely. If some of the others are what their encoder makes of its very pixels, it is the original;
    if none is, the next best is asked.

    Args:
        versions: lists of contents that are the same image plainly.
        evidence: with the true sizes as far as they are known.
        files: one file of each content.
        proofs: those that are known.
    """
    return [
        (child, candidate)
        for some in versions
        for candidate, children, is_settled in _descendants(some, evidence, files, proofs)
        if not is_settled
        for child in children
        if (child, candidate) not in proofs
    ]


def with_children(
    versions: Iterable[Sequence[int]], evidence: EvidenceOf, files: FileOf, proofs: Proofs
) -> dict[int, Evidence]:
    """Add to the versions that were asked how many others were made from each."""
    found = dict(evidence)
    for some in versions:
        for candidate, children, is_settled in _descendants(some, evidence, files, proofs):
            if is_settled and candidate in found:
                number = sum(proofs[child, candidate].made for child in children)
                found[candidate] = replace(found[candidate], children=number)
    return found


def _descendants(
    some: Sequence[int], evidence: EvidenceOf, files: FileOf, proofs: Proofs
) -> Iterator[tuple[int, Sequence[int], bool]]:
    """Yield candidates, the best first, with what may be made from them, and whether all of it is known.

    Until one is the source of several others, or is not known yet.
    """
    about = {content: evidence.get(content, NOTHING) for content in some}
    length = {content: known.long_side(files[content], about[content]) for content in some}
    longest = max(length.values())
    best = [content for content in some if length[content] >= AS_LONG * longest]
    quality = qualities(best, files, evidence)
    decided = min(quality.values())[:_DECIDED]
    open_ones = [content for content in best if quality[content][:_DECIDED] == decided]
    if len(open_ones) < 2:
        return
    ordered = sorted(open_ones, key=lambda content: (quality[content], files[content].digest))
    for candidate in ordered[:_MOST_CANDIDATES]:
        children = _children_of(candidate, some, about, files)
        is_settled = all((child, candidate) in proofs for child in children)
        yield candidate, children, is_settled
        if not is_settled or sum(proofs[child, candidate].made for child in children) >= CHILDREN:
            return


def _children_of(candidate: int, some: Sequence[int], about: EvidenceOf, files: FileOf) -> Sequence[int]:
    """Return what may have been made from a candidate: of known encoders, the coarsest of its size first."""

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
