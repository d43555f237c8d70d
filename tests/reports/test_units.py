from __future__ import annotations

import pytest

from neardup_cli.reports.units import (
    shown_bytes,
    shown_confidence,
    shown_count,
    shown_seconds,
    shown_similarity,
)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1049, "1.0 KB"),
        (1051, "1.1 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (43_210_000, "43.2 MB"),
        (7_000_000_000_000, "7.0 TB"),
        (12_345 * 10**15, "12345.0 PB"),
    ],
)
def test_bytes(size: int, shown: str) -> None:
    assert shown_bytes(size) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1234567, "1,234,567 files")]
)
def test_counts(number: int, shown: str) -> None:
    assert shown_count(number, "file") == shown


def test_a_plural_of_its_own() -> None:
    assert shown_count(1, "copy", "copies") == "1 copy"
    assert shown_count(2, "copy", "copies") == "2 copies"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.00 s"),
        (0.4249, "0.42 s"),
        (0.999, "1.0 s"),
        (1, "1.0 s"),
        (12.34, "12.3 s"),
        (99.94, "99.9 s"),
        (99.96, "1 min 40 s"),
        (200, "3 min 20 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_seconds(seconds: float, shown: str) -> None:
    assert shown_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("similarity", "shown"),
    [
        (None, ""),
        (1.0, "1.00"),
        (0.9999, "0.99"),
        (0.29, "0.29"),
        (0.999999999, "1.00"),
        (0.0, "0.00"),
        (-0.339, "-0.33"),
    ],
)
def test_similarity(similarity: float | None, shown: str) -> None:
    assert shown_similarity(similarity) == shown


@pytest.mark.parametrize(
    ("confidence", "shown"), [(None, ""), (1.0, "1.000"), (0.99996, "0.999"), (0.9, "0.900"), (0.0, "0.000")]
)
def test_confidence(confidence: float | None, shown: str) -> None:
    assert shown_confidence(confidence) == shown
