"""What an image would look like if it had been made from another one, of the same frame, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.features import Grey
from neardup_cli.matching.registration import displacement, register, warped

type Floats32 = NDArray[np.float32]
type Floats64 = NDArray[np.float64]

_KERNELS = tuple(Image.Resampling(number) for number in (4, 2, 5, 3, 1))  # box to Lanczos, by their softness
_REACH = 4  # pixels of the result: farther than any of them reaches
_WINDOW = 320  # pixels of the side of the window on which a kernel is chosen
_OUTLIER = 20  # grey levels from which a pixel counts no more: something else is there
_BLURS = (0.8, 1.6)  # an editor's sharpening, a phone's softening: a mixture of the image and its blurs
_SAMPLED = 30_000
_KEPT = 0.9
_LEAST_ERROR = 0.3  # grey levels: below, nothing has moved
_LEAST_GAIN = 0.07  # share of the error that a registration has to take away to be believed
_MARGIN = 16  # rows: farther than the blurs reach


@dataclass(frozen=True, eq=False, slots=True)
class Expectation:
    """Draws the expected image, a band of rows at a time.

    Attributes:
        kept: the other image's brightness, `uint8 [height, width]`, of any size.
        drawn: the same at the size and place of the image that is expected.
        kernel: by which it was resized; None where both have one size.
        shift: affine map from expected pixels to those of the resized other one; None where nothing moved.
        mixture: weights of the image, its blurs, and a constant; None where it is expected as it is.
    """

    kept: Grey
    drawn: Grey
    kernel: Image.Resampling | None = None
    shift: Affine | None = None
    mixture: tuple[float, ...] | None = None

    @property
    def size(self) -> affine.Size:
        """Width and height of the image that is expected."""
        return self.drawn.shape[1], self.drawn.shape[0]

    @property
    def gain(self) -> float:
        """By how much contrast grew."""
        return 1.0 if self.mixture is None else sum(self.mixture[:-1])

    @property
    def moved(self) -> float:
        """By how many pixels the corner moved that moved most."""
        return 0.0 if self.shift is None else displacement(self.shift, self.size)

    def tone_change(self) -> float:
        """By how many grey levels the image's mean level changed."""
        if self.mixture is None:
            return 0.0
        return abs((self.gain - 1) * float(self.kept.mean()) + self.mixture[-1])

    def unmixed(self) -> Expectation:
        """Return the expected image as it would be without its sharpening, softening and tones."""
        return replace(self, mixture=None)

    def rows(self, top: int, bottom: int) -> Grey | Floats32:
        """Return the rows from `top` to `bottom`, `[rows, width]`: whole levels where nothing is mixed."""
        if self.mixture is None:
            return self.drawn[top:bottom]
        first, last = max(0, top - _MARGIN), min(self.size[1], bottom + _MARGIN)
        return _mixed(self.drawn[first:last], self.mixture)[top - first : bottom - first]

    def band(self, top: int, bottom: int) -> Floats32:
        """Return the rows from `top` to `bottom`, `float32 [rows, width]`."""
        return self.rows(top, bottom).astype(np.float32, copy=False)

    def whole_levels(self, top: int, bottom: int) -> Grey:
        """Return the rows from `top` to `bottom` as an encoder gets them, `uint8 [rows, width]`."""
        return whole_levels(self.rows(top, bottom))


def whole_levels(expected: Grey | Floats32) -> Grey:
    """Round levels to what an image can hold, `uint8` of the same shape."""
    if expected.dtype == np.uint8:
        return np.asarray(expected, np.uint8)
    return np.clip(np.rint(expected), 0, 255).astype(np.uint8)


def expect(gone: Grey, kept: Grey) -> Expectation:
    """Find how `gone` was made from `kept`: by which kernel, moved by how little, sharpened or softened.

    Args:
        gone: `uint8 [height, width]`.
        kept: the same frame, at any size.
    """
    size = (gone.shape[1], gone.shape[0])
    kernel = None if kept.shape == gone.shape else _best_kernel(gone, kept)
    drawn = kept if kernel is None else _resize(kept, size, kernel, (0, 0, *size))
    small_gone, small_kept = _both_small(gone, drawn)
    error = _error(small_gone, small_kept)
    shift = None
    if error > _LEAST_ERROR:
        found = register(small_gone, small_kept, resized=kernel is not None)
        if _error(small_gone, warped(small_kept, found)) < (1 - _LEAST_GAIN) * error - 0.02:
            to_small = affine.scaling(small_gone.shape[1] / size[0], small_gone.shape[0] / size[1])
            shift = affine.compose(affine.invert(to_small), affine.compose(found, to_small))
            drawn = warped(drawn, shift)
    moved = Expectation(kept, drawn, kernel, shift)
    if kernel is None and shift is None:
        return moved
    return replace(moved, mixture=_mixture(gone, moved))


def _both_small(gone: Grey, drawn: Grey) -> tuple[Grey, Grey]:
    """Bring both to at most 1,400 pixels, where displacements are looked for."""
    height, width = gone.shape
    shrink = min(1.0, 1400 / max(width, height))
    if shrink == 1.0:
        return gone, drawn
    size = (round(width * shrink), round(height * shrink))
    gone_small, kept_small = (
        np.asarray(cv2.resize(side, size, interpolation=cv2.INTER_AREA), np.uint8) for side in (gone, drawn)
    )
    return gone_small, kept_small


