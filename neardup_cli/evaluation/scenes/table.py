"""On a table: fruit, bowls and vases in the light of a window; a meal from above."""

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Plane,
    Points,
    Shot,
    blend,
    ellipse,
    fraction,
    glow,
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
)
from neardup_cli.evaluation.scenes.cloth import weave


def still_life(shot: Shot) -> Pixels:
    """Turned vessels and fruit on a table before a wall."""
    _, x = rows_and_columns(shot.shape)
    rough = noise(shot.layout, shot.shape, coarsest=3, roughness=0.6, finest=2)
    from_left = bool(shot.layout.uniform() < 0.5)
    wall = hsv(shot.mood.uniform(), shot.mood.uniform(0.05, 0.45), shot.mood.uniform(0.2, 0.85))
    side = x / shot.width if from_left else 1 - x / shot.width
    pixels = (wall * (1.15 - 0.6 * side) * (1 + 0.04 * rough)).astype(np.float32)
    if shot.mood.uniform() < 0.5:
        _window_light(pixels, shot)
    edge = shot.height * shot.layout.uniform(0.5, 0.72)
    table_top(pixels, shot, edge)
    count = int(shot.layout.integers(2, 9))
    feet = np.sort(shot.layout.uniform(0.06, 0.9, count))
    for away in feet:
        foot = (shot.width * shot.layout.uniform(0.1, 0.9), edge + (shot.height - edge) * away)
        size = shot.unit * shot.layout.uniform(0.09, 0.2) * (0.8 + 0.4 * away)
        if shot.layout.uniform() < 0.55:
            fruit(pixels, shot, foot, size * 0.7, from_left=from_left)
        else:
            vessel(pixels, shot, foot, size, from_left=from_left)
    return pixels


def _window_light(pixels: Pixels, shot: Shot) -> None:
    """The bright shape of a window on the wall."""
    x, y = shot.layout.uniform((0.05, 0.02), (0.6, 0.2)) * (shot.width, shot.height)
    wide, tall, slant = (
        *(shot.unit * shot.layout.uniform(0.1, 0.35, 2)),
        shot.unit * shot.layout.uniform(-0.2, 0.2),
    )
    for column in range(2):
        for row in range(2):
            left, top = x + column * wide * 1.1, y + row * tall * 1.1
            pane = np.array(
                [
                    (left, top),
                    (left + wide, top + slant * 0.3),
                    (left + wide, top + tall + slant * 0.3),
                    (left, top + tall),
                ]
            )
            polygon(pixels, pane, rgb(255, 240, 205), soft=4, opacity=0.45)


def table_top(pixels: Pixels, shot: Shot, edge: float) -> None:
    """Wood with its grain, or a cloth, from `edge` down."""
    top = int(edge)
    rows = shot.height - top
    y, x = rows_and_columns((rows, shot.width))
    if shot.mood.uniform() < 0.6:
        rings = noise(shot.layout, (rows, shot.width), coarsest=2.5, stretch=9, roughness=0.55)
        tone = hsv(shot.mood.uniform(0.03, 0.1), shot.mood.uniform(0.3, 0.7), shot.mood.uniform(0.3, 0.8))
        body = tone * (1 + 0.1 * np.sin(rings * 9) + 0.07 * rings)
        planks = fraction(x / shot.width * 3 + y / rows * shot.layout.uniform(-0.4, 0.4))
        body *= 1 - 0.4 * smoothstep(0.012, 0.004, planks)
    else:
        body = weave(shot, (rows, shot.width))
    body *= 0.75 + 0.35 * y / rows
    blend(pixels[:, top:], smoothstep(0, 2, y), body.astype(np.float32))


