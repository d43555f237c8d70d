"""Warnings about what a copy has and the file to keep lacks, on files with real metadata."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from neardup_cli.choices import Action, Kind
from neardup_cli.cleanup.losses import differing, with_warnings
from neardup_cli.plans import FileState, Plan, PlannedAct, PlannedGroup, Policy

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmp:Rating="4" exif:GPSLatitude="38,42.5N" exif:GPSLongitude="9,8.2W"><dc:subject><rdf:Bag>
<rdf:li>tram</rdf:li><rdf:li xml:lang="x-default"> f\xc3\xaate </rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def picture(path: Path, **options: object) -> Path:
    Image.new("RGB", (16, 12), "navy").save(path, **options)  # type: ignore[arg-type]
    return path


def exif(keywords: str) -> Image.Exif:
    made = Image.Exif()
    made[0x9C9E] = (keywords + "\0").encode("utf-16-le")
    return made


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
    rich = picture(tmp_path / "rich.jpg", xmp=XMP, exif=exif("a;b;c;d;e;f"))
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


def test_a_file_that_cannot_be_read_loses_nothing(tmp_path: Path) -> None:
    plain = picture(tmp_path / "plain.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe1\x00")
    plan = planned(plain, tmp_path / "broken.jpg", tmp_path / "not there.jpg")
    assert [act.warnings for act in with_warnings(plan, None).groups[0].acts] == [("first",), ("first",)]
