"""Published weights."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


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
