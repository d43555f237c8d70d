"""What an image would look like if it had been made from another one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.matching.expectation import expect
from tests.photographed import photographed


@pytest.fixture(scope="module")
def grey() -> NDArray[np.uint8]:
    return np.asarray(photographed("coffee").convert("L"))


def resized(grey: NDArray[np.uint8], size: tuple[int, int], kernel: Image.Resampling) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(grey).resize(size, kernel))


def test_of_one_size_nothing_is_fitted(grey: NDArray[np.uint8]) -> None:
    found = expect(grey, grey)
    assert (found.kernel, found.shift, found.mixture) == (None, None, None)
    assert (found.gain, found.moved, found.tone_change()) == (1.0, 0.0, 0.0)
    assert np.array_equal(found.band(32, 80), grey[32:80])


@pytest.mark.parametrize("kernel", [Image.Resampling(number) for number in (1, 2, 3, 4, 5)])
def test_the_kernel_is_found(grey: NDArray[np.uint8], kernel: Image.Resampling) -> None:
    small = resized(grey, (250, 167), kernel)
    found = expect(small, grey)
    assert found.kernel is kernel
    assert np.abs(found.band(0, 167) - small).mean() < 1
    assert found.gain == pytest.approx(1, abs=0.02)


def test_the_shift_is_found(grey: NDArray[np.uint8]) -> None:
    moved = np.asarray(
        cv2.warpAffine(grey, np.array([[1, 0, 1.4], [0, 1, -0.8]]), (600, 400), flags=cv2.INTER_CUBIC),
        np.uint8,
    )
    found = expect(moved, grey)
    assert found.shift is not None
    assert found.moved == pytest.approx(1.4, abs=0.15)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(found.band(0, 400) - moved)[inner].mean() < 1.5


def test_a_contrast_is_found(grey: NDArray[np.uint8]) -> None:
    small = resized(grey, (300, 200), Image.Resampling.LANCZOS).astype(np.float32)
    flat = np.rint(small * 0.7 + 40).astype(np.uint8)
    found = expect(flat, grey)
    assert found.gain == pytest.approx(0.7, abs=0.03)
    assert found.tone_change() == pytest.approx(abs(float(flat.mean()) - float(grey.mean())), abs=2)
    assert np.abs(found.band(0, 200) - flat).mean() < 1.5


def test_bands_are_parts_of_the_whole(grey: NDArray[np.uint8]) -> None:
    moved = np.roll(resized(grey, (450, 300), Image.Resampling.BICUBIC), 1, axis=1)
    found = expect(moved, grey)
    whole = found.band(0, 300)
    assert whole.shape == (300, 450)
    for top, bottom in ((0, 64), (64, 200), (200, 300)):
        # OpenCV draws at thirty-seconds of a pixel, which an edge of black and white feels here and there.
        apart = np.abs(found.band(top, bottom) - whole[top:bottom])
        assert apart.mean() < 0.3
        assert apart.max() < 8


def test_flat_images_are_expected_flat() -> None:
    flat = np.full((40, 60), 120, np.uint8)
    found = expect(flat[::2, ::2].copy(), flat)
    assert np.abs(found.band(0, 20) - 120).max() < 1
