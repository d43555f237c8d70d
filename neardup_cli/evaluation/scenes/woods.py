"""Trees and flowers: inside a forest, a tree that stands alone, blossoms close by."""

import cv2
import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Points,
    Shot,
    blend,
    floor,
    hsv,
    jitter,
    line,
    mix,
    noise,
    oval,
    paste,
    polygon,
    rgb,
    rows_and_columns,
    smoothstep,
    soften,
)
from neardup_cli.evaluation.scenes.land import meadow
from neardup_cli.evaluation.scenes.sky import hour_of, paint_sky

FOLIAGE = (
    (rgb(40, 84, 34), rgb(128, 168, 62)),
    (rgb(122, 58, 20), rgb(236, 158, 48)),
    (rgb(106, 24, 22), rgb(222, 82, 44)),
    (rgb(26, 62, 44), rgb(92, 142, 96)),
    (rgb(188, 112, 140), rgb(252, 220, 228)),
    (rgb(122, 118, 40), rgb(226, 206, 90)),
)
"""(shaded, lit) leaves: summer, two autumns, shade, cherry blossom, birch in October."""


def forest(shot: Shot) -> Pixels:
    """Trunks at three distances in a haze of leaves, light falling through."""
    y, x = rows_and_columns(shot.shape)
    dark, lit = FOLIAGE[int(shot.mood.integers(len(FOLIAGE)))]
    mist = mix(jitter(shot.mood, lit, 0.1), rgb(244, 244, 232), shot.mood.uniform(0.3, 0.85))
    leaves = noise(shot.layout, shot.shape, coarsest=shot.mood.uniform(2, 10), finest=2, roughness=0.68)
    pixels = mix(mist, mix(dark, lit, 0.6), smoothstep(-0.6, 2.2, leaves + np.abs(y / shot.height - 0.5)))
    sun = shot.layout.uniform(0.1, 0.9) * shot.width
    pixels += (
        np.exp(-(((x - sun) / (0.25 * shot.width)) ** 2))
        * np.exp(-((y / shot.height / 0.6) ** 2))
        * np.float32(0.3)
    )
    ground = round(shot.height * shot.layout.uniform(0.6, 0.85))
    _forest_floor(pixels, shot, ground, (dark, lit))
    bark = jitter(
        shot.mood, (rgb(70, 54, 42), rgb(206, 202, 192), rgb(104, 78, 60))[int(shot.mood.integers(3))], 0.05
    )
    rough = noise(shot.layout, shot.shape, coarsest=8, finest=2, roughness=0.65, stretch=0.15)
    crowded = shot.layout.uniform(0.1, 1.6)
    growth = (shot.mood.uniform(0.01, 0.3), shot.mood.uniform(0.05, 0.7))
    for near in (0.15, 0.5, 1.0):
        for _ in range(round(crowded * shot.layout.uniform(0, 9 if near < 1 else 4))):
            _trunk(pixels, shot, near, ground, mix(mist, bark, 0.25 + 0.7 * near), rough, growth)
        _canopy(pixels, shot, near, mix(mist, mix(dark, lit, 0.5), 0.3 + 0.6 * near))
    return pixels


def _forest_floor(pixels: Pixels, shot: Shot, ground: int, tones: tuple[Colour, Colour]) -> None:
    """Moss, fallen leaves and patches of sun below `ground`."""
    rows = shot.height - ground
    litter = noise(shot.layout, (384, 384), coarsest=10, roughness=0.75)
    sun = noise(shot.layout, (384, 384), coarsest=5, finest=6)
    sample = floor(np.stack([litter, sun]), (rows, shot.width), zoom=shot.unit / 340)
    earth = mix(jitter(shot.mood, rgb(70, 56, 38), 0.05), tones[1], shot.mood.uniform(0.2, 0.7))
    body = earth * (0.7 + 0.22 * sample[0]) + smoothstep(0.4, 1.4, sample[1]) * np.float32(0.22)
    y, _ = rows_and_columns((rows, shot.width))
    wave = 12 * line(shot.layout, shot.width, roughness=0.55)
    blend(pixels[:, ground:], smoothstep(0, 16, y + wave), body.astype(np.float32))