def _error(a: Grey, b: Grey) -> float:
    """Return the mean difference in grey levels; what is changed altogether counts no more than a little."""
    return float(np.minimum(cv2.absdiff(a, b), _OUTLIER).mean())


def _resize(grey: Grey, size: affine.Size, kernel: Image.Resampling, box: tuple[int, int, int, int]) -> Grey:
    """Resize an image to a size and return the box of it, in pixels of the result."""
    across, down = grey.shape[1] / size[0], grey.shape[0] / size[1]
    # Only what the kernel reaches is copied: a window of a large image is resized five times over.
    reach = (round(_REACH * max(1, across)), round(_REACH * max(1, down)))
    left, top = max(0, int(box[0] * across) - reach[0]), max(0, int(box[1] * down) - reach[1])
    right, bottom = int(box[2] * across) + reach[0] + 1, int(box[3] * down) + reach[1] + 1
    some = Image.fromarray(grey[top:bottom, left:right])
    source = (
        box[0] * across - left,
        box[1] * down - top,
        min(box[2] * across - left, some.width),
        min(box[3] * down - top, some.height),
    )
    return np.asarray(some.resize((box[2] - box[0], box[3] - box[1]), kernel, box=source))


def _best_kernel(gone: Grey, kept: Grey) -> Image.Resampling:
    """Resize the window with the most detail by every kernel; the one that comes nearest was used."""
    left, top, right, bottom = _window(gone)
    target = gone[top:bottom, left:right]
    size = (gone.shape[1], gone.shape[0])

    def error(kernel: Image.Resampling) -> float:
        rows, wanted = _samples(
            target, _resize(kept, size, kernel, (left, top, right, bottom)), _SAMPLED // 3
        )
        return float(np.minimum(np.abs(wanted - rows @ _fit(rows, wanted)), _OUTLIER).mean())

    return min(_KERNELS, key=error)


def _window(grey: Grey) -> tuple[int, int, int, int]:
    height, width = grey.shape
    tall, wide = min(height, _WINDOW), min(width, _WINDOW)
    slopes = np.abs(cv2.Sobel(grey, cv2.CV_16S, 1, 0)[::4, ::4])

    def detail(place: tuple[int, int]) -> float:
        left, top = (side // 4 for side in place)
        return float(slopes[top : top + tall // 4, left : left + wide // 4].sum())

    rows, columns = (
        sorted({0, (side - part) // 2, side - part}) for side, part in ((height, tall), (width, wide))
    )
    x, y = max(((x, y) for y in rows for x in columns), key=detail)
    return x, y, x + wide, y + tall


def _mixture(gone: Grey, moved: Expectation) -> tuple[float, ...]:
    """Fit the mixture on bands spread over the image, a megapixel at most."""
    width, height = moved.size
    rows = min(height, max(64, (1 << 20) // width))
    if rows >= height:
        return _fitted(gone.astype(np.float32), moved.band(0, height))
    tops = np.linspace(0, height - rows // 4, 4).astype(int).tolist()
    parts = [(gone[top : top + rows // 4], moved.band(top, top + rows // 4)) for top in tops]
    return _fitted(np.concatenate([part for part, _ in parts]), np.concatenate([part for _, part in parts]))


def _basis(drawn: Grey | Floats32) -> list[Floats32]:
    level = drawn.astype(np.float32)
    return [level, *(np.asarray(cv2.GaussianBlur(level, (0, 0), sigma), np.float32) for sigma in _BLURS)]


def _mixed(drawn: Grey | Floats32, mixture: tuple[float, ...]) -> Floats32:
    *weights, constant = mixture
    return np.asarray(
        sum(np.float32(weight) * part for weight, part in zip(weights, _basis(drawn), strict=True))
        + np.float32(constant),
        np.float32,
    )


def _fitted(gone: Grey | Floats32, drawn: Grey | Floats32) -> tuple[float, ...]:
    """Fit the image by a mixture of the other's levels and blurs."""
    return tuple(float(weight) for weight in _fit(*_samples(gone, drawn, _SAMPLED)))


def _samples(gone: Grey | Floats32, drawn: Grey | Floats32, number: int) -> tuple[Floats64, Floats64]:
    """Return about so many pixels: `[n, 4]` of the basis and a constant, and what they are to become."""
    step = max(1, gone.size // number)
    columns = [part.ravel()[::step] for part in _basis(drawn)]
    rows = np.stack([*columns, np.ones(len(columns[0]), np.float32)], axis=1).astype(np.float64)
    return rows, gone.ravel()[::step].astype(np.float64)


def _fit(rows: Floats64, wanted: Floats64) -> Floats64:
    """Solve for the weights, leaving out the worst tenth twice."""
    kept = np.ones(len(wanted), dtype=bool)
    fit = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(3):
        some = rows[kept]
        fit = np.linalg.solve(some.T @ some + 1e-2 * np.eye(4), some.T @ wanted[kept])
        error = np.abs(wanted - rows @ fit)
        kept = error <= np.quantile(error, _KEPT)
    return fit
