"""How an image's brightness differs from what is expected, beside what its codec adds: block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from neardup_cli.matching.codec_noise import CodecNoise, Coding
from neardup_cli.matching.expectation import Expectation, whole_levels
from neardup_cli.matching.features import Grey
from neardup_cli.matching.strips import GRID, Floats32, Slopes, apart, averaged, strips

SMALL = 256
"""Pixels of the shorter side below which blocks are smaller."""
BLOCK = 8
"""Pixels of a block's side, of an image that is not small."""
_BAND = 1 << 22  # pixels that are encoded at a time
_MOST_ROWS = 1 << 15  # that any encoder takes
_SAMPLED = 1 << 20  # pixels that stand for the whole image
_FEW = 1 << 19  # of those that a slow codec encodes
_RANKS = 16


class Blocks(NamedTuple):
    """Of each block, `float32 [rows, columns]`, in grey levels; root mean squares but for `mean`.

    `side` is the length of a block in pixels.
    """

    side: int
    left: Floats32
    mean: Floats32
    noise: Floats32
    noise_near: Floats32
    noise_of_means: Floats32
    from_codec: Floats32
    slope: Floats32
    slope_gone: Floats32
    slope_coded: Floats32


def compare_light(
    gone: Grey, expectation: Expectation, coding: Coding, earlier: Floats32 | None = None
) -> Blocks:
    """Compare `uint8 [height, width]` with what is expected of it.

    Args:
        gone: the image.
        expectation: what is expected of it.
        coding: how it was encoded.
        earlier: what encoders before the last one added, of its shape; None if there were none.
    """
    width, height = expectation.size
    block = BLOCK if min(width, height) >= SMALL else 4 if min(width, height) >= 8 else 1
    codec = CodecNoise(coding, lambda pixels: sample_of(expectation, pixels), width * height)
    some = sample_of(expectation, _FEW) if codec.is_slow and width * height > _SAMPLED else None
    used = codec if some is None else codec.stand_in(some)
    found = zip(*_strips_of(gone, expectation, used, block), strict=True)
    left, mean, noise, noise_mean, from_codec, slope, slope_gone, slope_coded = (
        np.sqrt(joined) if place not in {1, 3} else joined
        for place, joined in enumerate(np.concatenate(parts) for parts in found)
    )
    if some is not None:
        noise, noise_mean = _grown(noise, noise_mean, some, (used, codec), block)
    if earlier is not None:
        before, before_mean = averaged(earlier * earlier, block), averaged(earlier, block)
        noise, noise_mean = np.sqrt(noise * noise + before), np.hypot(noise_mean, before_mean)
    return Blocks(
        block,
        left,
        mean,
        noise,
        np.asarray(cv2.dilate(noise, np.ones((3, 3), np.uint8)), np.float32),
        np.sqrt(np.asarray(cv2.blur(noise_mean * noise_mean, (5, 5)), np.float32)),
        from_codec,
        slope,
        slope_gone,
        slope_coded,
    )


def _strips_of(
    gone: Grey, expectation: Expectation, codec: CodecNoise, block: int
) -> Iterator[tuple[Floats32, ...]]:
    """Yield the measures of each strip, squares where `Blocks` has roots; a band is encoded at a time."""
    width, height = expectation.size
    rows = min(_MOST_ROWS, max(GRID, _BAND // width // GRID * GRID))
    for top in range(0, height, rows):
        some = gone[top : min(height, top + rows)]
        if len(some) < block:
            return
        expected = expectation.rows(top, top + len(some))
        whole = whole_levels(expected)
        coded = codec.coded(whole)
        made = coded if codec.is_known else None  # of others nobody knows how soft they make an image
        slopes = [Slopes(levels, block) for levels in (whole, some, made) if levels is not None]
        for strip in strips(len(some), width, block):
            light = _compare_strip(
                some[strip], expected[strip], None if coded is None else coded[strip], block
            )
            slope, slope_gone, *slope_coded = [one.of(strip) for one in slopes]
            yield *light, slope, slope_gone, *(slope_coded or [slope_gone])


def _compare_strip(
    gone: Grey, expected: Grey | Floats32, coded: Grey | None, block: int
) -> tuple[Floats32, ...]:
    """Compare a strip; `coded` is what the codec makes of what is expected, None if it keeps every pixel."""
    left, mean = apart(gone, expected, block)
    if coded is None:
        nothing = np.zeros_like(left)
        return left, mean, nothing, nothing, left
    noise, noise_mean = apart(coded, expected, block)
    from_codec, _ = apart(gone, coded, block)
    return left, mean, noise, noise_mean, from_codec


def sample_of(expectation: Expectation, pixels: int = _SAMPLED) -> Grey:
    """Draw strips of rows spread over the whole image: what is at its top may be sky."""
    width, height = expectation.size
    strips = max(1, min(height // GRID, pixels // (width * GRID)))
    tops = np.linspace(0, max(0, height - GRID), strips).astype(int) // GRID * GRID
    parts = [expectation.whole_levels(top, min(height, top + GRID)) for top in tops.tolist()]
    return np.concatenate(parts)


def _grown(
    noise: Floats32, noise_mean: Floats32, some: Grey, codecs: tuple[CodecNoise, CodecNoise], block: int
) -> tuple[Floats32, Floats32]:
    """Bring the noise of one codec to that of another, as both were seen to do on a part of the image.

    Args:
        noise: of the first, a block each.
        noise_mean: the means of its blocks.
        some: the part, `uint8 [height, width]`.
        codecs: the first, the second.
        block: pixels of a block's side.
    """
    measured = []
    for codec in codecs:
        coded = codec.coded(some)
        measured.append(apart(some if coded is None else coded, some, block))
    (quick, quick_means), (real, real_means) = measured
    quick, real = quick.ravel(), real.ravel()
    ranks = np.array_split(np.argsort(quick, kind="stable"), _RANKS)
    steps = np.array([quick[rank].mean() for rank in ranks]) + 1e-3
    growth = np.sqrt(np.array([real[rank].mean() for rank in ranks]) / steps)
    of_means = root_mean_square(real_means) / max(1e-3, root_mean_square(quick_means))
    grown = noise * np.interp(noise, np.sqrt(steps), growth)
    return grown.astype(np.float32), (noise_mean * of_means).astype(np.float32)


def root_mean_square(values: Floats32) -> float:
    """Return the root of the mean of the squares."""
    return float(np.sqrt(np.mean(values * values)))
