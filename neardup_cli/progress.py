"""How long work tells whoever watches how far it is, and how long it is going to take yet."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Progress(Protocol):
    """A watcher; `neardup_cli.cli.progress` draws a bar, the Python API is silent by default."""

    def start(self, task: str, total: int | None) -> None:
        """A named piece of work begins; `total` is None while nobody knows how much it is."""

    def weigh(self, effort: float) -> None:
        """The current work takes so much effort in all, in any unit: its steps are not alike."""

    def advance(self, steps: int = 1) -> None:
        """Some steps of the current work are done."""

    def worked(self, effort: float) -> None:
        """So much of the effort is behind: told beside the steps, of work that was weighed."""

    def spare(self, steps: int) -> None:
        """Some steps turned out not to be needed."""


class Silent:
    """Watches nothing."""

    def start(self, task: str, total: int | None) -> None:
        """Do nothing."""

    def weigh(self, effort: float) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1) -> None:
        """Do nothing."""

    def worked(self, effort: float) -> None:
        """Do nothing."""

    def spare(self, steps: int) -> None:
        """Do nothing."""


_LEAST_SECONDS = 2.0
_LEAST_SHARE = 0.01
_WINDOW = 30.0  # seconds that are looked back over, or half of what has gone by, whichever is more


class Pace:
    """How far a piece of work is, and what it has taken so far: from that follows what it takes yet.

    What is left is judged by effort and not by steps where the work was weighed, and by the share of the
    steps that were needed until now where some turn out not to be.
    """

    def __init__(self, total: int | None, now: float) -> None:
        """Begin at a time of the monotonic clock, in seconds."""
        self.total = total
        self.done = self.spared = 0
        self._began = now
        self._effort: float | None = None
        self._worked = 0.0
        self._marks = deque([(now, 0.0)])

    def weigh(self, effort: float) -> None:
        """Take what all of it takes."""
        self._effort = effort

    def advance(self, steps: int, now: float) -> None:
        """Count steps that are done."""
        self.done += steps
        if self._effort is None:
            self._mark(now, float(self.done))

    def worked(self, effort: float, now: float) -> None:
        """Count effort that is behind."""
        self._worked += effort
        self._mark(now, self._worked)

    def spare(self, steps: int) -> None:
        """Count steps that are not needed."""
        self.spared += steps

    @property
    def share(self) -> float:
        """What is behind, from 0 to 1."""
        behind, all_of_it = self._behind()
        return min(1.0, behind / all_of_it) if all_of_it > 0 else 0.0

    def left(self, now: float) -> float | None:
        """Return the seconds that are to come; None while that would be a guess."""
        if self.total is None or now - self._began < _LEAST_SECONDS or self.share < _LEAST_SHARE:
            return None
        behind, all_of_it = self._behind()
        since, before = self._marks[0]
        speed = (behind - before) / max(now - since, 1e-9)
        if speed <= 0:
            return None
        needed = self.done / (self.done + self.spared) if self.spared and self.done else 1.0
        return max(0.0, all_of_it - behind) * needed / speed

    def _behind(self) -> tuple[float, float]:
        if self._effort is not None:
            return self._worked, self._effort
        return float(self.done), float(max(0, (self.total or 0) - self.spared))

    def _mark(self, now: float, behind: float) -> None:
        self._marks.append((now, behind))
        oldest = now - max(_WINDOW, (now - self._began) / 2)
        while len(self._marks) > 2 and self._marks[1][0] <= oldest:
            self._marks.popleft()
