"""Images in containers are answered like files, and never acted upon."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import Neardup

FORKED = True


def packed(photos: Path, target: Path) -> Path:
    """Put the photographs into a container, by their names below the folder."""
    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.*g"))
    if target.suffix == ".tar":
        with tarfile.open(target, "w") as shard:
            for name in names:
                shard.add(photos / name, name)
    else:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.write(photos / name, name)
    return target


def told(document: Any, top: str) -> list[Any]:
    """Return the groups without the place of their files."""
    return [
        {
            "id": group["id"],
            "keep": group["keep"].removeprefix(top),
            "members": [
                (member["path"].removeprefix(top), member["content"], member["role"])
                for member in group["members"]
            ],
            "matches": [(match["stage"], match["kind"], match["confidence"]) for match in group["matches"]],
        }
        for group in document["groups"]
    ]


@pytest.mark.parametrize("ending", ["tar", "zip", "cbz"])
def test_a_container_is_answered_like_a_folder(
    neardup: Neardup, photos: Path, photographs: dict[str, Image.Image], tmp_path: Path, ending: str
) -> None:
    container = packed(photos, tmp_path / f"shard.{ending}")
    folder = tmp_path / "folder"
    shutil.copytree(photos, folder)
    local = Neardup(neardup.home, {"NEARDUP_CATALOG": str(neardup.home / "local.db")}, neardup.command)
    first, expected = neardup.json("scan", container), local.json("scan", folder)
    assert (first["added"], first["embedded"]) == (expected["added"], expected["embedded"]) == (7, 6)
    groups = told(neardup.json("dups"), f"{container}!")
    assert groups == told(local.json("dups"), f"{folder}/")
    assert neardup.json("scan", container)["unchanged"] == 7

    crop = tmp_path / "crop.jpg"
    photographs["chelsea"].crop((10, 10, 300, 190)).save(crop, quality=85)
    [asked] = neardup.json("query", crop)["queries"]
    assert asked["matches"][0]["path"] == f"{container}!chelsea.jpg"
    [asked] = neardup.json("query", f"{container}!coffee.png", "--top-k", "1")["queries"]
    assert asked["matches"][0]["path"] == f"{container}!coffee-grey.jpg"
    assert neardup.json("compare", f"{container}!coffee.png", crop)["is_duplicate"] is False

    assert len(neardup.json("dups", "--under", container)["groups"]) == 2
    neardup.succeed("report", tmp_path / "out.html")

    plan = neardup.json("clean")
    assert (plan["summary"]["acts"], plan["summary"]["frees"]) == (0, 0)
    neardup.run("clean", "--apply", "--yes")
    assert neardup.json("scan", container)["unchanged"] == 7
    container.unlink()
    assert neardup.json("status")["roots"][0]["online"] is False


def test_containers_in_a_folder_are_read_on_demand(neardup: Neardup, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    packed(photos, tmp_path / "set" / "a.tar")
    shutil.copy(photos / "coffee.png", tmp_path / "set" / "own.png")
    assert neardup.json("scan", tmp_path / "set")["added"] == 1
    assert neardup.json("scan", tmp_path / "set", "--containers")["added"] == 7
    again = neardup.json("scan", tmp_path / "set")  # what was read stays
    assert (again["unchanged"], again["missing"]) == (1, 0)
    both = neardup.json("scan", tmp_path / "set", "--containers")
    assert (both["unchanged"], both["added"]) == (8, 0)
    (tmp_path / "set" / "a.tar").unlink()
    assert neardup.json("scan", tmp_path / "set")["missing"] == 7


def test_a_container_that_is_written_anew_is_read_anew(
    neardup: Neardup, photos: Path, tmp_path: Path
) -> None:
    container = packed(photos, tmp_path / "shard.tar")
    neardup.succeed("scan", container)
    own = tmp_path / "own"
    shutil.copytree(photos, own)
    (own / "chelsea.jpg").unlink()
    shutil.copy(own / "coffee.png", own / "astronaut.jpg")
    packed(own, container)
    again = neardup.json("scan", container)
    assert (again["changed"], again["missing"], again["embedded"]) == (6, 1, 0)  # what it holds is known
    assert neardup.json("scan", container)["unchanged"] == 6


def test_leaks_between_shards(neardup: Neardup, photos: Path, tmp_path: Path) -> None:
    train, test = tmp_path / "train", tmp_path / "test"
    for folder, names in ((train, ("coffee.png", "chelsea.jpg")), (test, ("coffee-grey.jpg",))):
        (folder / "cup").mkdir(parents=True)
        for name in names:
            shutil.copy(photos / name, folder / "cup" / name)
        packed(folder, tmp_path / f"{folder.name}.tar")
    splits = ("--split", f"train={tmp_path}/train.tar", "--split", f"test={tmp_path}/test.tar")
    document = neardup.json("leaks", *splits, "--write-clean-lists", "lists")
    [leak] = document["leaks"]
    assert (leak["a"], leak["label_a"]) == (f"{tmp_path}/test.tar!cup/coffee-grey.jpg", "cup")
    assert [split["images"] for split in document["splits"]] == [2, 1]
    assert (neardup.home / "lists" / "train.txt").read_text() == "cup/chelsea.jpg\n"


def test_a_torn_container_is_said_and_what_is_whole_is_read(
    neardup: Neardup, photos: Path, tmp_path: Path
) -> None:
    container = packed(photos, tmp_path / "shard.tar")
    with container.open("r+b") as stream:
        stream.truncate(container.stat().st_size * 2 // 3)
    summary = neardup.json("scan", container)
    assert 0 < summary["added"] < 7
    assert [entry["path"] for entry in summary["skipped"] if entry["unreadable"]] == [str(container)]


def test_nothing_is_unpacked_to_disk(neardup: Neardup, photos: Path, tmp_path: Path) -> None:
    container = packed(photos, tmp_path / "shard.zip")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    own = Neardup(neardup.home, {"TMPDIR": str(temporary)}, neardup.command)
    own.succeed("scan", container)
    own.succeed("dups")
    assert list(temporary.iterdir()) == []
    found = subprocess.run(["find", tmp_path, "-name", "*.jpg"], capture_output=True, check=True).stdout
    assert found == b""


def test_a_file_whose_copy_is_in_a_container_stays(neardup: Neardup, photos: Path, tmp_path: Path) -> None:
    container = packed(photos, tmp_path / "shard.tar")
    loose = tmp_path / "loose"
    loose.mkdir()
    for name in ("coffee-grey.jpg", "astronaut-small.jpg", "chelsea.jpg"):
        shutil.copy(photos / name, loose / name)
    neardup.succeed("scan", container, loose)
    assert len(neardup.json("dups")["groups"]) == 3
    neardup.run("clean", "--accept", "detail,colour", "--action", "delete", "--apply", "--yes")
    assert len(list(loose.iterdir())) == 3
    assert neardup.json("scan", container)["unchanged"] == 7
