"""Images for nobody to look at: what a network's layers give is measured on them, where nobody named others.

Clouds of every size as photographs have them, with edges and flat areas laid over them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

_SIZES = ((384, 288), (288, 384), (352, 352))


def painted_images(count: int, seed: int = 0) -> Iterator[Image.Image]:
    """Yield RGB images of some hundred pixels a side, the same for the same seed."""
    for number in range(count):
        yield _painted(np.random.default_rng([seed, number]), _SIZES[number % len(_SIZES)])


def _painted(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    width, height = size
    levels = np.zeros((height, width, 3))
    for octave in range(2, 8):
        side = 1 << octave
        coarse = random.normal(size=(max(2, side * height // width), side, 3)).astype(np.float32)
        bands = [
            Image.fromarray(coarse[:, :, band]).resize(size, Image.Resampling.BICUBIC) for band in range(3)
        ]
        levels += np.stack([np.asarray(band) for band in bands], axis=2) * 2.0 ** (2 - octave)
    contrast, brightness = random.uniform(20, 70), random.uniform(60, 190)
    image = Image.fromarray((levels * contrast + brightness).clip(0, 255).astype(np.uint8))
    drawing = ImageDraw.Draw(image)
    for _ in range(int(random.integers(0, 12))):
        left, top = random.uniform(-0.2, 0.9, 2) * size
        right, bottom = (left, top) + random.uniform(0.02, 0.6, 2) * size
        colour = tuple(int(level) for level in random.integers(0, 256, 3))
        shape = drawing.ellipse if random.random() < 0.5 else drawing.rectangle
        shape((left, top, right, bottom), fill=colour)
    return image
