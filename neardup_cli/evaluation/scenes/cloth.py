"""Surfaces close by: woven and printed cloth in folds, stones and tiles."""

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Points,
    Shot,
    blend,
    ellipse,
    fraction,
    hsv,
    jitter,
    mix,
    noise,
    oval,
    palette,
    polygon,
    rectangle,
    relief,
    rgb,
    rows_and_columns,
    smoothstep,
    soften,
)


def weave(shot: Shot, shape: tuple[int, int]) -> Pixels:
    """Flat cloth of `shape`: stripes, checks, dots, or a printed pattern, with its threads."""
    y, x = rows_and_columns(shape)
    turn, size = shot.layout.uniform(0, np.pi), shot.unit * shot.mood.uniform(0.05, 0.22)
    u = (x * np.cos(turn) + y * np.sin(turn)) / np.float32(size) + np.float32(shot.layout.uniform(0, 50))
    v = (y * np.cos(turn) - x * np.sin(turn)) / np.float32(size) + np.float32(shot.layout.uniform(0, 50))
    return pattern(shot, u.astype(np.float32), v.astype(np.float32))


def pattern(shot: Shot, u: Plane, v: Plane) -> Pixels:
    """The colours of a cloth at the places (u, v), whose pattern repeats at every whole number."""
    base = hsv(shot.mood.uniform(), shot.mood.uniform(0.05, 0.7), shot.mood.uniform(0.35, 0.95))
    other, third = jitter(shot.mood, base, 0.5), hsv(shot.mood.uniform(), 0.6, shot.mood.uniform(0.2, 0.95))
    table = np.concatenate([base, other, third, mix(base, other, 0.5)], axis=1)[..., 0]
    kind = int(shot.mood.integers(5))
    if kind == 0:
        return palette(_bands(shot, u), table)
    if kind == 1:
        return 0.5 * (palette(_bands(shot, u), table) + palette(_bands(shot, v), table))
    if kind == 4:
        zigzag = np.abs(fraction(v * 0.5) - 0.5) * 2
        return palette(np.floor((u + zigzag) * 2).astype(int) % 3, table)
    dx, dy = fraction(u) - 0.5, fraction(v + 0.5 * np.floor(u)) - 0.5
    away = np.hypot(dx, dy)
    if kind == 2:
        return palette((away < 0.28).astype(np.uint8) + (away < 0.14), table)
    petals = 0.2 + 0.2 * np.abs(np.cos(np.arctan2(dy, dx) * shot.mood.integers(2, 5)))
    return palette((away < petals).astype(np.uint8) + (away < 0.1), table)


