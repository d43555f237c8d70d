"""The group of all commands: listed by a line each, imported only when one runs.

Typer reads the signature of every command before it runs one. With twenty of them that takes as long as
starting Python, and `--help` shows no more of each than its name and a line.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group

from neardup_cli.cli.guided import Guided, GuidedGroup

_GROUPS = {
    "Look": {
        "look": "Scan PATH, say what was found, and name the next step.",
        "scan": "Scan images under PATH and update the catalog.",
        "watch": "Take new and changed images in as they come, until stopped.",
        "dups": "Print the groups of copies, the largest saving first.",
        "folders": "Print the folders that hold the same images, the largest first.",
        "query": "Ask which catalogued images resemble IMAGE.",
        "check": "Say which of the files at or below NEW are copies.",
        "compare": "Compare two image files: distance, similarity, verdict.",
        "explain": "Say what happened between two image files.",
    },
    "Decide and act": {
        "serve": "Serve the review page and the REST API.",
        "ui": "Look images up and browse the groups in the browser.",
        "report": "Write the groups to one HTML file, images inside.",
        "keep": "Say that FILE stays: the keeper of its group, never redundant.",
        "ignore": "Say that files are no copies of each other, now and later.",
        "ignored": "List what you decided with ignore and keep, or take it back.",
        "clean": "Plan what happens to the copies; with --apply, do it.",
        "undo": "Take back what `neardup clean --apply` did.",
    },
    "The catalog": {
        "status": "Show what the catalog holds: files, roots, models, sizes.",
        "doctor": "Check the catalog, its indexes, and the images.",
        "backup": "Copy the catalog, whole and checked, while others use it.",
        "models": "List the models; fetch, find and check Meta's weights.",
        "trust": "Believe all that the neardup.toml of FOLDER says.",
    },
    "Data sets and trying out": {
        "export": "Write the groups to files that other programs take.",
        "leaks": "Find copies across the splits and classes of a data set.",
        "eval": "Measure how good the answers are.",
        "demo": "Render a small gallery to try neardup on.",
    },
}
SUMMARIES = {name: summary for group in _GROUPS.values() for name, summary in group.items()}
"""By command, the first paragraph of its help, in the order of `neardup --help`."""


class Commands(GuidedGroup):
    """All commands, each in the module of its name; the one that is called is loaded."""

    panels = _GROUPS

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - what Typer gives to its own groups
        super().__init__(**attributes)
        for name, summary in SUMMARIES.items():
            self.add_command(TyperCommand(name, help=summary, add_help_option=False))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own Click
        """Find the command that is called; a path alone is to be looked at."""
        if args[0] not in SUMMARIES and names_a_path(args[0]):
            return "look", self.load("look"), args
        name, listed, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name in SUMMARIES else listed, rest

    def load(self, name: str) -> Any:  # noqa: ANN401 - as above
        """Return a command with its options and examples, or a group with its commands."""
        return _loaded(name)


@cache  # a process that runs many command lines reads the signature of each command once
def _loaded(name: str) -> Any:  # noqa: ANN401 - as above
    from neardup_cli.cli.examples import EXAMPLES

    module = import_module(f"neardup_cli.cli.{name}")
    alone = typer.Typer(rich_markup_mode=None)
    if (group := getattr(module, "app", None)) is not None:
        for below in group.registered_commands:
            below.cls = Guided
        alone.add_typer(group, name=name, cls=GuidedGroup)
    else:
        alone.command(name, cls=Guided)(getattr(module, name))
    loaded = get_group(alone).commands[name]
    for path, command in [(name, loaded), *_below(name, loaded)]:
        if path in EXAMPLES:
            command.examples = EXAMPLES[path]
    return loaded


def names_a_path(word: str) -> bool:
    """Return True if a word is a path: it is spelt like one, or something of that name is there."""
    return os.sep in word or word.startswith("~") or word in (".", "..") or os.path.exists(word)


def _below(name: str, command: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - Typer's own Click
    """Return the commands of a group with their names in full."""
    return [(f"{name} {below}", one) for below, one in getattr(command, "commands", {}).items()]
