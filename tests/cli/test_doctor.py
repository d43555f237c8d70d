"""`neardup doctor`: what it says, what it repairs, and how it exits."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from neardup_cli import __version__
from tests.cli.conftest import complaint
from tests.damage import hide
from tests.pipeline.test_verify_files import rot

if TYPE_CHECKING:
    from tests.cli.conftest import Command
    from tests.conftest import Draw


@pytest.fixture
def filled(command: Command, draw: Draw, tmp_path: Path) -> Command:
    for number in range(4):
        draw(tmp_path / "images" / f"{number}.png", number // 2)
    assert command("scan", "--hash-only", tmp_path / "images").code == 0
    return command


def spoil() -> None:
    """Change bytes of the last page, which SQLite does not miss."""
    with open("catalog.db", "r+b") as stream:
        stream.seek(-96, os.SEEK_END)
        stream.write(b"spoiled")


def groups(command: Command) -> Any:
    return json.loads(command("dups", "--json").out)["groups"]


def test_images_that_rotted(filled: Command, tmp_path: Path) -> None:
    assert filled("doctor", "--verify-files").code == 0
    rot(tmp_path / "images" / "0.png")
    done = filled("doctor", "--verify-files")
    assert done.code == 14
    assert done.said == "neardup: 1 of 4 images are not sound\n"
    rotten, copy = (str(tmp_path / "images" / name) for name in ("0.png", "1.png"))
    assert f"ROTTEN   {rotten}: its bytes changed" in done.out
    assert f"a sound copy is {copy}\n" in done.out
    done = filled("doctor", "--verify-files", "--since", "30d", "--json")
    document = json.loads(done.out)
    assert (done.code, document["healthy"], document["files"]["spared"]) == (14, False, 3)
    assert document["files"]["rotten"] == [{"path": rotten, "copy": copy}]


@pytest.mark.parametrize("when", ["30d", "12h", "5m", "2w", "2026-03-01", "2026-03-01T10:00"])
def test_moments(filled: Command, when: str) -> None:
    assert filled("doctor", "--verify-files", "--since", when).code == 0


@pytest.mark.parametrize("when", ["", "yesterday", "3", "99999999999d", "2026-13-01"])
def test_what_is_no_moment(filled: Command, when: str) -> None:
    assert "name a date" in complaint(filled("doctor", "--verify-files", "--since", when), 2)


def test_since_alone(filled: Command) -> None:
    assert "goes with --verify-files" in complaint(filled("doctor", "--since", "3d"), 2)


def test_a_damaged_catalog_is_repaired(filled: Command, tmp_path: Path) -> None:
    filled("keep", tmp_path / "images" / "3.png")
    before = groups(filled)
    spoil()
    assert "doctor --repair" in complaint(filled("dups"), 6)
    assert "doctor --repair" in complaint(filled("doctor"), 6)
    done = filled("doctor", "--repair", "--json")
    assert done.code == 0
    repaired = json.loads(done.out)["findings"][0]
    assert (repaired["check"], repaired["repaired"]) == ("catalog", True)
    (aside,) = Path().glob("catalog.db.damaged-*[0-9]")
    assert aside.name in repaired["detail"]
    assert filled("scan", "--hash-only", tmp_path / "images").code == 0
    assert [group["keep"] for group in groups(filled)] == [group["keep"] for group in before]
    assert "keep" in filled("ignored").out
    assert filled("doctor").code == 0


def test_rot_of_the_catalog_itself(filled: Command, tmp_path: Path) -> None:
    spoil()
    hide(Path("catalog.db"))
    done = filled("doctor")
    assert done.code == 14
    assert "WRONG    database" in done.out
    kept = sorted((tmp_path / "images").iterdir())
    complaint(filled("clean", "--apply"), 6)
    assert sorted((tmp_path / "images").iterdir()) == kept
    assert filled("doctor", "--repair").code == 0
    assert filled("doctor").code == 0


def test_a_sound_catalog_is_left_as_it_is(filled: Command) -> None:
    before = Path("catalog.db").read_bytes()
    assert filled("doctor", "--repair").code == 0
    assert Path("catalog.db").read_bytes() == before
    assert not list(Path().glob("*damaged*"))


def test_a_backup_is_restored(filled: Command, tmp_path: Path) -> None:
    """As `docs/catalog.md` says it."""
    filled("backup", "backup.db")
    before = groups(filled)
    filled("ignore", tmp_path / "images" / "0.png", tmp_path / "images" / "2.png")
    spoil()
    for file in Path().glob("catalog.db*"):
        file.rename(f"old-{file.name}")
    shutil.copy("backup.db", "catalog.db")
    assert groups(filled) == before
    assert filled("ignored").out == ""
    assert filled("doctor").code == 0


def test_a_backup_over_the_catalog_alone(filled: Command) -> None:
    """Somebody forgot what stands beside it."""
    filled("backup", "backup.db")
    before = groups(filled)
    assert filled("dups").code == 0
    shutil.copy("backup.db", "catalog.db")
    assert groups(filled) == before
    os.utime("catalog.db")
    assert groups(filled) == before


# --- for a bug report ------------------------------------------------------------------------------------


def test_a_report_has_what_is_needed_and_no_name(
    filled: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEARDUP_IMAGE_DIRS", str(tmp_path / "images"))
    monkeypatch.setenv("NEARDUP_RAY_ADDRESS", "ray://secret.example:10001")
    monkeypatch.setenv("NEARDUP_MODEL", str(tmp_path / "mine.onnx"))
    monkeypatch.setenv("NEARDUP_HAMMING", "7")
    done = filled("doctor", "--report")
    assert (done.code, done.said) == (0, "")
    lines = [line.strip() for line in done.out.splitlines()]
    for line in (
        f"neardup: {__version__}",
        f"Python: {platform.python_version()} (CPython)",
        f"numpy: {np.__version__}",
        "hamming: 7",
        "preset: default",
        "catalog: set",
        "image_dirs: set",
        "ray_address: set",
        "model: a file",
        "kind: SQLite",
        "files: 4",
        "contents: 2",
        "roots: 1, 1 online",
        "PNG contents: 2",
        "checks that failed: 0",
    ):
        assert line in lines, done.out
    for name in ("/", tmp_path.name, "secret", "mine", ".onnx", "catalog.db", platform.node()):
        assert name not in done.out, name


def test_a_catalog_that_cannot_be_opened_is_a_part_of_the_report(command: Command) -> None:
    done = command("doctor", "--report")
    assert done.code == 0
    assert "opened: no: CatalogMissing" in done.out
    assert not Path("catalog.db").exists()
    Path("catalog.db").write_bytes(b"holiday pictures" * 100)
    assert "opened: no: NotACatalog" in command("doctor", "--report").out


def test_what_fails_is_counted(filled: Command) -> None:
    Path("catalog.db.secret.faiss").write_bytes(b"of no model")
    done = filled("doctor", "--report")
    assert done.code == 0
    assert "checks that failed: 1\n" in done.out
    assert "secret" not in done.out
    spoil()
    assert "opened: no: CatalogCorrupt\n" in filled("doctor", "--report").out


@pytest.mark.parametrize("other", ["--repair", "--verify-files", "--json"])
def test_a_report_is_nothing_else(filled: Command, other: str) -> None:
    assert "--report goes with --catalog alone" in complaint(filled("doctor", "--report", other), 2)
