"""A match drawn: what each picture shows of the other is outlined in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.choices import Kind
from neardup_cli.errors import BadInput
from neardup_cli.records.answers import Comparison, ExplainedPair
from neardup_cli.records.matches import Stage
from neardup_cli.reports.picture import draw_pair, save_picture

RED, WHITE = (230, 60, 40), (255, 255, 255)
COMPARISON = Comparison(b"/a", b"/b", False, 30, 0.3, Stage.GEOMETRY, "the pixels agree")
# The middle of a is what b shows, turned by 45 degrees in b: its corners lie beyond b's sides.
PAIR = ExplainedPair(
    COMPARISON,
    Kind.CROPPED,
    (Kind.CROPPED,),
    "Cut to 25% of the area.",
    {},
    outline=((-0.5, 0.5), (0.5, -0.5), (1.5, 0.5), (0.5, 1.5)),
    outline_in_a=((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)),
)
LEFT, RIGHT, TOP, SIDE = 16, 16 + 640 + 24, 50, 640  # two squares


def test_outlines_lie_where_they_should() -> None:
    square = Image.new("RGB", (300, 300), WHITE)
    drawn = draw_pair(PAIR, square, square)
    assert drawn.size == (RIGHT + SIDE + LEFT, TOP + SIDE + 16)
    for x, y in ((0.25, 0.5), (0.75, 0.5), (0.5, 0.25), (0.5, 0.75)):
        assert drawn.getpixel((LEFT + round(x * SIDE), TOP + round(y * SIDE))) == RED
    for x, y in ((0.5, 0.5), (0.1, 0.5), (0.02, 0.02)):
        assert drawn.getpixel((LEFT + round(x * SIDE), TOP + round(y * SIDE))) == WHITE


def test_nothing_is_drawn_that_does_not_lie_on_the_picture() -> None:
    square = Image.new("RGB", (300, 300), WHITE)
    right = draw_pair(PAIR, square, square).crop((RIGHT + 4, TOP + 4, RIGHT + SIDE - 4, TOP + SIDE - 4))
    assert right.getcolors() == [(right.width * right.height, WHITE)]


def test_strangers_have_no_outline(tmp_path: Path) -> None:
    strangers = ExplainedPair(COMPARISON, None, (), "Not copies: the pixels disagree.", {})
    square = Image.new("RGB", (300, 300), WHITE)
    save_picture(strangers, square, square, tmp_path / "drawn.png")
    with Image.open(tmp_path / "drawn.png") as drawn:
        assert RED not in {colour for _, colour in drawn.getcolors(1 << 16) or ()}


def test_a_picture_that_is_there_stays(tmp_path: Path) -> None:
    square = Image.new("RGB", (30, 30), WHITE)
    square.save(tmp_path / "mine.png")
    before = (tmp_path / "mine.png").read_bytes()
    with pytest.raises(BadInput, match="exists"):
        save_picture(PAIR, square, square, tmp_path / "mine.png")
    with pytest.raises(BadInput, match="cannot be written"):
        save_picture(PAIR, square, square, tmp_path / "drawn.nonsense")
    assert (tmp_path / "mine.png").read_bytes() == before
