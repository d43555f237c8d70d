"""Columns that are left out, paths that are cut, and words that stay whole."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from neardup_cli.reports.sheet import Block, Row, Sheet, cut_middle


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("2024/Lisbon/IMG_4039.jpg", 24, "2024/Lisbon/IMG_4039.jpg"),
        ("2024/Lisbon/IMG_4039.jpg", 20, "2024/L…/IMG_4039.jpg"),
        ("2024/Lisbon/IMG_4039.jpg", 9, "20…39.jpg"),
        ("a" * 30, 11, "aaaaa…aaaaa"),
        ("写真/旅行/二〇二四年.jpg", 16, "写…〇二四年.jpg"),
    ],
)
def test_cut_in_the_middle(text: str, width: int, cut: str) -> None:
    assert cut_middle(text, width) == cut


@pytest.mark.parametrize("width", range(2, 40))
def test_what_is_cut_is_never_wider_than_it_may_be(width: int) -> None:
    for text in ("2024/Lisbon/IMG_4039.jpg", "写真/旅行/二〇二四年のとても長い名前.jpg", "x" * 99):
        assert cell_len(cut_middle(text, width)) <= width


def drawn(width: int) -> list[str]:
    why = Text("holds all that a_very_long_name_without_any_space.jpg holds, and more")
    row = Row(Text("keep"), Text("a/b.jpg"), {"Size": Text("1.0 KB"), "Why": why})
    blocks = [Block(None, [row])]
    stream = io.StringIO()
    sheet = Sheet(blocks, ["Size", "Why"], width, prose="Why", drop=["Size"])
    sheet.draw(blocks, Console(file=stream, width=width))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_prose_is_broken_between_words_and_a_long_word_is_cut(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(line.split("  ")[-1] for line in lines[1:]).split())
    for word in ("holds", "all", "that", "holds,", "and", "more"):
        assert word in said.split()
    assert ("a_very_long_name_without_any_space.jpg" in said) or "…" in said


def test_a_column_that_may_go_goes_where_there_is_no_room() -> None:
    assert "Size" in drawn(80)[0].split()
    assert "Size" not in drawn(24)[0].split()