def _trunk(
    pixels: Pixels,
    shot: Shot,
    near: float,
    ground: int,
    bark: Colour,
    rough: Plane,
    growth: tuple[float, float],
) -> None:
    """One trunk from its foot out of the picture's top, round by its shading, with a branch or two."""
    rng = shot.layout
    foot = ground + (shot.height - ground) * near * rng.uniform(0.3, 1.1)
    x = rng.uniform(-0.02, 1.02) * shot.width
    half = shot.unit * (0.006 + 0.055 * near) * rng.uniform(0.6, 1.5)
    lean = rng.uniform(-1, 1) * growth[0] * shot.height
    y = np.arange(0, min(shot.height, int(foot)), dtype=np.float32)[:, None]
    _, columns = rows_and_columns(shot.shape)
    up = 1 - y / foot
    middle = x + lean * up + half * growth[1] * line(rng, y.shape[0], coarsest=3, finest=20)[:, None]
    wide = half * (1 - 0.35 * up + 0.5 * np.exp(-up * 22))
    low, high = int(max(0, middle.min() - 2 * half - 2)), int(min(shot.width, middle.max() + 2 * half + 2))
    if low >= high:
        return
    across = (columns[:, low:high] - middle) / wide
    shade = 1.1 - 0.55 * np.abs(across - 0.35) ** 1.5
    blend(
        pixels[:, : y.shape[0], low:high],
        smoothstep(1.05, 0.92, np.abs(across)),
        bark * (shade * (1 + 0.14 * near * rough[: y.shape[0], low:high])),
    )


def _canopy(pixels: Pixels, shot: Shot, near: float, tone: Colour) -> None:
    """Leaves that hang in from above, and a few bushes from below."""
    y, _ = rows_and_columns(shot.shape)
    coarse, rough = shot.mood.uniform(2, 9), shot.mood.uniform(0.6, 0.8)
    leaves = noise(shot.layout, shot.shape, coarsest=coarse, finest=1 if near == 1 else 2, roughness=rough)
    edge = shot.layout.uniform(0.05, 0.4) * shot.height
    thick = leaves + np.clip((edge - y) / np.float32(0.22 * shot.height), -3, 2)
    light = 1 + 0.22 * leaves
    blend(pixels, smoothstep(0.6, 1.0, thick), tone * light)


def lone_tree(shot: Shot) -> Pixels:
    """One to three trees on a hill, in leaf or bare."""
    pixels = np.zeros((3, *shot.shape), np.float32)
    horizon = round(shot.height * shot.layout.uniform(0.58, 0.86))
    light = paint_sky(pixels, shot, hour_of(shot), horizon + 10)
    meadow(pixels, shot, horizon, light)
    dark, lit = FOLIAGE[int(shot.mood.integers(len(FOLIAGE)))]
    bare = shot.mood.uniform() < 0.3
    for _ in range(int(shot.layout.integers(1, 4))):
        foot = (
            shot.width * shot.layout.uniform(0.12, 0.88),
            horizon + shot.unit * shot.layout.uniform(0.02, 0.16),
        )
        tall = shot.unit * shot.layout.uniform(0.3, 0.8)
        mask, tips = _branches(shot, foot, tall)
        oval(pixels, (foot[0], foot[1] + 3), (0.3 * tall, 0.04 * tall), rgb(10, 14, 8), soft=5, opacity=0.5)
        blend(pixels, mask, rgb(52, 40, 32) * light.colour)
        if not bare:
            _crown(pixels, shot, tips, tall, (dark * light.colour, lit * light.colour))
    return pixels


