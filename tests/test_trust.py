"""The list of trusted folders: what is on it, and what is not let on it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs
import pytest

from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.trust import distrust_folder, is_trusted, trust_folder, trusted_folders


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: tmp_path / "config" / "neardup")
    return tmp_path / "config" / "neardup"


def test_a_folder_comes_and_goes(tmp_path: Path, config: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    assert not is_trusted(folder)
    assert trust_folder(folder) == str(folder)
    assert trust_folder(folder) == str(folder)
    assert trusted_folders() == [str(folder)]
    assert is_trusted(folder)
    assert not is_trusted(tmp_path)
    assert stat.S_IMODE((config / "trusted.json").stat().st_mode) == 0o600
    folder.rmdir()
    assert distrust_folder(folder) == str(folder)
    assert trusted_folders() == []
    assert list(config.iterdir()) == [config / "trusted.json"]


def test_a_link_is_what_it_led_to(tmp_path: Path) -> None:
    for name in ("photos", "others"):
        (tmp_path / name).mkdir()
    link = tmp_path / "link"
    link.symlink_to("photos")
    assert trust_folder(link) == str(tmp_path / "photos")
    assert is_trusted(link)
    link.unlink()
    link.symlink_to("others")
    assert not is_trusted(link)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9\n")
    folder.mkdir()
    trust_folder(folder)
    assert is_trusted(folder)


def test_what_cannot_be_trusted_or_distrusted(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="no such folder"):
        trust_folder(tmp_path / "nothing")
    with pytest.raises(BadInput, match="is not trusted: `neardup trust --list`"):
        distrust_folder(tmp_path)


NESTED = "[" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"folders": 3}',
        '{"folders": [1]}',
        "{}",
        "\xff",
        pytest.param(NESTED, id="nested"),
    ],
)
def test_a_damaged_list_trusts_nobody(text: str, config: Path, tmp_path: Path) -> None:
    config.mkdir(parents=True)
    (config / "trusted.json").write_text(text, encoding="latin-1")
    assert not is_trusted(tmp_path)
    for act in (trust_folder, distrust_folder):
        with pytest.raises(BadInput, match=r"trusted\.json cannot be read"):
            act(tmp_path)
