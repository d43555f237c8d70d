"""A drive that is unplugged: with previews it is as if it were there, without them there is an exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.e2e.conftest import COMMAND, Neardup

if TYPE_CHECKING:
    from tests.conftest import Lacking

WHAT_TO_DO = "what they show is away, or has changed, and has no preview: connect it, or scan it again"

FORKED = True


def test_what_is_away_is_never_called_different(
    neardup: Neardup, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    drive, drawer, new = tmp_path / "usb", tmp_path / "drawer", tmp_path / "new.jpg"
    drive.mkdir()
    photographs["astronaut"].save(drive / "whole.png")
    photographs["astronaut"].crop((20, 0, 220, 180)).save(drive / "crop.jpg", quality=70)
    photographs["astronaut"].crop((30, 20, 250, 200)).save(new, quality=75)
    assert neardup.json("scan", drive, "--no-previews")["previews"] == 0
    drive.rename(drawer)
    for command, said in (
        (["dups"], "1 pair"),
        (["query", new], "1 of 1 images"),
        (["check", new], "1 of 1 new images"),
        (["report", tmp_path / "report.html"], "1 pair"),
        (["clean"], "1 pair"),
        (["clean", "--json"], "1 pair"),
        (["clean", "--plan-out", tmp_path / "plan.json"], "1 pair"),
    ):
        done = neardup.run(*command)
        assert done.returncode == 20
        assert done.stderr.decode().endswith(f"neardup: cannot tell of {said}: {WHAT_TO_DO}\n"), command
    assert (tmp_path / "report.html").is_file()  # all that there is to say is said before
    assert (tmp_path / "plan.json").is_file()
    drawer.rename(drive)
    assert neardup.json("scan", drive)["previews"] == 2
    drive.rename(drawer)
    [group] = neardup.json("dups")["groups"]
    assert len(group["members"]) == 2
    assert neardup.json("query", new)["queries"][0]["is_duplicate"]
    explained = neardup.json("explain", drive / "whole.png", drive / "crop.jpg", "--catalog", neardup.catalog)
    assert explained["kind"] == "cropped"
    assert neardup.json("status")["previews"] == 2
    neardup.succeed("report", tmp_path / "report.html")
    neardup.succeed("clean")


def test_splits_that_cannot_be_looked_at(
    neardup: Neardup, photographs: dict[str, Image.Image], tmp_path: Path, bound: list[str]
) -> None:
    """A folder of one split that nobody may enter: the other one may have copies of what is there."""
    train, test = tmp_path / "train", tmp_path / "test"
    for folder in (train / "cats", test / "cats"):
        folder.mkdir(parents=True)
    photographs["astronaut"].save(train / "cats" / "whole.png")
    photographs["astronaut"].crop((20, 0, 220, 180)).save(test / "cats" / "crop.jpg", quality=70)
    neardup.succeed("scan", train, test, "--no-previews")
    leaks = ["leaks", "--split", f"train={train}", "--split", f"test={test}"]
    unsaved = Neardup(neardup.home, {**neardup.environment, "NEARDUP_PREVIEWS": "false"})
    (train / "cats").chmod(0)
    try:
        done = subprocess.run(
            [*bound, COMMAND, *leaks, "--json"], env=unsaved.variables(), capture_output=True, check=False
        )
    finally:
        (train / "cats").chmod(0o755)
    assert done.returncode == 20, done.stderr
    assert done.stderr.decode().endswith(f"neardup: cannot tell of 1 pair: {WHAT_TO_DO}\n")
    assert json.loads(done.stdout)["summary"] == {"leaks": 0, "cannot_tell": 1}
    assert neardup.json(*leaks)["summary"] == {"leaks": 1, "split": 1, "cannot_tell": 0}


@pytest.fixture
def bound(lacking: Lacking) -> list[str]:
    """The words before a command that have permissions bind it, even where the tests run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        lacking("setpriv (Debian's package util-linux)")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
