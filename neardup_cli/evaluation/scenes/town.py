"""Built places: a skyline by day or night, a row of house fronts."""

from dataclasses import dataclass

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Shot,
    blend,
    box,
    fraction,
    hsv,
    jitter,
    line,
    mix,
    noise,
    oval,
    palette,
    polygon,
    rectangle,
    remap,
    rgb,
    rows_and_columns,
    smoothstep,
)
from neardup_cli.evaluation.scenes.sky import HOURS, Light, hour_of, paint_sky

FACADES = (
    rgb(150, 140, 128),
    rgb(108, 116, 128),
    rgb(172, 120, 96),
    rgb(90, 98, 110),
    rgb(196, 184, 164),
    rgb(70, 84, 104),
)
PLASTER = (
    rgb(226, 206, 170),
    rgb(206, 134, 110),
    rgb(178, 196, 200),
    rgb(232, 222, 208),
    rgb(214, 170, 92),
    rgb(150, 172, 138),
    rgb(196, 116, 122),
    rgb(120, 142, 170),
)

TILES = (rgb(142, 74, 52), rgb(84, 78, 80), rgb(110, 92, 76))


def skyline(shot: Shot) -> Pixels:
    """Towers behind towers, their windows lit at night, with a river or a park before them."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    dark = shot.mood.uniform() < 0.4
    hour = HOURS[(3, 7)[int(shot.mood.integers(2))]] if dark else hour_of(shot)
    base = round(shot.height * shot.layout.uniform(0.62, 0.95))
    light = paint_sky(pixels, shot, hour, base)
    for near in (0.1, 0.5, 1.0)[-int(shot.mood.integers(1, 4)) :]:
        _block(pixels, shot, base, near, light, dark=dark)
    _river(pixels, shot, base)
    return pixels


def _block(pixels: Pixels, shot: Shot, base: int, near: float, light: Light, *, dark: bool) -> None:
    """One row of towers side by side."""
    rng = shot.layout
    x = -shot.unit * rng.uniform(0, 0.2)
    tallest = base * rng.uniform(0.45, 1.0) * (1.1 - 0.45 * near)
    centre = rng.uniform(0, 1) * shot.width
    while x < shot.width:
        wide = shot.unit * rng.uniform(0.05, 0.2) * (0.55 + 0.7 * near)
        closeness = np.exp(-(((x - centre) / (0.45 * shot.width)) ** 2))
        tall = tallest * (0.2 + 0.8 * closeness) * rng.uniform(0.3, 1.0)
        wall = (
            jitter(rng, FACADES[int(rng.integers(len(FACADES)))], 0.08) * light.colour * (0.22 if dark else 1)
        )
        tone = mix(wall, light.haze, (0.25 if dark else 0.75) * (1 - near))
        _tower(pixels, shot, (x, base - tall, wide, tall), tone, lit=float(dark) * near)
        x += wide * rng.uniform(0.9, 1.5)


def _tower(
    pixels: Pixels, shot: Shot, place: tuple[float, float, float, float], tone: Colour, *, lit: float
) -> None:
    """A tower at `place` (x, y, width, height): windows in a grid, a shaded side, something on its roof."""
    rng = shot.layout
    x, y, wide, tall = place
    _roof(pixels, rng, (x, y, wide), tone)
    left, right, top, bottom = max(0, int(x)), min(shot.width, int(x + wide)), max(0, int(y)), int(y + tall)
    if right - left < 2 or bottom - top < 2:
        return
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    cols = np.arange(left, right, dtype=np.float32)[None, :] - x
    storey, bay = shot.unit * rng.uniform(0.016, 0.034), wide / int(rng.integers(3, 10))
    panes = (fraction(rows / storey) > rng.uniform(0.1, 0.5)) & (fraction(cols / bay) > rng.uniform(0.1, 0.5))
    cell = (rows // storey).astype(int) * 31 + (cols // bay).astype(int)
    chance = np.take(rng.random(997, dtype=np.float32), cell % 997)
    glass = tone * (0.5 + 0.45 * chance)
    if lit > 0:
        lamps = mix(rgb(255, 196, 112), rgb(255, 238, 200), chance) * np.float32(0.35 + 0.65 * lit)
        glass = np.where(chance > 0.45, lamps, glass)
    shade = 1 - rng.uniform(0.15, 0.4) * (cols / wide > rng.uniform(0.4, 1.0))
    pixels[:, top:bottom, left:right] = np.where(panes, glass, tone * shade)


def _roof(pixels: Pixels, rng: np.random.Generator, place: tuple[float, float, float], tone: Colour) -> None:
    """A spire, a mast, a plant room, a dome or nothing on a tower at `place` (x, y, width)."""
    x, y, wide = place
    kind, tall = int(rng.integers(5)), wide * rng.uniform(0.3, 1.6)
    if kind == 1:
        polygon(pixels, np.array([(x, y + 1), (x + wide / 2, y - tall), (x + wide, y + 1)]), tone * 0.9)
    elif kind == 2:
        polygon(pixels, rectangle(x + wide * 0.46, y - tall, x + wide * 0.52, y), tone * 0.7)
    elif kind == 3:
        polygon(pixels, rectangle(x + wide * 0.2, y - wide * 0.25, x + wide * 0.7, y), tone * 0.85)
    elif kind == 4:
        oval(pixels, (x + wide / 2, y), (wide / 2, wide * 0.3), tone)


def _river(pixels: Pixels, shot: Shot, base: int) -> None:
    """What lies before the towers: water that mirrors them, or trees and a lawn."""
    rows = shot.height - base
    if rows < 4:
        return
    y, x = rows_and_columns((rows, shot.width))
    rough = noise(shot.layout, (rows, shot.width), coarsest=24, finest=2, stretch=9)
    if shot.mood.uniform() < 0.6:
        shaken = rough * (1 + y / 12)
        mirrored = remap(pixels, x + shaken * 0.6, base - 1 - y * 1.4 + shaken * 1.6)
        pixels[:, base:] = mix(mirrored, jitter(shot.mood, rgb(30, 46, 58), 0.05), 0.35) * (1 + 0.05 * rough)
        return
    green = hsv(shot.mood.uniform(0.2, 0.38), 0.5, 0.4)
    crowns = shot.unit * (0.07 + 0.03 * line(shot.layout, shot.width, coarsest=14, roughness=0.6))
    leaves = noise(shot.layout, shot.shape, coarsest=16, roughness=0.75)
    rows_all, _ = rows_and_columns(shot.shape)
    blend(pixels, smoothstep(0, 3, rows_all - (base - crowns) + 3 * leaves), green * (0.8 + 0.25 * leaves))
    blend(pixels, smoothstep(0, 8, rows_all - base - 0.3 * rows), green * 1.5 * (1 + 0.07 * leaves))


def street(shot: Shot) -> Pixels:
    """House fronts side by side, seen from across the street."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    base = round(shot.height * shot.layout.uniform(0.8, 0.93))
    light = paint_sky(pixels, shot, hour_of(shot), base)
    nearness = shot.layout.uniform(0.7, 2.0)
    stains = noise(shot.layout, shot.shape, coarsest=4, roughness=0.66)
    x = -shot.unit * shot.layout.uniform(0, 0.4)
    while x < shot.width:
        wide = shot.unit * nearness * shot.layout.uniform(0.28, 0.62)
        _house(pixels, shot, (x, base, wide), light, stains, nearness)
        x += wide
    _pavement(pixels, shot, base, light)
    for _ in range(int(shot.layout.integers(0, 4))):
        _lamp_or_tree(pixels, shot, base, light)
    return pixels


