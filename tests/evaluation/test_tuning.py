from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.tune_report import settings_to_apply, tune_document, tune_lines
from neardup_cli.evaluation.tuning import (
    Dial,
    Labelled,
    answered,
    hash_distance,
    quality_at,
    settings_of,
    tune_dials,
)

# Worked by hand: six pairs, four of them copies; one more copy that no stage proposed.
HAND = Labelled(
    similarity=np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.3]),
    hamming=np.array([0, 2, 5, 64, 7, 12]),
    matched={
        "normal": np.array([True, True, False, True, True, False]),
        "loose": np.array([True, True, True, True, True, True]),
    },
    true=np.array([True, True, False, True, True, False]),
    cluster=np.array([0, 1, 0, 1, 2, 2]),
    missed=np.array([3]),
)


def by_dial(pairs: Labelled, wanted: float) -> dict[Dial, object]:
    return {one.dial: one for one in tune_dials(pairs, wanted)}


def test_each_dial_is_as_wide_as_the_precision_allows() -> None:
    hamming, plain, funnel = tune_dials(HAND, 1.0)
    # Hashes: 0 and 2 bits are copies, 5 is none.
    assert (hamming.dial, hamming.setting) == (Dial.HAMMING, 4.0)
    assert hamming.quality.recall == pytest.approx(2 / 5)
    # SSCD alone: 0.9 and 0.8 are copies, 0.7 is none; 0.705 is the widest step that leaves it out.
    assert (plain.dial, plain.setting) == (Dial.PLAIN, 0.705)
    assert plain.quality.recall == pytest.approx(2 / 5)
    # With geometry only `normal` refuses both strangers, down to the floor.
    assert (funnel.dial, funnel.preset, funnel.setting) == (Dial.FUNNEL, "normal", 0.15)
    assert funnel.quality.recall == pytest.approx(4 / 5)


def test_a_lower_precision_widens_the_dials() -> None:
    hamming, plain, funnel = tune_dials(HAND, 0.6)
    assert hamming.setting == 16
    assert hamming.quality.precision == pytest.approx(3 / 5)
    assert plain.setting == 0.15
    assert funnel.setting == 0.15
    assert funnel.preset == "normal"


def test_a_precision_out_of_reach_is_said() -> None:
    worst = dataclasses.replace(HAND, true=~HAND.true)
    hamming, plain, _ = tune_dials(worst, 1.0)
    assert hamming.setting is None
    assert plain.setting is None
    assert "no setting" in " ".join(tune_lines([hamming], worst, 1.0))
    with pytest.raises(BadInput, match="nothing was written"):
        settings_to_apply([hamming, plain], verify=False)


def test_the_curve_holds_every_setting_and_recall_only_grows() -> None:
    for one in tune_dials(HAND, 0.9):
        assert [point.setting for point in one.curve] == settings_of(one.dial)
        recalls = [point.recall for point in one.curve]
        assert recalls == sorted(recalls)


def test_quality_and_answers_by_hand() -> None:
    assert answered(HAND, Dial.HAMMING, "", 5).tolist() == [True, True, True, False, False, False]
    assert answered(HAND, Dial.FUNNEL, "normal", 0.55).tolist() == [True, True, False, True, False, False]
    found = quality_at(HAND, Dial.PLAIN, "", 0.6)
    assert (found.found, found.wrong, found.missed) == (3, 1, 2)


def test_flat_pictures_and_missing_vectors_are_never_near() -> None:
    assert hash_distance(0, flat=True) == 64
    bare = dataclasses.replace(HAND, similarity=np.full(6, np.nan))
    assert [one.dial for one in tune_dials(bare, 0.9)] == [Dial.HAMMING]


def test_copies_and_others_are_needed() -> None:
    for true in (np.ones(6, bool), np.zeros(6, bool)):
        lone = dataclasses.replace(HAND, true=true, missed=np.empty(0, np.int64))
        with pytest.raises(BadInput, match="pairs that are copies and pairs that are not"):
            tune_dials(lone, 0.9)


def test_what_is_applied() -> None:
    tuned = tune_dials(HAND, 1.0)
    assert settings_to_apply(tuned, verify=True) == {"threshold": 0.15, "preset": "normal", "hamming": 4}
    assert settings_to_apply(tuned, verify=False) == {"threshold": 0.705, "hamming": 4}
    assert settings_to_apply(tuned[:1], verify=True) == {"hamming": 4}


def test_the_document_shows_intervals_and_curves() -> None:
    document = tune_document(tune_dials(HAND, 1.0), HAND, 1.0)
    assert document["schema"] == "neardup.eval-tune/1"
    assert (document["true_pairs"], document["false_pairs"]) == (5, 2)
    for dial in document["dials"]:
        low, high = dial["precision_next"]
        assert 0 <= low <= dial["precision"] <= high <= 1
        assert len(dial["curve"]) > 10


def simulated(seed: int, photographs: int = 120, copies: int = 8) -> Labelled:
    """Copies and look-alikes whose similarities overlap, some photographs worse than others."""
    rng = np.random.default_rng(seed)
    true = np.tile(np.arange(2 * copies) < copies, photographs)
    cluster = np.repeat(np.arange(photographs), 2 * copies)
    shift = np.repeat(rng.normal(0, 0.05, photographs), 2 * copies)
    similarity = np.clip(rng.normal(np.where(true, 0.65, 0.35), 0.12) + shift, -1, 1)
    hamming = np.clip(rng.normal(np.where(true, 6, 15), 4), 0, 64).astype(np.int64)
    return Labelled(similarity, hamming, {"normal": similarity > 0.3}, true, cluster, np.empty(0, np.int64))


def test_what_is_tuned_on_one_half_holds_on_the_other() -> None:
    """Bar 3, on simulated pairs: the precision of the other half lies in the interval, in 95 of 100 cases."""
    held = total = 0
    for seed in range(12):
        pairs = simulated(seed)
        for one in tune_dials(pairs.of_clusters(np.arange(0, 120, 2)), 0.95, seed=seed):
            if one.setting is None:
                continue
            other = quality_at(pairs.of_clusters(np.arange(1, 120, 2)), one.dial, one.preset, one.setting)
            held += other.precision in one.precision
            total += 1
    assert total >= 30
    assert held / total >= 0.9
