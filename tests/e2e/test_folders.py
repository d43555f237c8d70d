"""Folders that hold the same images, and cleaning one of them up as a whole, by the installed command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.conftest import Neardup
from tests.e2e.terminal import on_terminal

FORKED = True


@pytest.fixture
def library(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    """Four photographs in two albums, a backup of all of it, and small versions of one album."""
    top = tmp_path / "library"
    for album, names in (("2023/winter", ("coffee", "chelsea")), ("2023/lisbon", ("rocket", "astronaut"))):
        (top / "photos" / album).mkdir(parents=True)
        for name in names:
            photographs[name].save(top / "photos" / album / f"{name}.jpg", quality=92)
    shutil.copytree(top / "photos", top / "backup" / "photos")
    (top / "web").mkdir()
    for name in ("coffee", "chelsea"):
        photographs[name].resize((240, 160)).save(top / "web" / f"{name}.jpg", quality=85)
    return top


def pairs(found: dict[str, list[dict[str, object]]], top: Path) -> list[tuple[object, str, str]]:
    def below(path: object) -> str:
        return str(Path(str(path)).relative_to(top))

    return [(pair["relation"], below(pair["folder"]), below(pair["other"])) for pair in found["pairs"]]


def test_folders(neardup: Neardup, library: Path) -> None:
    neardup.succeed("scan", library)
    found = neardup.json("folders")
    told = pairs(found, library)
    assert told[0] == ("same", "backup/photos", "photos")
    assert {relation for relation, *_ in told[1:]} <= {"family"}
    assert any(folder == "web" for _, folder, _ in told[1:])
    assert found["pairs"][0]["alone"] == found["pairs"][0]["other_alone"] == []
    assert pairs(neardup.json("folders", "--exact"), library) == [("same", "backup/photos", "photos")]
    narrow = neardup.json("folders", "--under", library / "photos", "--under", library / "web")
    assert [(folder, other) for _, folder, other in pairs(narrow, library)] == [("web", "photos/2023/winter")]
    seen = on_terminal(neardup, "folders", stream="stderr")
    assert b"--whole" in seen.terminal
    assert f"  {library / 'backup' / 'photos'}\n  {library / 'photos'}\n".encode() in seen.piped


def test_a_whole_folder_goes_and_comes_back(neardup: Neardup, library: Path) -> None:
    neardup.succeed("scan", library)
    before = sorted(library.rglob("*.*"))
    whole = ("--whole", library / "backup", "--prefer", library / "photos", "--remove-empty-folders")
    done = neardup.json("clean", *whole, "--apply", "--action", "quarantine", "--to", library.parent / "away")
    assert done["done"] == 4
    assert sorted(library.rglob("*.*")) == [path for path in before if library / "backup" not in path.parents]
    assert not (library / "backup").exists()
    neardup.succeed("undo")
    assert sorted(library.rglob("*.*")) == before


@pytest.mark.parametrize("only", ["another image", "a broken file"])
def test_a_folder_with_something_of_its_own_is_left_whole(
    only: str, neardup: Neardup, library: Path, photographs: dict[str, Image.Image]
) -> None:
    own = library / "backup" / "own.jpg"
    if only == "another image":
        photographs["coffee"].transpose(Image.Transpose.ROTATE_90).crop((20, 40, 180, 220)).save(own)
    else:
        own.write_bytes((library / "photos" / "2023" / "winter" / "coffee.jpg").read_bytes()[:2000])
    neardup.succeed("scan", library)
    plan = neardup.json("clean", "--whole", library / "backup", "--prefer", library / "photos")
    assert [act for group in plan["groups"] for act in group["acts"]] == []
    reasons = {left["reason"] for group in plan["groups"] for left in group["left"]}
    assert f"{library / 'backup'} is left whole: {own} would stay in it" in reasons
    free = neardup.json("clean", "--prefer", library / "photos")
    assert len([act for group in free["groups"] for act in group["acts"]]) >= 4


def test_a_folder_that_is_not_there(neardup: Neardup, library: Path) -> None:
    neardup.succeed("scan", library)
    assert "--whole: no such path" in neardup.fail(3, "clean", "--whole", library / "nope")
    assert neardup.run("folders", "--under", "/nope").returncode == 3
