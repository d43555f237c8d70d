"""Open land: mountains, dunes, a night sky over a ridge, balloons over fields."""

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Shot,
    blend,
    floor,
    glow,
    hsv,
    jitter,
    line,
    mix,
    noise,
    oval,
    palette,
    paste,
    polygon,
    relief,
    remap,
    rgb,
    rows_and_columns,
    smoothstep,
    soften,
)
from neardup_cli.evaluation.scenes.sky import HOURS, Light, hour_of, paint_sky

ROCKS = (
    rgb(92, 88, 86),
    rgb(122, 98, 78),
    rgb(70, 82, 92),
    rgb(138, 92, 74),
    rgb(86, 98, 78),
    rgb(110, 110, 120),
)
MEADOWS = (rgb(98, 128, 54), rgb(146, 138, 70), rgb(72, 104, 58), rgb(170, 146, 88), rgb(120, 150, 66))


def mountains(shot: Shot) -> Pixels:
    """Ridges that fade with distance, snow or woods on them, a meadow or a lake before them."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    horizon = round(shot.height * shot.layout.uniform(0.42, 0.68))
    light = paint_sky(pixels, shot, hour_of(shot), horizon)
    layers = int(shot.mood.integers(2, 6))
    ridges = [_ridge(shot, horizon, place / layers) for place in range(layers)]
    _fill_ridges(pixels, shot, ridges, light)
    ground = max(horizon, int(np.median(ridges[-1])) + round(0.12 * shot.height))
    if shot.mood.uniform() < 0.4:
        _lake(pixels, shot, ground)
    else:
        meadow(pixels, shot, ground, light)
    if shot.mood.uniform() < 0.7:
        conifers(pixels, shot, light)
    return pixels


def _ridge(shot: Shot, horizon: int, near: float) -> Plane:
    """The y of a ridge at every column, (width,): far ones (`near` 0) are high and jagged."""
    rough = mix(0.55, 0.42, near)
    shape = line(shot.layout, shot.width, coarsest=shot.layout.uniform(1.2, 4.5), roughness=float(rough))
    height = shot.unit * shot.layout.uniform(0.04, 0.13) * (1 - 0.45 * near)
    base = horizon - shot.unit * mix(shot.layout.uniform(0.05, 0.3), -0.08, near)
    kind = int(shot.mood.integers(4))
    if kind == 0:
        # Table mountains: steps with flat tops.
        shape = np.tanh(4 * (shape - 0.3)) + 0.08 * shape
    elif kind == 1:
        # A single cone.
        steep = np.abs(
            np.arange(shot.width) / shot.width - shot.layout.uniform(0.1, 0.9)
        ) * shot.layout.uniform(3, 8)
        shape = 2.6 * np.exp(-steep) + 0.2 * shape
    return (base - np.abs(shape + 0.6) * height).astype(np.float32)


def _fill_ridges(pixels: Pixels, shot: Shot, ridges: list[Plane], light: Light) -> None:
    """Colour all ridges in one pass: which one a pixel shows decides its rock and its haze."""
    y, _ = rows_and_columns(shot.shape)
    top = max(0, int(min(float(ridge.min()) for ridge in ridges)) - 1)
    view, y = pixels[:, top:], y[top:]
    shown = np.zeros(view.shape[1:], np.uint8)
    depth = np.zeros(view.shape[1:], np.float32)
    for number, ridge in enumerate(ridges, start=1):
        below = y > ridge
        shown[below] = number
        np.copyto(depth, (y - ridge) / np.float32(shot.unit), where=below)
    rough = noise(
        shot.layout,
        view.shape[1:],
        coarsest=shot.mood.uniform(3, 14),
        roughness=shot.mood.uniform(0.5, 0.72),
        stretch=shot.mood.uniform(0.4, 2.5),
    )
    shade = relief(soften(rough, 0.8), light.angle, shot.mood.uniform(0.1, 0.34))
    shade *= 1.05 + 0.12 * rough
    rock = ROCKS[int(shot.mood.integers(len(ROCKS)))]
    wood = mix(MEADOWS[int(shot.mood.integers(len(MEADOWS)))], rgb(30, 50, 40), 0.6)
    snow_line = shot.mood.uniform(-0.05, 0.16) * (shot.mood.uniform() < 0.6)
    snow = smoothstep(0.03, -0.03, depth - np.float32(snow_line) + 0.045 * rough)
    near = np.linspace(0, 1, len(ridges) + 1)[1:]
    lit = [rgb(0, 0, 0), *(mix(rock, wood, share**2) * light.colour for share in near)]
    body = palette(shown, np.concatenate(lit, axis=1)[..., 0])
    blend(body, snow * (shown <= max(1, len(ridges) - 2)), rgb(240, 244, 250) * light.colour)
    body *= shade
    thickness = shot.mood.uniform(0.55, 1.0)
    haze = np.take(np.array([0, *(thickness * (1 - near) ** 1.3 + 0.04)], dtype=np.float32), shown)
    haze += np.clip(depth, 0, 0.4) * np.float32(0.5 * thickness) * (shown < len(ridges))
    blend(body, haze, light.haze)
    mask = (shown > 0).astype(np.float32)
    blend(view, soften(mask, 0.7), body)


def _lake(pixels: Pixels, shot: Shot, shore: int) -> None:
    """Water that mirrors what stands above `shore`, shaken by ripples that grow towards the viewer."""
    rows = shot.height - shore
    if rows < 4:
        return
    y, x = rows_and_columns((rows, shot.width))
    ripple = noise(shot.layout, (rows, shot.width), coarsest=30, finest=2, stretch=7)
    near = y / rows
    source_y = shore - 1 - y * 0.9 + ripple * near * shot.unit * np.float32(0.012)
    source_x = x + ripple * near * np.float32(shot.unit * 0.006)
    mirrored = remap(pixels, source_x, source_y)
    deep = jitter(shot.mood, rgb(24, 62, 76), 0.08)
    pixels[:, shore:] = mix(mirrored, deep, (0.25 + 0.45 * near))
    pixels[:, shore:] *= 1 + 0.06 * ripple


def meadow(pixels: Pixels, shot: Shot, horizon: int, light: Light) -> None:
    """Grass or stubble from `horizon` down, with a path, flowers, or neither."""
    rows = shot.height - horizon
    if rows < 4:
        return
    size = 512
    blades = noise(shot.layout, (size, size), coarsest=6, finest=1, roughness=0.72)
    patches = noise(shot.layout, (size, size), coarsest=3, finest=16)
    grass = MEADOWS[int(shot.mood.integers(len(MEADOWS)))] * light.colour
    sample = floor(np.stack([blades, patches]), (rows, shot.width), zoom=shot.unit / 420)
    ground = mix(grass, jitter(shot.mood, grass, 0.2), smoothstep(-1.0, 1.0, sample[1]))
    ground *= 0.82 + 0.24 * sample[0]
    if shot.mood.uniform() < 0.5:
        petals = hsv(shot.mood.uniform(), 0.75, 0.95)
        blend(ground, smoothstep(1.7, 2.0, sample[0]), petals)
    y, x = rows_and_columns((rows, shot.width))
    down = y / rows
    if shot.layout.uniform() < 0.5:
        bend = shot.layout.uniform(-0.5, 0.5) * np.sin(down * shot.layout.uniform(2, 7)) * (1 - down)
        middle = shot.width * (shot.layout.uniform(0.3, 0.7) + bend)
        path = smoothstep(1.0, 0.8, np.abs(x - middle) / (shot.unit * (0.008 + 0.2 * down)))
        blend(ground, path * np.float32(0.8), rgb(176, 152, 116) * light.colour * (0.9 + 0.12 * sample[0]))
    edge = smoothstep(0.0, 0.03, down) * np.ones_like(x)
    edge *= smoothstep(-0.6, 0.0, down * 12 + line(shot.layout, shot.width, roughness=0.4)[None, :])
    blend(pixels[:, horizon:], edge.astype(np.float32), mix(ground, light.haze, 0.35 * (1 - down)))


def conifers(pixels: Pixels, shot: Shot, light: Light) -> None:
    """A stand of firs before the view, thicker at one side."""
    dark = jitter(shot.mood, rgb(26, 44, 34), 0.04)
    side = shot.layout.uniform()
    count = int(shot.layout.integers(3, 26))
    places = np.sort(shot.layout.uniform(0.0, 0.34, count))
    for away in places:
        x = (side + shot.layout.choice([-1, 1]) * away * shot.layout.uniform(0.2, 1.5)) * shot.width
        height = shot.unit * shot.layout.uniform(0.16, 0.62) * (1 - away)
        foot = shot.height * shot.layout.uniform(0.86, 1.08)
        tone = mix(dark * light.colour, light.haze, shot.layout.uniform(0.0, 0.22))
        polygon(pixels, _fir(shot.layout, x, foot, height), tone, soft=0.6)


def _fir(
    rng: np.random.Generator, x: float, foot: float, height: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The outline of a fir: tiers that widen downwards, ragged."""
    tiers = 9
    down = np.repeat(np.arange(1, tiers + 1) / tiers, 2)
    reach = down * height * 0.2 * rng.uniform(0.75, 1.2, 2 * tiers)
    reach[1::2] *= 0.55
    right = np.stack([x + reach, foot - height * (1 - down * 0.94)], axis=1)
    reach = down * height * 0.2 * rng.uniform(0.75, 1.2, 2 * tiers)
    reach[1::2] *= 0.55
    left = np.stack([x - reach, foot - height * (1 - down * 0.94)], axis=1)
    return np.concatenate([[(x, foot - height)], right, left[::-1]])


