"""The reference of every command, read from the Typer app."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from docs.scripts.markdown import cell
from neardup_cli.cli.app import app
from neardup_cli.cli.group import SUMMARIES


def all_commands() -> dict[str, Any]:
    """Return Click's commands by their names, `eval run` among them, in the order of `neardup --help`."""
    group: Any = typer.main.get_command(app)
    found = {}
    for name in SUMMARIES:
        found[name] = command = group.load(name)
        found |= {f"{name} {below}": one for below, one in getattr(command, "commands", {}).items()}
    return found


def page() -> str:
    """Return a section of Markdown for each command, with its arguments and options."""
    return "\n".join(line for name, command in all_commands().items() for line in section(name, command))


def section(name: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - Typer's own Click
    """Yield the lines of one command: what its help says, and a table of what it takes."""
    context = command.make_context(f"neardup {name}", [], resilient_parsing=True)
    yield from (f"## neardup {name}", "", "```text")
    yield command.get_usage(context).removeprefix("Usage: ")
    yield from ("```", "", *_prose(command.callback), "")
    records = [record for one in command.params if (record := one.get_help_record(context))]
    if records:
        yield from ("| takes | what it means |", "|---|---|")
        yield from (f"| {cell(f'`{taken}`')} | {cell(said)} |" for taken, said in records)
        yield ""


def _prose(callback: object) -> list[str]:
    """Return the paragraphs of a command's help; what Click keeps from rewrapping stays as it is."""
    said = inspect.getdoc(callback) or ""
    lines = []
    for paragraph in said.split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines += ["```text", paragraph.removeprefix("\b\n"), "```", ""]
        else:
            lines += [" ".join(paragraph.split()), ""]
    return lines