def vessel(pixels: Pixels, shot: Shot, foot: tuple[float, float], size: float, *, from_left: bool) -> None:
    """A turned vase, bottle, jug or bowl: its outline is a smooth random profile."""
    rng = shot.layout
    tall = size * rng.uniform(0.7, 2.6)
    height = max(8, round(tall))
    knots = rng.uniform(0.25, 1.0, 6) * np.array([0.9, 1.3, 1.2, 1.0, 0.7, 0.8])
    up = np.linspace(0, 5, height)
    low = np.minimum(up.astype(int), 4)
    part = up - low
    part = part * part * (3 - 2 * part)
    radius = (size * 0.62 * (knots[low] * (1 - part) + knots[low + 1] * part))[::-1].astype(np.float32)
    half = int(radius.max()) + 3
    _shadow(pixels, foot, (float(radius[-1]), size), from_left=from_left)
    y, x = rows_and_columns((height, 2 * half))
    across = (x - half) / radius[:, None]
    tone = hsv(rng.uniform(), rng.uniform(0.1, 0.8), rng.uniform(0.3, 0.95))
    body = _round(tone, across, from_left=from_left, shine=rng.uniform(0, 0.9))
    bands = int(rng.integers(3))
    if bands:
        other = hsv(rng.uniform(), 0.5, 0.8)
        rings = (
            np.sin(y / height * 6.28 * rng.uniform(1, 6) + bands * across) > rng.uniform(0.3, 0.95)
        ).astype(np.float32)
        blend(body, rings + 0 * across, _round(other, across, from_left=from_left, shine=0.2))
    paste(
        pixels, body, smoothstep(1.0, 0.97, np.abs(across)), (round(foot[0]) - half, round(foot[1]) - height)
    )
    lip = (foot[0], foot[1] - height)
    oval(pixels, lip, (float(radius[0]), float(radius[0]) * 0.22), tone * 0.8, soft=0.6)
    oval(
        pixels,
        (lip[0], lip[1] + 1),
        (float(radius[0]) * 0.85, float(radius[0]) * 0.16),
        tone * 0.25,
        soft=0.8,
    )


def _round(tone: Colour, across: Plane, *, from_left: bool, shine: float) -> Pixels:
    """A turned surface in the light of one window: `across` runs from -1 to 1 over its front."""
    lit = np.clip(
        (-across if from_left else across) * 0.6 + np.sqrt(np.clip(1 - across**2, 0, 1)) * 0.7, 0.08, 1
    )
    spot = np.exp(-(((across - (-0.45 if from_left else 0.45)) / 0.09) ** 2))
    return (tone * lit + np.float32(shine) * spot * rgb(255, 252, 240)).astype(np.float32)


def _shadow(pixels: Pixels, foot: tuple[float, float], size: tuple[float, float], *, from_left: bool) -> None:
    """The shadow that a thing of (half width, height) throws away from the window."""
    way = 1 if from_left else -1
    centre = (foot[0] + way * 0.6 * size[1], foot[1] - 0.06 * size[1])
    oval(
        pixels,
        centre,
        (size[0] + 0.7 * size[1], 0.28 * size[0] + 2),
        rgb(12, 10, 12),
        soft=0.09 * size[1],
        opacity=0.5,
    )
    oval(pixels, foot, (size[0] * 1.05, size[0] * 0.25), rgb(8, 6, 8), soft=2.5, opacity=0.6)


def fruit(pixels: Pixels, shot: Shot, foot: tuple[float, float], radius: float, *, from_left: bool) -> None:
    """An apple, an orange, a lemon: a ball with spots, a shine and a stalk."""
    rng = shot.layout
    side = int(2 * radius) + 4
    y, x = rows_and_columns((side, side))
    dx, dy = (x - side / 2) / np.float32(radius), (y - side / 2) / np.float32(radius * rng.uniform(0.85, 1.0))
    inside = dx**2 + dy**2
    z = np.sqrt(np.clip(1 - inside, 0, 1))
    way = -1 if from_left else 1
    lit = np.clip(0.55 * way * dx - 0.45 * dy + 0.65 * z, 0.06, 1.2)
    tone = hsv(rng.uniform(-0.05, 0.3), rng.uniform(0.6, 0.95), rng.uniform(0.6, 0.95))
    skin = mix(
        tone, jitter(rng, tone, 0.3), smoothstep(-1, 1.4, noise(rng, (side, side), coarsest=3, roughness=0.7))
    )
    spot = np.exp(-((dx - way * 0.38) ** 2 + (dy + 0.4) ** 2) / 0.03) * np.float32(rng.uniform(0.2, 0.8))
    _shadow(pixels, foot, (radius * 0.8, radius * 1.6), from_left=from_left)
    paste(
        pixels,
        skin * lit + spot,
        smoothstep(1.0, 0.95, inside),
        (round(foot[0] - side / 2), round(foot[1] - side * 0.93)),
    )
    if rng.uniform() < 0.6:
        top = np.array([foot[0], foot[1] - 1.68 * radius])
        stalk = np.array([(-2, 0), (2, 0), (5, -0.32 * radius), (1, -0.32 * radius)])
        polygon(pixels, stalk + top, rgb(66, 46, 26), soft=0.5)
        if rng.uniform() < 0.5:
            oval(
                pixels,
                (top[0] + 0.3 * radius, top[1] - 0.25 * radius),
                (0.32 * radius, 0.13 * radius),
                rgb(72, 120, 44),
                turn=-0.5,
                soft=0.7,
            )


