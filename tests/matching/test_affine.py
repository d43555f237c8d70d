import cv2
import numpy as np
import pytest

from neardup_cli.matching import affine


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_whole_frame_is_what_numpy_does(turns: int, mirrored: bool) -> None:
    rng = np.random.default_rng(turns)
    a = rng.integers(0, 256, (30, 40), dtype=np.uint8)
    b = np.rot90(a[:, ::-1] if mirrored else a, turns)
    size_b = (b.shape[1], b.shape[0])
    transform = affine.whole_frame((40, 30), size_b, turns, mirrored=mirrored)
    assert np.array_equal(cv2.warpAffine(a, transform, size_b, flags=cv2.INTER_NEAREST), b)


def test_compose_applies_the_inner_first_and_invert_undoes() -> None:
    turn, move = np.array([[0.0, -2, 0], [2, 0, 0]]), np.array([[1.0, 0, 5], [0, 1, 7]])
    points = np.array([[1.0, 2.0], [-3.0, 4.0]])
    both = affine.compose(move, turn)
    assert np.allclose(affine.apply(both, points), affine.apply(move, affine.apply(turn, points)))
    assert np.allclose(affine.apply(affine.invert(both), affine.apply(both, points)), points)
    assert affine.scale_of(both) == pytest.approx(2)


def test_coverage_of_a_quarter() -> None:
    transform = np.array([[0.5, 0, 0], [0, 0.5, 0]])
    assert affine.coverage((100, 80), (100, 80), transform) == pytest.approx((1.0, 0.25))
    away = np.array([[1.0, 0, 500], [0, 1, 0]])
    assert affine.coverage((100, 80), (100, 80), away) == (0.0, 0.0)


def test_coverage_of_pictures_that_nearly_coincide() -> None:
    nearly = np.array([[0.9998458, -4.8e-06, 0.0044], [-1.4e-10, 1.0, 1.5e-08]])
    assert affine.coverage((312, 416), (312, 416), nearly) == pytest.approx((1.0, 1.0), abs=1e-3)


def test_coverage_of_a_turned_picture() -> None:
    """A square turned by 45° shares a regular octagon with itself: 2·(√2 - 1) of its area."""
    c = 0.5**0.5
    turn = np.array([[c, c, 50 - 100 * c], [-c, c, 50.0]])
    assert affine.coverage((100, 100), (100, 100), turn) == pytest.approx((0.8284, 0.8284), abs=1e-3)


def test_only_maps_that_edits_make_are_plausible() -> None:
    assert affine.is_plausible(np.array([[0.5, 0, 3], [0, 0.4, 2]]), 8, 1.8)
    for matrix in (
        [[9, 0, 0], [0, 9, 0]],
        [[0.1, 0, 0], [0, 0.1, 0]],
        [[1, 0, 0], [0, 2, 0]],
        [[1, 1, 0], [1, 1, 0]],
    ):
        assert not affine.is_plausible(np.array(matrix, dtype=float), 8, 1.8)
    assert not affine.is_plausible(np.full((2, 3), np.nan), 8, 1.8)
