"""The last fraction of a pixel between two images that are one already: what resizing and trimming leave."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.features import Grey

type Floats32 = NDArray[np.float32]

_SIDE = 1400  # pixels of the longer side where displacements are measured
_ROUNDS = 3
_STILL = 0.03  # pixels: nothing is gained from a smaller step
_STILL_AT_FIRST = 0.15  # pixels: of two images of one size, that move by more or not at all
_LEAST_SLOPE = 1.5  # grey levels a pixel
_FEWEST = 60
_MOST = 40_000
_TRUSTED = 0.8  # share of the pixels that count: what was changed must not pull


def register(fixed: Grey, moving: Grey, *, resized: bool = True) -> Affine:
    """Find the small affine map from the pixels of `fixed` to those of `moving`, both of one size.

    Gradient descent on the brightness (Lucas, Kanade 1981) with a gain, from coarse to fine steps. It finds
    shifts of a few pixels at `_SIDE`; where nothing can be followed it returns the identity.

    Args:
        fixed: `uint8 [height, width]`.
        moving: the same.
        resized: whether one of them had another size: what was not moves by no fraction of a pixel.
    """
    shrink = min(1.0, _SIDE / max(fixed.shape))
    target = _prepared(fixed, shrink)
    height, width = fixed.shape
    found = np.eye(2, 3)
    moved = moving
    for still in (_STILL if resized else _STILL_AT_FIRST, *[_STILL] * (_ROUNDS - 1)):
        step = _step(target, _prepared(moved, shrink))
        if step is None:
            break
        to_small = affine.scaling(target.shape[1] / width, target.shape[0] / height)
        step = affine.compose(affine.invert(to_small), affine.compose(step, to_small))
        found = affine.compose(found, step)
        if displacement(step, (width, height)) * shrink < still:
            break
        moved = warped(moving, found)
    return found


def warped[Pixels: NDArray[np.uint8] | NDArray[np.float32]](moving: Pixels, to_moving: Affine) -> Pixels:
    """Draw an image so that it lies on the one that it was registered to."""
    size = (moving.shape[1], moving.shape[0])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    drawn = cv2.warpAffine(moving, to_moving, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, dtype=moving.dtype)  # type: ignore[return-value]


def displacement(transform: Affine, size: affine.Size) -> float:
    """Return how far the corner that moves most is moved, in pixels."""
    corners = affine.corners(size)
    return float(np.abs(affine.apply(transform, corners) - corners).max())


def _prepared(grey: Grey, shrink: float) -> Floats32:
    if shrink < 1:
        size = (max(8, round(grey.shape[1] * shrink)), max(8, round(grey.shape[0] * shrink)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), np.float32)


def _step(target: Floats32, moved: Floats32) -> Affine | None:
    """Return one step of the descent; None where too little of the image has a slope."""
    height, width = target.shape
    side = float(max(height, width))
    across = cv2.Sobel(moved, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(moved, cv2.CV_32F, 0, 1, scale=0.125)
    steep = np.abs(across) + np.abs(down) > _LEAST_SLOPE
    steep[:3] = steep[-3:] = False
    steep[:, :3] = steep[:, -3:] = False
    places = np.flatnonzero(steep)
    if len(places) < _FEWEST:
        return None
    places = places[:: max(1, len(places) // _MOST)]
    x, y = (places % width - width / 2) / side, (places // width - height / 2) / side
    gx, gy, level = (np.asarray(part).ravel()[places] for part in (across, down, moved))
    rows = np.stack([gx, gx * x, gx * y, gy, gy * x, gy * y, level / 64, np.ones_like(gx)], axis=1)
    fit = _robust_fit(rows.astype(np.float64), (target - moved).ravel()[places].astype(np.float64))
    a, b, c, d, e, f = fit[:6]
    offset_x = a - (b * width + c * height) / 2 / side
    offset_y = d - (e * width + f * height) / 2 / side
    return np.array([[1 + b / side, c / side, offset_x], [e / side, 1 + f / side, offset_y]])


def _robust_fit(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.ones(len(wanted), dtype=bool)
    fit = np.zeros(rows.shape[1])
    for _ in range(2):
        some = rows[kept]
        fit = np.linalg.solve(some.T @ some + 1e-3 * np.eye(rows.shape[1]), some.T @ wanted[kept])
        error = np.abs(wanted - rows @ fit)
        kept = error <= np.quantile(error, _TRUSTED)
    return np.asarray(fit)
