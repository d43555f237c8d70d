"""Tables about files for a terminal of any width: columns are left out, and paths are cut in the middle.

Nothing breaks inside a word: where there is no room for all columns, those that say least go first, and what
is still too long is cut where it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_GAP = 2  # columns of a terminal between two of a table
_LEAST_PATH = 20  # columns that a path has before others are left out for it
_LEAST_PROSE = 14  # "transparency" and a comma


class Row(NamedTuple):
    """A line about a file: what it is, its path, and what else is known of it, by heading."""

    word: Text
    path: Text
    cells: Mapping[str, Text]


class Block(NamedTuple):
    """Lines that belong together, below a line of their own."""

    title: Text | None
    rows: Sequence[Row]


def cut_middle(text: str, width: int) -> str:
    """Return a text that is no wider than `width`; what is left out of its middle is an ellipsis.

    Of a path the end says more than the beginning: the name stays whole where there is room for it.
    """
    if cell_len(text) <= width:
        return text
    room = width - 1
    folder, _, name = text.rpartition("/")
    tail = room // 2 if not folder else max(room // 2, min(cell_len(name) + 1, room - room // 4))
    return _first(text, room - tail) + "…" + _first(text[::-1], tail)[::-1]


def _first(text: str, width: int) -> str:
    return "" if width <= 0 else chop_cells(text, width)[0]


class Sheet:
    """One layout for many rows."""

    def __init__(
        self,
        blocks: Sequence[Block],
        headings: Sequence[str],
        width: int,
        *,
        prose: str = "",
        drop: Sequence[str] = (),
        right: Iterable[str] = ("Size", "Pixels", "Sim.", "Conf.", "Bits", "Frees"),
    ) -> None:
        """Choose the columns.

        Args:
            blocks: all that is going to be drawn.
            headings: of the columns behind the path.
            width: of the terminal.
            prose: the heading of what may be wrapped.
            drop: which headings may be left out, the first foremost.
            right: which are set to the right.
        """
        rows = [row for block in blocks for row in block.rows]
        self._right = frozenset(right)
        self._prose = prose
        natural = {
            heading: max(
                [cell_len(heading), *(row.cells[heading].cell_len for row in rows if heading in row.cells)]
            )
            for heading in headings
        }
        if prose in natural:
            longest = max(
                [
                    _LEAST_PROSE,
                    *(len(word) for row in rows for word in row.cells.get(prose, Text()).plain.split()),
                ]
            )
            natural[prose] = min(natural[prose], max(min(longest, width // 4), width // 3))
        self._word = max((row.word.cell_len for row in rows), default=0)
        paths = max([cell_len("Path"), *(row.path.cell_len for row in rows)])
        dropped = list(drop)
        while dropped and self._room(natural, width) < min(paths, _LEAST_PATH):
            natural.pop(dropped.pop(0), None)
        self.headings = list(natural)
        self._widths = natural
        self._path = max(4, min(paths, self._room(natural, width)))

    def _room(self, widths: Mapping[str, int], width: int) -> int:
        return width - self._word - _GAP - sum(_GAP + one for one in widths.values())

    @property
    def indent(self) -> int:
        """Where paths begin."""
        return self._word + _GAP

    def draw(self, blocks: Iterable[Block], console: Console) -> None:
        """Draw a line of headings, and each block with an empty line behind it."""
        console.print(self._table([Row(Text(), Text("Path"), {h: Text(h) for h in self.headings})], "bold"))
        for block in blocks:
            if block.title is not None:
                for line in block.title.wrap(console, max(20, console.width - self.indent)):
                    console.print(Text(" " * self.indent).append_text(line), soft_wrap=True)
            console.print(self._table(block.rows, ""))
            console.print()

    def _table(self, rows: Sequence[Row], style: str) -> Table:
        table = Table.grid(padding=(0, _GAP, 0, 0))
        table.add_column(width=self._word, no_wrap=True)
        table.add_column(width=self._path, no_wrap=True)
        for heading in self.headings:
            table.add_column(
                width=self._widths[heading],
                justify="right" if heading in self._right else "left",
                no_wrap=heading != self._prose,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*self._cells(row), style=style)
        return table

    def _cells(self, row: Row) -> Iterator[RenderableType]:
        yield row.word
        yield Text(cut_middle(row.path.plain, self._path), style=row.path.style)
        for heading in self.headings:
            cell = row.cells.get(heading, Text())
            if heading == self._prose:  # a name in it may be longer than the column
                words = (cut_middle(word, self._widths[heading]) for word in cell.plain.split(" "))
                cell = Text(" ".join(words), style=cell.style)
            yield cell
