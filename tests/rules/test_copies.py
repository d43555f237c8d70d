"""One pair through the funnel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neardup_cli.records.matches import Alignment, Stage
from neardup_cli.rules.copies import Judgement, Limits

LIMITS = Limits(0.2, 10, 4, certainty=0.99, preset="normal")
FITS = Alignment(
    matched=True, reason="the pixels agree", inliers=9, transform=(), mirrored=False, agreement=0.9,
    content_a=1.0, content_b=1.0, coverage_a=1.0, coverage_b=1.0, tone=1.0, spread=1.0, evidence=4.0,
)  # fmt: skip
DIFFERS = replace(FITS, matched=False, reason="the pixels disagree")


def judge(limits: Limits, similarity: float | None, found: Alignment | None, *, seen: bool) -> Judgement:
    """Judge a pair that only differs in what the test is about."""
    return limits.judge(
        hamming=30,
        similarity=similarity,
        flat=False,
        same_bytes=False,
        align=lambda: found,
        seen=lambda: seen,
    )


@pytest.mark.parametrize(
    ("similarity", "found", "seen", "stage"),
    [
        (0.1, FITS, False, None),  # nobody looks at the pixels
        (0.1, FITS, True, Stage.GEOMETRY),
        (0.1, DIFFERS, True, None),
        (0.1, None, True, None),
        (0.5, FITS, False, Stage.GEOMETRY),
        (0.995, DIFFERS, False, None),  # pixels that were looked at are not overruled
        (0.995, None, False, Stage.VERIFIER),
        (None, FITS, True, None),  # without embeddings there are no regions
    ],
)
def test_a_region_opens_the_door_and_decides_nothing(
    similarity: float | None, found: Alignment | None, *, seen: bool, stage: Stage | None
) -> None:
    assert judge(LIMITS, similarity, found, seen=seen).stage is stage


def test_a_region_makes_nothing_certain() -> None:
    """The whole pictures are more alike than certainty asks, and less than the user does."""
    limits = replace(LIMITS, threshold=0.999)
    assert judge(limits, 0.995, DIFFERS, seen=True) == Judgement(None, DIFFERS)
    assert judge(limits, 0.995, FITS, seen=True).stage is Stage.GEOMETRY


def test_without_geometry_regions_are_not_asked() -> None:
    limits = replace(LIMITS, threshold=0.75, certainty=None, preset=None)
    for similarity, stage in ((0.7, None), (0.8, Stage.VERIFIER)):
        assert judge(limits, similarity, FITS, seen=True) == Judgement(stage)


@pytest.mark.parametrize(
    ("least", "stage"), [(0.9, Stage.GEOMETRY), (FITS.confidence, Stage.GEOMETRY), (0.99, None)]
)
def test_a_match_has_to_be_as_sure_as_was_asked(least: float, stage: Stage | None) -> None:
    assert 0.98 < FITS.confidence < 0.99
    for similarity in (0.5, 0.995):
        found = judge(replace(LIMITS, least=least), similarity, FITS, seen=False)
        assert (found.stage is None) == (stage is None)
        assert found.alignment is not None
        assert found.alignment.confidence == FITS.confidence
        assert found.alignment.reason == ("the pixels agree" if stage else "too little speaks for it")
