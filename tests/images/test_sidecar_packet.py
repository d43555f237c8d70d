"""A sidecar that is written says what was meant: to our reader, and to any that knows XML."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neardup_cli.cleanup.carry import reads_back
from neardup_cli.images.sidecar_packet import is_writable, sidecar_packet, sidecar_path
from neardup_cli.images.sidecars import SidecarFacts, read_sidecar, xmp_facts
from neardup_cli.plans import Carried

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
EXIF = "{http://ns.adobe.com/exif/1.0/}"
TOLD = Carried(
    b"/p/a.jpg.xmp",
    datetime(2024, 5, 1, 10, 0, 3, 250_000),
    "+02:00",
    (48.8583, -2.2945),
    4,
    ("Ada & Bob", "the <tower>"),
)


def facts() -> st.SearchStrategy[Carried]:
    hostile = st.sampled_from(
        [
            'xmp:Rating="5"',
            "</rdf:li></rdf:Bag></dc:subject>",
            "crs:Exposure2012='1'",
            "&amp;lt;",
            "&#13;",
            " edge ",
            "two\r\nlines",
            "{0}",
            "]]>",
            "exif:GPSLatitude='1,2N'",
            "\ufeff",
            "\x85",
        ]
    )
    words = st.lists(st.one_of(st.text(min_size=1), hostile).filter(is_writable), max_size=6, unique=True)
    return st.builds(
        Carried,
        st.just(b"/p/a.jpg.xmp"),
        st.none() | st.datetimes(),
        st.sampled_from(["", "Z", "+02:00", "-11:30"]),
        st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
        st.integers(-1, 5),
        words.map(lambda some: tuple(sorted(some))),
    )


@settings(max_examples=500, deadline=None)
@given(facts())
@example(Carried(b"/p/a.xmp", place=(59.99999999999, -179.99999999999)))
@example(Carried(b"/p/a.xmp", place=(-0.0, 0.0)))
def test_what_is_written_reads_back(wanted: Carried) -> None:
    assert reads_back(wanted)
    said = xmp_facts(sidecar_packet(wanted))
    assert said.words == frozenset(wanted.words)
    assert said.rating == wanted.rating
    assert not said.edit
    assert (said.captured_at is None) == (wanted.captured_at is None)
    if wanted.captured_at is not None:
        assert said.captured_at == wanted.captured_at.replace(microsecond=0)
    assert said.place == (None if wanted.place is None else pytest.approx(wanted.place, abs=1e-6))


@settings(max_examples=200, deadline=None)
@given(facts())
def test_any_parser_of_xml_reads_the_same(wanted: Carried) -> None:
    tree = ET.fromstring(sidecar_packet(wanted))
    words = [item.text or "" for item in tree.iter(f"{RDF}li")]
    assert words == list(wanted.words)


def test_the_packet_as_other_programs_expect_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg.xmp"
    path.write_bytes(sidecar_packet(TOLD))
    (described,) = ET.fromstring(path.read_bytes()).iter(f"{RDF}Description")
    assert described.get(f"{EXIF}DateTimeOriginal") == "2024-05-01T10:00:03.250000+02:00"
    assert described.get("{http://ns.adobe.com/photoshop/1.0/}DateCreated") == (
        "2024-05-01T10:00:03.250000+02:00"
    )
    assert described.get(f"{EXIF}GPSLatitude") == "48,51.49800000N"
    assert described.get(f"{EXIF}GPSLongitude") == "2,17.67000000W"
    assert described.get("{http://ns.adobe.com/xap/1.0/}Rating") == "4"
    assert read_sidecar(os.fsencode(path)) == SidecarFacts(
        datetime(2024, 5, 1, 10, 0, 3), (48.8583, -2.2945), 4, frozenset({"Ada & Bob", "the <tower>"})
    )


@pytest.mark.parametrize("word", ["\0", "a\x0bb", "\ud800", "\uffff"])
def test_what_xml_cannot_hold_is_refused(word: str) -> None:
    assert not is_writable(word)
    with pytest.raises(ValueError, match="XML"):
        sidecar_packet(Carried(b"/p/a.xmp", words=(word,)))
    assert not reads_back(Carried(b"/p/a.xmp", words=(word,)))


@pytest.mark.parametrize("place", [(90.1, 0.0), (0.0, -181.0), (float("nan"), 0.0), (float("inf"), 0.0)])
def test_no_place_on_earth_is_refused(place: tuple[float, float]) -> None:
    assert not reads_back(Carried(b"/p/a.xmp", place=place))


def test_it_is_called_after_its_image_in_full() -> None:
    assert sidecar_path(b"/p/IMG_1.jpg") == b"/p/IMG_1.jpg.xmp"


@pytest.mark.parametrize(
    "data",
    [
        b"<dc:subject " * 300_000,
        b"<dc:subject><rdf:li>" + b" " * 3_000_000,
        b"<dc:title>" + b"<rdf:li>" * 400_000,
    ],
    ids=["elements", "spaces", "items"],
)
def test_what_never_ends_costs_no_more_than_what_does(data: bytes) -> None:
    """Searching each of them to the end of the packet took minutes."""
    began = time.process_time()
    assert xmp_facts(data).words == set()
    assert time.process_time() - began < 5


def test_words_stand_between_the_first_and_the_next_end() -> None:
    packet = b"""<dc:subject><rdf:Bag><rdf:li xml:lang="x"> one </rdf:li><rdf:li>two &amp;</rdf:li>
    <rdf:list>no</rdf:list>
    <rdf:li>open</rdf:Bag></dc:subject><dc:subjects><rdf:li>no</rdf:li></dc:subjects>"""
    assert xmp_facts(packet).words == {"one", "two &"}


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("xmp", f'exif:GPSLatitude="{"9" * 400},1.5N" exif:GPSLongitude="2,1.5E"'),
        ("xmp", 'exif:GPSLatitude="91,1.5N" exif:GPSLongitude="2,1.5E"'),
        ("json", f'{{"title": "x.jpg", "geoData": {{"latitude": 1{"0" * 400}, "longitude": 2}}}}'),
        ("json", '{"title": "x.jpg", "geoData": {"latitude": Infinity, "longitude": 2}}'),
        ("json", '{"title": "x.jpg", "geoData": {"latitude": 48, "longitude": 181}}'),
    ],
)
def test_what_is_no_place_on_earth_is_none(tmp_path: Path, ending: str, text: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text(text)
    assert read_sidecar(os.fsencode(path)).place is None
