"""How long work tells whoever watches how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A watcher; `neardup_cli.cli.progress` draws a bar, the Python API is silent by default."""

    def start(self, task: str, total: int | None) -> None:
        """A named piece of work begins; `total` is None while nobody knows how much it is."""

    def advance(self, steps: int = 1) -> None:
        """Some steps of the current work are done."""


class Silent:
    """Watches nothing."""

    def start(self, task: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1) -> None:
        """Do nothing."""
