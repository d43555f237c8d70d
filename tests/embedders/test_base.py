from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neardup_cli.embedders.base import checked_vectors, resize_to_input, unit_rows
from neardup_cli.embedders.shape import input_shape, preprocessing
from neardup_cli.errors import ModelInvalid
from neardup_cli.records.files import ModelIdentity

lengths = st.integers(1, 20_000)
sides = st.integers(2, 20).map(lambda strides: strides * 32)


@given(lengths, lengths, sides)
def test_sides_are_multiples_of_32_and_the_area_is_about_a_square(width: int, height: int, side: int) -> None:
    wide, high = input_shape((width, height), side)
    assert wide % 32 == high % 32 == 0
    assert min(wide, high) >= 32
    # Rounding moves either side by half a stride at most.
    ratio = min(max(width / height, 1 / 4), 4) ** 0.5
    assert abs(wide - side * ratio) <= 16
    assert abs(high - side / ratio) <= 16
    assert input_shape((height, width), side) == (high, wide)


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((1000, 1000), (288, 288)),
        ((1, 1), (288, 288)),
        ((4000, 3000), (320, 256)),
        ((3000, 4000), (256, 320)),
        ((1920, 1080), (384, 224)),
        ((10_000, 100), (576, 128)),
        ((4, 1), (576, 128)),
        ((1, 20_000), (128, 576)),
    ],
)
def test_shapes(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert input_shape(size, 288) == shape


def test_smallest_input() -> None:
    assert input_shape((4000, 1000), 64) == (128, 32)


@given(lengths, lengths)
def test_panoramas_cost_no_more_than_squares(width: int, height: int) -> None:
    wide, high = input_shape((width, height), 288)
    assert 0.8 < wide * high / 288**2 < 1.2


@pytest.mark.parametrize("mode", ["RGB", "YCbCr"])
def test_resized_pixels(mode: str) -> None:
    orange = (230, 120, 40)
    pixels = resize_to_input(Image.new("RGB", (70, 40), orange).convert(mode), 96)
    assert pixels.shape == (64, 128, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - orange).max() <= 3


def test_small_ycbcr_picture_equals_the_rgb_one(photographs: dict[str, Image.Image]) -> None:
    photograph = photographs["astronaut"]
    from_rgb = resize_to_input(photograph, 96).astype(int)
    from_ycc = resize_to_input(photograph.convert("YCbCr"), 96).astype(int)
    assert np.abs(from_rgb - from_ycc).mean() < 1.5


def test_resizing_averages() -> None:
    """Without antialiasing a fine chequerboard would come out black, white, or striped."""
    board = Image.fromarray((np.indices((960, 960)).sum(axis=0) % 2 * 255).astype(np.uint8)).convert("RGB")
    assert np.abs(resize_to_input(board, 96).astype(int) - 127).max() <= 3


def test_preprocessing_names_the_side() -> None:
    assert preprocessing(288) != preprocessing(320)
    assert "288" in preprocessing(288)


def test_unit_rows() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0], [0, -2], [1e-9, 0]], np.float64))
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0, 0], [0, -1], [1, 0]]))
    assert unit_rows(np.empty((0, 5))).shape == (0, 5)


def test_numbers_too_large_for_their_squares_are_no_warning() -> None:
    """A foreign network may give any: here warnings are errors, on a terminal they would be lines."""
    largest = np.finfo(np.float32).max
    rows = unit_rows(np.array([[largest, largest], [3, 4], [0, 0], [-largest, 1]], np.float32))
    assert rows == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0.6, 0.8], [0, 0], [-1, 0]]))
    model = ModelIdentity("x", "", 2, "")
    pixels = np.zeros((1, 4, 4, 3), np.uint8)
    with pytest.raises(ModelInvalid, match="not finite"):
        checked_vectors(np.array([[1e300, 1.0]]), model, pixels)
