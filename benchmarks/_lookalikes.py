"""Families of look-alikes, drawn: each image of a family shows something else than every other one of it.

They share what fools a matcher (a layout, a font, an outline, a background), and no photograph is needed. A
family is a function of an image's own random numbers and of those that the whole family shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from colorsys import hsv_to_rgb
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks._files import as_image
from benchmarks._removal_pages import word
from neardup_cli.evaluation.edits.lettering import font

type Random = np.random.Generator
type Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """What an image is drawn from: its number, random numbers of its own, and those of its family."""

    number: int
    random: Random
    shared: Random


type Family = Callable[[Given], Image.Image]

FAMILIES: dict[str, Family] = {}
INK, PAPER, WHITE = (25, 25, 30), (252, 252, 248), (255, 255, 255)


def _family(draw: Family) -> Family:
    FAMILIES[draw.__name__] = draw
    return draw


def _colour(random: Random, value: float = 0.85) -> Colour:
    red, green, blue = hsv_to_rgb(float(random.random()), float(random.uniform(0.4, 0.9)), value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _sheet(width: int, height: int, colour: Colour = PAPER) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), colour)
    return image, ImageDraw.Draw(image)


def _text(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    text: str,
    size: int,
    fill: Colour = INK,
    anchor: str = "la",
) -> None:
    draw.text((x, y), text, font=font(size), fill=fill, anchor=anchor)


def _words(random: Random, count: int) -> str:
    return " ".join(word(random) for _ in range(count)).capitalize()


@_family
def icons(given: Given) -> Image.Image:
    """Round buttons of 128 pixels in one colour, with another sign on each."""
    image, draw = _sheet(128, 128)
    draw.ellipse((4, 4, 124, 124), fill=_colour(given.shared))
    points = [
        (64 + r * math.cos(a), 64 + r * math.sin(a))
        for a, r in _star(given.random, int(given.random.integers(3, 9)), 42)
    ]
    draw.polygon(points, fill="white")
    return image


def _star(random: Random, corners: int, radius: float) -> list[tuple[float, float]]:
    turn = float(random.uniform(0, 2 * math.pi))
    return [
        (turn + 2 * math.pi * at / corners, radius * float(random.uniform(0.35, 1))) for at in range(corners)
    ]


@_family
def emoji(given: Given) -> Image.Image:
    """Yellow faces with other eyes and mouths."""
    image, draw = _sheet(160, 160, (255, 255, 255))
    draw.ellipse((8, 8, 152, 152), fill=(252, 205, 60), outline=(200, 150, 20), width=3)
    eye, apart, mouth = (
        int(given.random.integers(6, 16)),
        int(given.random.integers(22, 40)),
        int(given.random.integers(20, 44)),
    )
    for side in (-1, 1):
        draw.ellipse((80 + side * apart - eye, 56, 80 + side * apart + eye, 56 + 2 * eye), fill=(60, 40, 20))
    start = (0, 180, 20, 200)[given.number % 4]
    draw.arc(
        (80 - mouth, 80, 80 + mouth, 130),
        start,
        start + int(given.random.integers(100, 181)),
        fill=(60, 40, 20),
        width=6,
    )
    return image


@_family
def flags(given: Given) -> Image.Image:
    """Flags of three stripes in other colours, upright or level."""
    image, draw = _sheet(300, 200)
    for stripe in range(3):
        box = (
            (100 * stripe, 0, 100 * stripe + 100, 200)
            if given.number % 2
            else (0, 67 * stripe, 300, 67 * stripe + 67)
        )
        draw.rectangle(box, fill=_colour(given.random, float(given.random.uniform(0.3, 1))))
    return image


@_family
def forms(given: Given) -> Image.Image:
    """One printed form, filled in by other people."""
    image, draw = _sheet(850, 1100)
    _text(draw, 60, 50, "APPLICATION", 44)
    for row in range(14):
        _text(draw, 60, 140 + 62 * row, _words(given.shared, 2) + ":", 22)
        draw.line((300, 172 + 62 * row, 790, 172 + 62 * row), fill=(150, 150, 150), width=2)
        _text(draw, 310, 142 + 62 * row, _words(given.random, 3), 24, fill=(20, 30, 120))
    return image


@_family
def tick_sheets(given: Given) -> Image.Image:
    """One answer sheet with twenty questions, ticked otherwise."""
    image, draw = _sheet(700, 1000)
    for row in range(20):
        _text(draw, 60, 60 + 45 * row, f"{row + 1}", 22)
        for column in range(5):
            box = (150 + 90 * column, 60 + 45 * row, 176 + 90 * column, 86 + 45 * row)
            draw.ellipse(box, outline=INK, width=2, fill=INK if given.random.integers(5) == column else None)
    return image


@_family
def receipts(given: Given) -> Image.Image:
    """Till receipts of one shop."""
    image, draw = _sheet(420, 900)
    _text(draw, 210, 50, "CORNER SHOP", 38, anchor="mm")
    for row in range(int(given.random.integers(8, 18))):
        _text(draw, 30, 120 + 36 * row, _words(given.random, 2), 20)
        _text(draw, 390, 120 + 36 * row, f"{given.random.uniform(0.5, 40):.2f}", 20, anchor="ra")
    _text(draw, 210, 850, f"No. {given.random.integers(10**8):08d}", 22, anchor="mm")
    return image


@_family
def letters(given: Given) -> Image.Image:
    """One letter to many: another name, and one other line."""
    image, draw = _sheet(800, 1130)
    lines = [_words(given.shared, 8) for _ in range(24)]
    lines[int(given.random.integers(24))] = _words(given.random, 8)
    _text(draw, 80, 90, f"Dear {_words(given.random, 2).title()},", 24)
    for row, line in enumerate(lines):
        _text(draw, 80, 170 + 36 * row, line, 20)
    return image


@_family
def tables(given: Given) -> Image.Image:
    """Tables of one layout with other numbers."""
    image, draw = _sheet(900, 700)
    for row in range(16):
        _text(draw, 40, 40 + 40 * row, _words(given.shared, 1), 20)
        for column in range(6):
            _text(
                draw,
                330 + 105 * column,
                40 + 40 * row,
                f"{given.random.uniform(0, 9999):.1f}",
                20,
                anchor="ra",
            )
    return image


@_family
def bar_charts(given: Given) -> Image.Image:
    """Charts with the same axes and colours, and other bars."""
    image, draw = _sheet(640, 420)
    draw.line((60, 20, 60, 370, 620, 370), fill=INK, width=2)
    colour = _colour(given.shared)
    for bar in range(10):
        draw.rectangle(
            (75 + 54 * bar, 370 - int(given.random.integers(15, 340)), 112 + 54 * bar, 369), fill=colour
        )
    return image


@_family
def line_charts(given: Given) -> Image.Image:
    """Charts with a grid and another curve."""
    image, draw = _sheet(640, 420)
    for step in range(1, 10):
        draw.line((64 * step, 0, 64 * step, 420), fill=(220, 220, 220))
        draw.line((0, 42 * step, 640, 42 * step), fill=(220, 220, 220))
    heights = 210 + np.cumsum(given.random.normal(0, 14, 80))
    draw.line(
        [(8.0 * at, float(height)) for at, height in enumerate(heights)],
        fill=_colour(given.shared, 0.7),
        width=3,
    )
    return image


@_family
def pie_charts(given: Given) -> Image.Image:
    """Pies of five shares in the same colours."""
    image, draw = _sheet(420, 420)
    colours = [_colour(given.shared) for _ in range(5)]
    ends = np.cumsum(given.random.dirichlet(np.ones(5) * 2)) * 360
    for start, end, colour in zip([0.0, *ends[:-1]], ends, colours, strict=True):
        draw.pieslice((20, 20, 400, 400), float(start), float(end), fill=colour)
    return image


@_family
def faces(given: Given) -> Image.Image:
    """Drawn heads in front of one ground: other hair, skin, eyes and shirts."""
    image, draw = _sheet(300, 360, (190, 205, 220))
    skin = ((245, 215, 190), (225, 180, 150), (190, 135, 100), (120, 80, 60))[int(given.random.integers(4))]
    hair, wide, high = (
        _colour(given.random, 0.4),
        int(given.random.integers(62, 82)),
        int(given.random.integers(84, 108)),
    )
    draw.rounded_rectangle((50, 280, 250, 420), 50, fill=_colour(given.random))
    draw.ellipse(
        (150 - wide - 14, 160 - high - 20, 164 + wide, 160 + int(given.random.integers(0, 110))), fill=hair
    )
    draw.ellipse((150 - wide, 160 - high, 150 + wide, 160 + high), fill=skin)
    apart, eye = int(given.random.integers(24, 38)), int(given.random.integers(5, 10))
    for side in (-1, 1):
        x = 150 + side * apart
        draw.ellipse((x - eye, 145 - eye, x + eye, 145 + eye), fill=INK)
        draw.line((x - 14, 122 + int(given.random.integers(-6, 6)), x + 14, 122), fill=hair, width=5)
    draw.arc((120, 185, 180, 185 + int(given.random.integers(15, 50))), 0, 180, fill=(150, 50, 50), width=4)
    return image


@_family
def labels(given: Given) -> Image.Image:
    """Parcel labels of one sender: another address, another number."""
    image, draw = _sheet(800, 500)
    draw.rectangle((10, 10, 790, 490), outline=INK, width=4)
    _text(draw, 40, 40, "EXPRESS PARCEL", 48)
    for row in range(3):
        _text(draw, 40, 140 + 50 * row, _words(given.random, 2).title(), 36)
    at = 40
    while at < 740:
        width = int(given.random.integers(2, 9))
        draw.rectangle((at, 330, at + width, 450), fill=INK)
        at += width + int(given.random.integers(2, 9))
    return image


@_family
def name_tags(given: Given) -> Image.Image:
    """Name tags of one event."""
    image, draw = _sheet(600, 400, (255, 255, 255))
    draw.rectangle((0, 0, 600, 120), fill=_colour(given.shared, 0.7))
    _text(draw, 300, 60, "HELLO MY NAME IS", 48, fill=WHITE, anchor="mm")
    _text(draw, 300, 250, _words(given.random, 1), 90, anchor="mm")
    return image


@_family
def clocks(given: Given) -> Image.Image:
    """One clock at other times."""
    image, draw = _sheet(300, 300)
    draw.ellipse((10, 10, 290, 290), outline=INK, width=8)
    for hour in range(12):
        angle = math.radians(30 * hour)
        _text(
            draw, 150 + 112 * math.sin(angle), 150 - 112 * math.cos(angle), str(hour or 12), 26, anchor="mm"
        )
    minutes = int(given.random.integers(720))
    for length, angle, width in ((62, minutes / 720, 9), (95, minutes / 60, 5)):
        turned = 2 * math.pi * angle
        draw.line(
            (150, 150, 150 + length * math.sin(turned), 150 - length * math.cos(turned)),
            fill=INK,
            width=width,
        )
    return image


@_family
def boards(given: Given) -> Image.Image:
    """A draughts board in other positions."""
    image, draw = _sheet(400, 400)
    for at in range(64):
        x, y = 50 * (at % 8), 50 * (at // 8)
        dark = (at % 8 + at // 8) % 2
        draw.rectangle((x, y, x + 49, y + 49), fill=(150, 100, 60) if dark else (240, 220, 190))
        if dark and given.random.random() < 0.35:
            draw.ellipse(
                (x + 7, y + 7, x + 43, y + 43),
                fill=(20, 20, 20) if given.random.random() < 0.5 else (245, 245, 245),
            )
    return image


@_family
def codes(given: Given) -> Image.Image:
    """Square codes of 29 modules with the same corner marks."""
    modules = given.random.integers(0, 2, (29, 29)).astype(np.uint8) * 255
    for y, x in ((0, 0), (0, 22), (22, 0)):
        modules[y : y + 7, x : x + 7] = 0
        modules[y + 1 : y + 6, x + 1 : x + 6] = 255
        modules[y + 2 : y + 5, x + 2 : x + 5] = 0
    return Image.fromarray(np.pad(modules, 3, constant_values=255)).resize(
        (350, 350), Image.Resampling.NEAREST
    )


@_family
def maps(given: Given) -> Image.Image:
    """Street maps in one style."""
    image, draw = _sheet(600, 600, (238, 234, 224))
    for _ in range(10):
        x, y, side = (int(value) for value in given.random.integers((0, 0, 40), (560, 560, 160)))
        draw.rectangle((x, y, x + side, y + side), fill=(200, 225, 180))
    for _ in range(24):
        ends = [int(value) for value in given.random.integers(0, 600, 4)]
        draw.line((ends[0], ends[1], ends[2], ends[3]), fill="white", width=int(given.random.integers(4, 14)))
    return image


@_family
def products(given: Given) -> Image.Image:
    """One bottle on white with another label."""
    image, draw = _sheet(400, 600, (255, 255, 255))
    glass = _colour(given.shared, 0.5)
    draw.rounded_rectangle((120, 180, 280, 580), 30, fill=glass)
    draw.rectangle((172, 40, 228, 200), fill=glass)
    draw.rectangle((120, 290, 280, 460), fill=_colour(given.random))
    _text(draw, 200, 350, _words(given.random, 1), 30, anchor="mm")
    _text(draw, 200, 410, f"{given.random.integers(1950, 2025)}", 28, anchor="mm")
    return image


@_family
def shirts(given: Given) -> Image.Image:
    """One shirt in other colours."""
    image, draw = _sheet(400, 400, (255, 255, 255))
    red, green, blue = hsv_to_rgb(
        given.number * 0.618 % 1, 0.3 + 0.6 * (given.number % 3) / 2, 0.5 + 0.45 * (given.number % 2)
    )
    outline = (
        (120, 60),
        (280, 60),
        (380, 140),
        (340, 200),
        (290, 170),
        (290, 360),
        (110, 360),
        (110, 170),
        (60, 200),
        (20, 140),
    )
    draw.polygon(
        outline, fill=(round(255 * red), round(255 * green), round(255 * blue)), outline=(90, 90, 90)
    )
    return image


@_family
def chats(given: Given) -> Image.Image:
    """Screenshots of one messenger with other messages."""
    image, draw = _sheet(540, 1080, (236, 229, 221))
    draw.rectangle((0, 0, 540, 90), fill=(7, 94, 84))
    _text(draw, 90, 30, "Family", 30, fill=WHITE)
    y = 120
    while y < 980:
        mine, lines = bool(given.random.integers(2)), int(given.random.integers(1, 4))
        x = 140 if mine else 20
        draw.rounded_rectangle(
            (x, y, x + 380, y + 20 + 32 * lines), 14, fill=(220, 248, 198) if mine else "white"
        )
        for line in range(lines):
            _text(draw, x + 16, y + 10 + 32 * line, _words(given.random, 4), 22)
        y += 40 + 32 * lines
    return image


@_family
def slides(given: Given) -> Image.Image:
    """Slides of one template."""
    image, draw = _sheet(960, 540, (255, 255, 255))
    draw.rectangle((0, 0, 960, 90), fill=_colour(given.shared, 0.5))
    _text(draw, 40, 22, _words(given.random, 3), 40, fill=WHITE)
    for point in range(5):
        draw.ellipse((60, 158 + 70 * point, 74, 172 + 70 * point), fill=INK)
        _text(draw, 100, 150 + 70 * point, _words(given.random, 7), 26)
    return image


@_family
def covers(given: Given) -> Image.Image:
    """Volumes of one series of books: another number."""
    image, draw = _sheet(400, 600, _colour(given.shared, 0.6))
    draw.rectangle((30, 30, 370, 570), outline="white", width=4)
    _text(draw, 200, 120, "COLLECTED WORKS", 30, fill=WHITE, anchor="mm")
    _text(draw, 200, 320, str(given.number + 1), 150, fill=WHITE, anchor="mm")
    return image


@_family
def skies(given: Given) -> Image.Image:
    """Stars on black, elsewhere each time."""
    values = np.zeros((500, 500), np.float32)
    for x, y, light in given.random.integers((2, 2, 80), (498, 498, 255), (180, 3)):
        values[y - 1 : y + 2, x - 1 : x + 2] = light
    return as_image(values).filter(ImageFilter.GaussianBlur(0.8))


@_family
def grounds(given: Given) -> Image.Image:
    """Textures of one kind: gravel, cloth, grass."""
    scale = (3, 6, 12)[int(given.shared.integers(3))]
    small = given.random.normal(128, 45, (400 // scale, 400 // scale)).astype(np.float32)
    texture = np.asarray(Image.fromarray(small).resize((400, 400), Image.Resampling.BICUBIC))
    return as_image(texture + given.random.normal(0, 10, texture.shape))


@_family
def spectra(given: Given) -> Image.Image:
    """Heart rhythms on one paper."""
    image, draw = _sheet(900, 300, (255, 244, 240))
    for step in range(0, 900, 15):
        draw.line((step, 0, step, 300), fill=(248, 205, 200))
        draw.line((0, step, 900, step), fill=(248, 205, 200))
    at, points = 0.0, [(0.0, 160.0)]
    while at < 860:
        at += float(given.random.uniform(55, 110))
        high = float(given.random.uniform(60, 120))
        points += [(at - 8, 160.0), (at, 160 - high), (at + 6, 160 + high / 3), (at + 14, 160.0)]
    draw.line(points, fill=INK, width=2)
    return image


def drawn(name: str, number: int, seed: int) -> Image.Image:
    """Return image `number` of a family, the same for one seed."""
    place = list(FAMILIES).index(name)
    own, shared = np.random.default_rng((seed, place, 1 + number)), np.random.default_rng((seed, place))
    return FAMILIES[name](Given(number, own, shared))
