"""Which of two sizes was made from the other: an enlargement bears the quantiser of what it was made from.

A JPEG's blocks hold multiples of its quantiser's steps. Shrunk back to the size of the JPEG that it was
enlarged from, an enlargement shows these multiples still, though it was sharpened and encoded anew; an image
that the JPEG was shrunk from shows none. What a first quantiser leaves behind is described, for one size, by
J. Lukáš and J. Fridrich, "Estimation of primary quantization matrix in double compressed JPEG images" (2003).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from neardup_cli.matching import affine
from neardup_cli.matching.codec_noise import CodecNoise, Coding, noise_left
from neardup_cli.matching.expectation import Expectation, expect
from neardup_cli.matching.features import Grey

_LOOKED_AT = 1 << 20  # pixels
_TRIED = 1 << 18
_GRID = 16


def quantiser_left(expectation: Expectation, table: tuple[int, ...]) -> float:
    """Return the share of a quantiser's noise that is left in a larger image, shrunk to the quantised one.

    About 1 (0.93 and more) if the larger one never was that small, 0.2 to 0.9 if it was enlarged from it.

    Args:
        expectation: of the small image, made from the large one.
        table: 64 steps, of the small image.
    """
    top, bottom = _middle(expectation.size, _LOOKED_AT)
    return noise_left(_whole(expectation.band(top, bottom)), table)


def left_if_enlarged(small: Grey, size: affine.Size, table: tuple[int, ...], coding: Coding) -> float:
    """Return what `quantiser_left` would be if an image had been enlarged from a small one: by doing it.

    Args:
        small: `uint8 [height, width]`, at its stored place.
        size: width and height of the large one.
        table: 64 steps, of the small image.
        coding: how the large one was encoded.
    """
    top, bottom = _middle((small.shape[1], small.shape[0]), _TRIED)
    part = small[top:bottom]
    wanted = size[0], max(1, round((bottom - top) * size[1] / small.shape[0]))
    enlarged = np.asarray(Image.fromarray(part).resize(wanted, Image.Resampling.BICUBIC))
    noise = CodecNoise(coding, lambda: enlarged, size[0] * size[1]).of(enlarged)
    encoded = _whole(enlarged + noise)
    return quantiser_left(expect(part, encoded), table)


def _middle(size: affine.Size, pixels: int) -> tuple[int, int]:
    """Return the first and last row of so many pixels amid an image, on the grid of its blocks."""
    width, height = size
    rows = min(height, max(2 * _GRID, pixels // width // _GRID * _GRID))
    top = (height - rows) // 2 // _GRID * _GRID
    return top, top + rows


def _whole(levels: np.typing.NDArray[np.float32]) -> Grey:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
