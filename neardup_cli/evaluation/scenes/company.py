"""Who or what is with the photographer: friends, a cat, birds, flowers, branches, things on a sill."""

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Points,
    Shot,
    ambient,
    hsv,
    jitter,
    oval,
    polygon,
    rgb,
)
from neardup_cli.evaluation.scenes.cloth import weave
from neardup_cli.evaluation.scenes.people import person
from neardup_cli.evaluation.scenes.table import fruit, table_top, vessel
from neardup_cli.evaluation.scenes.woods import blossom, stem


def friends(pixels: Pixels, shot: Shot) -> None:
    """One to three people."""
    clothes = weave(shot, shot.shape)
    people = int(shot.layout.integers(1, 4))
    size = shot.unit * shot.layout.uniform(0.13, 0.24) * (1.2 if people == 1 else 0.85)
    first = shot.layout.uniform(0.15, 0.5)
    for number in range(people):
        x = (first + number * shot.layout.uniform(0.22, 0.34)) * shot.width
        person(pixels, shot, np.array([x, shot.height - size * shot.layout.uniform(1.5, 2.6)]), size, clothes)


FURS = (rgb(46, 42, 42), rgb(206, 140, 76), rgb(140, 136, 132), rgb(236, 228, 214))

CAT_PARTS = (
    (0.0, -0.6, 0.72, 0.75, 0.9),
    (0.14, -1.0, 0.5, 0.62, 1.0),
    (0.32, -0.2, 0.16, 0.3, 1.06),
    (0.0, -0.2, 0.16, 0.3, 1.0),
)
"""Haunches, chest and paws: middle and radii in the cat's size from its foot, and how bright they are."""


def cat(pixels: Pixels, shot: Shot) -> None:
    """A cat that sits and looks at the camera."""
    rng, light = shot.layout, ambient(pixels)
    size, way = shot.unit * rng.uniform(0.16, 0.32), float(rng.choice([-1, 1]))
    foot = np.array([shot.width * rng.uniform(0.2, 0.8), shot.height * rng.uniform(0.92, 1.05)])
    fur = jitter(rng, FURS[int(rng.integers(len(FURS)))], 0.04) * light
    _cat_body(pixels, rng, foot, (way, size), fur)
    head = foot + size * np.array([0.25 * way, -1.75])
    for side in (-1, 1):
        ear = np.array([(0.12, -0.3), (0.42, -0.78), (0.52, -0.12)]) * (side * size, size) + head
        polygon(pixels, ear, fur, soft=1.0)
        inner = (ear - ear.mean(axis=0)) * 0.55 + ear.mean(axis=0)
        polygon(pixels, inner, rgb(206, 140, 132) * light, soft=1.2)
    oval(pixels, (head[0], head[1]), (0.54 * size, 0.46 * size), fur * 1.05, soft=1.0)
    _cat_face(pixels, rng, head, size, light)


def _cat_body(
    pixels: Pixels, rng: np.random.Generator, foot: Points, pose: tuple[float, float], fur: Colour
) -> None:
    """Tail, body and paws, perhaps with stripes; `pose` is the side it turns to (±1) and its size."""
    way, size = pose
    bend, rise = rng.uniform(0.5, 1), rng.uniform(0.2, 0.9)
    for angle in np.linspace(0, 3.2, 20):
        tip = foot - size * np.array([way * (0.6 + 0.7 * np.sin(angle * bend)), 0.45 * angle * rise])
        oval(pixels, (tip[0], tip[1]), (0.13 * size, 0.13 * size), fur * 0.85, soft=1.0)
    for x, y, wide, tall, shade in CAT_PARTS:
        middle = (foot[0] + way * x * size, foot[1] + y * size)
        oval(pixels, middle, (wide * size, tall * size), fur * shade, soft=1.2)
    for stripe in rng.uniform(-1.2, -0.3, int(rng.integers(0, 9))):
        middle = (foot[0] - way * 0.35 * size, foot[1] + stripe * size)
        oval(pixels, middle, (0.3 * size, 0.045 * size), fur * 0.55, turn=0.3 * way, soft=2.0, opacity=0.8)


def _cat_face(pixels: Pixels, rng: np.random.Generator, head: Points, size: float, light: Colour) -> None:
    """Eyes, nose and whiskers."""
    iris = hsv(rng.uniform(0.12, 0.5), 0.7, 0.85) * light
    for side in (-1, 1):
        eye = (head[0] + side * 0.21 * size, head[1] - 0.05 * size)
        oval(pixels, eye, (0.12 * size, 0.1 * size), iris, soft=0.7)
        oval(pixels, eye, (0.035 * size, 0.09 * size), rgb(8, 8, 8), soft=0.6)
        for bend in (-0.1, 0.02, 0.14):
            whisker = (
                np.array([(0.12, 0.16), (0.75, 0.12 + bend), (0.12, 0.175)]) * (side * size, size) + head
            )
            polygon(pixels, whisker, rgb(250, 250, 250) * light, opacity=0.8)
    oval(
        pixels,
        (head[0], head[1] + 0.2 * size),
        (0.22 * size, 0.13 * size),
        rgb(244, 238, 230) * light,
        soft=2.0,
        opacity=0.7,
    )
    nose = np.array([(-0.06, 0.08), (0.06, 0.08), (0.0, 0.15)]) * size + head
    polygon(pixels, nose, rgb(190, 100, 100) * light, soft=0.7)


