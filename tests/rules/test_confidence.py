"""The weights, and what they make of signs."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest

from neardup_cli.records.matches import Alignment
from neardup_cli.records.signs import Signs
from neardup_cli.rules.confidence import IMPOSSIBLE, LEVELS, UNSURE, log_odds, refused_log_odds, settled

SAME = Signs(
    fits=1.0, content=1.0, tone=1.0, core=1.0, blocks=1.0, page=0.0, soft=0.0, gradient=0.0
)  # fmt: skip
NOTHING = Signs(
    fits=0.0, content=0.0, tone=0.5, core=0.0, blocks=0.0, page=0.0, soft=0.0, gradient=0.0
)  # fmt: skip


def likely(signs: Signs) -> float:
    return 1 / (1 + math.exp(-log_odds(signs)))


def test_what_agrees_everywhere_is_sure_and_what_agrees_nowhere_is_not() -> None:
    assert likely(SAME) > LEVELS["strict"]
    assert likely(NOTHING) < 0.01


@pytest.mark.parametrize("name", ["fits", "content", "tone", "core", "blocks", "gradient"])
def test_what_speaks_for_a_copy_never_speaks_against_it(name: str) -> None:
    less, more = (log_odds(replace(SAME, **{name: value})) for value in (0.25, 1.0))
    assert less <= more


@pytest.mark.parametrize("name", ["page", "plain"])
def test_paper_that_disagrees_and_plainness_never_speak_for_a_copy(name: str) -> None:
    assert log_odds(replace(SAME, **{name: 1.0})) <= log_odds(SAME)


def test_a_form_filled_in_twice_is_no_copy() -> None:
    form = Signs(
        fits=0.0, content=0.7, tone=1.0, core=0.6, blocks=0.9, page=0.4, soft=0.0, gradient=0.0, plain=1.0
    )
    assert likely(form) < LEVELS["loose"]


def test_every_sign_has_a_weight() -> None:
    for field in fields(Signs):
        assert math.isfinite(log_odds(replace(NOTHING, **{field.name: 1.0})))


def test_what_the_second_look_refuses_is_below_every_level() -> None:
    assert IMPOSSIBLE < refused_log_odds() < 0


def test_settled_refuses_what_is_less_sure_and_leaves_the_rest() -> None:
    found = Alignment(
        matched=True, reason="the pixels agree", inliers=9, transform=(), mirrored=False, agreement=0.9,
        content_a=1.0, content_b=1.0, coverage_a=1.0, coverage_b=1.0, tone=1.0, spread=1.0, evidence=3.0,
    )  # fmt: skip
    assert settled(found, 0.95) is found
    assert settled(found, 0.96) == replace(found, matched=False, reason=UNSURE)
    refused = replace(found, matched=False, reason="only a frame agrees")
    assert settled(refused, 0.96) is refused
