"""What still moves after two pictures are aligned: nothing in a copy, people and leaves in a second shot."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching.affine import Affine
from neardup_cli.matching.agreement import align
from neardup_cli.matching.features import Grey

type Floats = NDArray[np.float64]

_SIDE = 416
_CELL = 32
_REACH = 10
_NEAR = 3  # a third of the time, and the answer of nine cells in ten of a copy
# A cell counts where it has texture in both directions and finds itself again near by.
_LEAST_CORNER = 2e-4
_LEAST_PEAK = 0.8
_FEWEST_CELLS = 9
_MOVED_PIXELS = 1.25


@dataclass(frozen=True, slots=True)
class Residual:
    """Local displacements that no smooth map of the whole picture explains.

    Attributes:
        cells: 32×32 cells of the overlap (drawn 416 pixels wide) that could be followed.
        moved: share of them that moved by more than 1.25 pixels, in [0, 1].
        pixels: the displacement that a tenth of the cells exceeds, in pixels.
    """

    cells: int = 0
    moved: float = 0.0
    pixels: float = 0.0


def measure_residual(a: Grey, b: Grey, transform: Affine) -> Residual:
    """Follow small cells from a to b and see whether they move together, about 3 ms."""
    pair = align(a, b, transform, _SIDE)
    if pair is None:
        return Residual()
    places, shifts = _follow(pair.a, pair.b, pair.inside)
    if len(places) < _FEWEST_CELLS:
        return Residual(cells=len(places))
    left = _unexplained(places / (pair.a.shape[1], pair.a.shape[0]), shifts)
    lengths = np.hypot(*left.T)
    return Residual(len(places), float(np.mean(_moved(places, left))), float(np.quantile(lengths, 0.9)))


def _follow(a: Grey, b: Grey, inside: Grey) -> tuple[Floats, Floats]:
    """Find each textured cell of a in b: places `[n, 2]` and shifts `[n, 2]`, x and y in pixels."""
    corners = cv2.cornerMinEigenVal(a, 5)
    places, shifts = [], []
    height, width = a.shape
    for y in range(_REACH, height - _CELL - _REACH + 1, _CELL):
        for x in range(_REACH, width - _CELL - _REACH + 1, _CELL):
            around = slice(y - _REACH, y + _CELL + _REACH), slice(x - _REACH, x + _CELL + _REACH)
            cell = slice(y, y + _CELL), slice(x, x + _CELL)
            if inside[around].min() < 255 or corners[cell].max() < _LEAST_CORNER:
                continue
            shift = _found_again(a[cell], b[around])
            if shift is not None:
                places.append((x, y))
                shifts.append(shift)
    return np.array(places, np.float64).reshape(-1, 2), np.array(shifts, np.float64).reshape(-1, 2)


def _found_again(cell: Grey, around: Grey) -> tuple[float, float] | None:
    """Find a cell in its surroundings: near its place, where it nearly always is, and else farther off."""
    margin = _REACH - _NEAR
    near = _peak(cell, around[margin:-margin, margin:-margin], _NEAR)
    return _peak(cell, around, _REACH) if near is None else near


def _peak(cell: Grey, around: Grey, reach: int) -> tuple[float, float] | None:
    """Locate the best score to a fraction of a pixel; None if it is low or at the border of the search."""
    scores = np.asarray(cv2.matchTemplate(around, cell, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    if best < _LEAST_PEAK or not (0 < x < 2 * reach and 0 < y < 2 * reach):
        return None
    row, column = scores[y, x - 1 : x + 2], scores[y - 1 : y + 2, x]
    return x + _vertex(row) - reach, y + _vertex(column) - reach


def _vertex(three: NDArray[np.float32]) -> float:
    """Give the top of the parabola through three equidistant values, relative to the middle one."""
    left, middle, right = (float(value) for value in three)
    bend = left - 2 * middle + right
    return 0.0 if bend == 0 else 0.5 * (left - right) / bend


def _unexplained(places: Floats, shifts: Floats) -> Floats:
    """Take the smooth part of the shifts away: a quadratic field, as a slanted photograph of a print has."""
    x, y = places.T - 0.5
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    basis = basis if len(places) > 3 * basis.shape[1] else basis[:, :3]
    kept = np.ones(len(places), dtype=bool)
    left = shifts
    for _ in range(3):  # what moved must not bend the field: leave the worst third out and fit again
        field, *_ = np.linalg.lstsq(basis[kept], shifts[kept], rcond=None)
        left = shifts - basis @ field
        lengths = np.hypot(*left.T)
        kept = lengths <= np.quantile(lengths, 0.67)
    return np.asarray(left)


def _moved(places: Floats, left: Floats) -> NDArray[np.bool_]:
    """Mark the cells that moved together with a neighbour: things move whole, a false find is on its own."""
    moved = np.hypot(*left.T) > _MOVED_PIXELS
    neighbours = np.abs(places[:, None] - places).max(axis=-1) == _CELL
    together = np.hypot(*np.moveaxis(left[:, None] - left, -1, 0)) < _MOVED_PIXELS
    return np.asarray(moved & (neighbours & together & moved).any(axis=1))