def birds(pixels: Pixels, shot: Shot) -> None:
    """Large birds on the wing, or a row of them on a wire."""
    rng, light = shot.layout, ambient(pixels)
    tone = (rgb(250, 250, 250), rgb(38, 36, 40), rgb(150, 120, 90))[int(rng.integers(3))] * light
    spread, heading = rng.uniform(0.3, 1.0), rng.choice([-1, 1])
    for size in np.sort(rng.uniform(0.05, 0.26, int(rng.integers(3, 10)))) * shot.unit:
        at = rng.uniform((0.08, 0.08), (0.92, 0.8)) * (shot.width, shot.height)
        for side, reach in ((-1, rng.uniform(0.7, 1.1)), (1, rng.uniform(0.7, 1.1))):
            lift = rng.uniform(-0.7, 0.5) * spread
            wing = np.array(
                [
                    (-0.18, 0),
                    (0.3 * side - 0.2, lift * 0.8),
                    (reach * side, lift),
                    (0.4 * side + 0.15, lift * 0.3),
                    (0.22, 0.02),
                ]
            )
            polygon(pixels, wing * (heading, 1) * size + at, tone * (0.8 if side < 0 else 1.0), soft=0.7)
        oval(pixels, (at[0], at[1]), (0.36 * size, 0.11 * size), tone * 0.92, soft=0.7)
        for part in (
            np.array([(-0.3, 0), (-0.62, -0.1), (-0.58, 0.1)]),
            np.array([(0.32, -0.06), (0.5, 0.0), (0.32, 0.05)]),
        ):
            polygon(pixels, part * (heading, 1) * size + at, tone * 0.6, soft=0.6)


def bouquet(pixels: Pixels, shot: Shot) -> None:
    """Flowers in focus before a scene."""
    rng, light = shot.layout, ambient(pixels)
    stalk, hue = hsv(shot.mood.uniform(0.22, 0.36), 0.6, 0.42) * light, shot.mood.uniform()
    side = rng.uniform(0.1, 0.9)
    for radius in np.sort(rng.uniform(0.06, 0.2, int(rng.integers(3, 9)))) * shot.unit:
        centre = np.array([(side + rng.normal(0, 0.16)) * shot.width, rng.uniform(0.25, 0.9) * shot.height])
        stem(pixels, shot, centre, float(radius), stalk)
        blossom(
            pixels,
            shot,
            centre,
            float(radius),
            hsv(hue + rng.normal(0, 0.08), 0.7, rng.uniform(0.7, 1)) * light,
        )


def foliage(pixels: Pixels, shot: Shot) -> None:
    """Branches with leaves that reach into the picture, close enough to be large."""
    rng, light = shot.layout, ambient(pixels)
    hue, long, slim = shot.mood.uniform(0.08, 0.4), rng.uniform(0.06, 0.2), rng.uniform(0.2, 0.6)
    tone = hsv(hue, shot.mood.uniform(0.4, 0.9), shot.mood.uniform(0.25, 0.75)) * light
    for _ in range(int(rng.integers(2, 5))):
        side = rng.choice([0.0, 1.0])
        start = np.array([side * shot.width, rng.uniform(-0.1, 0.8) * shot.height])
        reach = np.array([(0.5 - side) * 2, rng.uniform(-0.5, 0.6)]) * shot.unit * rng.uniform(0.4, 0.9)
        for at in np.linspace(0.05, 1, int(rng.integers(8, 20))):
            middle = start + reach * at + (0, 0.15 * shot.unit * at**2)
            turn = np.arctan2(reach[1], reach[0]) + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
            size = shot.unit * long * rng.uniform(0.6, 1.2)
            leaf(
                pixels,
                middle + 0.8 * size * np.array([np.cos(turn), np.sin(turn)]),
                size,
                (turn, slim),
                jitter(rng, tone, 0.08),
            )


def leaf(pixels: Pixels, at: Points, size: float, form: tuple[float, float], tone: Colour) -> None:
    """One leaf of half-length `size`; `form` is its direction in radians and its width over its length."""
    turn, slim = form
    oval(pixels, (at[0], at[1]), (size, size * slim), tone, turn=turn, corners=18, soft=0.9)
    shade = at + 0.5 * slim * size * np.array([-np.sin(turn), np.cos(turn)])
    oval(
        pixels,
        (shade[0], shade[1]),
        (size * 0.8, size * slim * 0.4),
        tone * 0.7,
        turn=turn,
        corners=14,
        soft=1.5,
        opacity=0.7,
    )
    oval(pixels, (at[0], at[1]), (size, size * 0.03), tone * 1.4, turn=turn, corners=8, soft=0.7)


def sill(pixels: Pixels, shot: Shot) -> None:
    """A table or a window sill with things on it."""
    rng = shot.layout
    edge = shot.height * rng.uniform(0.66, 0.84)
    table_top(pixels, shot, edge)
    from_left = bool(rng.uniform() < 0.5)
    for away in np.sort(rng.uniform(0.1, 0.95, int(rng.integers(2, 6)))):
        foot = (rng.uniform(0.08, 0.92) * shot.width, edge + (shot.height - edge) * away)
        size = shot.unit * rng.uniform(0.1, 0.24)
        (vessel if rng.uniform() < 0.6 else fruit)(pixels, shot, foot, size, from_left=from_left)
