from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from neardup_cli.evaluation.metrics import (
    Flags,
    Interval,
    Quality,
    curve,
    micro_average_precision,
    next_interval,
    quality,
    recall_at_one,
    recall_at_precision,
    share_interval,
    wilson,
)

# Worked by hand: ranked T F T T F T, four of the five true pairs predicted.
SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
TRUE = np.array([True, False, True, True, False, True])
POSITIVES = 5


def test_curve_by_hand() -> None:
    points = curve(SCORES, TRUE, POSITIVES)
    assert points.thresholds.tolist() == SCORES.tolist()
    assert points.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5, 4 / 6])
    assert points.recall.tolist() == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6, 0.8])


def test_micro_average_precision_by_hand() -> None:
    # (1/1 + 2/3 + 3/4 + 4/6) / 5
    assert micro_average_precision(SCORES, TRUE, POSITIVES) == pytest.approx((1 + 2 / 3 + 3 / 4 + 4 / 6) / 5)


def test_equal_scores_stand_together() -> None:
    scores, true = np.array([0.9, 0.9, 0.5]), np.array([False, True, True])
    points = curve(scores, true, 2)
    assert points.thresholds.tolist() == [0.9, 0.5]
    assert points.precision.tolist() == pytest.approx([1 / 2, 2 / 3])
    assert micro_average_precision(scores, true, 2) == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 3)
    assert micro_average_precision(scores[::-1], true[::-1], 2) == micro_average_precision(scores, true, 2)


def test_recall_at_precision_by_hand() -> None:
    assert recall_at_precision(SCORES, TRUE, POSITIVES, 1.0) == pytest.approx(0.2)
    assert recall_at_precision(SCORES, TRUE, POSITIVES, 0.75) == pytest.approx(0.6)
    assert recall_at_precision(SCORES, TRUE, POSITIVES, 0.6) == pytest.approx(0.8)
    assert recall_at_precision(SCORES, np.zeros(6, bool), POSITIVES, 0.5) == 0


def test_recall_at_one_by_hand() -> None:
    queries = np.array([0, 0, 1, 1, 2, 3])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    true = np.array([True, False, False, True, True, False])
    # Query 0 right, 1 wrong, 2 right, 4 never answered; 3 has no true pair.
    assert recall_at_one(queries, scores, true, np.array([0, 1, 2, 4])) == pytest.approx(2 / 4)


def test_a_tie_at_the_top_with_a_stranger_is_not_found() -> None:
    assert recall_at_one(np.array([0, 0]), np.ones(2), np.array([True, False]), np.array([0])) == 0
    assert recall_at_one(np.array([0, 0]), np.ones(2), np.array([True, True]), np.array([0])) == 1


def test_quality_by_hand() -> None:
    found = quality(np.array([True, True, True, False]), 6)
    assert found == Quality(3, 1, 3)
    assert found.precision == 0.75
    assert found.recall == 0.5
    assert found.f1 == pytest.approx(0.6)


def test_nothing_answered_and_nothing_to_find() -> None:
    none = np.empty(0)
    assert quality(none.astype(bool), 4) == Quality(0, 0, 4)
    assert Quality(0, 0, 4).precision == 1
    assert Quality(0, 0, 4).recall == 0
    assert Quality(0, 2, 4).f1 == 0
    assert Quality(0, 0, 0).recall == 1
    assert micro_average_precision(none, none.astype(bool), 4) == 0
    assert micro_average_precision(none, none.astype(bool), 0) == 1
    assert recall_at_precision(none, none.astype(bool), 4, 0.9) == 0
    assert recall_at_one(none.astype(np.int64), none, none.astype(bool), np.array([0])) == 0
    assert recall_at_one(none.astype(np.int64), none, none.astype(bool), none.astype(np.int64)) == 1


predictions = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60)


@given(predictions)
def test_with_all_true_pairs_predicted_it_is_the_average_precision_of_scikit_learn(
    drawn: list[tuple[int, bool]],
) -> None:
    scores = np.array([score for score, _ in drawn], dtype=np.float64)
    true = np.array([flag for _, flag in drawn])
    if not true.any():
        return
    ours = micro_average_precision(scores, true, int(true.sum()))
    assert ours == pytest.approx(average_precision_score(true, scores))


