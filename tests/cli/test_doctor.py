"""`neardup doctor`: what it says, what it repairs, and how it exits."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
