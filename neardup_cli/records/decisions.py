"""What a person has decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