def plate(shot: Shot) -> Pixels:
    """A meal from above: plates and bowls with food, cutlery, a glass, on cloth or wood."""
    pixels = weave(shot, shot.shape) if shot.mood.uniform() < 0.5 else _boards(shot)
    pixels *= np.float32(shot.mood.uniform(0.7, 1.0))
    count = int(shot.layout.integers(1, 4))
    china = jitter(
        shot.mood, (rgb(240, 238, 232), rgb(60, 66, 74), rgb(170, 190, 196))[int(shot.mood.integers(3))], 0.05
    )
    for number in range(count):
        place = (number + shot.layout.uniform(0.3, 0.7)) / count
        centre = (shot.width * place, shot.height * shot.layout.uniform(0.3, 0.7))
        radius = shot.unit * shot.layout.uniform(0.24, 0.42) * (1.0 if count == 1 else 0.75)
        dish(pixels, shot, centre, radius, china)
    for _ in range(int(shot.layout.integers(0, 4))):
        _cutlery(pixels, shot)
    glow(pixels, (shot.width * shot.layout.uniform(), 0), shot.unit * 0.7, rgb(255, 244, 220), 0.22)
    return pixels


def _boards(shot: Shot) -> Pixels:
    """A table of planks from above."""
    y, x = rows_and_columns(shot.shape)
    rings = noise(shot.layout, shot.shape, coarsest=3, stretch=10, roughness=0.6)
    tone = hsv(shot.mood.uniform(0.02, 0.12), shot.mood.uniform(0.1, 0.6), shot.mood.uniform(0.25, 0.8))
    at = y / shot.unit * shot.mood.uniform(3, 8) + shot.layout.uniform()
    shade = np.take(shot.layout.uniform(0.75, 1.15, 32).astype(np.float32), np.floor(at).astype(int) % 32)
    body = tone * shade * (1 + 0.1 * rings + 0.06 * np.sin(rings * 8)) * (1 + 0 * x)
    return (body * (1 - 0.5 * smoothstep(0.04, 0.0, fraction(at)))).astype(np.float32)


def dish(pixels: Pixels, shot: Shot, centre: tuple[float, float], radius: float, china: Colour) -> None:
    """One plate with its rim and what is served on it."""
    rng = shot.layout
    oval(
        pixels,
        (centre[0] + 0.05 * radius, centre[1] + 0.06 * radius),
        (1.04 * radius, 1.04 * radius),
        rgb(0, 0, 0),
        soft=0.05 * radius,
        opacity=0.5,
    )
    for reach, bright in ((1.0, 0.95), (0.97, 1.04), (0.72, 0.86), (0.69, 0.98)):
        oval(pixels, centre, (reach * radius, reach * radius), china * bright, corners=90, soft=1.2)
    if rng.uniform() < 0.5:
        paint = hsv(rng.uniform(), 0.6, 0.6)
        for angle in np.linspace(0, 6.28, int(rng.integers(12, 40))):
            at = (centre[0] + 0.85 * radius * np.cos(angle), centre[1] + 0.85 * radius * np.sin(angle))
            oval(pixels, at, (0.06 * radius, 0.025 * radius), paint, turn=angle, corners=12, soft=0.6)
    for _ in range(int(rng.integers(1, 4))):
        (_noodles, _leaves, _slices, _grains)[int(rng.integers(4))](pixels, shot, centre, radius * 0.6)