def _branches(shot: Shot, foot: tuple[float, float], tall: float) -> tuple[Plane, Points]:
    """A tree's wood, a mask, grown generation by generation, and the tips of its last branches, (n, 2)."""
    rng = shot.layout
    mask = np.zeros(shot.shape, np.uint8)
    starts, angles = np.array([foot]), np.array([rng.uniform(-0.12, 0.12)])
    length, thick = tall * rng.uniform(0.24, 0.34), tall * 0.05
    spread, shrink = rng.uniform(0.3, 0.62), rng.uniform(0.7, 0.8)
    for _ in range(8):
        reach = length * rng.uniform(0.7, 1.2, len(angles))
        ends = starts + np.stack([np.sin(angles), -np.cos(angles)], axis=1) * reach[:, None]
        for start, end in zip(starts, ends, strict=True):
            ends_fixed = [tuple(np.rint(point * 16).astype(int).tolist()) for point in (start, end)]
            cv2.line(mask, ends_fixed[0], ends_fixed[1], 255, max(1, round(thick)), cv2.LINE_AA, 4)
        starts = np.repeat(ends, 2, axis=0)
        angles = np.repeat(angles, 2) + np.tile([-1, 1], len(angles)) * spread * rng.uniform(
            0.4, 1.3, 2 * len(angles)
        )
        length, thick = length * shrink, thick * 0.66
    return mask / np.float32(255), starts[::2]


def _crown(pixels: Pixels, shot: Shot, tips: Points, tall: float, tones: tuple[Colour, Colour]) -> None:
    """Leaves around the tips: clumps lit from above, broken up by noise."""
    rng = shot.layout
    mask = np.zeros(shot.shape, np.uint8)
    for x, y in tips + rng.normal(0, 0.02 * tall, tips.shape):
        radius = max(1, round(tall * rng.uniform(0.025, 0.075)))
        cv2.circle(mask, (round(x), round(y)), radius, 255, -1, cv2.LINE_AA)
    leaves = noise(rng, shot.shape, coarsest=20, roughness=0.85)
    solid = soften(mask / np.float32(255), 1.2)
    above = soften(mask / np.float32(255), 0.035 * tall)
    lit = solid - np.roll(above, round(0.05 * tall), axis=0) + 0.35 * leaves
    blend(
        pixels,
        solid * smoothstep(-1.3, -0.5, leaves),
        mix(tones[0], tones[1], np.clip(0.35 + 0.5 * lit, 0, 1)),
    )


def flowers(shot: Shot) -> Pixels:
    """Blossoms close by, the garden behind them out of focus."""
    pixels = bokeh(shot, hsv(shot.mood.uniform(0.18, 0.42), 0.5, 0.42), count=34)
    hue, kinds = shot.mood.uniform(), int(shot.mood.integers(1, 4))
    stalk = hsv(shot.mood.uniform(0.22, 0.36), 0.6, 0.42)
    count = int(shot.layout.integers(1, 9))
    for radius in np.sort(shot.layout.uniform(0.07, 0.2, count) * (2.0 if count < 3 else 1.0)):
        centre = shot.layout.uniform((0.1, 0.12), (0.9, 0.75)) * (shot.width, shot.height)
        tone = hsv(
            hue + 0.13 * int(shot.layout.integers(kinds)),
            shot.mood.uniform(0.35, 0.95),
            shot.layout.uniform(0.75, 1.0),
        )
        stem(pixels, shot, centre, float(radius) * shot.unit, stalk)
        blossom(pixels, shot, centre, float(radius) * shot.unit, tone)
    return pixels


