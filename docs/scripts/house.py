"""The house as a picture: the rooms of the program, as import-linter's contract has them above each other.

python -m docs.scripts.house        # writes docs/house.svg
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "house.svg"
_CONTRACT = "Rooms import downward only"
_WIDTH, _GAP, _LINE, _PAD = 1120, 10, 15, 10
_LETTER = 6.4  # pixels of a letter of the small text, on average
_MOST_IN_A_ROW = 3
_STYLE = """
    text { font: 12px system-ui, sans-serif; fill: #333 }
    .name { font: bold 14px ui-monospace, monospace; fill: #111 }
    rect, path { stroke: #0f6b5c; stroke-width: 1.5 }
    rect { fill: #f4f1ea }
    path { fill: none }
    .ground { fill: #fff; stroke: none }
"""


def layers() -> list[list[str]]:
    """Return the rooms, the uppermost first; those of one list do not import each other."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    found = next(one["layers"] for one in contracts if one["name"] == _CONTRACT)
    return [re.findall(r"[\w.]+", layer) for layer in found]


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring: of its package, or of its only module."""
    folder = ROOT / "neardup_cli" / room.replace(".", "/")
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(said.partition("\n\n")[0].replace("`", "").split())


def svg() -> str:
    """Return the picture: a row a layer, at most three rooms beside each other, arrows down."""
    lines: list[str] = []
    top = _GAP
    for number, rooms in enumerate(layers()):
        if number:
            lines.append(_arrow(top))
            top += 2 * _GAP
        for first in range(0, len(rooms), _MOST_IN_A_ROW):
            row = rooms[first : first + _MOST_IN_A_ROW]
            drawn, height = _row(row, top)
            lines += drawn
            top += height + _GAP
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    title = "<title>The rooms of neardup: each imports from those below it</title>"
    ground = f'<rect class="ground" width="{_WIDTH}" height="{top}"/>'
    return "\n".join([head, title, f"<style>{_STYLE}</style>", ground, *lines, "</svg>"]) + "\n"


def _row(rooms: list[str], top: int) -> tuple[list[str], int]:
    width = (_WIDTH - _GAP * (len(rooms) + 1)) // len(rooms)
    said = {room: wrap(purpose(room), int((width - 2 * _PAD) / _LETTER)) for room in rooms}
    height = _LINE * (1 + max(map(len, said.values()))) + 2 * _PAD
    lines = []
    for place, room in enumerate(rooms):
        left = _GAP + place * (width + _GAP)
        lines.append(f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>')
        lines += _texts(room, said[room], left + _PAD, top + _PAD + _LINE - 3)
    return lines, height


def _texts(room: str, said: list[str], left: int, base: int) -> Iterator[str]:
    yield f'<text class="name" x="{left}" y="{base}">{escape(room)}</text>'
    for number, line in enumerate(said, 1):
        yield f'<text x="{left}" y="{base + number * _LINE}">{escape(line)}</text>'


def _arrow(top: int) -> str:
    """Return an arrow from one layer to the next below it."""
    middle, head = _WIDTH // 2, top + _GAP
    return f'<path d="M{middle} {top - _GAP + 2}V{head + 6}m-5 -6 5 6 5 -6"/>'


def table() -> str:
    """Return the same as a table, for readers who cannot see it."""
    rows = [
        f"| {number} | {' '.join(f'`{room}`' for room in rooms)} |"
        for number, rooms in enumerate(layers(), 1)
    ]
    return "\n".join(["| from the top | rooms |", "|---|---|", *rows])


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