def _house(
    pixels: Pixels,
    shot: Shot,
    place: tuple[float, float, float],
    light: Light,
    stains: Plane,
    nearness: float,
) -> None:
    """One house at `place` (left, base, width): wall, roof, storeys of windows, a door."""
    rng = shot.layout
    x, base, wide = place
    storeys, storey = int(rng.integers(2, 5)), shot.unit * nearness * rng.uniform(0.14, 0.2)
    top = base - (storeys + 0.1) * storey
    wall = jitter(rng, PLASTER[int(rng.integers(len(PLASTER)))], 0.06) * light.colour
    rows, cols = slice(max(0, int(top)), int(base)), slice(max(0, int(x)), min(shot.width, int(x + wide) + 1))
    if cols.start >= cols.stop:
        return
    pixels[:, rows, cols] = wall * (0.94 + 0.06 * stains[rows, cols])
    tiles = jitter(rng, TILES[int(rng.integers(len(TILES)))], 0.05) * light.colour
    _gable(pixels, rng, (x, top, wide), storey * rng.uniform(0.25, 1.1), (wall, tiles))
    _front(pixels, shot, place, (storeys, storey), light)


def _gable(
    pixels: Pixels,
    rng: np.random.Generator,
    eaves: tuple[float, float, float],
    tall: float,
    tones: tuple[Colour, Colour],
) -> None:
    """A gable, a hipped or a flat roof over `eaves` (x, y, width); `tones` are the wall's and the tiles'."""
    (x, y, wide), (wall, tiles) = eaves, tones
    inset = (0.5, 0.12, 0.0)[int(rng.integers(3))]
    ridge = [(x + wide * inset, y - tall), (x + wide * (1 - inset), y - tall)]
    polygon(pixels, np.array([(x - 3, y), *ridge, (x + wide + 3, y)]), wall * 0.96 if inset == 0.5 else tiles)
    if inset == 0.5:
        for side in (0, 1):
            foot = (x + (wide + 8) * side - 4, y)
            verge = [(x + wide * side, y), ridge[0], (ridge[0][0], y - tall - 6), foot]
            polygon(pixels, np.array(verge), tiles)
    polygon(pixels, rectangle(x, y - 2, x + wide, y + 4), wall * 0.75)


