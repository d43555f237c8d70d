"""Surfaces close by: woven and printed cloth in folds, stones and tiles."""

import cv2
import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Pixels,
    Plane,
    Shot,
    blend,
    ellipse,
    hsv,
    jitter,
    mix,
    noise,
    palette,
    polygon,
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
    away = np.hypot(np.mod(u, 1) - 0.5, np.mod(v + 0.5 * np.floor(u), 1) - 0.5)
    angle = np.arctan2(np.mod(v + 0.5 * np.floor(u), 1) - 0.5, np.mod(u, 1) - 0.5)
    if kind == 2:
        return palette((away < 0.28).astype(int) + (away < 0.14), table)
    if kind == 3:
        petals = 0.2 + 0.2 * np.abs(np.cos(angle * shot.mood.integers(2, 5)))
        return palette((away < petals) * 1 + (away < 0.1) * 1, table)
    zigzag = np.abs(np.mod(v * 0.5, 1) - 0.5) * 2
    return palette((np.floor((u + zigzag) * 2) % 3).astype(int), table)


def _bands(shot: Shot, along: Plane) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Which of four threads lies at each place: stripes of random widths, repeated."""
    threads = np.repeat(shot.mood.integers(0, 4, 12), shot.mood.integers(1, 9, 12))
    return np.take(threads, (np.mod(along, 1) * len(threads)).astype(int) % len(threads))


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
    rng = shot.layout
    at = rng.uniform((0.08, 0.08), (0.92, 0.92)) * (shot.width, shot.height)
    kind, turn = int(rng.integers(3)), rng.uniform(0, 6.28)
    if kind == 0:
        radius, tone = (
            shot.unit * rng.uniform(0.03, 0.1),
            hsv(rng.uniform(), rng.uniform(0, 0.7), rng.uniform(0.2, 0.95)),
        )
        polygon(
            pixels,
            ellipse((at[0] + radius * 0.15, at[1] + radius * 0.2), (radius, radius)),
            rgb(0, 0, 0),
            soft=radius / 6,
            opacity=0.5,
        )
        for reach, bright in ((1.0, 0.8), (0.95, 1.15), (0.75, 0.85), (0.7, 1.0)):
            polygon(
                pixels, ellipse((at[0], at[1]), (radius * reach, radius * reach)), tone * bright, soft=0.8
            )
        for angle in np.arange(4) * 1.57 + turn:
            hole = at + 0.25 * radius * np.array([np.cos(angle), np.sin(angle)])
            polygon(pixels, ellipse((hole[0], hole[1]), (radius * 0.1, radius * 0.1)), tone * 0.2, soft=0.6)
    elif kind == 1:
        size, tone = (
            shot.unit * rng.uniform(0.08, 0.26),
            hsv(rng.uniform(0, 0.36), 0.75, rng.uniform(0.4, 0.85)),
        )
        leaf = ellipse((at[0], at[1]), (size, size * rng.uniform(0.25, 0.5)), turn=turn)
        polygon(pixels, leaf + size * 0.06, rgb(0, 0, 0), soft=size / 12, opacity=0.45)
        polygon(pixels, leaf, tone, soft=0.8)
        polygon(
            pixels,
            ellipse((at[0], at[1]), (size * 1.2, size * 0.02), turn=turn),
            mix(tone, rgb(255, 250, 200), 0.4),
            soft=0.6,
        )
        for vein in np.linspace(-0.7, 0.7, 7):
            middle = at + vein * size * np.array([np.cos(turn), np.sin(turn)])
            polygon(
                pixels,
                ellipse((middle[0], middle[1]), (size * 0.22, size * 0.012), turn=turn + 1.0, corners=12),
                tone * 0.7,
                soft=0.7,
            )
    else:
        wide, tall = shot.unit * rng.uniform(0.12, 0.4, 2)
        sheet = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)]) / 2
        spin = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
        polygon(pixels, sheet @ spin.T + at + 5, rgb(0, 0, 0), soft=5, opacity=0.45)
        polygon(
            pixels, sheet @ spin.T + at, hsv(rng.uniform(0.08, 0.16), rng.uniform(0.02, 0.3), 0.93), soft=0.7
        )
        for written in np.linspace(-0.36, 0.3, int(rng.integers(4, 10))):
            row = np.array(
                [
                    (-0.4, written),
                    (rng.uniform(0.1, 0.4), written),
                    (0.3, written + 0.02),
                    (-0.4, written + 0.02),
                ]
            )
            polygon(pixels, row * (wide, tall) @ spin.T + at, rgb(60, 60, 90), soft=0.5, opacity=0.8)


def stones(shot: Shot) -> Pixels:
    """Pebbles, cobbles or broken tiles: the cells around random points, each with its own stone."""
    rng = shot.layout
    size = shot.unit * shot.mood.uniform(0.05, 0.2)
    rows, cols = int(shot.height / size) + 3, int(shot.width / size) + 3
    order = shot.mood.uniform(0.25, 1.0)
    grid = np.stack(np.mgrid[:rows, :cols][::-1], axis=-1).reshape(-1, 2).astype(np.float32)
    seeds = (grid - 1 + order * rng.uniform(-0.5, 0.5, grid.shape) + 0.5 * (grid[:, 1:] % 2) * (1, 0)) * size
    inside = (seeds >= 0).all(axis=1) & (seeds[:, 0] < shot.width) & (seeds[:, 1] < shot.height)
    marks = np.full(shot.shape, 255, np.uint8)
    at = seeds[inside].astype(int)
    marks[at[:, 1], at[:, 0]] = 0
    away, cell = cv2.distanceTransformWithLabels(marks, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    base = hsv(shot.mood.uniform(0, 0.7), shot.mood.uniform(0.03, 0.4), shot.mood.uniform(0.35, 0.8))
    tones = np.concatenate([jitter(rng, base * rng.uniform(0.65, 1.3), 0.07) for _ in range(61)], axis=1)[
        ..., 0
    ]
    body = palette(cell % 61, tones)
    edges = cv2.Laplacian(soften(away, 0.02 * float(size) + 0.6), cv2.CV_32F)
    gap = smoothstep(-0.02, -0.3, soften(edges, 0.8))
    texture = noise(rng, shot.shape, coarsest=8, roughness=0.7)
    dome = np.clip(1.25 - 0.75 * (away / np.float32(size)) ** 2, 0, 2)
    body *= relief(-away + 2 * texture, rng.uniform(0, 6.28), 0.22) * dome * (1 + 0.08 * texture)
    blend(body, gap, base * np.float32(shot.mood.uniform(0.15, 1.4)))
    for _ in range(int(rng.integers(0, 7))):
        _left_behind(body, shot)
    return body
