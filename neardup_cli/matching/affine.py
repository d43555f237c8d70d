"""Affine maps between pictures: `float64 [2, 3]`, taking pixel (x, y) of one to pixel (x, y) of the other."""

import math

import numpy as np
from numpy.typing import NDArray

type Affine = NDArray[np.float64]
type Points = NDArray[np.float64]
type Size = tuple[int, int]
"""Width and height in pixels."""


def compose(outer: Affine, inner: Affine) -> Affine:
    """Apply `inner`, then `outer`."""
    both = outer[:, :2] @ inner
    both[:, 2] += outer[:, 2]
    return np.asarray(both)


def invert(transform: Affine) -> Affine:
    """Give the map back. The transform must not be singular."""
    (a, b, x), (c, d, y) = transform.tolist()
    size = a * d - b * c
    a, b, c, d = d / size, -b / size, -c / size, a / size
    return np.array([[a, b, -(a * x + b * y)], [c, d, -(c * x + d * y)]])


def apply(transform: Affine, points: Points) -> Points:
    """Map `[n, 2]` points."""
    return np.asarray(points @ transform[:, :2].T + transform[:, 2])


def scale_of(transform: Affine) -> float:
    """Give the factor by which lengths grow: the root of the factor for areas."""
    return math.sqrt(abs(determinant(transform)))


def determinant(transform: Affine) -> float:
    """Give the factor by which areas grow; it is negative where the map mirrors."""
    (a, b, _), (c, d, _) = transform.tolist()
    return float(a * d - b * c)


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
    width, height = size
    kept = [(x, y) for x, y in polygon.tolist()]
    for axis, sign, limit in ((0, 1.0, 0.0), (0, -1.0, -width), (1, 1.0, 0.0), (1, -1.0, -height)):
        depths = [sign * point[axis] - limit for point in kept]
        corners_before, kept = kept, []
        for place, point in enumerate(corners_before):
            before, depth, depth_before = corners_before[place - 1], depths[place], depths[place - 1]
            if (depth_before >= 0) != (depth >= 0):
                share = depth_before / (depth_before - depth)
                step_x, step_y = point[0] - before[0], point[1] - before[1]
                kept.append((before[0] + share * step_x, before[1] + share * step_y))
            if depth >= 0:
                kept.append(point)
    return np.array(kept).reshape(-1, 2)


def _area(polygon: Points) -> float:
    x, y = polygon.T
    last_x, last_y = np.concatenate([polygon[-1:], polygon[:-1]]).T
    return 0.5 * abs(float(x @ last_y - y @ last_x))


def is_plausible(transform: Affine, largest_scale: float, largest_stretch: float) -> bool:
    """Whether the map is one that an edit makes: no extreme scale, no extreme change of the aspect ratio."""
    if not np.isfinite(transform).all():
        return False
    # The singular values, the largest and the smallest scale, from their squares' sum and their product.
    product = abs(determinant(transform))
    total = float(np.square(transform[:, :2]).sum())
    larger = math.sqrt((total + math.sqrt(max(0.0, total * total - 4 * product * product))) / 2)
    smaller = product / larger if larger else 0.0
    return smaller * largest_scale > 1 and larger < largest_scale and larger < largest_stretch * smaller
