"""Edits that change values and leave every pixel in its place."""

from dataclasses import dataclass
from typing import override

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from neardup_cli.evaluation.edits.base import Edit, EditContext


@dataclass(frozen=True)
class Tones(Edit, kind="tones"):
    """Brightness, contrast and saturation times a factor each; 1 leaves it alone."""

    brightness: float = 1.2
    contrast: float = 1.3
    saturation: float = 1.4

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the adjusted picture."""
        image = ImageEnhance.Brightness(image).enhance(self.brightness)
        image = ImageEnhance.Contrast(image).enhance(self.contrast)
        return ImageEnhance.Color(image).enhance(self.saturation)


@dataclass(frozen=True)
class ColourShift(Edit, kind="colour-shift"):
    """A colour cast: each channel times its own factor within 1 ± `amount`."""

    amount: float = 0.25

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the tinted picture."""
        gains = 1 + context.rng.uniform(-self.amount, self.amount, size=3)
        table = np.clip(np.arange(256)[None, :] * gains[:, None], 0, 255).astype(np.uint8)
        return image.point(table.ravel().tolist())


@dataclass(frozen=True)
class Grey(Edit, kind="grey"):
    """Grey values, kept as RGB."""

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture without its colours."""
        return image.convert("L").convert("RGB")


@dataclass(frozen=True)
class Gamma(Edit, kind="gamma"):
    """The values to the power of `gamma`: below 1 lifts the shadows, above 1 deepens them."""

    gamma: float = 1.8

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture with the other tone curve."""
        curve = np.rint(255 * (np.arange(256) / 255) ** self.gamma).astype(np.uint8)
        return image.point(curve.tolist() * 3)


@dataclass(frozen=True)
class Posterise(Edit, kind="posterise"):
    """Keep `bits` (1-8) of each channel."""

    bits: int = 3

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture in fewer shades."""
        return ImageOps.posterize(image, self.bits)
