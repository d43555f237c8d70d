"""Pictures that look alike and are not copies: what a verifier must not be fooled by.

Each family is a set of pictures of *different* things that share something loud: a caption, a watermark, a
frame, the chrome of an application, a paper form, a repeated texture. Every pair within a family is therefore
a negative, and `n` pictures give `n · (n - 1) / 2` of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

Maker = Callable[[Image.Image, np.random.Generator], Image.Image]

_PAPER = (252, 252, 249)
_INK = (28, 28, 32)
_WORD_LIST = (
    "the of and to in is that for it was on are as with his they at be this have from or one had by word "
    "but not what all were we when your can said there use an each which she do how their if will up other "
    "about out many then them these so some her would make like him into time has look two more write go "
    "see number no way could people my than first water been call who oil its now find long down day did "
    "get come made may part over new sound take only little work know place year live me back give most"
)
_WORDS = _WORD_LIST.split()


@dataclass(frozen=True, slots=True)
class HardFamily:
    """Pictures of different things with something loud in common; every pair of them is a negative."""

    name: str
    pictures: tuple[Image.Image, ...]

    def pairs(self) -> Iterator[tuple[Image.Image, Image.Image]]:
        """Give every unordered pair of the family: `n · (n - 1) / 2` negatives."""
        return combinations(self.pictures, 2)


def hard_families(photos: Sequence[Image.Image], size: int, seed: int = 0) -> Iterator[HardFamily]:
    """Draw every family, one after the other, so that only one is in memory at a time.

    Args:
        photos: at least `size` different RGB photographs; a family uses each of the first `size` once.
        size: pictures in a family.
        seed: of the random texts, phases and shades; the same seed draws the same pictures.

    Raises:
        ValueError: there are fewer photographs than `size`, so two pictures would show the same one.
    """
    if len(photos) < size:
        msg = f"{size} pictures a family need as many photographs, not {len(photos)}"
        raise ValueError(msg)
    for number, (name, make) in enumerate(FAMILIES.items()):
        rng = np.random.default_rng((seed, number))
        yield HardFamily(name, tuple(make(photo.convert("RGB"), rng) for photo in photos[:size]))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(_WORDS, size=words)).capitalize()


def _fit(photo: Image.Image, box: tuple[int, int]) -> Image.Image:
    return ImageOps.fit(photo, box, Image.Resampling.LANCZOS)


def _text_block(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], rng: np.random.Generator, size: int
) -> None:
    """Fill `box` (left, top, right, bottom) with lines of random words."""
    left, top, right, bottom = box
    font = _font(size)
    for y in range(top, bottom - size, round(size * 1.5)):
        line = _sentence(rng, 24)
        while draw.textlength(line, font=font) > right - left:
            line = line.rsplit(" ", 1)[0]
        draw.text((left, y), line, fill=_INK, font=font)


def caption_band(photo: Image.Image, _rng: np.random.Generator) -> Image.Image:
    """Put a photograph under the same two lines of black text on a white band."""
    width, height = photo.size
    band = height // 4
    canvas = Image.new("RGB", (width, height + band), "white")
    canvas.paste(photo, (0, band))
    draw = ImageDraw.Draw(canvas)
    for row, line in enumerate(("WHEN THE WEEKEND IS OVER", "and nobody told you")):
        font = _font(round(band * 0.3))
        draw.text((width / 2, band * (0.28 + 0.44 * row)), line, fill="black", font=font, anchor="mm")
    return canvas


def meme_text(photo: Image.Image, _rng: np.random.Generator) -> Image.Image:
    """Write the same outlined white text across the top and the bottom of a photograph."""
    canvas = photo.copy()
    draw = ImageDraw.Draw(canvas)
    width, height = canvas.size
    font = _font(max(12, width // 11))
    for y, line in ((height * 0.1, "ONE DOES NOT SIMPLY"), (height * 0.9, "FIND THE COPIES")):
        place = (width / 2, y)
        draw.text(place, line, fill="white", font=font, anchor="mm", stroke_width=2, stroke_fill="black")
    return canvas


def corner_logo(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Stamp the same opaque logo, a fifth of the width, into one of the corners."""
    canvas = photo.copy()
    width, height = canvas.size
    side = width // 5
    logo = Image.new("RGB", (side, side), (200, 30, 40))
    draw = ImageDraw.Draw(logo)
    draw.ellipse((side * 0.1, side * 0.1, side * 0.9, side * 0.9), fill="white", outline="black", width=2)
    draw.regular_polygon((side / 2, side / 2, side * 0.3), 5, fill=(20, 60, 160))
    draw.text((side / 2, side * 0.82), "NEWS 24", fill="black", font=_font(max(8, side // 7)), anchor="mm")
    at = (int(rng.integers(2)) * (width - side), int(rng.integers(2)) * (height - side))
    canvas.paste(logo, at)
    return canvas


def tiled_watermark(photo: Image.Image, _rng: np.random.Generator) -> Image.Image:
    """Lay the same half-transparent agency name over the whole photograph, again and again."""
    width, height = photo.size
    layer = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(layer)
    for row, y in enumerate(range(20, height, 80)):
        for x in range(-40 + 60 * (row % 2), width, 170):
            draw.text((x, y), "stockphoto", fill=110, font=_font(26))
    white = Image.new("RGB", photo.size, "white")
    return Image.composite(white, photo, layer)


def ornate_frame(photo: Image.Image, _rng: np.random.Generator) -> Image.Image:
    """Hang a photograph in the same wooden frame with a bead moulding."""
    inner = _fit(photo, (400, 300))
    canvas = Image.new("RGB", (500, 400), (120, 78, 40))
    draw = ImageDraw.Draw(canvas)
    for inset, shade in ((0, (70, 40, 20)), (12, (160, 110, 60)), (24, (90, 55, 28)), (40, (214, 180, 110))):
        draw.rectangle((inset, inset, 499 - inset, 399 - inset), outline=shade, width=6)
    for x in range(10, 500, 20):
        for y in (20, 380):
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(230, 200, 140), outline=(60, 35, 15))
    for y in range(40, 370, 20):
        for x in (20, 480):
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(230, 200, 140), outline=(60, 35, 15))
    canvas.paste(inner, (50, 50))
    return canvas


def phone_screenshot(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Show a photograph in the same photo-sharing application on the same phone."""
    canvas = Image.new("RGB", (360, 720), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((16, 6), f"{rng.integers(8, 22)}:{rng.integers(10, 59)}", fill="black", font=_font(15))
    for x in (270, 292, 314):
        draw.rectangle((x, 8, x + 14, 20), outline="black", fill=(90, 90, 90), width=2)
    draw.text((16, 34), "Photogram", fill="black", font=_font(28))
    draw.ellipse((14, 80, 54, 120), fill=(240, 120, 60), outline=(150, 40, 120), width=3)
    draw.text((64, 90), _sentence(rng, 2), fill="black", font=_font(16))
    canvas.paste(_fit(photo, (360, 360)), (0, 130))
    for x in (20, 66, 112, 318):
        draw.regular_polygon((x + 12, 512, 14), 5, outline="black", fill=(245, 245, 245))
    draw.text((16, 536), "Liked by many others", fill="black", font=_font(15))
    _text_block(draw, (16, 560, 344, 650), rng, 13)
    for x in (36, 108, 180, 252, 324):
        draw.rounded_rectangle((x - 13, 678, x + 13, 704), 6, outline="black", width=3)
        draw.line((x - 6, 691, x + 6, 691), fill="black", width=3)
    return canvas


def web_page(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Show an article of the same web site: header, menu, headline, picture, text and a side column."""
    canvas = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, 640, 56), fill=(22, 48, 92))
    draw.text((18, 12), "The Daily Pixel", fill="white", font=_font(28))
    for x, item in zip((300, 370, 450, 530), ("World", "Science", "Culture", "Sport"), strict=True):
        draw.text((x, 20), item, fill="white", font=_font(16))
    draw.text((18, 66), _sentence(rng, 5), fill="black", font=_font(22))
    canvas.paste(_fit(photo, (300, 200)), (18, 104))
    _text_block(draw, (18, 316, 400, 470), rng, 12)
    draw.rectangle((430, 70, 624, 466), outline=(180, 180, 180), width=2)
    draw.text((442, 80), "Most read", fill=(180, 20, 20), font=_font(18))
    for row in range(5):
        draw.text((442, 116 + 66 * row), str(row + 1), fill=(180, 20, 20), font=_font(24))
        _text_block(draw, (470, 112 + 66 * row, 616, 170 + 66 * row), rng, 12)
    return canvas