def _around(rng: np.random.Generator, centre: tuple[float, float], radius: float) -> tuple[float, float]:
    """A place within `radius` of `centre`."""
    angle, away = rng.uniform(0, 6.28), radius * np.sqrt(rng.uniform())
    return centre[0] + away * np.cos(angle), centre[1] + away * np.sin(angle)


def _noodles(pixels: Pixels, shot: Shot, centre: tuple[float, float], radius: float) -> None:
    """Long curled strands, one over the other."""
    rng = shot.layout
    tone = hsv(rng.uniform(0.08, 0.14), rng.uniform(0.35, 0.7), 0.92)
    for _ in range(30):
        middle, size = _around(rng, centre, radius * 0.6), radius * rng.uniform(0.15, 0.5)
        angle = np.linspace(0, rng.uniform(2, 5.5), 22) + rng.uniform(0, 6.28)
        wobble = size * (1 + 0.18 * line(rng, 22, coarsest=2))
        path = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        half = 0.034 * radius
        for thick, shade in ((1.5, 0.5), (1.0, rng.uniform(0.85, 1.08))):
            band = np.concatenate(
                [path * (wobble + half * thick)[:, None], (path * (wobble - half * thick)[:, None])[::-1]]
            )
            polygon(pixels, band + np.array(middle), tone * shade, soft=0.6)


def _leaves(pixels: Pixels, shot: Shot, centre: tuple[float, float], radius: float) -> None:
    """Salad: crinkled leaves with a bright rib."""
    rng = shot.layout
    hue = rng.uniform(0.2, 0.36)
    for _ in range(int(rng.integers(8, 26))):
        at = _around(rng, centre, radius * 0.8)
        size = radius * rng.uniform(0.12, 0.36)
        turn = rng.uniform(0, 6.28)
        outline = ellipse((0, 0), (size, size * 0.55), turn=turn) * (1 + 0.12 * rng.standard_normal((40, 1)))
        tone = hsv(hue + rng.uniform(-0.04, 0.04), rng.uniform(0.5, 0.85), rng.uniform(0.3, 0.8))
        polygon(pixels, outline + np.array(at) + 2, rgb(10, 14, 6), soft=2, opacity=0.4)
        polygon(pixels, outline + np.array(at), tone, soft=0.8)
        oval(pixels, at, (size * 0.85, size * 0.06), mix(tone, rgb(240, 250, 200), 0.5), turn=turn, soft=0.6)


def _slices(pixels: Pixels, shot: Shot, centre: tuple[float, float], radius: float) -> None:
    """Round slices of tomato, cucumber, orange or egg, with their rings and seeds."""
    rng = shot.layout
    skin = hsv(rng.uniform(), 0.8, rng.uniform(0.4, 0.9))
    flesh = hsv(rng.uniform(-0.05, 0.3), rng.uniform(0.1, 0.7), 0.92)
    size, seeds = radius * rng.uniform(0.16, 0.42), int(rng.integers(5, 12))
    for _ in range(int(rng.integers(2, 11))):
        at, turn = _around(rng, centre, radius * 0.75), rng.uniform(0, 6.28)
        oval(pixels, (at[0] + 3, at[1] + 3), (size, size), rgb(10, 8, 6), soft=3, opacity=0.45)
        for reach, tone in ((1.0, skin), (0.88, flesh), (0.3, mix(flesh, skin, 0.4))):
            oval(pixels, at, (size * reach, size * reach * 0.94), tone, soft=0.8)
        for angle in np.linspace(0, 6.28, seeds, endpoint=False) + turn:
            seed = (at[0] + 0.58 * size * np.cos(angle), at[1] + 0.55 * size * np.sin(angle))
            oval(
                pixels,
                seed,
                (size * 0.2, size * 0.09),
                mix(flesh, skin, 0.55),
                turn=angle,
                corners=14,
                soft=0.7,
            )


