"""On and under the water: the sea with boats, islands and a beach; a reef with fish."""

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Pixels,
    Plane,
    Points,
    Shot,
    blend,
    ellipse,
    floor,
    hsv,
    jitter,
    line,
    mix,
    noise,
    oval,
    polygon,
    rectangle,
    relief,
    rgb,
    rows_and_columns,
    smoothstep,
)
from neardup_cli.evaluation.scenes.sky import Hour, Light, hour_of, paint_sky


def sea(shot: Shot) -> Pixels:
    """The open sea or a coast: waves, the sun's path, islands, boats, a beach."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    horizon = round(shot.height * shot.layout.uniform(0.25, 0.62))
    hour = hour_of(shot, night=True)
    light = paint_sky(pixels, shot, hour, horizon)
    if shot.mood.uniform() < 0.6:
        _islands(pixels, shot, horizon, light)
    _waves(pixels, shot, horizon, hour, light)
    if shot.mood.uniform() < 0.35:
        _lighthouse(pixels, shot, horizon, light)
    for size in np.sort(shot.layout.uniform(0.04, 0.4, int(shot.layout.integers(0, 5)))):
        foot = horizon + (shot.height - horizon) * size * shot.layout.uniform(0.6, 1.3)
        _boat(
            pixels, shot, (shot.width * shot.layout.uniform(0.08, 0.92), foot), float(size) * shot.unit, light
        )
    if shot.mood.uniform() < 0.45:
        _beach(pixels, shot, horizon, light)
    return pixels


def _waves(pixels: Pixels, shot: Shot, horizon: int, hour: Hour, light: Light) -> None:
    """Water in perspective: its slopes mirror the sky or show the depth."""
    rows = shot.height - horizon
    size = 512
    swell = shot.mood.uniform(0.45, 0.65)
    surface = noise(shot.layout, (size, size), coarsest=6, roughness=swell, stretch=shot.mood.uniform(1.5, 5))
    sample = floor(
        surface[None],
        (rows, shot.width),
        tilt=shot.layout.uniform(4, 9),
        zoom=shot.unit / shot.layout.uniform(500, 900),
    )[0]
    y, x = rows_and_columns((rows, shot.width))
    down = y / rows
    deep = (
        jitter(shot.mood, hsv(shot.mood.uniform(0.44, 0.62), shot.mood.uniform(0.35, 0.8), 0.38), 0.05)
        * light.colour
    )
    mirrored = np.clip(0.62 - 0.45 * down + 0.22 * sample, 0.02, 0.95)
    water = mix(deep, mix(hour.horizon, hour.middle, down), mirrored)
    crests = smoothstep(shot.mood.uniform(1.4, 2.4), 3.0, sample) * down
    blend(water, crests, rgb(240, 246, 248) * light.colour)
    path = np.exp(-(((x / shot.width - light.x) / (0.04 + 0.14 * down)) ** 2)) * smoothstep(
        0.2, 1.2, sample + 0.5
    )
    water += path * np.float32(shot.mood.uniform(0.2, 0.9)) * hour.sun
    pixels[:, horizon:] = water


def _islands(pixels: Pixels, shot: Shot, horizon: int, light: Light) -> None:
    """Low land on the horizon, paler the farther away."""
    y, x = rows_and_columns((horizon, shot.width))
    for near in np.linspace(0.2, 1, int(shot.layout.integers(1, 4))):
        middle, wide = shot.layout.uniform(-0.1, 1.1), shot.layout.uniform(0.15, 0.6)
        bulk = smoothstep(1, 0.1, np.abs(x / shot.width - middle) / np.float32(wide))
        rough = 1 + 0.35 * line(shot.layout, shot.width, coarsest=4, roughness=0.55)
        tall = shot.unit * shot.layout.uniform(0.05, 0.26) * bulk * rough
        mask = smoothstep(0, 1.5, y - (horizon - tall))
        land = mix(jitter(shot.mood, rgb(66, 82, 58), 0.08) * light.colour, light.haze, 0.75 - 0.6 * near)
        blend(pixels[:, :horizon], mask, land * (1 + 0.1 * rough))


def _boat(pixels: Pixels, shot: Shot, foot: tuple[float, float], size: float, light: Light) -> None:
    """A sailing boat with its mirror image; `size` is its length in pixels."""
    way = shot.layout.choice([-1, 1])
    hull = np.array([(-0.5, -0.1), (0.55, -0.14), (0.36, 0.06), (-0.4, 0.06)])
    sail = np.array([(0.02, -1.15), (0.03, -0.17), (-0.44, -0.2)])
    jib = np.array([(0.05, -1.05), (0.5, -0.2), (0.06, -0.18)])
    white, paint = rgb(246, 242, 232) * light.colour, hsv(shot.layout.uniform(), 0.7, 0.6) * light.colour
    for shape, tone in ((hull, paint), (sail, white), (jib, jitter(shot.layout, white, 0.15))):
        shown = shape * (way, 1.0) * size + np.array(foot)
        polygon(pixels, shown, tone, soft=0.5)
        below = shape * (way, -0.55) * size + (foot[0], foot[1] + 0.1 * size)
        polygon(pixels, below, tone * 0.7, soft=max(1.0, 0.03 * size), opacity=0.35)


def _lighthouse(pixels: Pixels, shot: Shot, horizon: int, light: Light) -> None:
    """A striped tower on a rock at one side."""
    x = shot.width * shot.layout.choice([0.14, 0.24, 0.78, 0.88])
    size = shot.unit * shot.layout.uniform(0.3, 0.6)
    foot = horizon + shot.unit * 0.06
    steps = np.linspace(-1, 1, 40)
    rough = 1 + 0.3 * line(shot.layout, 40, coarsest=4)
    rock = np.stack([x + steps * size * 0.7, foot - size * 0.22 * (1 - steps**2) * rough], axis=1)
    corners = [(x + size * 0.7, foot + 12), (x - size * 0.7, foot + 12)]
    polygon(pixels, np.concatenate([rock, corners]), rgb(62, 58, 56) * light.colour, soft=0.8)
    paint = hsv(shot.mood.uniform(0.9, 1.1), 0.75, 0.7) * light.colour
    base = np.array([x, foot - 0.15 * size])
    for stripe in range(6):
        low, high = stripe / 6, (stripe + 1) / 6
        near, far = 0.085 - 0.03 * low, 0.085 - 0.03 * high
        band = (
            np.array([(-near, -0.75 * low), (near, -0.75 * low), (far, -0.75 * high), (-far, -0.75 * high)])
            * size
        )
        polygon(pixels, band + base, paint if stripe % 2 else rgb(244, 240, 232) * light.colour)
        shade = band * (0.45, 1) + base + np.array([0.5 * near * size, 0])
        polygon(pixels, shade, rgb(0, 0, 0), soft=1.5, opacity=0.25)
    top = base - np.array([0, 0.75 * size])
    polygon(pixels, rectangle(-0.04, -0.1, 0.04, 0) * size + top, rgb(255, 236, 160))
    roof = np.array([(-0.06, -0.1), (0, -0.18), (0.06, -0.1)]) * size
    polygon(pixels, roof + top, paint * 0.7)


def _beach(pixels: Pixels, shot: Shot, horizon: int, light: Light) -> None:
    """Sand in the foreground, wet and foaming where the last wave ran out, with stones on it."""
    y, x = rows_and_columns(shot.shape)
    slant = shot.layout.uniform(-0.35, 0.35)
    shore = shot.height * shot.layout.uniform(0.72, 0.9) + slant * (x - shot.width / 2)
    shore = np.maximum(shore, horizon + 8) + shot.unit * 0.02 * line(shot.layout, shot.width, coarsest=5)
    above = (y - shore) / np.float32(shot.unit)
    grain = noise(shot.layout, shot.shape, coarsest=6, finest=1, roughness=0.68)
    sand = (
        hsv(shot.mood.uniform(0.07, 0.12), shot.mood.uniform(0.15, 0.45), 0.82)
        * light.colour
        * (1 + 0.06 * grain)
    )
    blend(
        sand, smoothstep(0.09, 0.0, above + 0.02 * grain) * np.float32(0.5), rgb(110, 96, 80) * light.colour
    )
    blend(pixels, smoothstep(-0.004, 0.004, above), sand)
    foam = smoothstep(0.035, 0.0, np.abs(above + 0.012 + 0.008 * grain)) * smoothstep(-1.2, 0.6, grain)
    blend(pixels, foam, rgb(250, 250, 250) * light.colour)
    for _ in range(int(shot.layout.integers(0, 14))):
        at = np.array([shot.layout.uniform(0, 1) * shot.width, shot.layout.uniform(0.85, 1.0) * shot.height])
        pebble(pixels, shot, at, shot.unit * shot.layout.uniform(0.008, 0.06), light)


def pebble(pixels: Pixels, shot: Shot, at: Points, size: float, light: Light) -> None:
    """A stone of `size` pixels with its lit side and its shadow."""
    tone = jitter(shot.layout, rgb(122, 114, 106) * shot.layout.uniform(0.6, 1.3), 0.04) * light.colour
    turn, away = shot.layout.uniform(-0.4, 0.4), size * (0.25 if light.x < 0.5 else -0.25)
    oval(
        pixels,
        (at[0] + away, at[1] + size * 0.2),
        (size * 1.05, size * 0.6),
        rgb(20, 18, 18),
        soft=size / 6,
        opacity=0.5,
    )
    oval(pixels, (at[0], at[1]), (size, size * 0.66), tone * 0.75, turn=turn, soft=0.6)
    oval(
        pixels,
        (at[0] - away, at[1] - size * 0.16),
        (size * 0.7, size * 0.4),
        tone * 1.25,
        turn=turn,
        soft=size / 5,
    )


def reef(shot: Shot) -> Pixels:
    """Under water: light from above, corals on the ground, a school of fish or a few large ones."""
    y, x = rows_and_columns(shot.shape)
    hue = shot.mood.uniform(0.46, 0.62)
    bright, dark = hsv(hue, 0.45, 0.92), hsv(hue + 0.04, 0.9, shot.mood.uniform(0.2, 0.45))
    murk = noise(shot.layout, shot.shape, coarsest=3, finest=8)
    pixels = mix(bright, dark, np.clip(y / shot.height * 1.1 + 0.06 * murk, 0, 1))
    rays = line(shot.layout, 900, coarsest=20, finest=8)
    slant = (
        ((x - shot.width * shot.layout.uniform()) / (y + shot.height * 0.6) * 260 + 450)
        .clip(0, 899)
        .astype(np.int32)
    )
    pixels += np.clip(np.take(rays, slant), 0, 2) * (1 - y / shot.height) ** 2 * np.float32(0.12)
    ground = shot.height * shot.layout.uniform(0.68, 0.9) + shot.unit * 0.06 * line(
        shot.layout, shot.width, coarsest=4
    )
    texture = noise(shot.layout, shot.shape, coarsest=8, roughness=0.65)
    seabed = hsv(hue - 0.3 * shot.mood.uniform(), 0.3, 0.6) * relief(texture, 1.2, 0.25)
    blend(pixels, smoothstep(0, 3, y - ground), mix(seabed, dark, 0.35))
    for _ in range(int(shot.layout.integers(3, 16))):
        _coral(
            pixels,
            shot,
            (shot.layout.uniform(0, 1) * shot.width, shot.height * shot.layout.uniform(0.85, 1.05)),
        )
    _school(pixels, shot, dark)
    return pixels


def _coral(pixels: Pixels, shot: Shot, foot: tuple[float, float]) -> None:
    """A fan of branches, a brain or a clump of tubes."""
    rng, size = shot.layout, shot.unit * shot.layout.uniform(0.06, 0.24)
    tone = hsv(rng.uniform(), rng.uniform(0.4, 0.85), rng.uniform(0.45, 0.9))
    kind = int(rng.integers(3))
    if kind == 0:
        for angle in np.linspace(-1.2, 1.2, 15) + rng.uniform(-0.1, 0.1, 15):
            tip = np.array([np.sin(angle), -np.cos(angle)]) * size * rng.uniform(0.7, 1.1)
            side = np.array([np.cos(angle), np.sin(angle)]) * size * 0.03
            polygon(
                pixels,
                np.array(foot) + np.stack([side, tip + side, tip - side, -side]),
                jitter(rng, tone, 0.06),
                soft=0.7,
            )
    elif kind == 1:
        for shrink in np.linspace(1, 0.2, 6):
            lit = tone * (1.15 - 0.6 * shrink)
            oval(
                pixels,
                (foot[0] - size * 0.1 * (1 - shrink), foot[1] - size * 0.2 * (1 - shrink)),
                (size * shrink, size * 0.62 * shrink),
                lit,
                soft=2.5,
            )
    else:
        for _ in range(9):
            x, tall, wide = foot[0] + size * rng.uniform(-0.6, 0.6), size * rng.uniform(0.5, 1.3), size * 0.09
            shade = jitter(rng, tone, 0.1)
            polygon(pixels, rectangle(x - wide, foot[1] - tall, x + wide, foot[1]), shade, soft=1.0)
            oval(pixels, (x, foot[1] - tall), (wide, wide * 0.5), shade * 0.4, soft=0.7)


def _school(pixels: Pixels, shot: Shot, water: Plane) -> None:
    """Fish that swim one way: many small ones, or a few large ones with stripes."""
    rng = shot.layout
    few = shot.mood.uniform() < 0.5
    count = int(rng.integers(1, 6)) if few else int(rng.integers(14, 45))
    tone, second = hsv(shot.mood.uniform(), 0.6, 0.8), hsv(shot.mood.uniform(), 0.4, 0.85)
    way, middle = float(rng.choice([-1, 1])), rng.uniform((0.25, 0.25), (0.75, 0.65))
    for _ in range(count):
        size = shot.unit * (rng.uniform(0.06, 0.17) if few else rng.uniform(0.015, 0.05))
        spread = 0.3 if few else 0.14
        at = (middle + rng.normal(0, spread, 2) * (1, 0.7)) * (shot.width, shot.height)
        away = rng.uniform(0.0, 0.5)
        _fish(pixels, at, size, way, (mix(tone, water, away), mix(second, water, away)))


def _fish(pixels: Pixels, at: Points, size: float, way: float, tones: tuple[Plane, Plane]) -> None:
    """One fish, `size` pixels from its middle to its mouth; with `way` -1 it swims to the left."""
    turn = np.array([way, 1.0])
    tail = np.array([(-0.8, 0), (-1.45, -0.45), (-1.25, 0), (-1.45, 0.45)])
    fin = np.array([(-0.35, -0.4), (0.1, -0.82), (0.35, -0.4)])
    for part in (tail, fin):
        polygon(pixels, part * size * turn + at, tones[1], soft=0.6)
    oval(pixels, (at[0], at[1]), (size, size * 0.52), tones[0], soft=0.6)
    oval(
        pixels,
        (at[0], at[1] + 0.22 * size),
        (size * 0.75, size * 0.22),
        rgb(250, 250, 240),
        soft=size / 9,
        opacity=0.4,
    )
    for stripe in (-0.35, 0.1):
        band = ellipse((at[0] + stripe * size * way, at[1]), (size * 0.09, size * 0.46))
        polygon(pixels, band, tones[1], soft=0.5)
    eye = (at[0] + 0.62 * size * way, at[1] - 0.1 * size)
    oval(pixels, eye, (size * 0.11, size * 0.11), rgb(250, 250, 250), soft=0.4)
    oval(pixels, eye, (size * 0.06, size * 0.06), rgb(10, 10, 10), soft=0.4)
