"""Which files belong to a picture."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.choices import Action
from neardup_cli.cleanup.companions import Companions, owned
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.cleanup.targets import Targets
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


@pytest.mark.parametrize(
    ("names", "picture", "expected"),
    [
        (["a.jpg", "a.jpg.json"], "a.jpg", ["a.jpg.json"]),
        (["a.jpg", "a.json"], "a.jpg", ["a.json"]),
        (["a.jpg", "a.jpg.supplemental-metadata.json"], "a.jpg", ["a.jpg.supplemental-metadata.json"]),
        (["a.jpg", "a.jpg.suppl.json"], "a.jpg", ["a.jpg.suppl.json"]),
        (["a.jpg", "a.jpg..json"], "a.jpg", ["a.jpg..json"]),
        (["a.jpg", "a(1).jpg", "a.jpg(1).json"], "a(1).jpg", ["a.jpg(1).json"]),
        (["a.jpg", "a(1).jpg", "a.jpg(1).json"], "a.jpg", []),
        (
            ["a.jpg", "a(2).jpg", "a.jpg.supplemental-metadata(2).json"],
            "a(2).jpg",
            ["a.jpg.supplemental-metadata(2).json"],
        ),
        (["a(1).jpg", "a(1).jpg.json"], "a(1).jpg", ["a(1).jpg.json"]),
        (["a-edited.jpg", "a.jpg.json"], "a-edited.jpg", ["a.jpg.json"]),
        (["a-bearbeitet(1).jpg", "a.jpg(1).json"], "a-bearbeitet(1).jpg", ["a.jpg(1).json"]),
        (["a-edited.jpg", "a.jpg", "a.jpg.json"], "a.jpg", []),  # it is about both
        (["a.jpg", "metadata.json", "b.jpg.json"], "a.jpg", []),
        (["a.jpg", "a.png", "a.json"], "a.jpg", []),
        (["I.heic", "I.heic.json", "I.MP4"], "I.heic", ["I.MP4", "I.heic.json"]),
        (["P.MP.jpg", "P.MP"], "P.MP.jpg", ["P.MP"]),
        (["P.MP.jpg", "P.MP.mp4"], "P.MP.jpg", ["P.MP.mp4"]),
        (["IMG_1.JPG", "IMG_O1.aae", "IMG_1.AAE"], "IMG_1.JPG", ["IMG_1.AAE", "IMG_O1.aae"]),
        (["IMG_1.HEIC", "IMG_E1.HEIC", "IMG_1.MOV", "IMG_E1.MOV"], "IMG_E1.HEIC", ["IMG_E1.MOV"]),
        (["a.jpg", "a_01.jpg.xmp", "a.jpg.xmp"], "a.jpg", ["a.jpg.xmp", "a_01.jpg.xmp"]),
        (["a.jpg", "a_01.jpg", "a_01.jpg.xmp"], "a.jpg", []),
        (["a.jpg", "a.cr2", "a_01.cr2.xmp"], "a.jpg", ["a.cr2", "a_01.cr2.xmp"]),
        (
            ["a.jpg", "a.jpg.dop", "a.pp3", "a.on1", "a.vrd"],
            "a.jpg",
            ["a.jpg.dop", "a.on1", "a.pp3", "a.vrd"],
        ),
        (["a.jpg", "a.WAV", "a.THM", "a.jpg.cos"], "a.jpg", ["a.THM", "a.WAV", "a.jpg.cos"]),
        (["a.jpg_large", "a.jpg_large.xmp"], "a.jpg_large", ["a.jpg_large.xmp"]),
        (["a.jpg", "a.bak", "a.xmp"], "a.jpg", ["a.xmp"]),
    ],
)
def test_all_the_ways_to_name_a_companion(
    tmp_path: Path, names: list[str], picture: str, expected: list[str]
) -> None:
    assert companions(tmp_path, names, picture) == expected


def test_a_long_film_is_no_companion_of_its_poster(tmp_path: Path) -> None:
    with (tmp_path / "a.mp4").open("wb") as film:
        film.truncate(200 << 20)
    (tmp_path / "a.jpg").touch()
    assert Companions().of(os.fsencode(tmp_path / "a.jpg")) == ()


LONG = b"Screenshot_20240501-101112_A messenger with a very long name.jpg"


@pytest.mark.parametrize("length", range(46, 52))
def test_names_are_cut(length: int) -> None:
    cut = LONG[:length] + b".json"
    other = b"Another image with a name that is just as long as that.jpg"
    assert owned([LONG, other, cut]) == {LONG: [cut]}
    numbered = LONG[:-4] + b"(3).jpg"
    assert owned([LONG, numbered, LONG[:length] + b"(3).json"]) == {numbered: [LONG[:length] + b"(3).json"]}


def test_a_cut_name_that_two_images_share_stays() -> None:
    first, second = LONG[:-4] + b"a.jpg", LONG[:-4] + b"b.jpg"
    assert owned([first, second, LONG[:46] + b".json"]) == {}


titles = st.text("aZ1 _-.é東", min_size=1, max_size=60).map(lambda text: text.strip(". ") or "x")


def takeout_name(title: str, number: int) -> tuple[bytes, bytes]:
    """An image and its .json as Takeout names them."""
    behind = f"({number})" if number else ""
    stem, extension = os.path.splitext(title)
    cut = f"{title}.supplemental-metadata"[: max(46, 0)]
    return f"{stem}{behind}{extension}".encode(), f"{cut}{behind}.json".encode()


@given(titles, st.sampled_from([".jpg", ".HEIC", ".png"]), st.integers(0, 12))
def test_every_image_finds_what_takeout_writes(title: str, extension: str, number: int) -> None:
    image, told = takeout_name(title + extension, number)
    assert owned([image, told]) == {image: [told]}


@given(st.lists(st.tuples(titles, st.integers(0, 3)), max_size=6))
def test_no_companion_has_two_images(found: list[tuple[str, int]]) -> None:
    names = {name for title, number in found for name in takeout_name(title + ".jpg", number)}
    names |= {os.path.splitext(name)[0] + b".xmp" for name in names}
    belongings = [name for each in owned(names).values() for name in each]
    assert len(belongings) == len(set(belongings))
    assert names.issuperset(belongings)
    assert owned(names) == owned(sorted(names, reverse=True))


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


def test_numbered_places_keep_the_extensions_of_companions() -> None:
    targets = Targets(PlanRequest(Action.MOVE, to=b"/nowhere/to"))
    names = [b"/a/IMG(1).jpg", [b"/a/IMG.jpg(1).json", b"/a/IMG(1).xmp"]]
    first, second = (targets.of(*names) for _ in range(2))  # type: ignore[arg-type]
    assert first == (b"/nowhere/to/IMG(1).jpg", [b"/nowhere/to/IMG.jpg(1).json", b"/nowhere/to/IMG(1).xmp"])
    assert second == (
        b"/nowhere/to/IMG(1)-2.jpg",
        [b"/nowhere/to/IMG.jpg(1)-2.json", b"/nowhere/to/IMG(1)-2.xmp"],
    )
    film = targets.of(b"/a/P.MP.jpg", [b"/a/P.MP"]), targets.of(b"/b/P.MP.jpg", [b"/b/P.MP"])
    assert film[1] == (b"/nowhere/to/P.MP-2.jpg", [b"/nowhere/to/P-2.MP"])