def _grains(pixels: Pixels, shot: Shot, centre: tuple[float, float], radius: float) -> None:
    """Rice, peas, berries: many small round things in a heap."""
    rng = shot.layout
    tone, long = hsv(rng.uniform(), rng.uniform(0.05, 0.9), rng.uniform(0.5, 0.95)), rng.uniform(0.5, 1.0)
    size, heap = radius * rng.uniform(0.05, 0.13), _around(rng, centre, radius * 0.4)
    for _ in range(int(min(80, 1.6 / (size / radius) ** 2))):
        at, turn = _around(rng, heap, radius * 0.62), rng.uniform(0, 3.14)
        oval(
            pixels,
            (at[0] + 1.5, at[1] + 1.5),
            (size, size * long),
            tone * 0.35,
            turn=turn,
            corners=14,
            opacity=0.7,
        )
        oval(pixels, at, (size, size * long), jitter(rng, tone, 0.07), turn=turn, corners=14, soft=0.6)
        oval(
            pixels,
            (at[0] - 0.3 * size, at[1] - 0.3 * size),
            (0.3 * size, 0.22 * size),
            rgb(255, 255, 255),
            corners=10,
            soft=0.8,
            opacity=0.5,
        )


def _cutlery(pixels: Pixels, shot: Shot) -> None:
    """A knife, fork or spoon that lies anywhere."""
    rng = shot.layout
    size, turn = shot.unit * rng.uniform(0.28, 0.4), rng.uniform(-0.6, 0.6) + rng.choice([0, 1.57])
    at = rng.uniform((0.05, 0.05), (0.95, 0.95)) * (shot.width, shot.height)
    spin = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    handle = np.array([(-0.02, 0), (0.02, 0), (0.035, 1.0), (-0.035, 1.0)])
    heads = (
        [ellipse((0, -0.13), (0.085, 0.15))],
        [np.array([(-0.045, 0), (0.03, 0), (0.05, -0.55), (0.0, -0.62), (-0.045, -0.5)])],
        [
            np.array([(x - 0.014, 0.02), (x + 0.014, 0.02), (x + 0.01, -0.3), (x - 0.01, -0.3)])
            for x in (-0.06, -0.02, 0.02, 0.06)
        ],
    )[int(rng.integers(3))]
    for offset, tone, soft in (
        (0.02, rgb(8, 8, 10), 4.0),
        (0.0, rgb(176, 180, 186), 0.7),
        (-0.008, rgb(226, 230, 236), 2.2),
    ):
        for part in (handle, *heads):
            shrink = 0.6 if offset < 0 else 1.0
            polygon(
                pixels,
                (part * (shrink, 1) + offset) @ spin.T * size + at,
                tone,
                soft=soft,
                opacity=0.55 if soft > 1 else 1.0,
            )


def cup(pixels: Pixels, shot: Shot, centre: Points, radius: float) -> None:
    """A cup of coffee or tea on its saucer, from above, with a pattern in the foam."""
    rng = shot.layout
    china = hsv(rng.uniform(), rng.uniform(0, 0.5), rng.uniform(0.4, 0.95))
    drink = hsv(rng.uniform(0.03, 0.11), 0.7, rng.uniform(0.2, 0.6))
    (x, y), turn = centre.tolist(), rng.uniform(0, 6.28)
    oval(
        pixels,
        (x + 0.12 * radius, y + 0.14 * radius),
        (radius, radius),
        rgb(0, 0, 0),
        soft=0.1 * radius,
        opacity=0.5,
    )
    handle = (x + 0.72 * radius * np.cos(turn), y + 0.72 * radius * np.sin(turn))
    for reach, bright in ((1.0, 0.9), (0.94, 1.0), (0.62, 0.8)):
        oval(pixels, (x, y), (reach * radius, reach * radius), china * bright, soft=1.0)
    oval(pixels, handle, (0.24 * radius, 0.08 * radius), china * 0.95, turn=turn, soft=1.0)
    oval(pixels, (x, y), (0.58 * radius, 0.58 * radius), china * 1.05, soft=1.0)
    oval(pixels, (x, y), (0.5 * radius, 0.5 * radius), drink, soft=1.0)
    foam, petals = mix(drink, rgb(250, 236, 210), 0.75), int(rng.integers(1, 8))
    angle = np.linspace(0, 6.28, 48, endpoint=False)
    wave = radius * (0.26 + rng.uniform(0.03, 0.16) * np.sin(angle * petals + turn))
    polygon(pixels, np.stack([x + wave * np.cos(angle), y + wave * np.sin(angle)], axis=1), foam, soft=1.2)
    oval(pixels, (x, y), (0.09 * radius, 0.14 * radius), drink, turn=turn, soft=1.2)
