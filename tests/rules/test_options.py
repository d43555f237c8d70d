"""What a person may ask for: the words of the command line, everything else refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from neardup_cli.choices import Grouping
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.query import QueryOptions
from neardup_cli.rules.confidence import LEVELS
from neardup_cli.rules.copies import limits_for
from neardup_cli.rules.options import LEAST_CONFIDENCE, PRESETS, Matching


def test_words_stand_for_what_they_name() -> None:
    for kind in (Matching, DupsOptions, QueryOptions):
        assert kind(grouping="linked", preset="loose").grouping is Grouping.LINKED  # type: ignore[arg-type]
    assert Matching().grouping is Grouping.COHERENT


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"preset": "nope"}, "preset: 'nope' is none of strict, normal, loose"),
        ({"grouping": "nope"}, "grouping: 'nope' is none of coherent, linked"),
        ({"threshold": 2.0}, "threshold: 2 is not between -1 and 1"),
        ({"min_confidence": 0.4}, "min_confidence: 0.4 is not between 0.5 and 1"),
        ({"min_confidence": 1.5}, "min_confidence: 1.5 is not between 0.5 and 1"),
        ({"hamming": 65}, "hamming: 65 is not between 0 and 64"),
    ],
)
@pytest.mark.parametrize("kind", [Matching, DupsOptions, QueryOptions])
def test_others_are_refused(kind: type[Matching], asked: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        kind(**asked)


def test_the_presets_are_three_confidences() -> None:
    assert set(PRESETS) == set(LEVELS)
    assert LEVELS["strict"] > LEVELS["normal"] > LEVELS["loose"] == LEAST_CONFIDENCE


def test_a_confidence_stands_in_place_of_a_preset() -> None:
    for preset in PRESETS:
        assert limits_for("sscd", Matching(preset=preset)).least == LEVELS[preset]
        assert limits_for("sscd", Matching(preset=preset, min_confidence=0.75)).least == 0.75
