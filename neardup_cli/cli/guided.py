"""Commands whose help has panels, with two examples at its foot.

Typer's own boxes cost a fifth of a second, and on a narrow terminal they cut the names of options: these
panels are headings, with lines that break between words alone.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from typer.core import TyperCommand, TyperGroup

from neardup_cli.cli.panels import GENERAL, ORDER, furnish

_WIDEST_NAME = 26  # of an option with what it takes; a longer one has a line of its own


class Guided(TyperCommand):
    """A command with its options in panels: a heading each."""

    examples: tuple[str, ...] = ()
    """What may be typed, whole lines."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - what Typer gives to its own
        super().__init__(*given, **named)
        for parameter in self.params:
            furnish(parameter)

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - Typer's own Click
        """Return arguments and options, those of a panel together."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "rich_help_panel", None) is None:  # of --help, which Click makes itself
                furnish(parameter)

        def place(parameter: Any) -> int:  # noqa: ANN401
            if parameter.param_type_name != "option":
                return -1
            return ORDER.index(getattr(parameter, "rich_help_panel", None) or GENERAL)

        return sorted(parameters, key=place)

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write what the command does."""
        write_prose(self.help, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the arguments, and the options of each panel."""
        write_parameters(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write the examples as they are: a command line is not wrapped."""
        if self.examples:
            write_heading("Examples", formatter)
            formatter.write("".join(f"  {line}\n" for line in self.examples))


class GuidedGroup(TyperGroup):
    """A group of commands, listed by a line each."""

    panels: Mapping[str, Mapping[str, str]] = {}
    """What its commands do, by the heading under which they stand."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write what the group is for."""
        write_prose(self.help, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the commands, and then the options."""
        self.format_commands(ctx, formatter)
        write_parameters(self.get_params(ctx), ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write the commands of each panel."""
        listed = {name: command.get_short_help_str(200) for name, command in self.commands.items()}
        panels = self.panels or {"Commands": listed}
        column = max(len(name) for panel in panels.values() for name in panel) + 4
        for heading, commands in panels.items():
            write_definitions(heading, commands.items(), formatter, column)


def write_parameters(parameters: Iterable[Any], ctx: Any, formatter: Any) -> None:  # noqa: ANN401
    """Write arguments and options, those of a panel together."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in parameters:
        if (record := parameter.get_help_record(ctx)) is not None:
            option = parameter.param_type_name == "option"
            heading = (getattr(parameter, "rich_help_panel", None) or GENERAL) if option else "Arguments"
            sections.setdefault(heading, []).append(record)
    for heading, records in sections.items():
        widest = max((len(taken) for taken, _ in records if len(taken) <= _WIDEST_NAME), default=0)
        write_definitions(heading, records, formatter, widest + 4)


def write_prose(text: str | None, formatter: Any) -> None:  # noqa: ANN401
    """Write the paragraphs of a help, broken between words alone."""
    for paragraph in (text or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            formatter.write("\n" + textwrap.indent(paragraph.removeprefix("\b\n"), "  ") + "\n")
        else:
            formatter.write("\n" + _filled(paragraph, formatter.width, "  ") + "\n")


def write_heading(heading: str, formatter: Any) -> None:  # noqa: ANN401
    """Write a heading, on a terminal in bold."""
    shown = f"\x1b[1m{heading}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else heading
    formatter.write(f"\n{shown}:\n")


def write_definitions(
    heading: str,
    records: Iterable[tuple[str, str]],
    formatter: Any,  # noqa: ANN401
    column: int,
) -> None:
    """Write what is taken, and from a column on what it means."""
    write_heading(heading, formatter)
    for taken, meaning in records:
        text = _filled(meaning, formatter.width, " " * column)
        if len(taken) + 4 > column:
            formatter.write(f"  {taken}\n{text}\n")
        else:
            formatter.write(f"  {taken}".ljust(column) + f"{text[column:]}\n")


def _filled(text: str, width: int, indent: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
