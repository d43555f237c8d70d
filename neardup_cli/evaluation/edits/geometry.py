"""Edits that move pixels: sizes, crops, turns, mirrors."""

import math
from dataclasses import dataclass
from typing import Literal, override

from PIL import Image

from neardup_cli.evaluation.edits.base import Edit, EditContext


def scaled(image: Image.Image, x_scale: float, y_scale: float) -> Image.Image:
    """`image` with its width and height multiplied, each at least one pixel."""
    size = (max(1, round(image.width * x_scale)), max(1, round(image.height * y_scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Resize(Edit, kind="resize"):
    """Both sides times `scale`: below 1 a thumbnail, above 1 an upscaled picture."""

    scale: float = 0.5

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the resized picture."""
        return scaled(image, self.scale, self.scale)


@dataclass(frozen=True)
class Stretch(Edit, kind="stretch"):
    """Another aspect ratio: width over height is multiplied by `ratio` and the area stays."""

    ratio: float = 1.25

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the stretched picture."""
        return scaled(image, math.sqrt(self.ratio), 1 / math.sqrt(self.ratio))


@dataclass(frozen=True)
class Crop(Edit, kind="crop"):
    """Keep the share `keep` (0-1] of the area, at the picture's aspect ratio, centred or anywhere."""

    keep: float = 0.5
    place: Literal["centre", "random"] = "random"

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the kept part at its own resolution."""
        side = math.sqrt(self.keep)
        width, height = max(1, round(image.width * side)), max(1, round(image.height * side))
        x, y = (0.5, 0.5) if self.place == "centre" else context.rng.uniform(size=2)
        left, top = round((image.width - width) * x), round((image.height - height) * y)
        return image.crop((left, top, left + width, top + height))


@dataclass(frozen=True)
class Rotate(Edit, kind="rotate"):
    """Turn by `degrees` to either side; the canvas grows and its corners are filled with black or white."""

    degrees: float = 10.0

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the turned picture on its larger canvas."""
        sign, shade = (1, -1)[context.rng.integers(2)], (0, 255)[context.rng.integers(2)]
        fill = (shade, shade, shade)
        return image.rotate(sign * self.degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)


@dataclass(frozen=True)
class Turn(Edit, kind="turn"):
    """A whole quarter, half or three quarters of a turn, which loses no pixel."""

    degrees: Literal[90, 180, 270] = 90

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the turned picture."""
        how = {
            90: Image.Transpose.ROTATE_90,
            180: Image.Transpose.ROTATE_180,
            270: Image.Transpose.ROTATE_270,
        }
        return image.transpose(how[self.degrees])


@dataclass(frozen=True)
class Mirror(Edit, kind="mirror"):
    """Exchange left and right, or top and bottom."""

    axis: Literal["horizontal", "vertical"] = "horizontal"

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the mirrored picture."""
        sideways = self.axis == "horizontal"
        return image.transpose(
            Image.Transpose.FLIP_LEFT_RIGHT if sideways else Image.Transpose.FLIP_TOP_BOTTOM
        )
