"""`clean --interactive` shows what each file is and what is lost with it, and lets a person accept that."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps
from skimage import data

from tests.e2e.conftest import Neardup
from tests.e2e.test_clean import Terminal

FORKED = True


@pytest.fixture
def photos(tmp_path: Path, neardup: Neardup) -> Path:
    """One family: an original, a smaller version, a grey one; scanned, and nothing proven yet."""
    folder = tmp_path / "family"
    folder.mkdir()
    original = Image.fromarray(data.coffee())  # type: ignore[no-untyped-call]
    original.save(folder / "original.png")
    original.resize((300, 200), Image.Resampling.LANCZOS).save(folder / "small.png")
    ImageOps.grayscale(original).resize((450, 300)).save(folder / "grey.png")
    neardup.succeed("scan", folder)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_roles_and_losses_are_shown(photos: Path, neardup: Neardup) -> None:
    terminal = Terminal(neardup, "clean", "--interactive", "--apply")
    for shown in ("kept", "smaller", "loses nothing", "edited", "loses "):  # in the order of the table
        terminal.wait_for(shown)
    terminal.press("s")
    assert terminal.ended() == 0
    assert names(photos) == ["grey.png", "original.png", "small.png"]


def test_what_is_lost_is_accepted_for_one_group_with_one_key(photos: Path, neardup: Neardup) -> None:
    (left,) = (one for group in neardup.json("clean")["groups"] for one in group["left"])
    assert Path(left["path"]).name == "grey.png"
    terminal = Terminal(neardup, "clean", "--interactive", "--apply")
    terminal.wait_for("may be lost")
    terminal.press("l")
    terminal.press("\n")
    assert terminal.ended() == 0
    assert "2 copies in 1 group to the trash" in terminal.shown
    assert names(photos) == ["original.png"]
    neardup.succeed("undo")
    assert names(photos) == ["grey.png", "original.png", "small.png"]


def test_what_was_accepted_can_be_taken_back(photos: Path, neardup: Neardup) -> None:
    terminal = Terminal(neardup, "clean", "--interactive", "--apply")
    for key in ("l", "l", "\n"):
        terminal.press(key)
    assert terminal.ended() == 0
    assert names(photos) == ["grey.png", "original.png"]
