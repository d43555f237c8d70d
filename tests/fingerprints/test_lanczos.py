from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neardup_cli.fingerprints import lanczos
from neardup_cli.fingerprints.lanczos import shrink


def noise(width: int, height: int, seed: int, *, only_extremes: bool = False) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    return Image.fromarray(np.where(levels < 128, 0, 255).astype(np.uint8) if only_extremes else levels)


def by_pillow(image: Image.Image, width: int, height: int) -> list[list[int]]:
    levels: list[list[int]] = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)).tolist()
    return levels


@given(st.integers(1, 700), st.integers(1, 500), st.integers(0, 99), st.booleans())
def test_equals_pillow(width: int, height: int, seed: int, only_extremes: bool) -> None:
    image = noise(width, height, seed, only_extremes=only_extremes)
    assert shrink(image, 9, 8).tolist() == by_pillow(image, 9, 8)


@given(st.integers(64, 300), st.integers(20, 300), st.sampled_from([(8, 8), (17, 16), (32, 32)]))
def test_equals_pillow_for_other_thumbnails(width: int, height: int, wanted: tuple[int, int]) -> None:
    image = noise(width, height, width)
    assert shrink(image, *wanted).tolist() == by_pillow(image, *wanted)


@pytest.mark.parametrize("size", [(640, 640), (1000, 750), (750, 1000), (1279, 721), (5000, 40), (40, 5000)])
def test_equals_pillow_at_the_sizes_of_photographs(size: tuple[int, int]) -> None:
    for only_extremes in (False, True):
        image = noise(*size, seed=1, only_extremes=only_extremes)
        assert shrink(image, 9, 8).tolist() == by_pillow(image, 9, 8)


@pytest.mark.parametrize(("at_once", "a_product"), [(1, 1), (700, 90), (4000, 999)])
def test_bands_change_nothing(at_once: int, a_product: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(90, 101, seed=2)
    whole = shrink(image, 9, 8).tolist()
    monkeypatch.setattr(lanczos, "_PIXELS_AT_ONCE", at_once)
    monkeypatch.setattr(lanczos, "_PIXELS_A_PRODUCT", a_product)
    assert shrink(image, 9, 8).tolist() == whole


@pytest.mark.parametrize("side", [291, 303, 579, 591, 597, 609])
def test_a_pixel_that_should_be_a_centre_but_for_rounding(side: int) -> None:
    centres = [(number + 0.5) * (side / 9) for number in range(9)]
    assert any(0 < abs(centre - round(centre - 0.5) - 0.5) < 1e-9 for centre in centres)
    image = noise(side, side, seed=side)
    assert shrink(image, 9, 8).tolist() == by_pillow(image, 9, 8)
