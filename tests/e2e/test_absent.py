"""A drive that is unplugged: with previews it is as if it were there, without them there is an exit code."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.e2e.conftest import Neardup

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
    for command, said in (("dups", b"1 pair"), ("query", b"1 of 1"), ("check", b"1 of 1")):
        done = neardup.run(command, *([] if command == "dups" else [new]))
        assert done.returncode == 20
        assert b"neardup: cannot tell of " + said in done.stderr
    drawer.rename(drive)
    assert neardup.json("scan", drive)["previews"] == 2
    drive.rename(drawer)
    [group] = neardup.json("dups")["groups"]
    assert len(group["members"]) == 2
    assert neardup.json("query", new)["queries"][0]["is_duplicate"]
    explained = neardup.json("explain", drive / "whole.png", drive / "crop.jpg", "--catalog", neardup.catalog)
    assert explained["kind"] == "cropped"
    assert neardup.json("status")["previews"] == 2
