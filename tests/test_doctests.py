"""The examples in docstrings are run."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import neardup_cli

ROOT = Path(neardup_cli.__file__).parent
SHOWN = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if re.search(r"^\s+>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
)


def test_there_are_examples() -> None:
    assert "neardup_cli.pipeline.copies" in SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEARDUP_CATALOG", str(tmp_path / "catalog.db"))
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0
    assert list(tmp_path.iterdir()) == []
