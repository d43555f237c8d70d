"""Copies: what the funnel and the geometric stage say of two pictures, and the groups of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from neardup_cli.choices import Kind, Role
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.proofs import Proof


class Stage(StrEnum):
    """Which stage of the funnel decided a match, strongest evidence first."""

    EXACT = "exact"
    SIEVE = "sieve"
    VERIFIER = "verifier"
    GEOMETRY = "geometry"


_SURROUNDED = frozenset({Kind.EMBEDDED, Kind.OVERLAY})
# Share of the area: with text above and below a picture keeps more of it, in a collage or on a screen less.
_LARGEST_PART = 0.62


@dataclass(frozen=True, slots=True)
class Alignment:
    """What the geometric stage found when it laid picture a on picture b.

    What stands after `evidence` is asked while it decides, and not stored.

    Attributes:
        matched: whether it calls them copies; `reason` says why in a few words.
        inliers: pairs of keypoints that fit the transform; 0 when the whole frames were compared.
        transform: 2×3 affine map from a's pixels to b's, both at most 416 pixels long; empty if none fits.
        mirrored: whether the transform mirrors.
        agreement: share of the detailed blocks of the overlap that agree.
        content_a, content_b: share of each picture's detail that is found in the other one.
        coverage_a, coverage_b: share of each picture's area that lies on the other one.
        tone: correlation of the brightness of agreeing blocks.
        spread: extent of the agreeing blocks over the overlap.
        kind: what happened between a and b; None where they do not match or no pixels could be aligned.
        evidence: log-odds that one was made of the other, by their pixels alone.
        core: share of the detailed blocks in the middle of the overlap that agree.
        blank: part of the overlap that is flat in both, as paper is.
        blocks: detailed blocks of the overlap.
        soft: whether these were measured at the same sharpness.
        gradient: whether both have no detail, and the same tones everywhere.
    """

    matched: bool
    reason: str
    inliers: int = 0
    transform: tuple[tuple[float, ...], ...] = ()
    mirrored: bool = False
    agreement: float = 0.0
    content_a: float = 0.0
    content_b: float = 0.0
    coverage_a: float = 0.0
    coverage_b: float = 0.0
    tone: float = 0.0
    spread: float = 0.0
    kind: Kind | None = None
    evidence: float = 0.0
    core: float = field(default=0.0, compare=False)
    blank: float = field(default=0.0, compare=False)
    blocks: int = field(default=0, compare=False)
    soft: bool = field(default=False, compare=False)
    gradient: bool = field(default=False, compare=False)

    @property
    def confidence(self) -> float:
        """Probability that one was made of the other, in [0, 1]: `rules/confidence.py` says by what."""
        return 1 / (1 + math.exp(-self.evidence))

    def surrounds(self) -> tuple[bool, bool]:
        """Say of a, and of b, whether it shows the other in a part of itself, among something else.

        A crop is a part of its original too, but nothing else is there.
        """
        if self.kind not in _SURROUNDED:
            return False, False
        return self.coverage_a < _LARGEST_PART, self.coverage_b < _LARGEST_PART

    def turned_round(self) -> Alignment:
        """Say the same of b laid on a."""
        return replace(
            self,
            transform=_inverse(self.transform),
            content_a=self.content_b,
            content_b=self.content_a,
            coverage_a=self.coverage_b,
            coverage_b=self.coverage_a,
        )


def _inverse(transform: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if not transform:
        return transform
    (a, b, x), (c, d, y) = transform
    size = a * d - b * c
    a, b, c, d = d / size, -b / size, -c / size, a / size
    return (a, b, -(a * x + b * y)), (c, d, -(c * x + d * y))


def kind_of(stage: Stage | None, alignment: Alignment | None) -> Kind | None:
    """Return what happened between two pictures that were matched by a stage; None where nobody looked."""
    if stage is Stage.EXACT:
        return Kind.EXACT
    return None if alignment is None else alignment.kind


def confidence_of(stage: Stage | None, alignment: Alignment | None) -> float | None:
    """Return how sure it is that two pictures are copies, in [0, 1]; None where no pixels were compared."""
    if stage is Stage.EXACT:
        return 1.0
    return None if alignment is None else alignment.confidence


@dataclass(frozen=True, slots=True)
class PairMatch:
    """Two contents (by id, `a < b`) that the funnel calls copies, and the evidence.

    Attributes:
        implied: whether nobody has compared their pixels, for both match a third content.
    """

    a: int
    b: int
    stage: Stage
    similarity: float | None
    hamming: int | None
    alignment: Alignment | None = None
    implied: bool = False


@dataclass(frozen=True, slots=True)
class FileMatch:
    """Two files that match: what a report shows of a `PairMatch`, or of two files with the same bytes."""

    a: bytes
    b: bytes
    stage: Stage
    similarity: float | None
    hamming: int | None
    alignment: Alignment | None = None
    implied: bool = False

    @property
    def kind(self) -> Kind | None:
        """What happened between the two; None where no pixels were compared (hashes or vectors alone)."""
        return kind_of(self.stage, self.alignment)

    @property
    def confidence(self) -> float | None:
        """How sure the match is, in [0, 1]; None where no pixels were compared."""
        return confidence_of(self.stage, self.alignment)


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """A family: the file that stays, its copies, and what was made of it. No file is in two groups.

    Attributes:
        id: twelve hexadecimal digits made from the contents; the same group has the same id in every run.
        keep: the member that would be kept.
        reclaimable_bytes: what goes away with the members of which nothing is lost: those with the bytes
            of the file that stays, and those with an empty proof. Hard links free nothing, and what a
            person said to keep stays.
        members: the keeper first, then by path.
        kept: the members that a person said to keep: never to be removed.
        reason: why `keep` is the one that stays, in a sentence.
        roles: what each content is to the one that stays, by digest.
        proofs: what each content holds that the one that stays does not, by digest, as far as it is known.
        seen_in: files that show the image inside something else together with other images: collages.
        standing: the place of each content in the family, by digest, 0 the best; equals share one.
        doubtful_bytes: what removing the members would free of which nobody has proven yet that nothing is
            lost with them.
        rejected: the members that a person has marked as rejected, in the file or beside it.
    """

    id: str
    keep: bytes
    reclaimable_bytes: int
    members: tuple[CatalogedFile, ...]
    matches: tuple[FileMatch, ...]
    kept: frozenset[bytes] = frozenset()
    reason: str = ""
    roles: Mapping[bytes, Role] = field(default_factory=dict)
    proofs: Mapping[bytes, Proof] = field(default_factory=dict)
    seen_in: tuple[bytes, ...] = ()
    standing: Mapping[bytes, int] = field(default_factory=dict)
    doubtful_bytes: int = 0
    rejected: frozenset[bytes] = frozenset()

    def role_of(self, member: CatalogedFile) -> Role:
        """Return what a member is to the file that stays."""
        return Role.KEPT if member.path == self.keep else self.roles.get(member.digest, Role.COPY)


@dataclass(frozen=True, slots=True)
class DupsReport:
    """The answer of `dups`: groups, largest saving first, with what was asked and what was looked at.

    Attributes:
        links: matches between copies in different groups, which no group holds.
    """

    parameters: dict[str, Any]
    groups: tuple[DuplicateGroup, ...]
    summary: dict[str, Any]
    links: tuple[FileMatch, ...] = ()
