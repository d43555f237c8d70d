"""The bar itself, drawn by Rich; imported only where there is a terminal to draw on."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from neardup_cli.progress import Pace

_WIDEST_BAR = 40


class Bar:
    """A `Progress` that draws one task at a time: how far it is, and how long it takes yet."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._spinner = Spinner("dots")
        self._task = ""
        self._began = time.monotonic()
        self._pace: Pace | None = None
        self._live = Live(
            get_renderable=self._drawn, console=self._console, transient=True, refresh_per_second=8
        )

    def start(self, task: str, total: int | None) -> None:
        """Replace the current task by a new one."""
        self._began = time.monotonic()
        self._task, self._pace = task, Pace(total, self._began)

    def weigh(self, effort: float) -> None:
        """Take what the task costs in all."""
        if self._pace is not None:
            self._pace.weigh(effort)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._pace is not None:
            self._pace.advance(steps, time.monotonic())

    def worked(self, effort: float) -> None:
        """Take what is behind."""
        if self._pace is not None:
            self._pace.worked(effort, time.monotonic())

    def spare(self, steps: int) -> None:
        """Take what is not needed."""
        if self._pace is not None:
            self._pace.spare(steps)

    def _drawn(self) -> Table | Group:
        pace, now = self._pace, time.monotonic()
        if pace is None:
            return Group()
        told = shown_pace(pace, now, now - self._began)
        line = Table.grid(padding=(0, 1, 0, 0))
        cells: list[Spinner | Text | ProgressBar] = [self._spinner, Text(self._task, no_wrap=True)]
        room = self._console.width - len(self._task) - len(told) - 6
        if pace.total is not None and room > 4:
            cells.append(ProgressBar(1.0, pace.share, width=min(room, _WIDEST_BAR)))
        line.add_row(*cells, Text(told, no_wrap=True, overflow="ellipsis"))
        return line

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def shown_pace(pace: Pace, now: float, gone: float) -> str:
    """Say how far it is, how fast it goes and how long it takes yet: `3,014/16,700 22/s 2:19, 10:20 left`."""
    of = "" if pace.total is None else f"/{max(0, pace.total - pace.spared):,}"
    rate = pace.done / gone if gone > 0 else 0.0
    speed = f" {rate:,.0f}/s" if rate >= 10 else f" {rate:.1f}/s" if pace.done else ""
    left = pace.left(now)
    return f"{pace.done:,}{of}{speed} {_clock(gone)}" + ("" if left is None else f", {_clock(left)} left")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