def _front(
    pixels: Pixels, shot: Shot, place: tuple[float, float, float], storeys: tuple[int, float], light: Light
) -> None:
    """The windows of a house at `place` (left, base, width), all of one style, and its door."""
    rng = shot.layout
    (x, base, wide), (floors, storey) = place, storeys
    frame = jitter(rng, rgb(236, 232, 224), 0.06) * light.colour
    paint = hsv(rng.uniform(), 0.5, 0.5) * light.colour
    bays, style = int(rng.integers(2, 5)), WindowStyle.draw(rng, frame, paint)
    door = int(rng.integers(bays))
    for level in range(floors):
        for bay in range(bays):
            middle, foot = x + wide * (bay + 0.5) / bays, base - level * storey
            if level == 0 and bay == door:
                _door(pixels, (middle, foot, 0.5 * wide / bays, 0.8 * storey), (frame, paint))
            else:
                size = (style.wide * wide / bays, style.tall * storey)
                _window(pixels, rng, ((middle, foot - 0.22 * storey), size), style, light)


@dataclass(frozen=True)
class WindowStyle:
    """What all windows of a house have in common; `wide` and `tall` are shares of the bay and the storey."""

    wide: float
    tall: float
    shuttered: bool
    arched: bool
    frame: Colour
    paint: Colour

    @classmethod
    def draw(cls, rng: np.random.Generator, frame: Colour, paint: Colour) -> "WindowStyle":
        """A style at random in these colours."""
        wide, tall, shutters, arch = rng.uniform((0.3, 0.5, 0, 0), (0.55, 0.78, 1, 1)).tolist()
        return cls(wide, tall, shutters < 0.5, arch < 0.4, frame, paint)


def _door(pixels: Pixels, place: tuple[float, float, float, float], tones: tuple[Colour, Colour]) -> None:
    """A door at `place` (middle, foot, width, height) with its frame, panels and knob."""
    middle, foot, wide, tall = place
    polygon(
        pixels,
        rectangle(middle - 0.58 * wide, foot - 1.05 * tall, middle + 0.58 * wide, foot),
        tones[0],
        soft=0.4,
    )
    polygon(
        pixels,
        rectangle(middle - 0.46 * wide, foot - 0.97 * tall, middle + 0.46 * wide, foot),
        tones[1] * 0.9,
        soft=0.4,
    )
    for side in (-0.22, 0.22):
        for low, high in ((0.1, 0.4), (0.48, 0.88)):
            box(
                pixels,
                middle + (side - 0.14) * wide,
                foot - high * tall,
                middle + (side + 0.14) * wide,
                foot - low * tall,
                tones[1] * 0.65,
            )
    oval(pixels, (middle + 0.36 * wide, foot - 0.45 * tall), (2, 2), rgb(220, 190, 90))


