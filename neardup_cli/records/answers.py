"""The answers to questions about given images: `query`, `check`, `compare` and `explain`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neardup_cli.choices import Kind
from neardup_cli.records.files import Skipped
from neardup_cli.records.matches import Alignment, Stage, confidence_of, kind_of


@dataclass(frozen=True, slots=True)
class QueryMatch:
    """One catalogued file that resembles a query image.

    `untold`: its pixels had to decide, and they cannot be looked at now; it may be a match.
    """

    path: bytes
    stage: Stage | None
    similarity: float | None
    hamming: int | None
    width: int
    height: int
    bytes: int
    alignment: Alignment | None = None
    untold: bool = False

    @property
    def kind(self) -> Kind | None:
        """What happened between the two; None where no pixels were compared."""
        return kind_of(self.stage, self.alignment)

    @property
    def confidence(self) -> float | None:
        """How sure it is that the two are copies, in [0, 1]; None where no pixels were compared."""
        return confidence_of(self.stage, self.alignment)

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

    @property
    def is_duplicate(self) -> bool:
        """Whether the image is a copy of a catalogued one."""
        return any(match.is_match for match in self.matches)

    @property
    def cannot_tell(self) -> bool:
        """Whether no copy was found, and there may be one among what cannot be looked at."""
        return not self.is_duplicate and any(match.untold for match in self.matches)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The answer of `check`: every new image with the catalogued files that it is a copy of.

    Attributes:
        results: in the order of their paths; near neighbours that do not match are left out, but for those
            that cannot be looked at.
        skipped: what the walk passed over.
    """

    parameters: dict[str, Any]
    results: tuple[QueryResult, ...]
    skipped: tuple[Skipped, ...]
    seconds: float

    @property
    def matched(self) -> tuple[QueryResult, ...]:
        """The new images that are copies."""
        return tuple(result for result in self.results if result.is_duplicate)

    @property
    def untold(self) -> tuple[QueryResult, ...]:
        """The new images of which nobody can tell now: what they resemble cannot be looked at."""
        return tuple(result for result in self.results if result.cannot_tell)

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
        return kind_of(self.stage, self.alignment)

    @property
    def confidence(self) -> float | None:
        """How sure it is that the two are copies, in [0, 1]; None where no pixels were compared."""
        return confidence_of(self.stage, self.alignment)

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
