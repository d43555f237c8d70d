"""Encoded images for the comparison at full size, and what a comparison of two of them finds."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, JpegImagePlugin

from neardup_cli.choices import Loss
from neardup_cli.matching.codec_noise import Coding
from neardup_cli.matching.fullsize import Surplus, measure_surplus
from neardup_cli.rules.losses import lost_pixels

_LOSSLESS = ("PNG", "BMP", "TIFF")
_TEXT = (
    "harbour lantern seven market quiet orange bridge window paper silver garden winter morning copper "
    "letter eleven valley candle needle forest summer kitchen marble thunder ribbon"
)
WORDS = _TEXT.split()


def encoded(image: Image.Image, kind: str = "JPEG", **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def pixels(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def coding_of(data: bytes) -> Coding:
    with Image.open(io.BytesIO(data)) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return Coding(lossless=image.format in _LOSSLESS, size=len(data))
        tables = [tuple(image.quantization[number]) for number in sorted(image.quantization)]
    return Coding(luma=tables[0], chroma=tables[1] if len(tables) > 1 else None, size=len(data))


def surplus(gone: bytes, kept: bytes) -> Surplus:
    return measure_surplus(pixels(gone), pixels(kept), coding_of(gone))


def losses(gone: bytes, kept: bytes) -> frozenset[Loss]:
    return lost_pixels(surplus(gone, kept)).losses


def text_page(seed: int, changed: int | None = None, size: tuple[int, int] = (900, 1200)) -> Image.Image:
    """A letter of words drawn by chance; `changed` names a word that is another one."""
    chance = np.random.default_rng(seed)
    image = Image.new("L", size, 250)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    place = 0
    for y in range(90, size[1] - 90, 44):
        line = []
        for _ in range(8):
            number = int(chance.integers(len(WORDS)))
            line.append(WORDS[(number + 1) % len(WORDS)] if place == changed else WORDS[number])
            place += 1
        draw.text((70, y), " ".join(line), font=font, fill=25)
    return image


def bill(number: str, size: tuple[int, int] = (900, 1200)) -> Image.Image:
    """A form with one line of digits."""
    image = Image.new("RGB", size, (253, 252, 248))
    draw, small, large = ImageDraw.Draw(image), ImageFont.load_default(24), ImageFont.load_default(40)
    draw.text((80, 80), "Waterworks of the Lower Valley", font=large, fill=(20, 40, 90))
    draw.text((80, 240), f"Customer {number}", font=small, fill=(15, 15, 15))
    for row in range(18):
        draw.text(
            (80, 330 + 42 * row), "Thank you for paying within ten days.", font=small, fill=(70, 70, 70)
        )
        draw.line((80, 365 + 42 * row, 820, 365 + 42 * row), fill=(200, 200, 200))
    return image