def _bands(shot: Shot, along: Plane) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Which of four threads lies at each place: stripes of random widths, repeated."""
    threads = np.repeat(shot.mood.integers(0, 4, 12), shot.mood.integers(1, 9, 12))
    return np.take(threads, (fraction(along) * len(threads)).astype(int) % len(threads))


def cloth(shot: Shot) -> Pixels:
    """Cloth in folds, with buttons, coins, leaves or a letter left on it."""
    y, x = rows_and_columns(shot.shape)
    folds = noise(
        shot.layout,
        shot.shape,
        coarsest=shot.layout.uniform(1.5, 3.5),
        finest=10,
        stretch=shot.layout.uniform(0.4, 2.5),
    )
    depth = np.float32(shot.mood.uniform(0.1, 0.5))
    turn, size = shot.layout.uniform(0, np.pi), shot.unit * shot.mood.uniform(0.05, 0.3)
    across = x + folds * depth * np.float32(0.25 * shot.unit)
    down = y + np.roll(folds, 37, axis=1) * depth * np.float32(0.25 * shot.unit)
    u = (across * np.cos(turn) + down * np.sin(turn)) / np.float32(size)
    v = (down * np.cos(turn) - across * np.sin(turn)) / np.float32(size)
    pixels = pattern(shot, u.astype(np.float32), v.astype(np.float32))
    pixels *= relief(folds, shot.layout.uniform(0, 6.28), float(depth)) * (0.9 + 0.12 * folds)
    thread = noise(shot.layout, shot.shape, coarsest=60, roughness=0.9)
    pixels *= 1 + 0.05 * thread
    for _ in range(int(shot.layout.integers(0, 9))):
        _left_behind(pixels, shot)
    return pixels


def _left_behind(pixels: Pixels, shot: Shot) -> None:
    """A button, a leaf or a sheet of paper."""
    at = shot.layout.uniform((0.08, 0.08), (0.92, 0.92)) * (shot.width, shot.height)
    turn = shot.layout.uniform(0, 6.28)
    (_button, _leaf, _letter)[int(shot.layout.integers(3))](pixels, shot, at, turn)


def _button(pixels: Pixels, shot: Shot, at: Points, turn: float) -> None:
    """A button with four holes."""
    rng, (x, y) = shot.layout, at.tolist()
    radius = shot.unit * rng.uniform(0.03, 0.1)
    tone = hsv(rng.uniform(), rng.uniform(0, 0.7), rng.uniform(0.2, 0.95))
    shadow = (x + 0.15 * radius, y + 0.2 * radius)
    oval(pixels, shadow, (radius, radius), rgb(0, 0, 0), soft=radius / 6, opacity=0.5)
    for reach, bright in ((1.0, 0.8), (0.95, 1.15), (0.75, 0.85), (0.7, 1.0)):
        oval(pixels, (x, y), (radius * reach, radius * reach), tone * bright, soft=0.8)
    for angle in np.arange(4) * np.pi / 2 + turn:
        hole = (x + 0.25 * radius * np.cos(angle), y + 0.25 * radius * np.sin(angle))
        oval(pixels, hole, (radius * 0.1, radius * 0.1), tone * 0.2, soft=0.6)


def _leaf(pixels: Pixels, shot: Shot, at: Points, turn: float) -> None:
    """A leaf with its veins."""
    rng, (x, y) = shot.layout, at.tolist()
    size, tone = shot.unit * rng.uniform(0.08, 0.26), hsv(rng.uniform(0, 0.36), 0.75, rng.uniform(0.4, 0.85))
    outline = ellipse((x, y), (size, size * rng.uniform(0.25, 0.5)), turn=turn)
    polygon(pixels, outline + size * 0.06, rgb(0, 0, 0), soft=size / 12, opacity=0.45)
    polygon(pixels, outline, tone, soft=0.8)
    oval(pixels, (x, y), (size * 1.2, size * 0.02), mix(tone, rgb(255, 250, 200), 0.4), turn=turn, soft=0.6)
    for vein in np.linspace(-0.7, 0.7, 7) * size:
        middle = (x + vein * np.cos(turn), y + vein * np.sin(turn))
        oval(pixels, middle, (size * 0.22, size * 0.012), tone * 0.7, turn=turn + 1.0, corners=12, soft=0.7)


def _letter(pixels: Pixels, shot: Shot, at: Points, turn: float) -> None:
    """A sheet of paper with lines of writing."""
    rng = shot.layout
    size = shot.unit * rng.uniform(0.06, 0.2, 2)
    spin = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    sheet = rectangle(-1, -1, 1, 1) * size @ spin + at
    polygon(pixels, sheet + 5, rgb(0, 0, 0), soft=5, opacity=0.45)
    polygon(pixels, sheet, hsv(rng.uniform(0.08, 0.16), rng.uniform(0.02, 0.3), 0.93), soft=0.7)
    for top in np.linspace(-0.72, 0.6, int(rng.integers(4, 10))):
        written = rectangle(-0.8, top, rng.uniform(0.2, 0.8), top + 0.04) * size @ spin + at
        polygon(pixels, written, rgb(60, 60, 90), opacity=0.8)


def stones(shot: Shot) -> Pixels:
    """A floor or a wall: cobbles, bricks, tiles with a motif, or parquet."""
    y, x = rows_and_columns(shot.shape)
    texture = noise(shot.layout, shot.shape, coarsest=8, roughness=0.7)
    kind = int(shot.mood.integers(4))
    body: Pixels
    base = hsv(shot.mood.uniform(0, 0.7), shot.mood.uniform(0.05, 0.6), shot.mood.uniform(0.35, 0.85))
    size = shot.unit * shot.layout.uniform(0.1, 0.34)
    u, v = np.broadcast_arrays(x / np.float32(size), y / np.float32(size))
    if kind == 0:
        body = _cobbles(shot, texture)
    elif kind == 1:
        v = v / np.float32(shot.mood.uniform(0.25, 0.6))
        u = u + np.float32(shot.mood.uniform(0.2, 0.5)) * np.floor(v)
        body = _slabs(shot, base, u, v, 0.05) * (1 + 0.09 * texture)
    elif kind == 2:
        body = _motif(shot, pattern(shot, u, v), base, u, v) * (1 + 0.04 * texture)
    else:
        lying = (np.floor(u) + np.floor(v)) % 2 > 0
        staves = float(shot.mood.integers(2, 7))
        u, v = np.where(lying, u * staves, u), np.where(lying, v, v * staves)
        body = _slabs(shot, base, u, v, 0.03) * (1 + 0.08 * texture * np.where(lying, 1.0, -1.0))
    return _strewn(body.astype(np.float32), shot)


def _slabs(shot: Shot, base: Colour, u: Plane, v: Plane, gap: float) -> Pixels:
    """Every whole square of (u, v) in its own shade of `base`, with joints of width `gap`."""
    cell = (np.floor(u) * 7 + np.floor(v) * 13).astype(int) % 61
    edge = np.minimum(np.minimum(fraction(u), 1 - fraction(u)), np.minimum(fraction(v), 1 - fraction(v)))
    joint = smoothstep(gap, 0.4 * gap, edge)
    body = palette(cell, _shades(shot.layout, base))
    blend(body, joint, base * np.float32(shot.mood.uniform(0.2, 1.5)))
    return body


def _shades(rng: np.random.Generator, base: Colour) -> NDArray[np.floating]:
    """A table of 61 stones' colours around `base`, (3, 61)."""
    return np.concatenate([jitter(rng, base * rng.uniform(0.6, 1.3), 0.07) for _ in range(61)], axis=1)[
        ..., 0
    ]


