"""Every command that loads a model runs it where it is told to, by an option or the settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import typer.main

from neardup_cli import build_hash_db
from neardup_cli.cli.app import app
from neardup_cli.cli.group import SUMMARIES
from tests.cli.conftest import Command, complaint

ABSENT = "mps" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cuda"
"""A device that is not here: no machine has both."""

LOADING = {
    "scan": ["{photos}"],
    "query": ["{photos}/coffee.png"],
    "check": ["{photos}"],
    "compare": ["{photos}/coffee.png", "{photos}/chelsea.jpg"],
    "explain": ["{photos}/coffee.png", "{photos}/chelsea.jpg"],
    "leaks": ["--split", "all={photos}"],
    "serve": ["--port", "0"],
    "watch": ["{photos}"],
    "eval run": ["--queries", "{photos}", "--references", "{photos}", "--truth", "{photos}/truth.csv"],
    "eval tune": ["--pairs", "{photos}/pairs.csv"],
}
"""What each of these commands needs to get as far as its model."""


@pytest.fixture(scope="module")
def prepared(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog of photographs, and others beside it that nobody has scanned yet."""
    folder = tmp_path_factory.mktemp("device")
    build_hash_db(photos, folder / "catalog.db")
    (folder / "new").mkdir()
    for name in ("coffee.png", "chelsea.jpg"):
        # Other bytes, so that no vector of theirs is known.
        (folder / "new" / name).write_bytes((photos / name).read_bytes() + b"new")
    (folder / "new" / "truth.csv").write_text("query_id,reference_id\ncoffee,chelsea\n")
    (folder / "new" / "pairs.csv").write_text("a,b,copy\ncoffee.png,chelsea.jpg,0\n")
    return folder


@pytest.fixture
def at_model(command: Command, prepared: Path, tmp_path: Path) -> Command:
    """Runs one of the commands up to where it loads its model."""
    shutil.copy(prepared / "catalog.db", tmp_path / "home" / "catalog.db")

    def run(*arguments: str | Path) -> Any:
        name, *options = map(str, arguments)
        own = [argument.format(photos=prepared / "new") for argument in LOADING[name]]
        return command(*name.split(), *own, *options)

    return run


@pytest.mark.parametrize("name", LOADING)
def test_a_device_that_is_not_here(name: str, at_model: Command) -> None:
    assert ABSENT in complaint(at_model(name, "--device", ABSENT), 2)


@pytest.mark.parametrize("name", LOADING)
def test_the_settings_file_says_where(name: str, at_model: Command) -> None:
    Path("neardup.toml").write_text(f'device = "{ABSENT}"\n')
    assert ABSENT in complaint(at_model(name), 2)


def test_an_option_overrules_the_settings(at_model: Command) -> None:
    Path("neardup.toml").write_text(f'device = "{ABSENT}"\n')
    assert at_model("query", "--device", "cpu").code == 0
    assert "'gpu'" in complaint(at_model("query", "--device", "gpu"), 2)


def test_these_are_all_that_have_the_option() -> None:
    group: Any = typer.main.get_command(app)
    commands = {name: group.load(name) for name in SUMMARIES}
    commands |= {
        f"{above} {name}": command
        for above, some in commands.items()
        for name, command in getattr(some, "commands", {}).items()
    }
    having = {
        name
        for name, command in commands.items()
        if any("--device" in parameter.opts for parameter in command.params)
    }
    assert having == LOADING.keys()
