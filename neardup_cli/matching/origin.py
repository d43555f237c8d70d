"""Which of two sizes was made from the other: what an enlargement bears of the image it was made from.

Its quantiser: a JPEG's blocks hold multiples of its steps. Shrunk back to the size of the JPEG, an
enlargement shows them still, though it was sharpened and encoded anew; what the JPEG was shrunk from shows
none. (For one size: J. Lukáš, J. Fridrich, "Estimation of primary quantization matrix in double compressed
JPEG images", 2003.)

Its grid: pixels between those of the small image are averages of them, and how much neighbours differ goes up
and down with the small image's pixels. (A. C. Gallagher, "Detection of linear and cubic interpolation in JPEG
compressed images", 2005; here the factor is known, for the small image is there.)
"""

from __future__ import annotations

import io
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.matching import affine
from neardup_cli.matching.codec_noise import CodecNoise, Coding, noise_left
from neardup_cli.matching.expectation import Expectation, expect, whole_levels
from neardup_cli.matching.features import Grey

type Floats = NDArray[np.float64]
type Colours = NDArray[np.uint8]

_LOOKED_AT = 1 << 19  # pixels
_TRIED = 384  # pixels of a side
_GRID = 16
_BLOCK = 8
_WINDOW = 1024
_SMOOTHED = 31
_AROUND = 0.06  # cycles a pixel
_PLACES = 49
_PEAK = 6  # bins: how far a peak reaches
_OF_BLOCKS = np.arange(1, 5) / 8  # where JPEG's blocks leave peaks of their own
_HARMONICS = np.arange(1, 9)


class Tables(Protocol):
    """How a JPEG was encoded: `images.whole.JpegTables`."""

    @property
    def quantisation(self) -> dict[int, list[int]]:
        """64 steps by the number of the table, as Pillow gives them."""

    @property
    def subsampling(self) -> str:
        """Return 4:4:4, 4:2:2 or 4:2:0; empty for another one, and for grey."""

    @property
    def grey(self) -> bool:
        """Return True if brightness alone is stored."""


class Traces(NamedTuple):
    """What a large image bears of a small one.

    Attributes:
        quantiser: share of the small one's quantiser noise that is left in the large one, shrunk. About 1
            (0.93 and more) if that never was so small, 0.2 to 0.9 if it was enlarged from it. None where the
            small one is no JPEG.
        grid: how far the small one's pixel grid stands out in the large one: 0 to 2.5 if it was never that
            small, up to 200 if it was.
        blocks: of the small one, in which its quantiser was looked for: of few, the share is a guess.
    """

    quantiser: float | None
    grid: float
    blocks: int


def quantiser_left(expectation: Expectation, table: tuple[int, ...]) -> float:
    """Return the share of a quantiser's noise that is left in a larger image, shrunk to the quantised one.

    Args:
        expectation: of the small image, made from the large one.
        table: 64 steps, of the small image.
    """
    top, bottom = _middle(expectation.size, _LOOKED_AT)
    return noise_left(expectation.whole_levels(top, bottom), table)


class Enlarged:
    """What a large image would bear if it had been enlarged from a small one: see `Traces`.

    A part of the small one is enlarged for it, and each trace is measured when it is asked for.
    """

    def __init__(self, small: Grey, size: affine.Size, table: tuple[int, ...] | None, coding: Coding) -> None:
        """Take both images, as far as that depends on them.

        Args:
            small: `uint8 [height, width]`.
            size: width and height of the large one.
            table: 64 steps, of the small image; None if it is no JPEG.
            coding: how the large one was encoded.
        """
        self._part = small[_amid(small.shape[0]), _amid(small.shape[1])]
        height, width = self._part.shape
        self._size = (
            max(1, round(width * size[0] / small.shape[1])),
            max(1, round(height * size[1] / small.shape[0])),
        )
        self._table, self._coding, self._pixels = table, coding, size[0] * size[1]

    @cached_property
    def _encoded(self) -> Grey:
        enlarged = np.asarray(Image.fromarray(self._part).resize(self._size, Image.Resampling.BICUBIC))
        noise = CodecNoise(self._coding, lambda _: enlarged, self._pixels).of(enlarged)
        return whole_levels(enlarged + noise)

    @cached_property
    def quantiser(self) -> float | None:
        """The share of the small one's quantiser noise that would be left in it."""
        return None if self._table is None else quantiser_left(expect(self._part, self._encoded), self._table)

    @cached_property
    def grid(self) -> float:
        """How far the small one's pixel grid would stand out in it."""
        return grid_trace(self._encoded, (self._part.shape[1], self._part.shape[0]))


