"""How long work takes yet, on hand-worked cases."""

from __future__ import annotations

import pytest

from neardup_cli.progress import Pace


def test_steps_that_are_alike() -> None:
    pace = Pace(100, 0.0)
    assert pace.left(0.0) is None
    for second in range(1, 11):
        pace.advance(2, float(second))
    assert pace.share == pytest.approx(0.2)
    assert pace.left(10.0) == pytest.approx(40.0)


def test_nothing_is_said_too_early_or_of_what_has_no_end() -> None:
    pace = Pace(1000, 0.0)
    pace.advance(500, 0.5)
    assert pace.left(0.5) is None
    endless = Pace(None, 0.0)
    endless.advance(5, 10.0)
    assert (endless.share, endless.left(10.0)) == (0.0, None)


def test_small_steps_before_large_ones_are_weighed() -> None:
    """Ninety files of a megabyte in ninety seconds; ten of a hundred are to come."""
    pace = Pace(100, 0.0)
    pace.weigh(90 * 1 + 10 * 100)
    for second in range(1, 91):
        pace.worked(1, float(second))
        pace.advance(1, float(second))
    assert pace.done == 90
    assert pace.left(90.0) == pytest.approx(1000.0)


def test_what_is_not_needed_is_taken_off_and_expected_to_go_on() -> None:
    """Of 1,000 pairs 100 were looked at and 300 spared: of the other 600 a quarter is to come."""
    pace = Pace(1000, 0.0)
    for second in range(1, 101):
        pace.advance(1, float(second))
    pace.spare(300)
    assert pace.share == pytest.approx(100 / 700)
    assert pace.left(100.0) == pytest.approx(600 * 0.25)


def test_what_was_slow_once_is_forgotten() -> None:
    pace = Pace(2000, 0.0)
    pace.advance(1, 10.0)  # a cold start
    for second in range(11, 101):
        pace.advance(10, float(second))
    assert pace.left(100.0) == pytest.approx((2000 - 901) / 10, rel=0.02)