@given(predictions)
def test_the_curve_is_that_of_scikit_learn(drawn: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in drawn], dtype=np.float64)
    true = np.array([flag for _, flag in drawn])
    if not true.any():
        return
    points = curve(scores, true, int(true.sum()))
    precision, recall, thresholds = precision_recall_curve(true, scores)
    assert points.thresholds[::-1].tolist() == thresholds.tolist()
    assert points.precision[::-1].tolist() == pytest.approx(precision[:-1].tolist())
    assert points.recall[::-1].tolist() == pytest.approx(recall[:-1].tolist())


def disc_micro_average_precision(ranked: Sequence[bool], ground_truth_pairs: int) -> Fraction:
    """µAP as the DISC paper defines it, prediction by prediction: Σ_i p(i)·Δr(i), exactly."""
    total, correct, recall = Fraction(0), 0, Fraction(0)
    for place, is_correct in enumerate(ranked, start=1):
        correct += is_correct
        now = Fraction(correct, ground_truth_pairs)
        total += Fraction(correct, place) * (now - recall)
        recall = now
    return total


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(0, 30))
def test_micro_average_precision_is_that_of_disc(ranked: list[bool], unpredicted: int) -> None:
    positives = sum(ranked) + unpredicted
    if positives == 0:
        return
    scores = np.linspace(1, 0, len(ranked))
    expected = float(disc_micro_average_precision(ranked, positives))
    assert micro_average_precision(scores, np.array(ranked), positives) == pytest.approx(expected)


@given(predictions, st.integers(0, 5), st.randoms())
def test_the_order_of_the_predictions_does_not_matter(
    drawn: list[tuple[int, bool]], unpredicted: int, random: object
) -> None:
    scores = np.array([score for score, _ in drawn], dtype=np.float64)
    true = np.array([flag for _, flag in drawn])
    positives = int(true.sum()) + unpredicted
    order = np.random.default_rng(len(drawn)).permutation(len(drawn))
    assert micro_average_precision(scores, true, positives) == micro_average_precision(
        scores[order], true[order], positives
    )


def test_wilson_by_hand() -> None:
    # Newcombe 1998, table I: 81 of 263 give 0.2553 to 0.3662, 0 of 20 give 0 to 0.1611.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0, 1)


def test_an_interval_holds_its_ends() -> None:
    assert 0.5 in Interval(0.5, 0.6)
    assert 0.61 not in Interval(0.5, 0.6)


def test_no_wrong_answer_is_no_certainty() -> None:
    interval = share_interval(np.ones(50, bool), np.arange(50))
    assert interval.low == pytest.approx(wilson(50, 50).low)
    assert interval.high == 1


def test_answers_that_fail_together_widen_the_interval() -> None:
    true = np.arange(400) % 20 != 0  # 5 % are wrong
    together = np.repeat(np.arange(40), 10)
    one_photograph = np.sort(true)  # all wrong ones are about the first two photographs
    alone = share_interval(true, np.arange(400))
    clustered = share_interval(one_photograph, together)
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)
    assert alone == share_interval(true, np.arange(400))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for seed in range(200):
        clusters = np.repeat(np.arange(80), 4)
        rates = rng.beta(18, 2, size=80)  # 0.9 on average, and different from photograph to photograph
        true = rng.random(320) < rates[clusters]
        held += 0.9 in share_interval(true, clusters, rounds=300, seed=seed)
    assert 0.88 <= held / 200 <= 1.0


def test_another_sample_lies_within_its_interval_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    held, narrower = 0, 0

    def sample() -> Flags:
        rates = rng.beta(18, 2, size=80).repeat(4)
        return np.asarray(rng.random(320) < rates)

    clusters = np.repeat(np.arange(80), 4)
    for seed in range(200):
        first, second = sample(), sample()
        held += float(second.mean()) in next_interval(first, clusters, rounds=300, seed=seed)
        narrower += float(second.mean()) in share_interval(first, clusters, rounds=300, seed=seed)
    assert 0.91 <= held / 200 <= 1.0
    assert narrower < held


def test_intervals_of_nothing_say_nothing() -> None:
    nothing, none = np.empty(0, bool), np.empty(0, np.int64)
    assert share_interval(nothing, none) == (0, 1)
    assert next_interval(nothing, none) == (0, 1)
