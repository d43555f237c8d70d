"""What is lost with the companions of an image."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from neardup_cli.cleanup.companion_loss import companion_loss, is_rejected
from neardup_cli.plans import Companion
from neardup_cli.records.holdings import Holdings

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {}>{}</rdf:Description></x:xmpmeta>'
TOLD = {
    "title": "IMG_1.jpg",
    "photoTakenTime": {"timestamp": "1714557600"},
    "geoData": {"latitude": 48.85, "longitude": 2.35},
    "description": "The tower",
    "people": [{"name": "Ada"}],
}


def companion(folder: Path, name: str, content: str | bytes) -> Companion:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Companion(os.fsencode(path), path.stat().st_size, path.stat().st_mtime_ns)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg.json", '{"title": "a.jpg"}'),
        (
            "a.jpg.json",
            '{"title": "a.jpg", "geoData": {"latitude": 0.0, "longitude": 0.0}, "description": ""}',
        ),
        ("a.xmp", "<x:xmpmeta/>"),
        ("a.xmp", XMP.format('xmp:Rating="0" crs:HasSettings="False"', "")),
        ("a.MOV", b"film"),
        ("a.CR2", b"raw"),
        ("a.wav", b"voice"),
        ("a.aae", b""),
        ("a.json", "{}"),
    ],
)
def test_what_travels_and_says_nothing_is_no_loss(tmp_path: Path, name: str, content: str | bytes) -> None:
    one = companion(tmp_path, name, content)
    assert companion_loss([one], []) == ()
    assert companion_loss([one], [], destroyed=True) == (f"{name}: has no copy beside the file that stays",)
    twin = companion(tmp_path / "kept", name, content)
    assert companion_loss([one], [twin], destroyed=True) == ()


@pytest.mark.parametrize(
    ("name", "content", "lost"),
    [
        ("a.xmp", XMP.format('xmp:Rating="4"', ""), "rating 4"),
        ("a.xmp", XMP.format("", "<xmp:Rating>3</xmp:Rating>"), "rating 3"),
        ("a.xmp", XMP.format('exif:DateTimeOriginal="2024-05-01T10:00:00"', ""), "time 2024-05-01 10:00:00"),
        (
            "a.xmp",
            XMP.format('exif:GPSLatitude="48,51.0N" exif:GPSLongitude="2,21.0W"', ""),
            "place 48.85000, -2.35000",
        ),
        (
            "a.xmp",
            XMP.format("", "<dc:subject><rdf:Bag><rdf:li>sea &amp; sun</rdf:li></rdf:Bag></dc:subject>"),
            "words sea & sun",
        ),
        ("a.xmp", XMP.format('crs:Exposure2012="+0.5"', ""), "an edit, or what only its program can read"),
        ("a.pp3", "[Exposure]", "an edit, or what only its program can read"),
        ("a.json", '{"shapes": [1]}', "an edit, or what only its program can read"),
        ("a.json", "no json", "an edit, or what only its program can read"),
        (
            "a.jpg.json",
            json.dumps(TOLD),
            "time 2024-05-01 10:00:00, place 48.85000, 2.35000, words Ada, The tower",
        ),
        ("a.jpg.json", '{"title": "a.jpg", "favorited": true}', "rating 5"),
        ("a.jpg.json", '{"title": "A day at sea"}', "words A day at sea"),
    ],
)
def test_what_a_sidecar_alone_says_is_a_loss(tmp_path: Path, name: str, content: str, lost: str) -> None:
    one = companion(tmp_path, name, content)
    assert companion_loss([one], []) == (f"{name}: {lost}",)
    assert companion_loss([one], [companion(tmp_path / "kept", "b" + name[1:], content)]) == ()


def test_nobody_misses_that_an_image_was_rejected(tmp_path: Path) -> None:
    one = companion(tmp_path, "a.xmp", XMP.format("", "<xmp:Rating>-1</xmp:Rating>"))
    assert companion_loss([one], []) == ()
    assert is_rejected([one])
    assert not is_rejected([companion(tmp_path, "b.xmp", XMP.format('xmp:Rating="1"', ""))])
    assert not is_rejected([companion(tmp_path, "b.pp3", "[Exposure]")])
    for film_or_raw in ("a.MOV", "a.CR2", "a.WAV"):  # they would go with it
        assert not is_rejected([one, companion(tmp_path, film_or_raw, "more than an image")])


def test_what_the_file_that_stays_says_itself_is_no_loss(tmp_path: Path) -> None:
    one = companion(tmp_path, "a.jpg.json", json.dumps(TOLD))
    known = Holdings(
        captured_at=datetime(2024, 5, 1, 12), place=(48.851, 2.349), words=frozenset({"Ada", "The tower"})
    )
    assert companion_loss([one], [], known=known) == ()
    elsewhere = Holdings(captured_at=datetime(2024, 5, 1, 12), place=(50.0, 2.349))
    assert companion_loss([one], [], known=elsewhere) == (
        "a.jpg.json: place 48.85000, 2.35000, words Ada, The tower",
    )


def test_equal_facts_in_other_bytes_are_no_loss(tmp_path: Path) -> None:
    one = companion(tmp_path, "a.jpg.json", json.dumps({**TOLD, "url": "https://photos.google.com/1"}))
    other = companion(
        tmp_path / "kept", "b.jpg.json", json.dumps({**TOLD, "url": "https://photos.google.com/2"})
    )
    assert companion_loss([one], [other]) == ()


def test_one_that_is_gone_or_broken(tmp_path: Path) -> None:
    gone = Companion(os.fsencode(tmp_path / "a.xmp"), 1, 1)
    assert companion_loss([gone], []) == ("a.xmp: cannot be read",)
    assert companion_loss([], []) == ()
    broken = companion(
        tmp_path, "a.jpg.json", '{"title": 1, "photoTakenTime": [], "geoData": "x", "people": [3]}'
    )
    assert companion_loss([broken], []) == ()