def _motif(shot: Shot, body: Pixels, base: Colour, u: Plane, v: Plane) -> Pixels:
    """Painted tiles: one star or flower on each, over a printed ground."""
    dx, dy = fraction(u) - 0.5, fraction(v) - 0.5
    angle, away = np.arctan2(dy, dx), np.hypot(dx, dy)
    points = int(shot.layout.integers(3, 9))
    star = 0.34 + shot.layout.uniform(-0.14, 0.14) * np.cos(points * angle + shot.layout.uniform(0, 6))
    tone = hsv(shot.mood.uniform(), 0.6, shot.mood.uniform(0.2, 0.95))
    blend(body, smoothstep(0.02, 0.0, away - star), tone)
    blend(body, smoothstep(0.02, 0.0, away - 0.45 * star), base)
    edge = np.minimum(0.5 - np.abs(dx), 0.5 - np.abs(dy))
    return body * (0.55 + 0.45 * smoothstep(0.0, 0.035, edge))


def _strewn(body: Pixels, shot: Shot) -> Pixels:
    """`body` with a few things that somebody lost."""
    for _ in range(int(shot.layout.integers(0, 5))):
        _left_behind(body, shot)
    return body


def _cobbles(shot: Shot, texture: Plane) -> Pixels:
    """The cells around random points, each with its own stone."""
    rng = shot.layout
    size = shot.unit * shot.mood.uniform(0.05, 0.2)
    rows, cols = int(shot.height / size) + 3, int(shot.width / size) + 3
    order = shot.mood.uniform(0.25, 1.0)
    row, col = np.mgrid[:rows, :cols]
    grid = np.stack([col.ravel(), row.ravel()], axis=1).astype(np.float32)
    seeds = (grid - 1 + order * rng.uniform(-0.5, 0.5, grid.shape) + 0.5 * (grid[:, 1:] % 2) * (1, 0)) * size
    inside = (seeds >= 0).all(axis=1) & (seeds[:, 0] < shot.width) & (seeds[:, 1] < shot.height)
    marks = np.full(shot.shape, 255, np.uint8)
    at = seeds[inside].astype(int)
    marks[at[:, 1], at[:, 0]] = 0
    measured, cell = cv2.distanceTransformWithLabels(marks, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    away = np.asarray(measured, dtype=np.float32)
    base = hsv(shot.mood.uniform(0, 0.7), shot.mood.uniform(0.03, 0.4), shot.mood.uniform(0.35, 0.8))
    body = palette(np.asarray(cell, dtype=np.int64) % 61, _shades(rng, base))
    # Where two cells meet, the distance to the nearest point has a ridge.
    ridges = cv2.Laplacian(soften(away, 0.02 * float(size) + 0.6), cv2.CV_32F)
    gap = smoothstep(-0.02, -0.3, soften(np.asarray(ridges, dtype=np.float32), 0.8))
    dome = np.clip(1.25 - 0.75 * (away / np.float32(size)) ** 2, 0, 2)
    body *= relief(-away + 2 * texture, rng.uniform(0, 6.28), 0.22) * dome * (1 + 0.08 * texture)
    blend(body, gap, base * np.float32(shot.mood.uniform(0.15, 1.4)))
    return body
