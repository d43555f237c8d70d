"""What passes between the halves of a scan: files to read, and what came of them.

Apart from `extract.py`, which imports the decoders: a scan that finds nothing new needs none of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from neardup_cli.records.files import Failure, Features, FileStamp


class Cause(StrEnum):
    """Why a file has to be read."""

    NEW = "new"
    CHANGED = "changed"
    SUSPECT = "suspect"  # of the same size and time, and yet the system has noted a change
    INCOMPLETE = "incomplete"  # known and unchanged, but something about its content is still to compute


@dataclass(frozen=True, slots=True)
class ToRead:
    """A file whose bytes the scan has to look at, the root it belongs to, and its size when walked."""

    path: bytes
    root: bytes
    size: int
    cause: Cause = Cause.NEW


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read: its stamp while it was open, its content, and what was computed of that.

    `outcome` is None where nothing was computed: the catalog has the content, or another file of this
    scan is bringing it.
    """

    source: ToRead
    stamp: FileStamp
    digest: bytes
    outcome: Features | Failure | None


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that gave nothing to keep: gone, forbidden, changing, or too large for this scan's limit."""

    source: ToRead
    reason: str


type Extracted = ReadFile | UnreadFile


class Claims:
    """Which contents are being computed by some worker now, so that no other computes them too."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._lock = threading.Lock()

    def take(self, digest: bytes) -> bool:
        """Claim a content; False if it is claimed already."""
        with self._lock:
            if digest in self._digests:
                return False
            self._digests.add(digest)
            return True

    def take_some(self, digests: Iterable[bytes]) -> list[bytes]:
        """Claim contents; return those that were not claimed yet."""
        return [digest for digest in digests if self.take(digest)]

    def release(self, digests: Iterable[bytes]) -> None:
        """Give contents back once the catalog has them."""
        with self._lock:
            self._digests.difference_update(digests)
