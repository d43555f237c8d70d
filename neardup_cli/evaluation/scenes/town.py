"""Built places: a skyline by day or night, a row of house fronts."""

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Shot,
    blend,
    ellipse,
    hsv,
    jitter,
    line,
    mix,
    noise,
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
PLASTER = (rgb(226, 206, 170), rgb(206, 134, 110), rgb(178, 196, 200), rgb(232, 222, 208), rgb(214, 170, 92), rgb(150, 172, 138), rgb(196, 116, 122), rgb(120, 142, 170))  # fmt: skip


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
    left, right, top, bottom = max(0, int(x)), min(shot.width, int(x + wide)), max(0, int(y)), int(y + tall)
    roof, shade = int(rng.integers(5)), rng.uniform(0.15, 0.4)
    if roof == 1:
        polygon(
            pixels,
            np.array([(x, y + 1), (x + wide / 2, y - wide * rng.uniform(0.3, 1.6)), (x + wide, y + 1)]),
            tone * 0.9,
            soft=0.5,
        )
    elif roof == 2:
        polygon(
            pixels,
            rectangle(x + wide * 0.46, y - wide * rng.uniform(0.5, 1.6), x + wide * 0.52, y),
            tone * 0.7,
            soft=0.4,
        )
    elif roof == 3:
        polygon(pixels, rectangle(x + wide * 0.2, y - wide * 0.25, x + wide * 0.7, y), tone * 0.85, soft=0.4)
    elif roof == 4:
        polygon(pixels, ellipse((x + wide / 2, y), (wide / 2, wide * 0.3)), tone, soft=0.4)
    if right - left < 2 or bottom - top < 2:
        return
    rows, cols = (
        np.arange(top, bottom, dtype=np.float32)[:, None] - y,
        np.arange(left, right, dtype=np.float32)[None, :] - x,
    )
    storey, bay = shot.unit * rng.uniform(0.016, 0.034), wide / int(rng.integers(3, 10))
    pane_rows = (np.mod(rows / storey, 1) > rng.uniform(0.1, 0.5)).astype(np.float32)
    pane_cols = (np.mod(cols / bay, 1) > rng.uniform(0.1, 0.5)).astype(np.float32)
    cell = (rows // storey).astype(int) * 31 + (cols // bay).astype(int)
    chance = np.take(rng.random(997, dtype=np.float32), cell % 997)
    glass = tone * (0.5 + 0.45 * chance)
    if lit > 0:
        glass = np.where(
            chance > 0.45, mix(rgb(255, 196, 112), rgb(255, 238, 200), chance) * (0.35 + 0.65 * lit), glass
        )
    body = tone * (1 - shade * (cols / wide > rng.uniform(0.4, 1.0)))
    blend(
        body := np.array(np.broadcast_to(body, glass.shape), dtype=np.float32), pane_rows * pane_cols, glass
    )
    pixels[:, top:bottom, left:right] = body


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
    stains = noise(shot.layout, shot.shape, coarsest=4, roughness=0.66)
    x = -shot.unit * shot.layout.uniform(0, 0.4)
    while x < shot.width:
        wide = shot.unit * shot.layout.uniform(0.28, 0.62)
        _house(pixels, shot, (x, base, wide), light, stains)
        x += wide
    _pavement(pixels, shot, base, light)
    for _ in range(int(shot.layout.integers(0, 4))):
        _lamp_or_tree(pixels, shot, base, light)
    return pixels


def _house(
    pixels: Pixels, shot: Shot, place: tuple[float, float, float], light: Light, stains: Plane
) -> None:
    """One house at `place` (left, base, width): wall, roof, storeys of windows, a door."""
    rng = shot.layout
    x, base, wide = place
    storeys, bays = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    storey = shot.unit * rng.uniform(0.14, 0.2)
    top = base - storeys * storey - 0.1 * storey
    wall = jitter(rng, PLASTER[int(rng.integers(len(PLASTER)))], 0.06) * light.colour
    rows, cols = slice(max(0, int(top)), int(base)), slice(max(0, int(x)), min(shot.width, int(x + wide) + 1))
    if cols.start >= cols.stop:
        return
    pixels[:, rows, cols] = wall * (0.94 + 0.06 * stains[rows, cols])
    tiles = (
        jitter(rng, (rgb(142, 74, 52), rgb(84, 78, 80), rgb(110, 92, 76))[int(rng.integers(3))], 0.05)
        * light.colour
    )
    peak = storey * rng.uniform(0.25, 1.1)
    gable = int(rng.integers(3))
    inset = (0.5, 0.12, 0.0)[gable]
    roof = np.array(
        [
            (x - 3, top),
            (x + wide * inset, top - peak),
            (x + wide * (1 - inset), top - peak),
            (x + wide + 3, top),
        ]
    )
    polygon(pixels, roof, wall * 0.96 if gable == 0 else tiles, soft=0.5)
    if gable == 0:
        for sign in (0, 1):
            edge = np.array(
                [
                    (x + wide * sign, top),
                    (x + wide / 2, top - peak),
                    (x + wide / 2, top - peak - 6),
                    (x + (wide + 8) * sign - 4, top),
                ]
            )
            polygon(pixels, edge, tiles, soft=0.5)
    polygon(pixels, rectangle(x, top - 2, x + wide, top + 4), wall * 0.75, soft=0.5)
    frame, shutter = (
        jitter(rng, rgb(236, 232, 224), 0.06) * light.colour,
        hsv(rng.uniform(), 0.5, 0.5) * light.colour,
    )
    style = (rng.uniform(0.3, 0.55), rng.uniform(0.5, 0.78), rng.uniform() < 0.5, rng.uniform() < 0.4)
    door = int(rng.integers(bays))
    for floor_number in range(storeys):
        for bay in range(bays):
            middle = x + wide * (bay + 0.5) / bays
            foot = base - floor_number * storey
            if floor_number == 0 and bay == door:
                _door(pixels, (middle, foot, 0.5 * wide / bays, 0.8 * storey), (frame, shutter))
            else:
                size = (style[0] * wide / bays, style[1] * storey)
                _window(
                    pixels,
                    shot,
                    (middle, foot - 0.22 * storey),
                    size,
                    (frame, shutter),
                    light,
                    shuttered=style[2],
                    arched=style[3],
                )


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
            panel = rectangle(
                middle + (side - 0.14) * wide,
                foot - high * tall,
                middle + (side + 0.14) * wide,
                foot - low * tall,
            )
            polygon(pixels, panel, tones[1] * 0.65, soft=0.5)
    polygon(pixels, ellipse((middle + 0.36 * wide, foot - 0.45 * tall), (2, 2)), rgb(220, 190, 90))


def _window(
    pixels: Pixels,
    shot: Shot,
    foot: tuple[float, float],
    size: tuple[float, float],
    tones: tuple[Colour, Colour],
    light: Light,
    *,
    shuttered: bool,
    arched: bool,
) -> None:
    """A window over `foot`: glass that mirrors the sky, bars, perhaps shutters, an arch, flowers."""
    rng = shot.layout
    (x, y), (wide, tall) = foot, size
    left, right, top = x - wide / 2, x + wide / 2, y - tall
    if arched:
        polygon(pixels, ellipse((x, top), (wide * 0.58, wide * 0.5)), tones[0], soft=0.4)
    polygon(pixels, rectangle(left - 3, top - 3, right + 3, y + 4), tones[0], soft=0.4)
    glass = mix(rgb(40, 48, 58), light.haze, rng.uniform(0.05, 0.6))
    polygon(pixels, rectangle(left, top, right, y), glass, soft=0.3)
    if rng.uniform() < 0.5:
        polygon(
            pixels,
            np.array([(left, top), (right, top), (left, y - tall * rng.uniform(0, 0.6))]),
            rgb(255, 255, 255),
            opacity=0.18,
        )
    if rng.uniform() < 0.4:
        curtain = jitter(rng, rgb(232, 224, 210), 0.08) * light.colour
        polygon(pixels, rectangle(left, top, left + wide * rng.uniform(0.15, 0.5), y), curtain, opacity=0.75)
    polygon(pixels, rectangle(x - 1, top, x + 1, y), tones[0])
    polygon(pixels, rectangle(left, top + tall * 0.36, right, top + tall * 0.36 + 2), tones[0])
    if shuttered:
        for near, far in ((left - 0.5 * wide, left - 3), (right + 3, right + 0.5 * wide)):
            polygon(pixels, rectangle(near, top, far, y), tones[1], soft=0.4)
            for slat in np.arange(top + 3, y - 2, 5):
                polygon(pixels, rectangle(near + 2, slat, far - 2, slat + 1.5), tones[1] * 0.7)
    if rng.uniform() < 0.2:
        for _ in range(9):
            at = (rng.uniform(left, right), y - rng.uniform(-3, 6))
            polygon(
                pixels, ellipse(at, (4, 4)), hsv(rng.uniform(0.85, 1.15), 0.8, 0.9) * light.colour, soft=0.6
            )


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
        polygon(
            pixels,
            ellipse(
                (x + away[0], base - 0.7 * tall + away[1]),
                (0.07 * tall, 0.05 * tall),
                turn=rng.uniform(0, 3),
                corners=9,
            ),
            tone,
            soft=0.8,
        )