def paper_form(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Fill in the same printed invoice with other names, lines and sums."""
    canvas = Image.new("RGB", (480, 640), _PAPER)
    draw = ImageDraw.Draw(canvas)
    draw.text((30, 24), "INVOICE", fill=_INK, font=_font(34))
    draw.text((300, 30), "Example Trading Ltd", fill=_INK, font=_font(15))
    draw.text((300, 50), "12 Harbour Street", fill=_INK, font=_font(12))
    for row, label in enumerate(("Bill to", "Address", "Date", "Number")):
        draw.text((30, 92 + 26 * row), f"{label}:", fill=_INK, font=_font(14))
        draw.text((120, 92 + 26 * row), _sentence(rng, 3), fill=(20, 30, 120), font=_font(15))
    for x, label in ((36, "Description"), (260, "Hours"), (330, "Rate"), (400, "Amount")):
        draw.text((x, 212), label, fill=_INK, font=_font(13))
    for y in range(206, 500, 24):
        draw.line((30, y, 450, y), fill=(90, 90, 90), width=1)
    for y in range(234, 480, 24):
        draw.text((36, y), _sentence(rng, 4), fill=(20, 30, 120), font=_font(13))
        for x in (260, 330, 400):
            draw.text((x, y), str(rng.integers(10, 999)), fill=(20, 30, 120), font=_font(13))
    draw.text((300, 520), f"Total  {rng.integers(1000, 9999)}", fill=_INK, font=_font(20))
    draw.text((30, 580), "Payable within thirty days of receipt", fill=_INK, font=_font(12))
    return canvas


def text_page(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Set a page of other words in the same type and lines."""
    canvas = Image.new("RGB", (480, 640), _PAPER)
    _text_block(ImageDraw.Draw(canvas), (40, 50, 440, 600), rng, 15)
    return canvas


def slide(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Fill the same slide template with another title, other points and another small picture."""
    canvas = Image.new("RGB", (640, 360), (245, 246, 250))
    draw = ImageDraw.Draw(canvas)
    draw.polygon(((0, 0), (150, 0), (60, 360), (0, 360)), fill=(0, 92, 140))
    draw.polygon(((150, 0), (180, 0), (90, 360), (60, 360)), fill=(240, 160, 20))
    draw.rectangle((0, 336, 640, 360), fill=(0, 60, 96))
    draw.text((430, 339), "Quarterly review, confidential", fill="white", font=_font(14))
    draw.text((200, 24), _sentence(rng, 4), fill=(0, 60, 96), font=_font(26))
    for row in range(5):
        draw.text((200, 84 + 44 * row), "-  " + _sentence(rng, 3), fill=_INK, font=_font(17))
    canvas.paste(_fit(photo, (160, 120)), (456, 90))
    return canvas


def brick_wall(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lay a running-bond wall of the same bricks, each of a random shade, from another corner."""
    width, height, mortar = 48, 20, 3
    pixels = np.full((400 + 2 * height, 480 + 2 * width, 3), (188, 182, 172), np.float32)
    for row in range(pixels.shape[0] // height + 1):
        for column in range(-1, pixels.shape[1] // width + 1):
            top, left = row * height, max(0, column * width + (row % 2) * width // 2)
            shade = np.array((150, 72, 52)) * rng.normal(1, 0.12)
            right = column * width + (row % 2) * width // 2 + width - mortar
            pixels[top : top + height - mortar, left : max(0, right)] = shade
    pixels += rng.normal(0, 6, pixels.shape[:2])[..., None]
    y, x = rng.integers(0, 2 * height), rng.integers(0, 2 * width)
    return Image.fromarray(np.clip(pixels[y : y + 400, x : x + 480], 0, 255).astype(np.uint8))


def tile_grid(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Tile a floor with the same dark joints and three shades in random order, from another corner."""
    pitch = 40
    shades = rng.choice(np.array((150, 178, 205)), size=(12, 14)).astype(np.float32)
    pixels = np.kron(shades, np.ones((pitch, pitch), np.float32))
    pixels[np.arange(pixels.shape[0]) % pitch < 4] = 60
    pixels[:, np.arange(pixels.shape[1]) % pitch < 4] = 60
    pixels += rng.normal(0, 3, pixels.shape)
    y, x = rng.integers(0, pitch, 2)
    grey = np.clip(pixels[y : y + 400, x : x + 480], 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def fine_texture(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a field of the same statistics, such as grass, sand or cloth: band-passed noise."""
    noise = rng.normal(0, 1, (360, 480))
    radius = np.hypot(np.fft.fftfreq(360)[:, None], np.fft.fftfreq(480)[None])
    band = np.exp(-(((radius - 0.08) / 0.05) ** 2))
    field = np.fft.ifft2(np.fft.fft2(noise) * band).real
    grey = np.clip(128 + 40 * field / field.std(), 0, 255).astype(np.uint8)
    return ImageOps.colorize(Image.fromarray(grey), (20, 50, 10), (200, 220, 150))


def nearly_flat(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Photograph a blank wall: one tint, a little sensor noise, one faint speck of dust."""
    tint = rng.integers(170, 215) + rng.integers(-4, 5, 3)
    pixels = np.broadcast_to(tint, (360, 480, 3)) + rng.normal(0, 2.5, (360, 480, 1))
    y, x = rng.integers(40, 320), rng.integers(40, 440)
    pixels[y : y + 5, x : x + 5] -= 40
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def sky_gradient(_photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Photograph an empty sky: a smooth gradient, slightly turned, a soft cloud somewhere."""
    y, x = np.mgrid[0:360, 0:480].astype(np.float32) / 360
    angle = rng.normal(np.pi / 2, 0.15)
    slope = np.cos(angle) * x + np.sin(angle) * y
    cy, cx = rng.uniform(0.2, 0.8), rng.uniform(0.2, 1.1)
    cloud = np.exp(-(((x - cx) / 0.25) ** 2) - ((y - cy) / 0.12) ** 2) * 25
    level = rng.uniform(0.9, 1.1) * (90 + 90 * slope) + cloud + rng.normal(0, 1.5, slope.shape)
    pixels = np.stack([level * 0.7, level * 0.85, level + 40], axis=-1)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


FAMILIES: dict[str, Maker] = {
    "caption-band": caption_band,
    "meme-text": meme_text,
    "corner-logo": corner_logo,
    "tiled-watermark": tiled_watermark,
    "ornate-frame": ornate_frame,
    "phone-screenshot": phone_screenshot,
    "web-page": web_page,
    "slide": slide,
    "paper-form": paper_form,
    "text-page": text_page,
    "brick-wall": brick_wall,
    "tile-grid": tile_grid,
    "fine-texture": fine_texture,
    "nearly-flat": nearly_flat,
    "sky-gradient": sky_gradient,
}
"""Every family by name: how one of its pictures is made from a photograph and a random generator."""