def dunes(shot: Shot) -> Pixels:
    """Sand in crests of light and shadow, rippled by the wind."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    horizon = round(shot.height * shot.layout.uniform(0.22, 0.55))
    light = paint_sky(pixels, shot, hour_of(shot), horizon)
    sand = (
        hsv(shot.mood.uniform(0.04, 0.12), shot.mood.uniform(0.3, 0.65), shot.mood.uniform(0.8, 0.95))
        * light.colour
    )
    dark = sand * jitter(shot.mood, rgb(130, 104, 110), 0.08)
    pixels[:, horizon:] = mix(sand, light.haze, 0.7)
    crests = int(shot.layout.integers(3, 8))
    grain = noise(shot.layout, shot.shape, coarsest=8, finest=2, roughness=0.6)
    for number in range(crests):
        near = number / crests
        foot = horizon + (shot.height - horizon) * near**1.4
        _dune(pixels, shot, foot, near, (sand, dark, light), grain)
    return pixels


def _dune(
    pixels: Pixels, shot: Shot, foot: float, near: float, tones: tuple[Colour, Colour, Light], grain: Plane
) -> None:
    """One dune: its lit side, and the shadow side behind an edge that runs to the viewer."""
    sand, dark, light = tones
    crest = foot - shot.unit * (0.03 + 0.14 * near) * line(
        shot.layout, shot.width, coarsest=shot.layout.uniform(1, 4), finest=60, roughness=0.35
    )
    top = max(0, int(crest.min()) - 1)
    if top >= shot.height - 2:
        return
    view = pixels[:, top:]
    y = np.arange(top, shot.height, dtype=np.float32)[:, None]
    _, x = rows_and_columns(shot.shape)
    depth = (y - crest) / np.float32(shot.unit)
    slope = np.gradient(crest)[None, :] * (1 if light.x < 0.5 else -1)
    bend = shot.layout.uniform(-1.5, 1.5)
    side = np.sin((x / shot.unit + bend * depth) * shot.layout.uniform(2, 7) + shot.layout.uniform(0, 6))
    shadow = smoothstep(-0.15, 0.25, slope + 0.35 * side - depth * 0.5)
    waves = np.sin(
        (depth * 90 + grain[top:] * 1.5 + x / shot.unit * shot.layout.uniform(-30, 30)) / (0.4 + near)
    )
    body = mix(sand, dark, shadow * np.float32(0.85))
    body *= 1 + (0.05 * near + 0.02) * waves + 0.03 * grain[top:]
    blend(body, np.clip(0.5 * (1 - near) ** 2 - depth, 0, 1).astype(np.float32), light.haze)
    blend(view, smoothstep(0.0, 1.5, y - crest), body)


def night(shot: Shot) -> Pixels:
    """Stars, the Milky Way or northern lights or the moon, over a dark ridge."""
    height, width = shot.shape
    y, x = rows_and_columns(shot.shape)
    low, high = hsv(shot.mood.uniform(0.5, 0.75), 0.7, 0.34), hsv(shot.mood.uniform(0.6, 0.75), 0.8, 0.09)
    pixels = mix(high, low, (y / height) ** 2 + 0 * x)
    (_milky_way, _aurora, _moon)[int(shot.mood.integers(3))](pixels, shot)
    _stars(pixels, shot)
    rough = line(shot.layout, width, coarsest=shot.layout.uniform(1, 5))
    ridge = height * shot.layout.uniform(0.7, 0.92) - shot.unit * 0.08 * rough
    blend(pixels, smoothstep(0, 2, y - ridge), rgb(8, 10, 16))
    if shot.mood.uniform() < 0.6:
        conifers(pixels, shot, Light(0.5, rgb(60, 60, 70), rgb(18, 24, 36)))
    return pixels


def _milky_way(pixels: Pixels, shot: Shot) -> None:
    """A band of gas across the sky with a dark lane in it."""
    y, x = rows_and_columns(shot.shape)
    gas = noise(shot.layout, shot.shape, coarsest=4, finest=2, roughness=0.6)
    angle, across = shot.layout.uniform(0.3, 2.8), shot.layout.uniform(-0.15, 0.15)
    away = ((x / shot.width - 0.5) * np.sin(angle) - (y / shot.height - 0.4) * np.cos(angle) - across) * 6
    band = np.exp(-(away**2)) * (0.6 + 0.35 * gas)
    band *= 1 - 0.7 * np.exp(-((away * 3 + 0.6 * gas) ** 2))
    blend(pixels, np.clip(band * 0.75, 0, 1), hsv(shot.mood.uniform(0.55, 1.1), 0.3, 0.85))


def _moon(pixels: Pixels, shot: Shot) -> None:
    """The full moon with its seas."""
    rng = shot.layout
    centre = (shot.width * rng.uniform(0.1, 0.9), shot.height * rng.uniform(0.1, 0.5))
    radius = shot.unit * rng.uniform(0.05, 0.15)
    glow(pixels, centre, radius * 3, rgb(180, 190, 220), 0.5)
    oval(pixels, centre, (radius, radius), rgb(236, 232, 214), soft=1.2)
    for _ in range(7):
        x, y = np.array(centre) + radius * rng.uniform(-0.6, 0.6, 2)
        size = radius * rng.uniform(0.1, 0.32)
        oval(pixels, (x, y), (size, size * 0.8), rgb(196, 192, 180), soft=size / 4, opacity=0.6)


def _aurora(pixels: Pixels, shot: Shot) -> None:
    """Curtains: bands along a wandering line, streaked upwards, green below and violet above."""
    height, width = shot.shape
    y, _ = rows_and_columns(shot.shape)
    for _ in range(int(shot.layout.integers(1, 4))):
        foot = height * (
            shot.layout.uniform(0.35, 0.7) + 0.08 * line(shot.layout, width, coarsest=3, finest=20)
        )
        tall = (
            height
            * shot.layout.uniform(0.15, 0.4)
            * (1 + 0.3 * line(shot.layout, width, coarsest=30, finest=2))
        )
        up = (foot - y) / np.maximum(tall, 20)
        strength = smoothstep(-0.05, 0.1, up) * np.exp(-np.clip(up, 0, 6)) * np.float32(0.8)
        strength *= np.clip(0.7 + 0.4 * line(shot.layout, width, coarsest=60, finest=2), 0.1, 1.3)
        green = hsv(shot.mood.uniform(0.33, 0.47), 0.75, 0.9)
        violet = hsv(shot.mood.uniform(0.7, 0.85), 0.6, 0.8)
        blend(pixels, np.clip(strength, 0, 1), mix(green, violet, np.clip(up / 2.5, 0, 1)))


def _stars(pixels: Pixels, shot: Shot) -> None:
    """Many faint stars and a few bright ones, each with its colour."""
    height, width = shot.shape
    count = int(shot.layout.integers(250, 900))
    at = (shot.layout.integers(2, height - 2, count), shot.layout.integers(2, width - 2, count))
    bright = shot.layout.pareto(1.6, count).clip(0.15, 4).astype(np.float32)
    stars = np.zeros(shot.shape, np.float32)
    stars[at] = bright
    pixels += soften(stars, 0.9) * rgb(250, 250, 255)


def balloons(shot: Shot) -> Pixels:
    """Hot-air balloons over low hills."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    horizon = round(shot.height * shot.layout.uniform(0.68, 0.92))
    light = paint_sky(pixels, shot, hour_of(shot), horizon)
    _fill_ridges(pixels, shot, [_ridge(shot, horizon, near) for near in (0.4, 0.7)], light)
    meadow(pixels, shot, horizon, light)
    count = int(shot.layout.integers(1, 8))
    for radius in np.sort(shot.layout.uniform(0.03, 0.26, count) * (1.6 if count < 3 else 1)):
        centre = (shot.width * shot.layout.uniform(0.08, 0.92), shot.height * shot.layout.uniform(0.1, 0.62))
        _balloon(pixels, shot, centre, float(radius) * shot.unit, light)
    return pixels


