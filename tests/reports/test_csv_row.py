from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.reports.csv_row import csv_row

CELLS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2)


@given(CELLS)
def test_every_cell_survives_among_other_rows(cells: list[str]) -> None:
    text = f"{csv_row(['before', 1])}\n{csv_row(cells)}\n{csv_row(['after', 2])}\n"
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [["before", "1"], cells, ["after", "2"]]
