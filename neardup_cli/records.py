"""The frozen records that travel between rooms.

Paths are `bytes` everywhere below the reports: a file name is whatever the file system holds, and
need not be text. Sizes are bytes, times nanoseconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from neardup_cli.choices import Kind


class Stage(StrEnum):
    """Which stage of the funnel decided a match, strongest evidence first."""

    EXACT = "exact"
    SIEVE = "sieve"
    VERIFIER = "verifier"
    GEOMETRY = "geometry"


class Ruling(StrEnum):
    """What a person can decide: two contents are no duplicates of each other, or a content is to be kept."""

    NOT_DUPLICATES = "not-duplicates"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's ruling about contents, which outlives their files, names and scans.

    Attributes:
        id: never used again, not even after the decision was taken back.
        digest_a, digest_b: BLAKE3 of the two contents, the smaller first; the same one twice for `KEEP`.
        decided_at: UTC.
    """

    id: int
    ruling: Ruling
    digest_a: bytes
    digest_b: bytes
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class ShownDecision:
    """A decision with the present files of its two contents, either of which may have none any more."""

    decision: Decision
    paths_a: tuple[bytes, ...]
    paths_b: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which Ray cluster does the work of a scan or a join, and how much of it.

    Attributes:
        address: of a running cluster (`ray://host:10001`, `host:6379`, `auto`); None starts one here.
        workers: actors, each of which uses one core; None takes as many as the cluster has CPUs.
        gpu: an actor for each GPU instead, with a share of the CPUs that decodes for it.
    """

    address: str | None = None
    workers: int | None = None
    gpu: bool = False


class ChecksumOrigin(StrEnum):
    """Where the expected checksum of published weights comes from."""

    PINNED = "pinned"
    RECORDED = "recorded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WeightsStatus:
    """Published weights as they are on this machine.

    Attributes:
        path: where the file lies, or belongs.
        size: bytes of the file, None where it is not here.
        sha256: what the file must have; None while nobody knows.
    """

    name: str
    dimension: int
    trunk: str
    url: str
    path: Path
    size: int | None
    sha256: str | None
    origin: ChecksumOrigin


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What `stat` says of a file: enough to tell, without reading it, that it has not changed."""

    size: int
    mtime_ns: int
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that the scan did not take, and why.

    `unreadable` separates what the user would want to know about (a photograph that cannot be
    opened) from what was never meant to be scanned (a text file, a hidden folder).
    """

    path: bytes
    reason: str
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """What one decoded content gives: all that later questions need.

    Attributes:
        dhash: 64-bit difference hash as a signed integer (SQLite has no unsigned ones).
        flatness: share in [0, 1] of the hash's 64 comparisons that noise decides.
        vector: float16 little-endian unit vector as raw bytes, or None where it was not asked for.
        regions: the same of each region, one after the other; see `embedders/regions.py`.
    """

    format: str
    width: int
    height: int
    dhash: int
    flatness: float
    captured_at: datetime | None
    vector: bytes | None
    regions: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a content cannot be decoded; kept, so that it is not tried again at every scan."""

    reason: str


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What makes two vectors comparable: the same weights fed in the same way.

    Attributes:
        name: what the user called it (`sscd`, or a file name).
        fingerprint: BLAKE3 of the model file, hexadecimal.
        dimension: length of its vectors.
        preprocessing: how an image becomes the network's input, in words.
    """

    name: str
    fingerprint: str
    dimension: int
    preprocessing: str


@dataclass(frozen=True, slots=True)
class CatalogedFile:
    """One present file of the catalog with what is known of its content."""

    path: bytes
    stamp: FileStamp
    content_id: int
    digest: bytes
    width: int
    height: int
    format: str
    captured_at: datetime | None


_SURROUNDED = frozenset({Kind.EMBEDDED, Kind.OVERLAY})
# Share of the area: with text above and below a picture keeps more of it, in a collage or on a screen less.
_LARGEST_PART = 0.62


@dataclass(frozen=True, slots=True)
class Alignment:
    """What the geometric stage found when it laid picture a on picture b.

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
    """

    matched: bool
    reason: str
    inliers: int
    transform: tuple[tuple[float, ...], ...]
    mirrored: bool
    agreement: float
    content_a: float
    content_b: float
    coverage_a: float
    coverage_b: float
    tone: float
    spread: float
    kind: Kind | None = None

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


def _kind(stage: Stage | None, alignment: Alignment | None) -> Kind | None:
    if stage is Stage.EXACT:
        return Kind.EXACT
    return None if alignment is None else alignment.kind


@dataclass(frozen=True, slots=True)
class PairMatch:
    """Two contents (by id, `a < b`) that the funnel calls copies, and the evidence."""

    a: int
    b: int
    stage: Stage
    similarity: float | None
    hamming: int | None
    alignment: Alignment | None = None


@dataclass(frozen=True, slots=True)
class FileMatch:
    """Two files that match: what a report shows of a `PairMatch`, or of two files with the same bytes."""

    a: bytes
    b: bytes
    stage: Stage
    similarity: float | None
    hamming: int | None
    alignment: Alignment | None = None

    @property
    def kind(self) -> Kind | None:
        """What happened between the two; None where no pixels were compared (hashes or vectors alone)."""
        return _kind(self.stage, self.alignment)


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Files that are copies of one picture.

    A file may be a copy in several groups (a collage of two pictures), but what one group keeps, no
    other group calls a copy: going through the groups one by one never removes a keeper.

    Attributes:
        id: twelve hexadecimal digits made from the contents; the same group has the same id in every run.
        keep: the member that would be kept.
        reclaimable_bytes: what removing the other members would free (hard links free nothing), those
            that a person said to keep excepted.
        members: the keeper first, then by path.
        kept: the members that a person said to keep: never to be removed.
    """

    id: str
    keep: bytes
    reclaimable_bytes: int
    members: tuple[CatalogedFile, ...]
    matches: tuple[FileMatch, ...]
    kept: frozenset[bytes] = frozenset()


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


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What one scan saw and did.

    Attributes:
        seen: image files found by the walk (those skipped as not images are not among them).
        added: new or changed files that were read; `changed` of them were known under the same path.
        moved: files that this scan found under a new path, recognised by content, their old path gone.
        offline: files not looked for because their root is not mounted.
        embedded: contents that got a vector of the model in this scan.
        regions: contents that got vectors of their regions.
    """

    seen: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    missing: int = 0
    offline: int = 0
    embedded: int = 0
    skipped: tuple[Skipped, ...] = ()
    seconds: float = 0.0
    model: str | None = None
    regions: int = 0

    @property
    def unreadable(self) -> tuple[Skipped, ...]:
        """Only the skipped files that look like images and could not be read."""
        return tuple(entry for entry in self.skipped if entry.unreadable)


@dataclass(frozen=True, slots=True)
class QueryMatch:
    """One catalogued file that resembles a query image."""

    path: bytes
    stage: Stage | None
    similarity: float | None
    hamming: int | None
    width: int
    height: int
    bytes: int
    alignment: Alignment | None = None

    @property
    def kind(self) -> Kind | None:
        """What happened between the two; None where no pixels were compared."""
        return _kind(self.stage, self.alignment)

    @property
    def is_match(self) -> bool:
        """Whether a stage of the funnel decided for it (otherwise it is only a near neighbour)."""
        return self.stage is not None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What the catalog knows of one query image; `error` says why there is no answer."""

    path: bytes
    matches: tuple[QueryMatch, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The answer of `check`: every new image with the catalogued files that it is a copy of.

    Attributes:
        results: in the order of their paths; near neighbours that do not match are left out.
        skipped: what the walk passed over.
    """

    parameters: dict[str, Any]
    results: tuple[QueryResult, ...]
    skipped: tuple[Skipped, ...]
    seconds: float

    @property
    def matched(self) -> tuple[QueryResult, ...]:
        """The new images that are copies."""
        return tuple(result for result in self.results if result.matches)

    @property
    def unreadable(self) -> tuple[Skipped, ...]:
        """What looks like an image or a folder and could not be read, with the reason."""
        failed = (Skipped(r.path, r.error, unreadable=True) for r in self.results if r.error is not None)
        return (*failed, *(entry for entry in self.skipped if entry.unreadable))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two images side by side: `hamming` of 64 bits, `similarity` in [-1, 1]."""

    a: bytes
    b: bytes
    same_bytes: bool
    hamming: int
    similarity: float | None
    stage: Stage | None
    reason: str
    alignment: Alignment | None = None

    @property
    def kind(self) -> Kind | None:
        """What happened between the two; None where no pixels were compared."""
        return _kind(self.stage, self.alignment)

    @property
    def is_match(self) -> bool:
        """Whether the funnel calls the two images copies."""
        return self.stage is not None


type Point = tuple[float, float]
"""x and y as shares of a picture's width and height."""


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """Two images side by side with what happened between them.

    Attributes:
        kind: the edit that the match is called by; None where there is no match to explain.
        edits: all edits, strongest first.
        sentence: the same in words.
        numbers: what was measured, by name.
        outline: the corners of a, where they lie in b; empty where nothing fits.
        outline_in_a: the corners of b, where they lie in a.
        links: places in a and in b that show the same thing.
    """

    comparison: Comparison
    kind: Kind | None
    edits: tuple[Kind, ...]
    sentence: str
    numbers: dict[str, float | bool]
    outline: tuple[Point, ...] = ()
    outline_in_a: tuple[Point, ...] = ()
    links: tuple[tuple[Point, Point], ...] = ()


@dataclass(frozen=True, slots=True)
class RootStatus:
    """A scanned folder or file, and whether it can be reached now."""

    path: bytes
    files: int
    bytes: int
    online: bool


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the catalog, how many contents have a vector of it, and the state of its index file.

    `regions` counts the contents with vectors of their regions, `compared` those that `dups` has compared
    with all others.
    """

    identity: ModelIdentity
    vectors: int
    index: str
    regions: int = 0
    compared: int = 0


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """What a catalog holds."""

    location: str
    schema: str
    catalog_bytes: int
    index_bytes: int
    files: int
    missing: int
    contents: int
    unreadable: int
    image_bytes: int
    roots: tuple[RootStatus, ...] = ()
    models: tuple[ModelStatus, ...] = ()
    last_scan: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of `doctor`: what was checked, whether it holds, and what to do if not."""

    check: str
    ok: bool
    detail: str = ""
    repaired: bool = field(default=False)


class LeakKind(StrEnum):
    """What is wrong with a pair of copies in a data set."""

    SPLIT = "split"
    LABEL = "label"
    BOTH = "split+label"


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A file of a data set, its split, and the class folder it is in; no label where there is none."""

    path: bytes
    split: str
    label: bytes | None


@dataclass(frozen=True, slots=True)
class Leak:
    """Two copies in different splits, or in class folders that contradict each other; `a` comes first."""

    kind: LeakKind
    a: SplitFile
    b: SplitFile
    match: FileMatch


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """A split: its real folder, its readable images, and those that stay when the leaks are closed."""

    name: str
    folder: bytes
    images: int
    clean: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LeaksReport:
    """The answer of `leaks`: the leaks by path, and the splits in the order in which they were given."""

    parameters: dict[str, Any]
    splits: tuple[SplitSummary, ...]
    leaks: tuple[Leak, ...]
    unreadable: tuple[Skipped, ...] = ()
