"""The hard negatives are different pictures, the same at every run, and no pair of them matches."""

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageChops

from neardup_cli.evaluation.hard_negatives import FAMILIES, hard_families
from neardup_cli.matching.features import FEATURE_SIDE, LocalFeatures, extract_features
from neardup_cli.matching.verify import verify_pair

SIZE = 3


@pytest.fixture(scope="module")
def sources() -> list[Image.Image]:
    return [Image.fromarray(getattr(skimage.data, name)()) for name in ("astronaut", "coffee", "chelsea")]


def features(picture: Image.Image) -> LocalFeatures:
    picture.thumbnail((FEATURE_SIDE, FEATURE_SIDE), Image.Resampling.BOX)
    return extract_features(np.asarray(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY), dtype=np.uint8))


def test_every_family_is_drawn_with_the_pictures_asked_for(sources: list[Image.Image]) -> None:
    families = list(hard_families(sources, SIZE))
    assert [family.name for family in families] == list(FAMILIES)
    assert len(families) >= 12
    for family in families:
        assert len(family.pictures) == SIZE
        assert len(list(family.pairs())) == SIZE * (SIZE - 1) // 2
        for a, b in family.pairs():
            assert a.mode == b.mode == "RGB"
            assert a.size != b.size or ImageChops.difference(a, b).getbbox() is not None, family.name


def test_a_seed_draws_the_same_pictures(sources: list[Image.Image]) -> None:
    first, again, other = (
        {family.name: family.pictures for family in hard_families(sources, 1, seed=seed)}
        for seed in (1, 1, 2)
    )
    assert all(first[name][0].tobytes() == again[name][0].tobytes() for name in FAMILIES)
    assert first["paper-form"][0].tobytes() != other["paper-form"][0].tobytes()


def test_a_family_needs_a_photograph_for_each_picture(sources: list[Image.Image]) -> None:
    with pytest.raises(ValueError, match="4 pictures a family need as many photographs, not 3"):
        next(hard_families(sources, 4))


def test_no_pair_matches(sources: list[Image.Image]) -> None:
    for family in hard_families(sources, SIZE):
        prepared = [features(picture) for picture in family.pictures]
        for place, b in enumerate(prepared):
            for a in prepared[:place]:
                verdict = verify_pair(a, b)
                assert not verdict.matched, (family.name, verdict)