def exact_share(stored: Colours, kept: Colours, tables: Tables) -> float:
    """Return the share of blocks that are to the bit what a JPEG encoder makes of another image's pixels.

    1 for an image that was saved from these pixels by the common encoder: then it holds nothing beyond them.
    The other way round some blocks differ, wherever rounding fell another way: so it can be told which of two
    was saved from which. Where the middle differs already the rest is not looked at.

    Args:
        stored: RGB, `uint8 [height, width, 3]`, as a JPEG's decoder gives it: no profile applied, not turned.
        kept: the same of the other image, of the same size.
        tables: how the JPEG was encoded.
    """
    top, bottom = _middle((stored.shape[1], stored.shape[0]), _LOOKED_AT)
    share = _exact_blocks(stored[top:bottom], kept[top:bottom], tables, trimmed=bottom - top < len(stored))
    if share < 1 or bottom - top == len(stored):
        return share
    return _exact_blocks(stored, kept, tables, trimmed=False)


def _exact_blocks(stored: Colours, kept: Colours, tables: Tables, *, trimmed: bool) -> float:
    made = _saved_again(kept, tables)
    # What lies at the edge of a part that was cut out has other neighbours when chroma is drawn larger.
    inner = slice(_GRID, -_GRID) if trimmed else slice(None)
    made, stored = made[inner], stored[inner]
    if np.array_equal(made, stored):
        return 1.0
    apart = (made != stored).any(axis=2)
    rows, columns = (-(-side // _BLOCK) for side in apart.shape)
    padded = np.zeros((rows * _BLOCK, columns * _BLOCK), bool)
    padded[: apart.shape[0], : apart.shape[1]] = apart
    blocks = padded.reshape(rows, _BLOCK, columns, _BLOCK)
    return float(1 - blocks.any(axis=(1, 3)).mean()) if blocks.size else 0.0


def _saved_again(kept: Colours, tables: Tables) -> Colours:
    import simplejpeg  # late: what is no JPEG needs none

    image = Image.fromarray(np.ascontiguousarray(kept))
    image = image.convert("L") if tables.grey else image
    stream = io.BytesIO()
    image.save(stream, "JPEG", qtables=tables.quantisation, subsampling=tables.subsampling or "4:4:4")
    return np.asarray(simplejpeg.decode_jpeg(stream.getvalue(), "RGB"))


def grid_trace(large: Grey, small_size: affine.Size) -> float:
    """Return how far the pixel grid of a small image stands out in a large one: see `Traces`.

    The geometric mean of both directions. First differences show it where second ones cannot: halfway
    between two pixels both are alike, from the left and from the right.
    """
    height, width = large.shape
    top, left = max(0, (height - _WINDOW) // 2), max(0, (width - _WINDOW) // 2)
    part = large[top : top + _WINDOW, left : left + _WINDOW].astype(np.float32)
    found = 1.0
    for turned, share in ((part, small_size[0] / width), (part.T, small_size[1] / height)):
        found *= max(_peak(np.abs(np.diff(turned, order, axis=1)), share) for order in (1, 2))
    return float(np.sqrt(found))


def _peak(change: NDArray[np.float32], share: float) -> float:
    """Return how far one frequency stands out in the mean change of columns, `[height, width]`."""
    number = change.shape[1]
    frequency = min(share % 1, 1 - share % 1)
    apart = _PEAK / number
    if frequency < apart or number < 2 * _SMOOTHED:
        return 0.0
    profile = np.log(change.mean(axis=0, dtype=np.float64) + 0.5)
    padded = np.pad(profile, _SMOOTHED // 2, mode="reflect")
    profile -= np.convolve(padded, np.ones(_SMOOTHED) / _SMOOTHED, "valid")
    profile *= np.hanning(number)
    near = frequency + np.linspace(-_AROUND, _AROUND, _PLACES)
    of_blocks = np.abs(near[:, None] - _OF_BLOCKS).min(axis=1) <= apart
    near = near[(np.abs(near - frequency) > apart / 2) & ~of_blocks & (near > apart / 3) & (near < 0.5)]
    if not len(near):
        return 0.0
    ground = float(np.median(_heights(profile, near)))
    if np.abs(frequency - _OF_BLOCKS).min() <= apart:
        harmonics = _HARMONICS * frequency % 1
        harmonics = np.minimum(harmonics, 1 - harmonics)
        others = _OF_BLOCKS[np.abs(_OF_BLOCKS[:, None] - harmonics).min(axis=1) > apart]
        if not len(others):
            return 0.0  # blocks alone would look so
        ground = max(ground, float(_heights(profile, others).max()))
    return float(_heights(profile, np.array([frequency]))[0]) / max(ground, 1e-6)


def _heights(profile: Floats, frequencies: Floats) -> Floats:
    angles = 2 * np.pi * np.outer(frequencies, np.arange(len(profile)))
    level = profile - profile.mean()
    return np.hypot(np.cos(angles) @ level, np.sin(angles) @ level)


def _amid(side: int) -> slice:
    """Return the places of a window amid a side, on the grid of its blocks."""
    first = max(0, side - _TRIED) // 2 // _GRID * _GRID
    return slice(first, first + _TRIED)


def _middle(size: affine.Size, pixels: int) -> tuple[int, int]:
    """Return the first and last row of so many pixels amid an image, on the grid of its blocks."""
    width, height = size
    rows = min(height, max(2 * _GRID, pixels // width // _GRID * _GRID))
    top = (height - rows) // 2 // _GRID * _GRID
    return top, top + rows
