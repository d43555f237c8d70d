from __future__ import annotations

import cv2
import numpy as np
import pytest

from neardup_cli.matching import affine
from neardup_cli.matching.agreement import align, warp
from neardup_cli.matching.features import Grey

WHOLE = np.eye(2, 3)


def ramp(width: int, height: int) -> Grey:
    """A picture in which each place has a value of its own, smooth enough to tell where it was drawn."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.asarray(128 + 60 * np.sin(x / 17) + 60 * np.cos(y / 23), np.uint8)


@pytest.mark.parametrize("colours", [(), (3,)])
def test_a_picture_that_is_the_frame_is_drawn_as_it_is(colours: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, *colours), dtype=np.uint8)
    drawn = warp(pixels, WHOLE, (48, 32))
    assert np.array_equal(drawn, pixels[:32, :48])
    assert np.array_equal(drawn, cv2.warpAffine(pixels, WHOLE, (48, 32)))


def test_a_frame_that_is_larger_than_the_picture_is_filled_from_its_edge() -> None:
    pixels = ramp(40, 40)
    drawn = warp(pixels, WHOLE, (48, 40))
    assert np.array_equal(drawn[:, :40], pixels)
    assert (drawn[:, 40:] == pixels[:, -1:]).all()


@pytest.mark.parametrize(("width", "height"), [(400, 300), (401, 300), (400, 301), (403, 299)])
@pytest.mark.parametrize("shrink", [0.5, 0.3, 0.25, 0.12])
def test_what_is_drawn_smaller_stays_in_its_place(width: int, height: int, shrink: float) -> None:
    size = int(width * shrink) - 1, int(height * shrink) - 1
    drawn = warp(ramp(width, height), affine.scaling(shrink, shrink), size)
    x, y = np.meshgrid(*(np.arange(side) / shrink for side in size))
    # Halving takes the mean of pixels whose middle lies half a pixel, and then more, to the lower right.
    aside = (2 ** np.floor(-np.log2(shrink) + 0.5) - 1) / 2
    expected = 128 + 60 * np.sin((x + aside) / 17) + 60 * np.cos((y + aside) / 23)
    assert np.abs(drawn.astype(float) - expected).mean() < 2.0


def test_the_smallest_pictures_are_drawn() -> None:
    assert warp(np.full((1, 300), 7, np.uint8), affine.scaling(0.1, 0.1), (30, 1)).tolist() == [[7] * 30]


def test_two_pictures_of_odd_sizes_come_to_lie_on_each_other() -> None:
    large = ramp(415, 277)
    small = cv2.resize(large, (139, 93), interpolation=cv2.INTER_AREA)
    pair = align(large, np.asarray(small, np.uint8), affine.scaling(139 / 415, 93 / 277))
    assert pair is not None
    assert pair.a.shape == pair.b.shape == (88, 136)
    assert np.abs(pair.a.astype(int) - pair.b).mean() < 4.0
