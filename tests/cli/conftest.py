"""Runs command lines in this process; tests/e2e has the command itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from neardup_cli.cli.app import main


class Outcome(NamedTuple):
    """How a command ended and what it wrote."""

    code: int
    out: str
    said: str


type Command = Callable[..., Outcome]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Command:
    """Runs a command line in an empty folder, with a catalog and a home of its own."""
    for name in [name for name in os.environ if name.startswith("NEARDUP_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("NEARDUP_CATALOG", str(home / "catalog.db"))

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["neardup", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        out, said = capfdbinary.readouterr()
        return Outcome(left.value.code, out.decode(), said.decode())

    return run


def complaint(outcome: Outcome, code: int) -> str:
    """Check that a command failed as it should; return what it said."""
    assert outcome.code == code, outcome
    assert outcome.said.startswith("neardup: ")
    assert outcome.said.count("\n") == 1
    assert not outcome.out
    return outcome.said.removeprefix("neardup: ").rstrip()
