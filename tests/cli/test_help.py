"""The help of every command: panels, examples, words in place of types, and narrow terminals."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from docs.scripts.commands import all_commands
from neardup_cli.cli import panels
from neardup_cli.cli.app import app
from neardup_cli.cli.examples import EXAMPLES
from neardup_cli.cli.group import SUMMARIES, names_a_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command

COMMANDS = all_commands()
GROUPS = [name for name, command in COMMANDS.items() if getattr(command, "commands", None)]
ALONE = [name for name in COMMANDS if name not in GROUPS]


@pytest.mark.parametrize("name", ALONE)
def test_each_command_has_two_examples_that_it_takes(name: str) -> None:
    first, second = EXAMPLES[name]
    assert first != second
    for line in (first, second):
        _, *words = shlex.split(line.partition(" | ")[0])
        group: Any = typer.main.get_command(app)
        with group.make_context("neardup", list(words)) as context:
            called, command, rest = group.resolve_command(context, words)
            assert name.startswith(called)
            while getattr(command, "commands", None):
                called, command, rest = command.resolve_command(context, rest)
            command.make_context(called, list(rest))


def test_there_are_no_examples_of_what_is_not_there() -> None:
    assert set(EXAMPLES) == set(ALONE)


def test_every_option_of_a_panel_is_one_of_some_command() -> None:
    options = {option for one in COMMANDS.values() for parameter in one.params for option in parameter.opts}
    assert set(panels._PANEL_OF) <= options


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_breaks_between_words_alone_and_names_no_types(
    name: str, columns: int, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = command(*name.split(), "--help").out
    usage, _, rest = text.partition("\n\n")
    assert usage.startswith("Usage: neardup")
    body, _, examples = rest.partition("\nExamples:\n")
    assert bool(examples) == (name in ALONE)
    assert max(map(len, body.splitlines())) <= columns
    assert not re.search(r"<\w+", body)
    plain = " ".join(body.split())
    asked: Any = COMMANDS[name] if name else typer.main.get_command(app)
    for parameter in asked.params:
        if parameter.param_type_name == "option":
            assert re.search(rf"(?<![\w-]){re.escape(parameter.opts[-1])}(?![\w-])", body)
        assert " ".join(parameter.help.split()) in plain


def test_the_commands_are_listed_in_groups(command: Command) -> None:
    text = command("--help").out
    headings = re.findall(r"^(\S.+):$", text, re.MULTILINE)
    assert headings == ["Look", "Decide and act", "The catalog", "Data sets and trying out", "General"]
    assert re.findall(r"^  ([a-z]+) ", text, re.MULTILINE)[-len(SUMMARIES) :] == list(SUMMARIES)


def test_a_word_is_a_path_where_it_is_spelt_like_one_or_there(tmp_path: Path) -> None:
    assert [word for word in ("~/Photos", "./a", "..", "/", str(tmp_path), "dupz") if names_a_path(word)] == [
        "~/Photos",
        "./a",
        "..",
        "/",
        str(tmp_path),
    ]


def test_neardup_alone_leads_by_commands_that_there_are(command: Command) -> None:
    outcome = command()
    assert (outcome.code, outcome.said) == (0, "")
    named = re.findall(r"(?:^  |`)neardup (?!-)(\S+?)(?: |`|$)", outcome.out, re.MULTILINE)
    assert "~/Photos" in named
    assert set(named) - {"~/Photos"} <= set(SUMMARIES)
    assert {"dups", "serve", "clean", "undo"} <= set(named)


def test_a_path_that_is_not_there_is_no_command(command: Command, tmp_path: Path) -> None:
    outcome = command(tmp_path / "nope")
    assert outcome.code == 3
    assert outcome.said == f"neardup: no such file or folder: {tmp_path / 'nope'}\n"
    assert not (tmp_path / "home" / "catalog.db").exists()
