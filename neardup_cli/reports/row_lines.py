"""Rows as lines of text: CSV and JSON lines, with the columns that the tables have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from neardup_cli.reports.csv_row import csv_row
from neardup_cli.reports.json_report import dump

_DIGITS = 4


def row_document(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of any kind, whose fields are its columns
    """Return a row as a JSON object."""
    return {field.name: _plain(getattr(row, field.name)) for field in fields(row)}


def jsonl_rows(rows: Iterable[object]) -> Iterator[str]:
    """Yield one JSON object a row."""
    for row in rows:
        yield dump(row_document(row), one_line=True)


def csv_rows(kind: type[Any], rows: Iterable[object]) -> Iterator[str]:
    """Yield one line a row, the names first; what lists several has them on lines of one cell."""
    names = [field.name for field in fields(kind)]
    yield csv_row(names)
    for row in rows:
        yield csv_row([_cell(value) for value in row_document(row).values()])


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return round(value, _DIGITS) if isinstance(value, float) else value


def _cell(value: object) -> object:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value
