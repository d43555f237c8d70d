"""Edits that wear a picture down: blur, noise, paper."""

from dataclasses import dataclass
from typing import override

import cv2
import numpy as np
from PIL import Image, ImageFilter

from neardup_cli.evaluation.edits.base import Edit, EditContext


@dataclass(frozen=True)
class Blur(Edit, kind="blur"):
    """Gaussian blur; `radius` is its deviation in thousandths of the longest side, at any size."""

    radius: float = 5.0

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the blurred picture."""
        return image.filter(ImageFilter.GaussianBlur(self.radius / 1000 * max(image.size)))


def with_noise(image: Image.Image, deviation: float, rng: np.random.Generator) -> Image.Image:
    """`image` with Gaussian noise of `deviation` grey levels on every channel."""
    pixels = np.asarray(image, dtype=np.float32)
    noisy = pixels + deviation * rng.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Noise(Edit, kind="noise"):
    """Gaussian noise of `deviation` grey levels, as of a small sensor at night."""

    deviation: float = 20.0

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the noisy picture."""
        return with_noise(image, self.deviation, context.rng)


@dataclass(frozen=True)
class Sharpen(Edit, kind="sharpen"):
    """An unsharp mask of `percent`, with the halos that phones and galleries leave."""

    percent: int = 250

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the sharpened picture."""
        return image.filter(ImageFilter.UnsharpMask(radius=2, percent=self.percent, threshold=2))


@dataclass(frozen=True)
class Pixelate(Edit, kind="pixelate"):
    """Squares of one colour, `squares` of them along the longest side; the size stays."""

    squares: int = 96

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture in squares."""
        scale = min(1.0, self.squares / max(image.size))
        small = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.NEAREST)


@dataclass(frozen=True)
class PrintAndScan(Edit, kind="print-scan"):
    """Printed on tinted paper and photographed at a slant: corners move by up to `slant` of each side."""

    slant: float = 0.06

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the photograph of the print, on a canvas of the same size."""
        width, height = image.size
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float32)
        inward = np.sign(0.5 - corners) * context.rng.uniform(0.3, 1.0, size=(4, 2)) * self.slant
        sides = np.array([width, height], dtype=np.float32)
        found = ((corners + inward) * sides).astype(np.float32)
        warp = cv2.getPerspectiveTransform(corners * sides, found)
        paper = np.array([0.97, 0.95, 0.88]) * context.rng.uniform(0.92, 1.0)
        table = context.rng.integers(60, 200)
        # Ink reaches neither full black nor the white of the paper.
        printed = (np.asarray(image, dtype=np.float32) * 0.86 + 22) * paper.astype(np.float32)
        scanned = cv2.warpPerspective(
            printed, warp, (width, height), flags=cv2.INTER_LINEAR, borderValue=(float(table),) * 3
        )
        soft = cv2.GaussianBlur(scanned, (0, 0), 0.0012 * max(width, height) + 0.3)
        flat = Image.fromarray(np.clip(soft, 0, 255).astype(np.uint8))
        return with_noise(flat, 4.0, context.rng)