def _balloon(pixels: Pixels, shot: Shot, centre: tuple[float, float], radius: float, light: Light) -> None:
    """An envelope striped in gores, shaded round, with its basket."""
    side = int(2.7 * radius)
    y, x = rows_and_columns((side, side))
    x, y = (x - side / 2) / np.float32(radius), (y - side * 0.42) / np.float32(radius)
    dome, skirt = np.sqrt(np.clip(1 - (y - 0.1) ** 2 / 1.21, 0, 1)), 1 - 0.62 * np.clip(y - 0.1, 0, 2) ** 1.4
    width = np.where(y > 1.35, 0, np.where(y < 0.1, dome, np.clip(skirt, 0.28, 1)))
    around = np.arcsin(np.clip(x / np.maximum(width, 0.05), -1, 1))
    body = _gores(shot, around, y) * light.colour
    body *= 0.5 + 0.55 * np.cos(around - (-0.7 if light.x < 0.5 else 0.7))
    mask = smoothstep(0.0, 0.05, width - np.abs(x)) * smoothstep(1.36, 1.32, y) * smoothstep(-1.0, -0.97, y)
    paste(pixels, body, mask, (int(centre[0] - side / 2), int(centre[1] - side * 0.42)))
    foot, wide = np.array([centre[0], centre[1] + 1.62 * radius]), 0.16 * radius
    basket = np.array([(-1, 0), (1, 0), (0.8, 1.6), (-0.8, 1.6)]) * wide
    polygon(pixels, basket + foot, rgb(92, 60, 36), soft=0.5)
    for way in (-1, 1):
        rope = np.array([(0.26 * radius, -0.3 * radius), (wide, 0), (wide * 0.85, 0)]) * (way, 1)
        polygon(pixels, rope + foot, rgb(60, 50, 44), opacity=0.8)


def _gores(shot: Shot, around: Plane, y: Plane) -> Pixels:
    """An envelope's cloth in one of four patterns, by the angle from its middle and the way down."""
    stripes = int(shot.layout.integers(2, 7))
    hue, tones = shot.layout.uniform(), shot.layout.uniform((-0.5, 0.1, 0.4), (0.5, 0.95, 1.0), (3, 3))
    table = np.concatenate([hsv(hue + turn, *others) for turn, *others in tones.tolist()], axis=1)[..., 0]
    place = (around / np.pi + 0.5) * 2 * stripes
    gore, hoop = np.floor(place), np.floor((y + 1) * stripes) + 0 * around
    diamond = np.floor(2.2 * np.abs(y) + np.abs(np.sin(stripes * around)))
    index = (gore, hoop, gore + hoop, diamond)[int(shot.layout.integers(4))]
    seams = 1 - 0.12 * (np.abs(np.cos(place * np.pi)) > 0.97)
    return palette(index.astype(int) % 3, table) * seams.astype(np.float32)


__all__ = ["HOURS", "balloons", "conifers", "dunes", "meadow", "mountains", "night"]
