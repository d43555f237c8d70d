"""The group of all commands: listed by a line each, imported only when one runs.

Typer reads the signature of every command before it runs one. With twenty of them that takes as long as
starting Python, and `--help` shows no more of each than its name and a line.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

SUMMARIES = {
    "scan": "Bring the catalog up to date with the images below PATH.",
    "dups": "Print the groups of copies, the largest saving first.",
    "ignore": "Say that files are no copies of each other, now and later.",
    "ignored": "List what you decided with ignore and keep, or take it back.",
    "keep": "Say that FILE stays: the keeper of its group, never redundant.",
    "clean": "Plan what happens to the copies; with --apply, do it.",
    "undo": "Take back what `neardup clean --apply` did.",
    "query": "Ask which catalogued pictures resemble IMAGE.",
    "check": "Say which of the files at or below NEW are copies.",
    "compare": "Compare two image files: distance, similarity, verdict.",
    "explain": "Say what happened between two image files.",
    "leaks": "Find copies across the splits and classes of a data set.",
    "export": "Write the groups to files that other programs take.",
    "report": "Write the groups to one HTML file, pictures inside.",
    "status": "Show what the catalog holds: files, roots, models, sizes.",
    "doctor": "Check the catalog, its indexes, and the images.",
    "backup": "Copy the catalog, whole and checked, while others use it.",
    "trust": "Believe all that the neardup.toml of FOLDER says.",
    "demo": "Render a small gallery to try neardup on.",
    "serve": "Serve the review page and the REST API.",
    "ui": "Look images up and browse the groups in the browser.",
    "models": "List the models; fetch, find and check Meta's weights.",
    "eval": "Measure how good the answers are.",
}
"""By command, the first paragraph of its help, in the order of `neardup --help`."""


class Commands(TyperGroup):
    """All commands, each in the module of its name; the one that is called is loaded."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - what Typer gives to its own groups
        super().__init__(**attributes)
        for name, summary in SUMMARIES.items():
            self.add_command(TyperCommand(name, help=summary, add_help_option=False))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own Click
        """Find the command that is called."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name in SUMMARIES else listed, rest

    def load(self, name: str) -> Any:  # noqa: ANN401 - as above
        """Return a command with its options, or a group with its commands."""
        module = import_module(f"neardup_cli.cli.{name}")
        alone = typer.Typer(rich_markup_mode=self.rich_markup_mode)
        if (group := getattr(module, "app", None)) is not None:
            alone.add_typer(group, name=name)
        else:
            alone.command(name)(getattr(module, name))
        return get_group(alone).commands[name]
