"""Affine maps between pictures: `float64 [2, 3]`, taking pixel (x, y) of one to pixel (x, y) of the other."""

import math

import numpy as np
from numpy.typing import NDArray

type Affine = NDArray[np.float64]
type Points = NDArray[np.float64]
type Size = tuple[int, int]
"""Width and height in pixels."""


def square(transform: Affine) -> NDArray[np.float64]:
    """Add the row `0 0 1`, so that maps compose by `@`."""
    return np.vstack([transform, (0.0, 0.0, 1.0)])


def compose(outer: Affine, inner: Affine) -> Affine:
    """Apply `inner`, then `outer`."""
    return np.asarray((square(outer) @ square(inner))[:2])


def invert(transform: Affine) -> Affine:
    """Give the map back. The transform must not be singular."""
    return np.asarray(np.linalg.inv(square(transform))[:2])


def apply(transform: Affine, points: Points) -> Points:
    """Map `[n, 2]` points."""
    return np.asarray(points @ transform[:, :2].T + transform[:, 2])


def scale_of(transform: Affine) -> float:
    """Give the factor by which lengths grow: the root of the factor for areas."""
    return math.sqrt(abs(float(np.linalg.det(transform[:, :2]))))


def scaling(x: float, y: float) -> Affine:
    """Resize by `x` and `y`, keeping the picture's edge where it is: pixel centres lie at half numbers."""
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])


def mirror(width: int) -> Affine:
    """Exchange left and right within a picture of `width` pixels."""
    return np.array([[-1.0, 0, width - 1], [0, 1.0, 0]])


def whole_frame(size_a: Size, size_b: Size, quarter_turns: int, *, mirrored: bool) -> Affine:
    """Lay the whole of a on the whole of b after mirroring it and turning it counter-clockwise.

    The same as `np.rot90(a[:, ::-1] if mirrored else a, quarter_turns)` resized to b.
    """
    to_unit = np.array([[1 / size_a[0], 0, 0.5 / size_a[0]], [0, 1 / size_a[1], 0.5 / size_a[1]], [0, 0, 1]])
    from_unit = np.array([[size_b[0], 0, -0.5], [0, size_b[1], -0.5], [0, 0, 1.0]])
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    quarter = np.array([[0.0, 1, 0], [-1, 0, 1], [0, 0, 1]])
    return np.asarray((from_unit @ np.linalg.matrix_power(quarter, quarter_turns) @ flip @ to_unit)[:2])


def corners(size: Size) -> Points:
    """Give the four corners of a picture, clockwise from the top left."""
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)


def coverage(size_a: Size, size_b: Size, transform: Affine) -> tuple[float, float]:
    """Give the shares of a's and of b's area that lie on the other picture, each in [0, 1]."""
    shared = _area(_clipped(apply(transform, corners(size_a)), size_b))
    area_a = size_a[0] * size_a[1] * scale_of(transform) ** 2
    area_b = size_b[0] * size_b[1]
    return min(1.0, shared / area_a), min(1.0, shared / area_b)


def _clipped(polygon: Points, size: Size) -> Points:
    """Cut a polygon by the four sides of a picture (Sutherland, Hodgman 1974).

    OpenCV's `intersectConvexConvex` loses a third of the area where two rectangles nearly coincide.
    """
    for axis, sign, limit in ((0, 1.0, 0.0), (0, -1.0, -size[0]), (1, 1.0, 0.0), (1, -1.0, -size[1])):
        if len(polygon) == 0:
            break
        depth = sign * polygon[:, axis] - limit
        kept: list[NDArray[np.float64]] = []
        for place, point in enumerate(polygon):
            before = place - 1
            if (depth[before] >= 0) != (depth[place] >= 0):
                share = depth[before] / (depth[before] - depth[place])
                kept.append(polygon[before] + share * (point - polygon[before]))
            if depth[place] >= 0:
                kept.append(point)
        polygon = np.array(kept).reshape(-1, 2)
    return polygon


def _area(polygon: Points) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))


def is_plausible(transform: Affine, largest_scale: float, largest_stretch: float) -> bool:
    """Whether the map is one that an edit makes: no extreme scale, no extreme change of the aspect ratio."""
    if not np.isfinite(transform).all():
        return False
    larger, smaller = np.linalg.svd(transform[:, :2], compute_uv=False)
    return bool(smaller * largest_scale > 1 and larger < largest_scale and larger < largest_stretch * smaller)
