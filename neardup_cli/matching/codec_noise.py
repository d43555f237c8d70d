"""What an encoder adds to an image: measured by letting it encode, never assumed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.matching.features import Grey

type Floats32 = NDArray[np.float32]

_BLOCK = 8
_LEAST_NOISE = 0.05  # grey levels
_TRIED_ON, _FEW_TRIED = 1 << 20, 1 << 18  # pixels
_TRIED = 6
_COARSEST, _COMMON, _FINEST = 5, 80, 98
_NEAR_ENOUGH = 0.02  # of the bytes
_STEP_OF_OTHERS = 8.0  # of chroma's mean, where a codec does not say


@dataclass(frozen=True, slots=True)
class Coding:
    """How an image was encoded, as far as its noise depends on it.

    Attributes:
        lossless: whether the encoder keeps every pixel.
        luma: the 64 steps of a JPEG's luma quantiser, in the order Pillow gives them; None for other codecs.
        chroma: the same for chroma; None where there is none.
        size: bytes that the encoder spent on the image.
        webp: whether it is a lossy WebP.
    """

    lossless: bool = False
    luma: tuple[int, ...] | None = None
    chroma: tuple[int, ...] | None = None
    size: int = 0
    webp: bool = False

    @property
    def chroma_step(self) -> float:
        """By how much the mean chroma of a block may be off, times eight."""
        if self.lossless:
            return 0.0
        if self.luma is None:
            return _STEP_OF_OTHERS
        return 0.0 if self.chroma is None else float(self.chroma[0])


class CodecNoise:
    """Encodes what the image should look like, as the image was encoded; what changes is the codec's doing.

    Other codecs than JPEG do not say how coarse they were. A WebP is as coarse as one of as many bytes. A
    JPEG of as many bytes is a little coarser than AVIF and HEIC, so its noise is an upper bound.
    """

    def __init__(self, coding: Coding, sample: Callable[[int], Grey], pixels: int) -> None:
        """Take how the image was encoded, what draws a part of it as it should look, and its pixels.

        Args:
            coding: how.
            sample: takes a number of pixels, and returns at most so many.
            pixels: of the whole image.
        """
        self._coding = coding
        self._quality = 0
        self._wanted: Callable[[Grey], float] = lambda some: coding.size * some.size / max(1, pixels)
        if not coding.lossless and coding.luma is None:
            some = sample(_FEW_TRIED if coding.webp else _TRIED_ON)
            self._quality = _equivalent_quality(some, self._wanted(some), webp=coding.webp)

    @property
    def is_known(self) -> bool:
        """Return True if the encoder says how coarse it was, and takes something away."""
        return self._coding.luma is not None and not self._coding.lossless

    @property
    def is_slow(self) -> bool:
        """Return True if encoding costs many times what a JPEG costs."""
        return self._coding.webp and not self._coding.lossless

    def stand_in(self, sample: Grey) -> CodecNoise:
        """Return a JPEG of as many bytes.

        Args:
            sample: a part of the image as it should look.
        """
        coding = replace(self._coding, webp=False, size=round(self._wanted(sample)))
        return CodecNoise(coding, lambda _: sample, sample.size)

    def of(self, expected: Grey) -> Floats32:
        """Return what the codec adds to `uint8 [height, width]`, grey levels."""
        coded = self.coded(expected)
        return np.zeros(expected.shape, np.float32) if coded is None else _added(coded, expected)

    def coded(self, expected: Grey) -> Grey | None:
        """Return what the codec makes of `uint8 [height, width]`; None if it keeps every pixel."""
        if self._coding.lossless:
            return None
        encoded = _encoded(expected, self._coding.luma, self._quality, webp=self._coding.webp)
        if not self._coding.webp:
            return _decoded_jpeg(encoded)
        with Image.open(io.BytesIO(encoded)) as image:
            return np.asarray(image.convert("L"))


def jpeg_noise(grey: Grey, quality: int) -> Floats32:
    """Return what a JPEG encoder adds to `uint8 [height, width]` at a quality from 1 to 100, grey levels."""
    return _added(_decoded_jpeg(_encoded(grey, None, quality)), grey)


def noise_left(grey: Grey, table: tuple[int, ...]) -> float:
    """Return the share of a quantiser's noise that is left where it quantises an image (again).

    About 1 for an image that it never quantised, near 0 for one that was saved from what it quantised: its
    blocks hold multiples of the steps already, though a finer encoder has rounded them since. Measured
    against the same image with its blocks cut elsewhere.

    Args:
        grey: `uint8 [height, width]`, at the size and place at which it may have been quantised.
        table: 64 steps.
    """
    height, width = (side // _BLOCK * _BLOCK for side in grey.shape)
    if min(height, width) < 4 * _BLOCK:
        return 1.0
    codec = CodecNoise(Coding(luma=table), lambda _: grey, grey.size)
    half = _BLOCK // 2
    aligned, moved = grey[:height, :width], grey[half : height - half, half : width - half]
    left, expected = (
        float(np.sqrt(np.mean(np.square(codec.of(np.ascontiguousarray(side)))))) for side in (aligned, moved)
    )
    return left / max(expected, _LEAST_NOISE)


def _added(coded: Grey, expected: Grey) -> Floats32:
    return np.asarray(cv2.subtract(coded, expected, dtype=cv2.CV_32F))


def _decoded_jpeg(data: bytes) -> Grey:
    import simplejpeg  # late: what was never a JPEG needs none

    return np.asarray(simplejpeg.decode_jpeg(data, "GRAY")[..., 0])


def _encoded(grey: Grey, table: tuple[int, ...] | None, quality: int, *, webp: bool = False) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(grey)
    if webp:
        image.convert("RGB").save(stream, "WEBP", quality=quality, method=4)
    elif table is None:
        image.save(stream, "JPEG", quality=quality)
    else:
        image.save(stream, "JPEG", qtables=[[min(255, step) for step in table]])
    return stream.getvalue()


def _equivalent_quality(sample: Grey, size: float, *, webp: bool = False) -> int:
    """Find the finest quality at which a sample takes at most so many bytes, or next to it.

    Bytes grow about exponentially with the quality: what lies between two qualities is guessed by that.
    """
    low, high = _COARSEST, _FINEST + 1
    below = above = None  # quality and logarithm of the bytes, of the nearest on either side
    wanted = float(np.log(max(1.0, size)))
    middle = _COMMON
    for _ in range(_TRIED):
        found = float(np.log(len(_encoded(sample, None, middle, webp=webp))))
        if abs(found - wanted) < _NEAR_ENOUGH:
            return middle
        if found > wanted:
            high, above = middle, (middle, found)
        else:
            low, below = middle, (middle, found)
        if high - low <= 1:
            break
        middle = _between(below, above, wanted, (low, high))
    return low


def _between(
    below: tuple[int, float] | None,
    above: tuple[int, float] | None,
    wanted: float,
    limits: tuple[int, int],
) -> int:
    """Guess a quality between two limits, themselves left out."""
    if below is None or above is None:
        return sum(limits) // 2
    share = (wanted - below[1]) / max(1e-6, above[1] - below[1])
    guess = round(below[0] + share * (above[0] - below[0]))
    return min(max(guess, limits[0] + 1), limits[1] - 1)
