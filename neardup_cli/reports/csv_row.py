"""One line of CSV, for all reports that print some."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence


def csv_row(cells: Sequence[object]) -> str:
    """Return cells as a line without its end; RFC 4180, so that a line end inside a cell survives."""
    text = io.StringIO()
    # The writer quotes a line end inside a cell only if it ends lines with it itself.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")
