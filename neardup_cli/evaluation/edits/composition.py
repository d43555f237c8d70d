"""Edits that combine a picture with shapes, frames and other pictures."""

import math
from dataclasses import dataclass
from typing import override

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from neardup_cli.evaluation.edits.base import Edit, EditContext
from neardup_cli.evaluation.edits.geometry import scaled


@dataclass(frozen=True)
class Overlay(Edit, kind="overlay"):
    """Paste the picture onto another photograph, where it covers about the share `area` (0-1)."""

    area: float = 0.4

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the other photograph with the picture somewhere on it."""
        ground = context.companion().copy()
        scale = math.sqrt(self.area * ground.width * ground.height / (image.width * image.height))
        # A panorama on an upright photograph has to shrink further than the area asks.
        scale = min(scale, ground.width / image.width, ground.height / image.height)
        pasted = scaled(image, scale, scale)
        x, y = context.rng.uniform(size=2)
        ground.paste(
            pasted, (int((ground.width - pasted.width) * x), int((ground.height - pasted.height) * y))
        )
        return ground


@dataclass(frozen=True)
class Blend(Edit, kind="blend"):
    """Let another photograph shine through: the picture keeps the share `opacity` (0-1) of every pixel."""

    opacity: float = 0.7

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the mixture, of the picture's size."""
        ground = ImageOps.fit(context.companion(), image.size, Image.Resampling.LANCZOS)
        return Image.blend(ground, image, self.opacity)


@dataclass(frozen=True)
class Letterbox(Edit, kind="letterbox"):
    """Fill up to a canvas of another shape with the picture itself, enlarged and blurred, as stories do."""

    aspect: float = 9 / 16

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return a canvas of `aspect` (width over height) with the whole picture in its middle."""
        width = max(image.width, round(image.height * self.aspect))
        height = max(image.height, round(image.width / self.aspect))
        canvas = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        canvas = canvas.filter(ImageFilter.GaussianBlur(0.04 * max(width, height)))
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        return canvas


@dataclass(frozen=True)
class Collage(Edit, kind="collage"):
    """Four pictures in a two by two grid with a white gutter; ours is in one cell, cut to its shape."""

    cell: tuple[int, int] = (480, 360)
    gutter: int = 8

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the grid, of `2·cell + 3·gutter` pixels a side."""
        (width, height), gutter = self.cell, self.gutter
        canvas = Image.new("RGB", (2 * width + 3 * gutter, 2 * height + 3 * gutter), (255, 255, 255))
        ours = int(context.rng.integers(4))
        for place in range(4):
            shown = image if place == ours else context.companion()
            corner = (gutter + place % 2 * (width + gutter), gutter + place // 2 * (height + gutter))
            canvas.paste(ImageOps.fit(shown, self.cell, Image.Resampling.LANCZOS), corner)
        return canvas


@dataclass(frozen=True)
class Frame(Edit, kind="frame"):
    """A border of one colour around the picture; `width` is its share of the longest side."""

    width: float = 0.06

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture on a larger canvas."""
        colour = ((255, 255, 255), (12, 12, 12), (120, 82, 48), (210, 190, 140))[context.rng.integers(4)]
        return ImageOps.expand(image, max(1, round(self.width * max(image.size))), colour)


@dataclass(frozen=True)
class Stickers(Edit, kind="stickers"):
    """Smileys, hearts and stars, `count` of them, each up to the share `size` of the shorter side."""

    count: int = 5
    size: float = 0.24

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture with the shapes on top."""
        image = image.copy()
        draw = ImageDraw.Draw(image)
        for _ in range(self.count):
            x, y, scale = context.rng.uniform((0.05, 0.05, 0.5), (0.95, 0.95, 1.0))
            radius = max(3.0, scale * self.size * min(image.size) / 2)
            middle = np.array([x * image.width, y * image.height])
            shape = (_smiley, _heart, _star)[context.rng.integers(3)]
            shape(draw, middle, radius)
        return image


def _disc(
    draw: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float, colour: tuple[int, int, int]
) -> None:
    (x, y) = middle.tolist()
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _smiley(draw: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float) -> None:
    _disc(draw, middle, radius, (255, 204, 50))
    for side in (-0.36, 0.36):
        _disc(draw, middle + radius * np.array([side, -0.25]), 0.13 * radius, (70, 45, 10))
    x, y = middle.tolist()
    mouth = (x - 0.55 * radius, y - 0.45 * radius, x + 0.55 * radius, y + 0.65 * radius)
    draw.arc(mouth, 25, 155, fill=(70, 45, 10), width=max(1, round(0.12 * radius)))


def _heart(draw: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(angle) ** 3
    y = -(13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle))
    _polygon(draw, middle + radius / 17 * np.stack([x, y], axis=1), (226, 38, 77))


def _star(draw: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float) -> None:
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2 == 0, radius, 0.45 * radius)
    _polygon(draw, middle + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), (255, 150, 40))


def _polygon(
    draw: ImageDraw.ImageDraw,
    corners: NDArray[np.float64],
    colour: tuple[int, int, int],
) -> None:
    draw.polygon([(x, y) for x, y in corners.tolist()], fill=colour)
