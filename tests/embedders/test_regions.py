from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neardup_cli.embedders.base import resize_to_input
from neardup_cli.embedders.regions import REGION_SIDE, REGIONS, prepare_regions, region_box
from neardup_cli.embedders.shape import input_shape


def test_five_regions_of_half_the_size() -> None:
    boxes = [region_box(region, (400, 300)) for region in range(len(REGIONS))]
    assert boxes == [
        (0, 0, 200, 150),
        (200, 0, 400, 150),
        (0, 150, 200, 300),
        (200, 150, 400, 300),
        (100, 75, 300, 225),
    ]


def test_a_quarter_of_a_collage_is_prepared_like_the_picture_in_it(
    photographs: dict[str, Image.Image],
) -> None:
    cell = photographs["coffee"].resize((300, 200))
    collage = Image.new("RGB", (600, 400), "white")
    collage.paste(cell, (300, 200))
    quarter = prepare_regions(collage)[3].astype(int)
    alone = resize_to_input(cell, REGION_SIDE).astype(int)
    # Beside the seam, the antialiasing of the resize sees the neighbours.
    assert np.abs(quarter - alone)[4:, 4:].max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "YCbCr"])
def test_regions_keep_the_aspect_ratio_and_are_rgb(mode: str) -> None:
    red = Image.new("RGB", (900, 300), (200, 30, 40)).convert(mode)
    inputs = prepare_regions(red)
    width, height = input_shape((900, 300), REGION_SIDE)
    assert [part.shape for part in inputs] == [(height, width, 3)] * len(REGIONS)
    assert all(np.abs(part.astype(int) - (200, 30, 40)).max() <= 2 for part in inputs)


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_smallest_pictures_have_regions_too(width: int, height: int) -> None:
    inputs = prepare_regions(Image.new("RGB", (width, height), "blue"))
    assert len(inputs) == len(REGIONS)
    assert all((part == (0, 0, 255)).all() for part in inputs)
