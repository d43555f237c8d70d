"""What the bar says, and that it fits a narrow terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from neardup_cli.cli.bar import Bar, shown_pace
from neardup_cli.progress import Pace


def test_words() -> None:
    pace = Pace(30_089, 0.0)
    pace.advance(3014, 138.0)
    assert shown_pace(pace, 139.0, 139.0) == "3,014/30,089 22/s 2:19, 20:49 left"
    pace.spare(13_389)
    assert shown_pace(pace, 139.0, 139.0).startswith("3,014/16,700 22/s 2:19, ")
    assert shown_pace(Pace(None, 0.0), 0.0, 0.0) == "0 0:00"
    assert "1:00:05" in shown_pace(Pace(9, 0.0), 3605.0, 3605.0)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_one_line_on_any_terminal(width: int) -> None:
    bar = Bar()
    bar._console = Console(file=io.StringIO(), width=width)
    bar.start("Proving that nothing is lost", 1_000_000)
    bar.advance(123_456)
    stream = io.StringIO()
    Console(file=stream, width=width).print(bar._drawn())
    (line,) = stream.getvalue().splitlines()
    assert len(line) <= width
    assert "123,456/1,000," in line if width > 40 else "Proving" in line
