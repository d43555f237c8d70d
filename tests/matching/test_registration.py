"""The last fraction of a pixel between two images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.registration import displacement, register, warped
from tests.photographed import photographed

MOVES = [
    [[1, 0, 0.3], [0, 1, -0.2]],
    [[1, 0, -2.5], [0, 1, 1.75]],
    [[1.004, 0, 0.5], [0, 1.004, -1.0]],
    [[1, 0.004, -1], [-0.004, 1, 1.5]],
]


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    return np.asarray(photographed("astronaut").convert("L"))


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize(("gain", "noise"), [(1.0, 0.0), (1.1, 2.0)])
def test_a_known_move_is_recovered(
    scene: NDArray[np.uint8], move: list[list[float]], gain: float, noise: float
) -> None:
    known = np.array(move)
    fixed = warped(scene, known).astype(np.float32) * gain
    fixed += np.random.default_rng(4).normal(0, noise, fixed.shape).astype(np.float32)
    found = register(np.clip(fixed, 0, 255).astype(np.uint8), scene)
    corners = affine.corners((512, 512))
    apart = np.abs(affine.apply(found, corners) - affine.apply(known, corners)).max()
    assert apart < 0.25


def test_what_was_changed_does_not_pull(scene: NDArray[np.uint8]) -> None:
    known = np.array([[1, 0, 1.2], [0, 1, -0.6]])
    fixed = warped(scene, known).copy()
    cv2.rectangle(fixed, (300, 40), (420, 140), 255, -1)
    found = register(fixed, scene)
    assert np.abs(found[:, 2] - known[:, 2]).max() < 0.2


def test_large_images_are_measured_small(scene: NDArray[np.uint8]) -> None:
    large = np.asarray(cv2.resize(scene, (3000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    known = np.array([[1, 0, 6.0], [0, 1, -4.0]])
    found = register(warped(large, known), large)
    assert np.abs(found[:, 2] - known[:, 2]).max() < 0.6


def test_where_nothing_can_be_followed_nothing_moves() -> None:
    flat = np.full((200, 300), 90, np.uint8)
    assert np.array_equal(register(flat, flat), np.eye(2, 3))
    assert np.array_equal(register(flat[:4, :4], flat[:4, :4]), np.eye(2, 3))


def test_the_corner_that_moves_most_counts() -> None:
    assert displacement(np.eye(2, 3), (100, 50)) == 0
    assert displacement(np.array([[1, 0, 3.0], [0, 1, -4.0]]), (100, 50)) == 4
    assert displacement(np.array([[1.01, 0, 0], [0, 1, 0]]), (100, 50)) == pytest.approx(1.0, abs=0.02)
