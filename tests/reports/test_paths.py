from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.reports.paths import data_path, parse_data_path, shown_path, shown_text

PATHS = st.one_of(
    st.binary(),
    st.text().map(lambda text: text.encode("utf-8", "ignore")),
    st.binary().map(lambda path: b"file://" + path),
    st.tuples(st.text(), st.binary(max_size=2)).map(
        lambda parts: parts[0].encode("utf-8", "ignore") + parts[1]
    ),
)


@given(PATHS)
def test_every_path_comes_back(path: bytes) -> None:
    text = data_path(path)
    text.encode("utf-8")  # never half a surrogate
    assert parse_data_path(text) == path


@given(PATHS, PATHS)
def test_two_paths_are_never_written_alike(first: bytes, second: bytes) -> None:
    assert (data_path(first) == data_path(second)) == (first == second)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/photos/Ulm.jpg", "/photos/Ulm.jpg"),
        ("/fotos/München 🐈\n.jpg".encode(), "/fotos/München 🐈\n.jpg"),
        (b"/photos/100%25 a b.jpg", "/photos/100%25 a b.jpg"),
        (b"/photos/\xff a%#?.jpg", "file:///photos/%FF%20a%25%23%3F.jpg"),
        (b"file://here", "file://file%3A//here"),
        (b"", ""),
    ],
)
def test_paths_as_data(path: bytes, text: str) -> None:
    assert data_path(path) == text
    assert parse_data_path(text) == path


@given(PATHS)
def test_what_is_shown_is_one_harmless_line(path: bytes) -> None:
    for shown in (shown_path(path), shown_text(path.decode("utf-8", "surrogateescape")).replace("\t", "")):
        assert shown.isprintable()
        shown.encode("utf-8")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"/photos/Ulm.jpg", "/photos/Ulm.jpg"),
        ("/fotos/München 🐈.jpg".encode(), "/fotos/München 🐈.jpg"),
        (b"line\nbreak\ttab\r", r"line\nbreak\ttab\r"),
        (b"\x1b[31mred\x07\x7f", r"\x1b[31mred\x07\x7f"),
        (b"c1 \xc2\x9b2J", r"c1 \x9b2J"),
        (b"\xff\xfe", r"\xff\xfe"),
        ("turned \u202egnp.exe".encode(), r"turned \u202egnp.exe"),
    ],
)
def test_paths_as_shown(path: bytes, shown: str) -> None:
    assert shown_path(path) == shown
    assert shown_text(
        "no such file: " + os.fsdecode(path.replace(b"\t", b""))
    ) == "no such file: " + shown.replace(r"\t", "")


def test_a_message_keeps_its_tabs() -> None:
    assert shown_text("keep\t/a\nb") == "keep\t/a\\nb"
