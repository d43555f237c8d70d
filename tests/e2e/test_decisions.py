"""`ignore`, `ignored`, `keep` and `check` as their users run them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup

FORKED = True


@pytest.fixture
def folder(neardup: Neardup, tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    """Two sizes of a photograph and a stranger, scanned."""
    made = tmp_path / "in"
    made.mkdir()
    photographs["coffee"].save(made / "large.png")
    photographs["coffee"].resize((200, 133)).save(made / "small.jpg", quality=85)
    photographs["chelsea"].save(made / "cat.jpg", quality=90)
    neardup.succeed("scan", made)
    return made


def test_ignore_and_take_back(neardup: Neardup, folder: Path) -> None:
    (group,) = neardup.json("dups")["groups"]
    assert group["matches"][0]["kind"] == "resized"
    done = neardup.run("ignore", folder / "large.png", folder / "small.jpg")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"1 pair recorded" in done.stderr
    assert neardup.json("dups")["groups"] == []
    shutil.move(folder / "small.jpg", folder / "moved.jpg")
    neardup.succeed("scan", folder)
    assert neardup.json("dups")["groups"] == []
    (decision,) = neardup.json("ignored")["decisions"]
    assert decision["ruling"] == "not-duplicates"
    assert {path for content in decision["contents"] for path in content["paths"]} == {
        str(folder / "large.png"),
        str(folder / "moved.jpg"),
    }
    listed = neardup.succeed("ignored").decode().rstrip().split("\t")
    assert (listed[0], listed[2]) == (str(decision["id"]), "not-duplicates")
    assert neardup.succeed("ignored", "--undo", str(decision["id"])) == b""
    assert len(neardup.json("dups")["groups"]) == 1
    assert "no decision 1" in neardup.fail(2, "ignored", "--undo", "1")


def test_a_whole_group(neardup: Neardup, folder: Path) -> None:
    (group,) = neardup.json("dups")["groups"]
    assert "no group ffff" in neardup.fail(2, "ignore", "--not-duplicates", "ffff")
    neardup.succeed("ignore", "--not-duplicates", group["id"])
    assert neardup.json("dups")["groups"] == []


def test_what_cannot_be_decided(neardup: Neardup, folder: Path) -> None:
    shutil.copy(folder / "cat.jpg", folder / "cat again.jpg")
    assert "same bytes" in neardup.fail(2, "ignore", folder / "cat.jpg", folder / "cat again.jpg")
    assert "either files or" in neardup.fail(2, "ignore")
    assert "either files or" in neardup.fail(2, "ignore", folder / "cat.jpg", "--not-duplicates", "ffff")
    assert "no such file" in neardup.fail(3, "ignore", folder / "cat.jpg", folder / "gone.jpg")


def test_keep(neardup: Neardup, folder: Path) -> None:
    neardup.succeed("keep", folder / "small.jpg")
    (group,) = neardup.json("dups")["groups"]
    assert group["keep"] == str(folder / "small.jpg")
    assert [member["kept"] for member in group["members"]] == [True, False]
    neardup.succeed("keep", folder / "large.png")
    assert neardup.succeed("dups", "--format", "paths") == b""


def test_check(neardup: Neardup, folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    with Image.open(folder / "cat.jpg") as cat:
        cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(new / "mirrored.jpg", quality=85)
    Image.effect_noise((300, 200), 90).save(new / "stranger.png")
    document = neardup.json("check", new)
    assert document["schema"] == "neardup.check/1"
    assert [(Path(file["path"]).name, file["is_duplicate"]) for file in document["files"]] == [
        ("mirrored.jpg", True),
        ("stranger.png", False),
    ]
    (match,) = document["files"][0]["matches"]
    assert (match["path"], match["kind"]) == (str(folder / "cat.jpg"), "mirrored")
    assert (document["summary"]["checked"], document["summary"]["matched"]) == (2, 1)
    lines = neardup.succeed("check", new).decode().splitlines()
    assert lines[0] == f"# {new / 'mirrored.jpg'}: 1 match"
    assert neardup.json("status")["files"] == 3


def test_check_tells_scripts(neardup: Neardup, folder: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.png"
    Image.effect_noise((300, 200), 90).save(stranger)
    neardup.succeed("check", stranger, folder / "cat.jpg", "--fail-on-match")  # a file is no copy of itself
    copy = Path(shutil.copy(folder / "cat.jpg", tmp_path / "copy.jpg"))
    done = neardup.run("check", stranger, copy, "--fail-on-match", "--json")
    assert done.returncode == 15
    assert json.loads(done.stdout)["summary"]["matched"] == 1
    assert b"1 of 2 new images are copies" in done.stderr
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    done = neardup.run("check", broken)
    assert done.returncode == 12
    assert b"unreadable: " in done.stderr


def test_groups_can_be_linked(neardup: Neardup, folder: Path) -> None:
    document = neardup.json("dups", "--grouping", "linked", "--include", "similar-shots")
    assert (document["parameters"]["grouping"], document["parameters"]["similar_shots"]) == ("linked", True)
    (group,) = document["groups"]
    assert group["weakest"] == group["matches"][0]


def test_what_is_rejected_beside_it_goes_for_the_other_one(neardup: Neardup, folder: Path) -> None:
    """Lightroom, Bridge and darktable write a rating of -1 into the sidecar."""
    (group,) = neardup.json("dups")["groups"]
    assert group["keep"] == str(folder / "large.png")
    rating = '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="-1"/>'
    (folder / "large.xmp").write_text(f"<x:xmpmeta><rdf:RDF>{rating}</rdf:RDF></x:xmpmeta>")
    (group,) = neardup.json("dups")["groups"]
    assert group["keep"] == str(folder / "small.jpg")
    assert group["reason"] == "large.png is marked as rejected"
    assert [group["acts"] for group in neardup.json("clean")["groups"]] in (
        [],
        [[]],
    )  # the larger one holds more
    shutil.copyfile(folder / "large.png", folder / "again.png")
    neardup.succeed("scan", folder)
    (group,) = neardup.json("dups")["groups"]
    assert group["keep"] == str(folder / "again.png")
    (planned,) = neardup.json("clean")["groups"]
    assert {Path(act["path"]).name for act in planned["acts"]} >= {"large.png"}
