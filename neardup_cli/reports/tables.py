"""Rows as tables of Arrow and pandas, which are imported only here, and only when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import partial
from io import BytesIO
from numbers import Integral
from types import ModuleType
from typing import TYPE_CHECKING, Any, overload

from neardup_cli.installation import missing_extra
from neardup_cli.records.rows import FamilyRow, ImageRow, PairRow
from neardup_cli.reports.paths import data_path

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_EXTRA = "data"
_SMALLEST = -(2**63)
_TYPES = {
    "family": "string",
    "keep": "bool",
    "role": "string",
    "kind": "string",
    "confidence": "float64",
    "split": "string",
    "width": "int64",
    "height": "int64",
    "bytes": "int64",
    "format": "string",
    "content": "string",
    "error": "string",
    "stage": "string",
    "similarity": "float64",
    "hamming": "int64",
    "implied": "bool",
    "reason": "string",
    "reclaimable_bytes": "int64",
    "path": "string",
    "is_exact_duplicates_issue": "bool",
    "exact_duplicates_score": "float64",
    "is_near_duplicates_issue": "bool",
    "near_duplicates_score": "float64",
    "is_near_duplicate_issue": "bool",
    "near_duplicate_score": "float64",
    "distance_to_nearest_neighbor": "float64",
    "is_kept": "bool",
}
"""What a column holds, whatever is in it; ids and labels are what their program gave."""


class Rows[Row](Sequence[Row]):
    """Rows of one kind: a sequence, and a table of Arrow or pandas when asked for."""

    __slots__ = ("_kind", "_rows")

    def __init__(self, kind: type[Row], rows: Sequence[Row]) -> None:
        self._kind = kind
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, place: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[place]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and (self._kind, self._rows) == (other._kind, other._rows)

    def __hash__(self) -> int:
        return hash((self._kind, len(self._rows)))

    def __repr__(self) -> str:
        return f"<{len(self)} {self._kind.__name__}s>"

    def to_arrow(self) -> pa.Table:
        """Return the rows as a table of Arrow.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        return arrow_table(self._kind, self._rows)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame of pandas.

        Raises:
            MissingExtra: pandas or pyarrow is not installed.
        """
        _imported("pandas", "a data frame")
        return self.to_arrow().to_pandas()


def arrow_table(kind: type[Any], rows: Sequence[Any]) -> pa.Table:
    """Return rows of one kind as a table of Arrow, a column an attribute.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    arrow = _imported("pyarrow", "a table of Arrow")
    names = [field.name for field in fields(kind)]
    columns = [_column(arrow, kind, name, [getattr(row, name) for row in rows]) for name in names]
    return arrow.table(dict(zip(names, columns, strict=True)))


def demand_arrow() -> None:
    """Make sure that tables can be written, before any work is done for one.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    _imported("pyarrow", "a table of Arrow")


def table_bytes(kind: type[Any], rows: Sequence[Any], *, parquet: bool) -> bytes:
    """Return rows as a Parquet file, or as a file of Arrow (Feather).

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    table = arrow_table(kind, rows)
    stream = BytesIO()
    if parquet:
        from pyarrow.parquet import write_table

        write_table(table, stream)
    else:
        from pyarrow.feather import write_feather

        write_feather(table, stream, compression="uncompressed")
    return stream.getvalue()


def _column(arrow: ModuleType, kind: type[Any], name: str, values: list[Any]) -> pa.Array:
    if kind is FamilyRow and name in ("members", "seen_in"):
        lengths = [len(value) for value in values]
        flat = _told(arrow, [one for value in values for one in value])
        ends = [0]
        for length in lengths:
            ends.append(ends[-1] + length)
        return arrow.ListArray.from_arrays(arrow.array(ends, arrow.int32()), flat)
    if kind is FamilyRow and name in (
        "id",
        "keep",
    ):  # of an image the id is its program's, and `keep` a truth
        return arrow.array(values, arrow.string()) if name == "id" else _told(arrow, values)
    if name in ("losses", "near_duplicate_sets"):
        return arrow.array(values, arrow.list_(arrow.string() if name == "losses" else arrow.int64()))
    if name in _TYPES:
        return arrow.array(values, getattr(arrow, _TYPES[name].replace("bool", "bool_"))())
    return _told(arrow, values)


def _told(arrow: ModuleType, values: list[Any]) -> pa.Array:
    """Return what a program gave as a column: whole numbers or truths as they are, all else as text."""
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, bool) for value in given):
        return arrow.array(values, arrow.bool_())
    if given and all(isinstance(value, Integral) and _SMALLEST <= int(value) < -_SMALLEST for value in given):
        return arrow.array([None if value is None else int(value) for value in values], arrow.int64())
    return arrow.array([None if value is None else _text(value) for value in values], arrow.string())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return data_path(value)
    return str(value).encode("utf-8", "backslashreplace").decode()


def _imported(name: str, what: str) -> ModuleType:
    """Import a library that only an extra brings.

    Raises:
        MissingExtra: it is not there; the message has the command that brings it.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as exc:
        raise missing_extra(f"{what} needs {name}", _EXTRA) from exc


images_of = partial(Rows, ImageRow)
pairs_of = partial(Rows, PairRow)
families_of = partial(Rows, FamilyRow)
