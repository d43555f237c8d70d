"""Warnings about what a copy has and the file to keep lacks, on files with real metadata."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from neardup_cli.choices import Action, Kind
from neardup_cli.cleanup.losses import differing, with_warnings
from neardup_cli.images.facts import NO_FACTS, Facts, read_facts
from neardup_cli.plans import FileState, Plan, PlannedAct, PlannedGroup, Policy

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmp:Rating="4" exif:GPSLatitude="38,42.5N"><dc:subject><rdf:Bag>
<rdf:li>tram</rdf:li><rdf:li xml:lang="x-default"> f\xc3\xaate </rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def picture(path: Path, **options: object) -> Path:
    Image.new("RGB", (16, 12), "navy").save(path, **options)  # type: ignore[arg-type]
    return path


def exif(*, place: bool = False, rating: int = 0, keywords: str = "") -> Image.Exif:
    made = Image.Exif()
    if place:
        made.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (38.0, 42.0, 30.0)
    if rating:
        made[0x4746] = rating
    if keywords:
        made[0x9C9E] = (keywords + "\0").encode("utf-16-le")
    return made


def iptc(*keywords: bytes) -> bytes:
    """A Photoshop block with keywords, as JPEG files carry it."""
    records = b"".join(b"\x1c\x02\x19" + len(word).to_bytes(2) + word for word in keywords)
    padded = records + b"\0" * (len(records) % 2)
    return b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(records).to_bytes(4) + padded


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.jpg", {}, NO_FACTS),
        ("a.jpg", {"exif": exif(place=True)}, Facts(has_place=True)),
        ("a.jpg", {"exif": exif(rating=3)}, Facts(rating=3)),
        ("a.jpg", {"exif": exif(keywords="tram;fête")}, Facts(keywords=frozenset({"tram", "fête"}))),
        ("a.jpg", {"xmp": XMP}, Facts(True, 4, frozenset({"tram", "fête"}))),
        ("a.webp", {"xmp": XMP}, Facts(True, 4, frozenset({"tram", "fête"}))),
        ("a.tif", {"exif": exif(rating=2)}, Facts(rating=2)),
        ("a.png", {"exif": exif(rating=5)}, Facts(rating=5)),
    ],
)
def test_what_a_picture_says_about_itself(
    tmp_path: Path, name: str, options: dict[str, object], expected: Facts
) -> None:
    assert read_facts(os.fsencode(picture(tmp_path / name, **options))) == expected


def test_iptc_keywords(tmp_path: Path) -> None:
    plain = picture(tmp_path / "a.jpg").read_bytes()
    block = iptc(b"tram", b"Lisboa")
    marked = plain[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2) + block + plain[2:]
    (tmp_path / "b.jpg").write_bytes(marked)
    assert read_facts(os.fsencode(tmp_path / "b.jpg")) == Facts(keywords=frozenset({"tram", "Lisboa"}))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe1\x00", None])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    assert read_facts(os.fsencode(tmp_path / "a.jpg")) == NO_FACTS


def planned(keeper: Path, *copies: Path, same: bool = False) -> Plan:
    def state(path: Path, number: int) -> FileState:
        return FileState(os.fsencode(path), 1, 1, bytes([number]) * 32)

    acts = tuple(
        PlannedAct(state(path, 0 if same else number), Kind.RESIZED, warnings=("first",))
        for number, path in enumerate(copies, 1)
    )
    return Plan(Action.TRASH, Policy(), (PlannedGroup("0", state(keeper, 0), "", acts),))


def test_warnings_name_what_would_be_lost(tmp_path: Path) -> None:
    plain = picture(tmp_path / "plain.jpg")
    rich = picture(tmp_path / "rich.jpg", xmp=XMP, exif=exif(keywords="a;b;c;d;e;f"))
    (act,) = with_warnings(planned(plain, rich), None).groups[0].acts
    assert act.warnings == (
        "first",
        "has GPS coordinates that the file to keep lacks",
        "is rated 4, the file to keep not at all",
        "has keywords that the file to keep lacks: a, b, c, d, e and 3 more",
    )
    (act,) = with_warnings(planned(rich, plain), None).groups[0].acts
    assert act.warnings == ("first",)


def test_only_so_many_files_are_opened(tmp_path: Path) -> None:
    plain = picture(tmp_path / "plain.jpg")
    rich = [picture(tmp_path / f"{number}.jpg", xmp=XMP) for number in range(3)]
    plan = planned(plain, *rich)
    assert differing(plan) == 3
    looked = with_warnings(plan, 2)
    assert [len(act.warnings) for act in looked.groups[0].acts] == [4, 4, 1]
    assert looked.unread == 1
    assert with_warnings(plan, None).unread == 0


def test_copies_with_the_same_bytes_are_not_opened(tmp_path: Path) -> None:
    plan = planned(tmp_path / "not there.jpg", tmp_path / "neither.jpg", same=True)
    assert with_warnings(plan, 0) == plan