def _window(
    pixels: Pixels,
    rng: np.random.Generator,
    place: tuple[tuple[float, float], tuple[float, float]],
    style: WindowStyle,
    light: Light,
) -> None:
    """A window at `place` (middle of its foot, size): glass that mirrors the sky, bars, a curtain."""
    (x, y), (wide, tall) = place
    left, right, top = x - wide / 2, x + wide / 2, y - tall
    if style.arched:
        oval(pixels, (x, top), (wide * 0.58, wide * 0.5), style.frame)
    box(pixels, left - 3, top - 3, right + 3, y + 4, style.frame)
    glass = mix(rgb(40, 48, 58), light.haze, rng.uniform(0.05, 0.6))
    box(pixels, left, top, right, y, glass)
    if rng.uniform() < 0.5:
        shine = np.array([(left, top), (right, top), (left, y - tall * rng.uniform(0, 0.6))])
        polygon(pixels, shine, rgb(255, 255, 255), opacity=0.18)
    if rng.uniform() < 0.4:
        curtain = jitter(rng, rgb(232, 224, 210), 0.08) * light.colour
        box(pixels, left, top, left + wide * rng.uniform(0.15, 0.5), y, mix(glass, curtain, 0.75))
    box(pixels, x - 1, top, x + 1, y, style.frame)
    box(pixels, left, top + tall * 0.36, right, top + tall * 0.36 + 2, style.frame)
    if style.shuttered:
        for near, far in ((left - 0.5 * wide, left - 3), (right + 3, right + 0.5 * wide)):
            box(pixels, near, top, far, y, style.paint)
            for slat in np.arange(top + 3, y - 2, 5):
                box(pixels, near + 2, slat, far - 2, slat + 2, style.paint * 0.7)
    if rng.uniform() < 0.2:
        for _ in range(9):
            at = (rng.uniform(left, right), y - rng.uniform(-3, 6))
            oval(pixels, at, (4, 4), hsv(rng.uniform(0.85, 1.15), 0.8, 0.9) * light.colour)


def _pavement(pixels: Pixels, shot: Shot, base: int, light: Light) -> None:
    """Pavement, kerb and road below the houses."""
    rows = shot.height - base
    rough = noise(shot.layout, (rows, shot.width), coarsest=10, roughness=0.75)
    y, _ = rows_and_columns((rows, shot.width))
    step = np.clip((y / rows > 0.35).astype(int) + (y / rows > 0.42), 0, 2) + np.zeros(
        (rows, shot.width), int
    )
    stone, road = jitter(shot.mood, rgb(176, 170, 162), 0.06), jitter(shot.mood, rgb(84, 84, 88), 0.05)
    table = np.concatenate([stone, stone * 0.6, road], axis=1)[..., 0]
    pixels[:, base:] = palette(step, table) * light.colour * (1 + 0.08 * rough)


def _lamp_or_tree(pixels: Pixels, shot: Shot, base: int, light: Light) -> None:
    """Something that stands on the pavement: a lamp post or a clipped tree."""
    rng = shot.layout
    x, tall = rng.uniform(0.03, 0.97) * shot.width, shot.unit * rng.uniform(0.3, 0.6)
    iron = rgb(34, 38, 40) * light.colour
    if rng.uniform() < 0.5:
        polygon(pixels, rectangle(x - 2, base - tall, x + 2, base + 8), iron, soft=0.4)
        polygon(pixels, rectangle(x - 7, base - tall - 16, x + 7, base - tall), rgb(255, 240, 200), soft=0.6)
        polygon(
            pixels,
            np.array([(x - 10, base - tall - 15), (x, base - tall - 25), (x + 10, base - tall - 15)]),
            iron,
            soft=0.4,
        )
        return
    polygon(
        pixels, rectangle(x - 4, base - tall * 0.5, x + 4, base + 6), rgb(78, 60, 46) * light.colour, soft=0.6
    )
    leaf = hsv(rng.uniform(0.12, 0.4), 0.55, 0.42) * light.colour
    for _ in range(60):
        away = rng.normal(0, 0.11 * tall, 2) * (1, 1.3)
        tone = leaf * rng.uniform(0.6, 1.5)
        oval(
            pixels,
            (x + away[0], base - 0.7 * tall + away[1]),
            (0.07 * tall, 0.05 * tall),
            tone,
            turn=rng.uniform(0, 3),
            corners=9,
            soft=0.8,
        )
