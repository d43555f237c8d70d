"""How far long work is, as a notebook shows it: a bar of tqdm's, which nobody has to have."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from neardup_cli.installation import missing_extra
from neardup_cli.progress import Progress, Silent


class TqdmBar(Silent):
    """Shows one piece of work at a time."""

    def __init__(self, make: Callable[..., Any]) -> None:
        """Take what makes a bar: the class of `tqdm.auto`."""
        self._make = make
        self._bar: Any = None

    def start(self, task: str, total: int | None) -> None:
        """Put a bar for the next piece in the place of the last one."""
        self.close()
        self._bar = self._make(desc=task, total=total, leave=False)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(steps)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextmanager
def shown_progress(progress: bool | Progress | None) -> Iterator[Progress]:
    """Give what is told how far it is.

    Args:
        progress: None for a bar in a notebook where tqdm is installed, True for one anywhere, False for none,
            or what is told.

    Raises:
        MissingExtra: a bar is wanted, and tqdm is not installed.
    """
    if not isinstance(progress, bool | None):
        yield progress
        return
    make = _bar_maker(demanded=progress is True) if progress or (progress is None and in_notebook()) else None
    if make is None:
        yield Silent()
        return
    bar = TqdmBar(make)
    try:
        yield bar
    finally:
        bar.close()


def in_notebook() -> bool:
    """Return True if this runs in a notebook's kernel, which has imported IPython before us."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None and hasattr(python, "get_ipython") else None
    return shell is not None and type(shell).__name__ in (
        "ZMQInteractiveShell",
        "Shell",
    )  # the latter is Colab's


def _bar_maker(*, demanded: bool) -> Callable[..., Any] | None:
    try:
        with warnings.catch_warnings():  # without widgets it draws text, and says so each time
            warnings.simplefilter("ignore")
            tqdm: Callable[..., Any] = import_module("tqdm.auto").tqdm
    except ImportError as exc:
        if demanded:
            raise missing_extra("a progress bar needs tqdm", "data") from exc
        return None
    return tqdm
