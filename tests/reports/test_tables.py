"""Rows as tables of Arrow and pandas, read back by both and by Polars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from neardup_cli.records.rows import FamilyRow, ImageRow, PairRow
from neardup_cli.reports.tables import Rows, arrow_table

IMAGES = [
    ImageRow("a", "f1", True, "kept", None, None, (), "train", 1, 10, 20, 300, "PNG", "00ff"),
    ImageRow("b", "f1", False, "copy", "resized", 0.9, ("detail",), "test", 2, 5, 10, 100, "JPEG", "11ff"),
    ImageRow("c", error="not an image"),
]


def test_a_row_is_a_row_and_an_attribute_a_column() -> None:
    table = arrow_table(ImageRow, IMAGES)
    assert table.column_names == list(ImageRow.__slots__)
    assert table.to_pylist()[1] == {
        "id": "b", "family": "f1", "keep": False, "role": "copy", "kind": "resized", "confidence": 0.9,
        "losses": ["detail"], "split": "test", "label": 2, "width": 5, "height": 10, "bytes": 100,
        "format": "JPEG", "content": "11ff", "error": None,
    }  # fmt: skip
    assert table.to_pylist()[2]["losses"] is None


def test_the_types_do_not_depend_on_what_is_there() -> None:
    empty, full = arrow_table(ImageRow, []), arrow_table(ImageRow, IMAGES)
    given = {"id", "label"}
    assert [field for field in empty.schema if field.name not in given] == [
        field for field in full.schema if field.name not in given
    ]
    for kind in (PairRow, FamilyRow):
        assert arrow_table(kind, []).num_rows == 0


@pytest.mark.parametrize(
    ("ids", "kind", "told"),
    [
        ([3, None], pa.int64(), [3, None]),
        ([np.int64(3), np.uint8(4)], pa.int64(), [3, 4]),
        ([True, False], pa.bool_(), [True, False]),
        ([1, True], pa.int64(), [1, 1]),
        ([2**70, 1], pa.string(), [str(2**70), "1"]),
        ([Path("a/b"), "c"], pa.string(), ["a/b", "c"]),
        ([b"/x/\xff", b"/y"], pa.string(), ["file:///x/%FF", "/y"]),
        ([("a", 1), "\ud800"], pa.string(), ["('a', 1)", "\\ud800"]),
        ([None, None], pa.string(), [None, None]),
    ],
)
def test_what_a_program_gave_is_told_as_it_is_or_as_text(
    ids: list[object], kind: pa.DataType, told: list[object]
) -> None:
    column = arrow_table(ImageRow, [ImageRow(one) for one in ids])["id"]
    assert (column.type, column.to_pylist()) == (kind, told)


def test_families_list_their_members() -> None:
    rows = [
        FamilyRow("f1", 3, (3, 5), "larger", 0.9, 100, ()),
        FamilyRow("f2", 1, (1, 2, 4), "", None, 0, (9,)),
    ]
    table = Rows(FamilyRow, rows).to_arrow()
    assert table["members"].to_pylist() == [[3, 5], [1, 2, 4]]
    assert table["seen_in"].to_pylist() == [[], [9]]
    assert rows[0].copies == (5,)


def test_pandas_and_polars_read_it() -> None:
    rows = Rows(ImageRow, IMAGES)
    frame = rows.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc[~frame.keep, "id"].tolist() == ["b"]
    other = pl.from_arrow(rows.to_arrow())
    assert isinstance(other, pl.DataFrame)
    assert other.filter(~pl.col("keep"))["id"].to_list() == ["b"]
    assert other["losses"].to_list() == [[], ["detail"], None]


def test_rows_are_a_sequence() -> None:
    rows = Rows(ImageRow, IMAGES)
    assert (len(rows), rows[0], rows[-1], rows[:2]) == (3, IMAGES[0], IMAGES[2], tuple(IMAGES[:2]))
    assert list(rows) == IMAGES
    assert rows == Rows(ImageRow, list(IMAGES))
    assert hash(rows) == hash(Rows(ImageRow, list(IMAGES)))
    assert rows != Rows(ImageRow, IMAGES[:1])
    assert repr(rows) == "<3 ImageRows>"
