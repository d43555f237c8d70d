"""`neardup trust`, and what a folder's neardup.toml does without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import complaint

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def test_trust(command: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("NEARDUP_CATALOG")
    Path("neardup.toml").write_text('catalog = "postgresql+psycopg://me@evil.example/x"\n')
    assert "evil.example" not in complaint(command("status", "--catalog", "none.db"), 4)
    monkeypatch.setenv("XDG_DATA_HOME", str(Path.cwd()))
    assert "no catalog" in complaint(command("status"), 4)
    assert "catalog is not taken from a folder that you do not trust" in caplog.text
    assert command("trust", "--list").out == ""
    assert command("trust") == (0, "", f"trusted: {Path.cwd()}\n")
    assert command("trust", "--list").out == f"{Path.cwd()}\n"
    Path("neardup.toml").write_text('catalog = "own.db"\n')
    assert str(Path("own.db").absolute()) in complaint(command("status"), 4)
    assert command("trust", ".", "--remove") == (0, "", f"not trusted any more: {Path.cwd()}\n")
    assert "own.db" not in complaint(command("status"), 4)


def test_what_it_refuses(command: Command) -> None:
    assert "no such folder" in complaint(command("trust", "nothing"), 3)
    assert "not trusted" in complaint(command("trust", "--remove"), 2)
    assert "--list goes alone" in complaint(command("trust", "--list", "--remove"), 2)
