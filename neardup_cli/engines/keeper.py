"""What workers ask before they compute something, so that none computes what another one is at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class Keeper(Protocol):
    """Knows which contents are being computed: here `pipeline.work.Claims`, on a cluster an actor."""

    def take_some(self, digests: Sequence[bytes]) -> list[bytes]:
        """Claim contents; return those that are ours now, each of them once."""

    def release(self, digests: Iterable[bytes]) -> None:
        """Give contents back."""
