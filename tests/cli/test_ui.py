from __future__ import annotations

import sys

import pytest

from neardup_cli.cli import ui
from neardup_cli.cli.app import main
from neardup_cli.errors import MissingExtra
from neardup_cli.installation import install_command


def test_without_streamlit_the_install_command_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ui, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["neardup", "ui"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == MissingExtra.exit_code == 13
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said == f"neardup: `neardup ui` needs Streamlit: run {install_command('streamlit')}\n"
