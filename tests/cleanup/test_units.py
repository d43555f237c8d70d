"""Which files belong to a picture."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neardup_cli.cleanup.units import Companions
from neardup_cli.rules.keep import NameRank, name_rank


def companions(folder: Path, names: list[str], picture: str) -> list[str]:
    for name in names:
        (folder / name).write_bytes(name.encode())
    found = Companions().of(os.fsencode(folder / picture))
    for one in found:
        status = os.lstat(one.path)
        assert (one.size, one.mtime_ns) == (status.st_size, status.st_mtime_ns)
    return [os.path.basename(os.fsdecode(one.path)) for one in found]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg"], []),
        (["a.jpg", "a.CR2", "a.xmp"], ["a.CR2", "a.xmp"]),
        (["a.jpg", "a.AAE", "a.MOV"], ["a.AAE", "a.MOV"]),
        (["a.jpg", "a.jpg.xmp", "a.dng.XMP", "a.dng"], ["a.dng", "a.dng.XMP", "a.jpg.xmp"]),
        (["a.jpg", "ab.xmp", "A.xmp", "a.txt", "a", "xmp", ".xmp"], []),
        (["a.jpg", "a.heic", "a.xmp", "a.CR2"], []),  # shared by two pictures
        (["a.jpg", "a.heic", "a.jpg.xmp", "a.heic.xmp"], ["a.jpg.xmp"]),
        (["a.jpg", "b.jpg", "b.xmp"], []),
    ],
)
def test_what_belongs_to_a_picture(tmp_path: Path, names: list[str], expected: list[str]) -> None:
    assert companions(tmp_path, names, "a.jpg") == expected


def test_films_belong_to_phone_pictures_only(tmp_path: Path) -> None:
    assert companions(tmp_path, ["a.png", "a.mov"], "a.png") == []


def test_links_and_folders_are_no_companions(tmp_path: Path) -> None:
    (tmp_path / "a.xmp").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a.cr2").mkdir()
    assert companions(tmp_path, ["a.jpg", "elsewhere"], "a.jpg") == []


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    assert Companions().of(os.fsencode(tmp_path / "nowhere" / "a.jpg")) == ()


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        (b"Lisbon, the tram.jpg", NameRank.GIVEN),
        (b"Grandma 80.jpg", NameRank.GIVEN),
        (b"IMG_1234.JPG", NameRank.CAMERA),
        (b"DSC01234.ARW", NameRank.CAMERA),
        (b"20190504_030201.jpg", NameRank.CAMERA),
        (b"0f8fad5b-d9cb-469f-a165-70867728950e.jpg", NameRank.CAMERA),
        (b"IMG_1234 (1).JPG", NameRank.COPY),
        (b"Lisbon copy.jpg", NameRank.COPY),
        (b"Lisbon - Kopie 2.jpg", NameRank.COPY),
        (b"Copy of Lisbon.jpg", NameRank.COPY),
        (b"\xff\xfe (2).jpg", NameRank.COPY),
    ],
)
def test_who_named_a_file(name: bytes, rank: NameRank) -> None:
    assert name_rank(b"/p/" + name) is rank
