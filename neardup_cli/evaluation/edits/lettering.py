"""Edits that write on a picture: captions, memes, watermarks.

The words come from a small vocabulary on purpose. Pictures that have nothing in common but a word, a font or
a logo are what fools a matcher of local features, so an evaluation needs many of them.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, override

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from neardup_cli.evaluation.edits.base import Edit, EditContext

VOCABULARY = (
    *("when", "you", "the", "my", "nobody", "me", "monday", "coffee", "cat", "weekend", "again", "finally"),
    *(
        "best",
        "day",
        "ever",
        "summer",
        "holiday",
        "friends",
        "home",
        "why",
        "not",
        "today",
        "wait",
        "for",
        "it",
    ),
    *("look", "at", "this", "one", "more", "time"),
)

LOGO_TEXT = "PHOTOHUB"
"""The name on the watermark that all pictures share."""


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that Pillow carries inside, at `size` pixels."""
    found = ImageFont.load_default(size=max(6, size))
    if not isinstance(found, ImageFont.FreeTypeFont):  # Pillow built without FreeType cannot scale its font
        raise TypeError("this Pillow was built without FreeType")
    return found


def words(rng: np.random.Generator, count: int) -> str:
    """`count` words of the vocabulary, drawn at random."""
    return " ".join(VOCABULARY[index] for index in rng.integers(len(VOCABULARY), size=count))


def fitting_font(text: str, width: float, largest: float) -> ImageFont.FreeTypeFont:
    """The font in which `text` takes at most `width` pixels and is at most `largest` pixels high."""
    natural = font(round(largest))
    return font(int(largest * min(1.0, width / natural.getlength(text))))


@dataclass(frozen=True)
class Caption(Edit, kind="caption"):
    """One line of text over the picture; its height is the share `height` of the picture's."""

    height: float = 0.09

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture with a line of white or yellow text near its top, middle or bottom."""
        image = image.copy()
        text = words(context.rng, int(context.rng.integers(3, 6)))
        used = fitting_font(text, 0.94 * image.width, self.height * image.height)
        colour = ((255, 255, 255), (255, 225, 60))[context.rng.integers(2)]
        middle = (image.width / 2, image.height * (0.1, 0.5, 0.9)[context.rng.integers(3)])
        ImageDraw.Draw(image).text(
            middle, text, fill=colour, font=used, anchor="mm", stroke_width=1, stroke_fill=(20, 20, 20)
        )
        return image


@dataclass(frozen=True)
class Meme(Edit, kind="meme"):
    """White bands with black text above and below the picture, and outlined capitals on it.

    `bands` says which bands there are, and `band` how high one is, as a share of the picture's height.
    """

    bands: Literal["top", "bottom", "both"] = "both"
    band: float = 0.18
    outlined: bool = True

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture on a taller white canvas."""
        width, height = image.size
        high = max(8, round(self.band * height))
        above = high if self.bands in {"top", "both"} else 0
        below = high if self.bands in {"bottom", "both"} else 0
        canvas = Image.new("RGB", (width, height + above + below), (255, 255, 255))
        canvas.paste(image, (0, above))
        draw = ImageDraw.Draw(canvas)
        for present, middle in ((above, high / 2), (below, above + height + high / 2)):
            if present:
                text = words(context.rng, 5)
                used = fitting_font(text, 0.94 * width, 0.6 * high)
                draw.text((width / 2, middle), text, fill=(0, 0, 0), font=used, anchor="mm")
        if self.outlined:
            shout(draw, words(context.rng, 3).upper(), (width / 2, above + 0.88 * height), (width, height))
        return canvas


def shout(draw: ImageDraw.ImageDraw, text: str, middle: tuple[float, float], size: tuple[int, int]) -> None:
    """Write fat white capitals with a black outline around `middle`, sized for a picture of `size`."""
    used = fitting_font(text, 0.9 * size[0], 0.13 * size[1])
    outline = max(1, round(used.size / 10))
    draw.text(
        middle,
        text,
        fill=(255, 255, 255),
        font=used,
        anchor="mm",
        stroke_width=outline,
        stroke_fill=(0, 0, 0),
    )


@dataclass(frozen=True)
class Watermark(Edit, kind="watermark"):
    """The logo of one photo agency, the same on every picture, in a corner or all over; `opacity` is 0-1."""

    opacity: float = 0.6
    tiled: bool = False

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture with the logo blended in."""
        size = max(24, round((0.28 if self.tiled else 0.34) * image.width))
        logo = _logo(size)
        mask = Image.new("L", image.size)
        if self.tiled:
            for row, top in enumerate(range(0, image.height, 2 * logo.height)):
                for left in range(-(row % 2) * size // 2, image.width, round(1.4 * size)):
                    mask.paste(logo, (left, top))
        else:
            right, bottom = context.rng.integers(2, size=2)
            margin = round(0.03 * image.width)
            left = image.width - size - margin if right else margin
            mask.paste(logo, (left, image.height - logo.height - margin if bottom else margin))
        white = Image.new("RGB", image.size, (255, 255, 255))
        return Image.composite(
            white, image, mask.point([round(value * self.opacity) for value in range(256)])
        )


def _logo(width: int) -> Image.Image:
    """The shared logo, L, `width` pixels wide: an eye in a ring, and the agency's name."""
    high = max(8, width // 4)
    mask = Image.new("L", (width, high))
    draw = ImageDraw.Draw(mask)
    line = max(1, high // 12)
    draw.ellipse((line, line, high - line, high - line), outline=255, width=line)
    draw.ellipse((high * 0.32, high * 0.32, high * 0.68, high * 0.68), fill=255)
    used = fitting_font(LOGO_TEXT, width - 1.2 * high, 0.6 * high)
    draw.text((1.15 * high, high / 2), LOGO_TEXT, fill=255, font=used, anchor="lm")
    return mask