def bokeh(shot: Shot, ground: Colour, *, count: int) -> Pixels:
    """A background out of focus: soft patches and `count` discs of light."""
    height, width = shot.shape
    small = (height // 4, width // 4)
    patches = noise(shot.layout, small, coarsest=shot.layout.uniform(2, 5), finest=6)
    other = jitter(shot.mood, mix(ground, hsv(shot.mood.uniform(), 0.4, 0.9), 0.5), 0.1)
    soft = mix(ground * 0.6, other, smoothstep(-1.6, 1.9, patches))
    for _ in range(count):
        at = shot.layout.uniform((0, 0), (small[1], small[0]))
        radius = shot.unit / 4 * shot.layout.uniform(0.02, 0.11)
        tone = mix(other, hsv(shot.layout.uniform(), 0.35, 1.0), 0.5)
        oval(
            soft,
            (at[0], at[1]),
            (radius, radius),
            tone,
            soft=radius / 9,
            opacity=shot.layout.uniform(0.1, 0.6),
        )
    return np.stack([cv2.resize(channel, (width, height), interpolation=cv2.INTER_CUBIC) for channel in soft])


def stem(pixels: Pixels, shot: Shot, centre: Points, radius: float, tone: Colour) -> None:
    """A bent stalk from the picture's lower edge, with a leaf."""
    down = np.linspace(0, 1, 16)
    bend = shot.layout.uniform(-1.5, 1.5) * radius
    foot = shot.height * 1.05
    x = centre[0] + bend * down**2
    y = centre[1] + (foot - centre[1]) * down
    half = max(1.5, 0.045 * radius)
    polygon(
        pixels, np.concatenate([np.stack([x - half, y], 1), np.stack([x + half, y], 1)[::-1]]), tone, soft=0.8
    )
    at, turn = int(shot.layout.integers(6, 13)), shot.layout.uniform(-0.9, 0.9)
    oval(
        pixels,
        (x[at] + radius * turn, y[at]),
        (0.8 * radius, 0.2 * radius),
        jitter(shot.layout, tone, 0.08),
        turn=turn,
        soft=1.0,
    )


def blossom(pixels: Pixels, shot: Shot, centre: Points, radius: float, tone: Colour) -> None:
    """A flower seen a little from the side: rings of petals with veins, and a heart of stamens."""
    rng = shot.layout
    side = int(2.3 * radius)
    y, x = rows_and_columns((side, side))
    tilt, turn = rng.uniform(0.6, 1.0), rng.uniform(0, 6.28)
    dx, dy = (x - side / 2) / np.float32(radius), (y - side / 2) / np.float32(radius * tilt)
    away, angle = np.hypot(dx, dy), np.arctan2(dy, dx) + np.float32(turn)
    petals, pointed = int(rng.integers(5, 22)), rng.uniform(0.25, 1.0)
    body = np.zeros((3, side, side), np.float32)
    cover = np.zeros((side, side), np.float32)
    for ring, reach in enumerate(np.linspace(1.0, 0.45, int(rng.integers(1, 4)))):
        phase = angle * np.float32(petals / 2) + ring * 1.57
        edge = np.float32(reach) * (0.35 + 0.65 * np.abs(np.cos(phase)) ** np.float32(pointed))
        inside = smoothstep(0.0, 0.03, edge - away)
        veins = 1 + 0.06 * np.sin(angle * petals * 7) - 0.4 * (1 - np.abs(np.cos(phase))) ** 2
        shade = (0.55 + 0.5 * np.clip(away / reach, 0, 1)) * veins * (1 - 0.12 * (dx + dy))
        blend(body, inside, mix(jitter(rng, tone, 0.06), rgb(255, 250, 240), 0.18 * ring) * shade)
        cover = np.maximum(cover, inside)
    heart = hsv(rng.uniform(0.05, 0.17), 0.85, rng.uniform(0.3, 0.95))
    dots = 0.75 + 0.35 * np.sin(dx * 60) * np.sin(dy * 60)
    blend(body, smoothstep(0.02, 0.0, away - np.float32(rng.uniform(0.12, 0.38))), heart * dots)
    paste(pixels, body, cover, (round(centre[0] - side / 2), round(centre[1] - side / 2)))
