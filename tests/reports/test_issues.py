"""Issue columns, by hand-worked cases."""

from __future__ import annotations

import pytest

from neardup_cli.records.rows import ImageRow, PairRow
from neardup_cli.reports.issues import IssueRow, issue_rows

IMAGES = [
    ImageRow("a", "f", True, "kept", content="00"),
    ImageRow("a2", "f", False, "copy", content="00"),
    ImageRow("b", "f", False, "smaller", content="11"),
    ImageRow("c", content="22"),
]


def match(a: str, b: str, confidence: float | None, similarity: float | None) -> PairRow[str]:
    return PairRow(a, b, "f", "geometry", None, confidence, similarity, None, implied=False)


@pytest.fixture
def issues() -> dict[str, IssueRow]:
    pairs = [match("a", "a2", 1.0, None), match("a", "b", 0.75, 0.5)]
    return {row.path: row for row in issue_rows(IMAGES, pairs)}


def test_a_match_of_one_content_is_one_of_all_its_files(issues: dict[str, IssueRow]) -> None:
    assert issues["b"].near_duplicate_sets == (0, 1)
    assert issues["a2"].near_duplicate_sets == (0, 2)
    assert issues["a"].near_duplicate_sets == (1, 2)


def test_the_columns_of_cleanvision(issues: dict[str, IssueRow]) -> None:
    assert [row.is_exact_duplicates_issue for row in issues.values()] == [True, True, False, False]
    assert [row.exact_duplicates_score for row in issues.values()] == [0, 0, 1, 1]
    assert [row.is_near_duplicates_issue for row in issues.values()] == [True, True, True, False]
    assert [row.near_duplicates_score for row in issues.values()] == [0.25, 0.25, 0.25, 1]


def test_the_columns_of_cleanlab(issues: dict[str, IssueRow]) -> None:
    assert [row.is_near_duplicate_issue for row in issues.values()] == [True, True, True, False]
    assert [row.near_duplicate_score for row in issues.values()] == [0, 0, 0.25, 1]
    assert [row.distance_to_nearest_neighbor for row in issues.values()] == [0, 0, 0.5, None]
    assert [row.is_kept for row in issues.values()] == [True, False, False, True]


def test_what_no_pixels_decided_is_as_sure_as_it_gets() -> None:
    [a, _, b, _] = issue_rows(IMAGES, [match("a", "b", None, 0.9)])
    assert (a.near_duplicates_score, b.near_duplicates_score) == (0, 0)


def test_pairs_of_images_that_are_not_there_are_left_out() -> None:
    assert not any(
        row.is_near_duplicates_issue for row in issue_rows(IMAGES[2:], [match("a", "b", 0.9, 0.9)])
    )
