"""What stands between the camera and a scene: a window, a van, a cat, friends, leaves.

A descriptor such as SSCD takes two empty seas for near-copies. With something of its own before each scene, as on
most photographs that people take, pictures of one kind become as different as photographs are.
"""

from collections.abc import Callable

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Points,
    Shot,
    blend,
    ellipse,
    hsv,
    jitter,
    line,
    mix,
    noise,
    polygon,
    rectangle,
    rgb,
    rows_and_columns,
    smoothstep,
    soften,
)
from neardup_cli.evaluation.scenes.cloth import weave
from neardup_cli.evaluation.scenes.people import person
from neardup_cli.evaluation.scenes.table import cup, dish, fruit, table_top, vessel
from neardup_cli.evaluation.scenes.woods import blossom, stem

type Foreground = Callable[[Pixels, Shot], None]


def ambient(pixels: Pixels) -> Colour:
    """The light of a scene, for what is put before it: as bright and as coloured as the picture is on average."""
    mean = pixels[:, ::8, ::8].mean(axis=(1, 2), dtype=np.float32)[:, None, None]
    return mix(mean / (mean.max() + 1e-3), 1.0, 0.45) * np.float32(np.clip(0.45 + mean.mean(), 0.4, 1.05))


def nothing(_pixels: Pixels, _shot: Shot) -> None:
    """The scene alone."""


def friends(pixels: Pixels, shot: Shot) -> None:
    """One to three people."""
    clothes = weave(shot, shot.shape)
    people = int(shot.layout.integers(1, 4))
    size = shot.unit * shot.layout.uniform(0.13, 0.24) * (1.2 if people == 1 else 0.85)
    first = shot.layout.uniform(0.15, 0.5)
    for number in range(people):
        x = (first + number * shot.layout.uniform(0.22, 0.34)) * shot.width
        person(pixels, shot, np.array([x, shot.height - size * shot.layout.uniform(1.5, 2.6)]), size, clothes)


def bouquet(pixels: Pixels, shot: Shot) -> None:
    """Flowers in focus before a scene."""
    rng, light = shot.layout, ambient(pixels)
    stalk, hue = hsv(shot.mood.uniform(0.22, 0.36), 0.6, 0.42) * light, shot.mood.uniform()
    side = rng.uniform(0.1, 0.9)
    for radius in np.sort(rng.uniform(0.06, 0.2, int(rng.integers(3, 9)))) * shot.unit:
        centre = np.array([(side + rng.normal(0, 0.16)) * shot.width, rng.uniform(0.25, 0.9) * shot.height])
        stem(pixels, shot, centre, float(radius), stalk)
        blossom(pixels, shot, centre, float(radius), hsv(hue + rng.normal(0, 0.08), 0.7, rng.uniform(0.7, 1)) * light)


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


def window(pixels: Pixels, shot: Shot) -> None:
    """A room's wall with openings through which the scene is seen: panes, an arch, a porthole, a row of arches."""
    rng = shot.layout
    y, x = rows_and_columns(shot.shape)
    count = int(rng.integers(1, 4))
    at = (x / shot.width * count) % 1 - 0.5
    wide, top, low = rng.uniform(0.26, 0.44), rng.uniform(0.05, 0.3), rng.uniform(0.72, 0.98)
    across, down = np.abs(at) / wide, y / shot.height
    kind = int(rng.integers(4))
    if kind == 0:
        inside = np.maximum(across, np.abs(down - (top + low) / 2) / ((low - top) / 2))
    elif kind == 1:
        bow = np.hypot(across, np.clip((top + 0.22 - down) / 0.22, 0, None))
        inside = np.maximum(bow, (down > low) * 2.0)
    elif kind == 2:
        inside = np.hypot(at * shot.width / count, y - shot.height / 2) / (0.42 * min(shot.height, shot.width / count))
    else:
        peak = across + np.clip((top + 0.3 - down) / 0.3, 0, None) ** 1.5
        inside = np.maximum(peak, (down > low) * 2.0)
    stone = noise(rng, shot.shape, coarsest=5, roughness=0.65)
    wall = hsv(shot.mood.uniform(0, 0.7), shot.mood.uniform(0.05, 0.5), shot.mood.uniform(0.12, 0.75))
    body = wall * (0.85 + 0.1 * stone) * (1.15 - 0.35 * np.abs(at)) + 0.3 * smoothstep(1.14, 1.0, inside) * ambient(pixels)
    if rng.uniform() < 0.7:
        panes = int(rng.integers(1, 4))
        bars = np.minimum(np.abs((at / wide / 2 * panes + 0.5) % 1 - 0.5), np.abs((down * panes * 1.6) % 1 - 0.5))
        inside = np.maximum(inside, 1.2 * smoothstep(0.035, 0.03, bars))
    blend(pixels, smoothstep(0.985, 1.0, inside), body)


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
            leaf(pixels, middle + 0.8 * size * np.array([np.cos(turn), np.sin(turn)]), size, (turn, slim), jitter(rng, tone, 0.08))


def leaf(pixels: Pixels, at: Points, size: float, form: tuple[float, float], tone: Colour) -> None:
    """One leaf of half-length `size`; `form` is its direction in radians and its width as a share of its length."""
    turn, slim = form
    polygon(pixels, ellipse((at[0], at[1]), (size, size * slim), turn=turn, corners=18), tone, soft=0.9)
    shade = at + 0.5 * slim * size * np.array([-np.sin(turn), np.cos(turn)])
    polygon(pixels, ellipse((shade[0], shade[1]), (size * 0.8, size * slim * 0.4), turn=turn, corners=14), tone * 0.7, soft=1.5, opacity=0.7)
    polygon(pixels, ellipse((at[0], at[1]), (size, size * 0.03), turn=turn, corners=8), tone * 1.4, soft=0.7)


def fence(pixels: Pixels, shot: Shot) -> None:
    """Pickets, a railing with a pattern, or planks with gaps."""
    rng, light = shot.layout, ambient(pixels)
    top, step = shot.height * rng.uniform(0.42, 0.75), shot.unit * rng.uniform(0.06, 0.2)
    tone = jitter(rng, (rgb(240, 238, 230), rgb(44, 46, 50), rgb(126, 92, 62), rgb(80, 120, 100))[int(rng.integers(4))], 0.05) * light
    wide, kind = step * rng.uniform(0.15, 0.85), int(rng.integers(3))
    for rail in (0.12, rng.uniform(0.5, 0.9)):
        y = top + (shot.height - top) * rail
        polygon(pixels, rectangle(-5, y - 0.1 * step - 2, shot.width + 5, y + 0.1 * step + 2), tone * 0.8, soft=0.6)
    for x in np.arange(-step, shot.width + step, step):
        board = jitter(rng, tone, 0.03)
        post = np.array([(0, 1), (0, 0.06), (0.5, 0 if kind == 0 else 0.06), (1, 0.06), (1, 1)])
        polygon(pixels, post * (wide, shot.height - top + 30) + (x, top), board, soft=0.6)
        polygon(pixels, rectangle(x + 0.75 * wide, top + 14, x + wide, shot.height + 9), board * 0.65, soft=0.8)
        if kind == 2:
            ring = ellipse((x + step / 2, top + 0.3 * (shot.height - top)), (0.4 * step, 0.4 * step))
            inner = ellipse((x + step / 2, top + 0.3 * (shot.height - top)), (0.3 * step, 0.3 * step))
            polygon(pixels, np.concatenate([ring, ring[:1], inner[:1], inner[::-1]]), board, soft=0.6)


VEHICLES = (
    np.array([(-1, 0), (-1, -0.34), (-0.62, -0.4), (-0.34, -0.74), (0.36, -0.74), (0.66, -0.38), (0.98, -0.3), (1, 0)]),
    np.array([(-1, 0), (-1, -0.95), (-0.9, -1.02), (0.5, -1.02), (0.72, -0.55), (0.98, -0.46), (1, 0)]),
    np.array([(-1.2, 0), (-1.2, -0.9), (1.12, -0.9), (1.2, -0.8), (1.2, 0)]),
    np.array([(-1, 0), (-1, -0.42), (-0.3, -0.44), (-0.3, -0.86), (0.42, -0.86), (0.6, -0.48), (0.98, -0.42), (1, 0)]),
)
"""Outlines of a car, a van, a bus and a pick-up, from the middle of their sill; the front is to the right."""


def vehicle(pixels: Pixels, shot: Shot) -> None:
    """A car, a van, a bus or a pick-up from its side."""
    rng, light = shot.layout, ambient(pixels)
    kind, size, way = int(rng.integers(4)), shot.unit * rng.uniform(0.35, 0.62), rng.choice([-1, 1])
    foot = np.array([shot.width * rng.uniform(0.25, 0.75), shot.height * rng.uniform(0.8, 0.94)])
    flip = np.array([way, 1.0]) * size
    paint = hsv(rng.uniform(), rng.uniform(0.1, 0.9), rng.uniform(0.3, 0.95)) * light
    body = VEHICLES[kind]
    polygon(pixels, ellipse((foot[0], foot[1] + 0.17 * size), (1.15 * size, 0.1 * size)), rgb(0, 0, 0), soft=0.04 * size, opacity=0.6)
    polygon(pixels, body * flip + foot, paint, soft=0.8)
    low = np.clip(body, (-2, -0.28), (2, 0))
    polygon(pixels, low * flip + foot, (paint * 0.75, hsv(rng.uniform(), 0.3, 0.9) * light)[int(rng.integers(2))], soft=0.8)
    glass = mix(rgb(30, 36, 44), light, rng.uniform(0.1, 0.5))
    panes = (
        [(-0.3, 0.02), (0.06, 0.4)], [(0.2, 0.6)], list(np.linspace(-1.1, 0.75, 6)[:, None] + (0, 0.3)), [(-0.22, 0.4)],
    )[kind]  # fmt: skip
    high, sill_height = body[:, 1].min() * 0.9, body[:, 1].min() * 0.52
    for left, right in panes:
        pane = np.array([(left, sill_height), (left + 0.03, high), (right - 0.06, high), (right, sill_height)])
        polygon(pixels, pane * flip + foot, glass, soft=0.6)
        polygon(pixels, (pane * (0.4, 0.6) + (0.6 * left, 0.38 * high)) * flip + foot, rgb(255, 255, 255), soft=1.5, opacity=0.2)
    for wheel in (-0.62, 0.62):
        middle = foot + (wheel * way * size, 0.02 * size)
        for reach, tone in ((0.2, rgb(22, 22, 24)), (0.12, rgb(176, 178, 182) * light), (0.05, rgb(60, 60, 64))):
            polygon(pixels, ellipse((middle[0], middle[1]), (reach * size, reach * size)), tone, soft=0.6)
    polygon(pixels, ellipse((foot[0] + 0.93 * way * size, foot[1] - 0.24 * size), (0.05 * size, 0.06 * size)), rgb(255, 244, 200), soft=0.7)


def cat(pixels: Pixels, shot: Shot) -> None:
    """A cat that sits and looks at the camera, or away."""
    rng, light = shot.layout, ambient(pixels)
    size, way = shot.unit * rng.uniform(0.16, 0.32), rng.choice([-1, 1])
    foot = np.array([shot.width * rng.uniform(0.2, 0.8), shot.height * rng.uniform(0.92, 1.05)])
    fur = (rgb(46, 42, 42), rgb(206, 140, 76), rgb(140, 136, 132), rgb(236, 228, 214))[int(rng.integers(4))]
    fur = jitter(rng, fur, 0.04) * light
    head = foot + size * np.array([0.25 * way, -1.75])
    angle = np.linspace(0, 3.2, 20)
    tail = foot + size * np.stack([-way * (0.6 + 0.7 * np.sin(angle * rng.uniform(0.5, 1))), -0.45 * angle * rng.uniform(0.2, 0.9)], 1)
    for at in tail:
        polygon(pixels, ellipse((at[0], at[1]), (0.13 * size, 0.13 * size)), fur * 0.85, soft=1.0)
    for (x, y), radii, shade in (
        ((0.0, -0.6), (0.72, 0.75), 0.9), ((0.14, -1.0), (0.5, 0.62), 1.0), ((0.32, -0.2), (0.16, 0.3), 1.06), ((0.0, -0.2), (0.16, 0.3), 1.0),
    ):  # fmt: skip
        polygon(pixels, ellipse((foot[0] + way * x * size, foot[1] + y * size), (radii[0] * size, radii[1] * size)), fur * shade, soft=1.2)
    for side in (-1, 1):
        ear = np.array([(0.12, -0.3), (0.42, -0.78), (0.52, -0.12)]) * (side * size, size) + head
        polygon(pixels, ear, fur, soft=1.0)
        polygon(pixels, (ear - ear.mean(axis=0)) * 0.55 + ear.mean(axis=0), rgb(206, 140, 132) * light, soft=1.2)
    polygon(pixels, ellipse((head[0], head[1]), (0.54 * size, 0.46 * size)), fur * 1.05, soft=1.0)
    _cat_face(pixels, rng, head, size, light)
    for stripe in rng.uniform(-1.2, -0.3, int(rng.integers(0, 9))):
        band = ellipse((foot[0] - way * 0.35 * size, foot[1] + stripe * size), (0.3 * size, 0.045 * size), turn=0.3 * way)
        polygon(pixels, band, fur * 0.55, soft=2.0, opacity=0.8)


def _cat_face(pixels: Pixels, rng: np.random.Generator, head: Points, size: float, light: Colour) -> None:
    """Eyes, nose and whiskers."""
    iris = hsv(rng.uniform(0.12, 0.5), 0.7, 0.85) * light
    for side in (-1, 1):
        eye = (head[0] + side * 0.21 * size, head[1] - 0.05 * size)
        polygon(pixels, ellipse(eye, (0.12 * size, 0.1 * size)), iris, soft=0.7)
        polygon(pixels, ellipse(eye, (0.035 * size, 0.09 * size)), rgb(8, 8, 8), soft=0.6)
        for bend in (-0.1, 0.02, 0.14):
            whisker = np.array([(0.12, 0.16), (0.75, 0.12 + bend), (0.12, 0.175)]) * (side * size, size) + head
            polygon(pixels, whisker, rgb(250, 250, 250) * light, opacity=0.8)
    polygon(pixels, ellipse((head[0], head[1] + 0.2 * size), (0.22 * size, 0.13 * size)), rgb(244, 238, 230) * light, soft=2.0, opacity=0.7)
    nose = np.array([(-0.06, 0.08), (0.06, 0.08), (0.0, 0.15)]) * size + head
    polygon(pixels, nose, rgb(190, 100, 100) * light, soft=0.7)


def parasols(pixels: Pixels, shot: Shot) -> None:
    """Sunshades or umbrellas."""
    rng, light = shot.layout, ambient(pixels)
    gores, deep = int(rng.integers(4, 9)), rng.uniform(0.3, 0.75)
    for size in np.sort(rng.uniform(0.16, 0.42, int(rng.integers(1, 5)))) * shot.unit:
        top = rng.uniform((0.05, 0.25), (0.95, 0.6)) * (shot.width, shot.height)
        foot, lean = top[1] + 2.2 * size, rng.uniform(-0.25, 0.25)
        tones = [hsv(rng.uniform(), rng.uniform(0.1, 0.9), rng.uniform(0.5, 1)) * light for _ in range(2)]
        pole = np.array([(-0.02, 0), (0.02, 0), (lean + 0.02, 2.2), (lean - 0.02, 2.2)]) * size + top
        polygon(pixels, pole, rgb(200, 196, 188) * light, soft=0.6)
        edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, gores + 1))
        for number, (left, right) in enumerate(zip(edges, edges[1:], strict=False)):
            bow = np.linspace(0, 1, 7)
            scallop = np.stack([left + (right - left) * bow, 0.1 * np.sin(np.pi * bow) * -1 + 0.02], axis=1)
            arc = np.sin(bow * np.pi / 2)
            up = np.stack([right * np.cos(bow * np.pi / 2), -deep * arc], axis=1)
            down = np.stack([left * np.cos(bow * np.pi / 2), -deep * arc], axis=1)[::-1]
            gore = np.concatenate([scallop, up, down]) * size + top
            polygon(pixels, gore, tones[number % 2] * (1.05 - 0.35 * number / gores), soft=0.7)
    del foot


def billboard(pixels: Pixels, shot: Shot) -> None:
    """A board or a banner with large shapes on it, as shops and fairs have."""
    rng, light = shot.layout, ambient(pixels)
    wide, tall = shot.unit * rng.uniform(0.4, 1.0), shot.unit * rng.uniform(0.3, 0.6)
    left, top = rng.uniform(0.0, 0.5) * shot.width, rng.uniform(0.1, 0.4) * shot.height
    for post in (0.2, 0.8):
        polygon(pixels, rectangle(left + post * wide - 4, top, left + post * wide + 4, shot.height + 4), rgb(90, 86, 80) * light, soft=0.6)
    board = hsv(rng.uniform(), rng.uniform(0, 0.8), rng.uniform(0.3, 1)) * light
    polygon(pixels, rectangle(left - 5, top - 5, left + wide + 5, top + tall + 5), board * 0.4, soft=0.8)
    polygon(pixels, rectangle(left, top, left + wide, top + tall), board, soft=0.6)
    for _ in range(int(rng.integers(3, 9))):
        middle = np.array([left, top]) + rng.uniform(0.2, 0.8, 2) * (wide, tall)
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        wave = 1 + rng.uniform(0, 0.5) * np.sin(angle * int(rng.integers(1, 8)) + rng.uniform(0, 6))
        reach = 0.2 * min(wide, tall) * rng.uniform(0.4, 1.0) * wave
        shape = np.stack([np.cos(angle) * reach, np.sin(angle) * reach], axis=1) * rng.uniform(0.6, 1.3, 2) + middle
        polygon(pixels, shape, hsv(rng.uniform(), rng.uniform(0.2, 0.95), rng.uniform(0.2, 1)) * light, soft=0.6)
    for row in np.linspace(0.78, 0.92, int(rng.integers(1, 3))):
        for letter in np.arange(0.1, rng.uniform(0.4, 0.9), 0.045):
            mark = rectangle(left + letter * wide, top + (row - 0.04) * tall, left + (letter + rng.uniform(0.01, 0.035)) * wide, top + (row + 0.04) * tall)
            polygon(pixels, mark, board * 0.15, soft=0.4)


def columns(pixels: Pixels, shot: Shot) -> None:
    """Standing and broken columns, some with a beam on them."""
    rng, light = shot.layout, ambient(pixels)
    stone = hsv(rng.uniform(0.05, 0.15), rng.uniform(0.05, 0.3), rng.uniform(0.6, 0.95)) * light
    y, x = rows_and_columns(shot.shape)
    rough = noise(rng, shot.shape, coarsest=8, finest=2, roughness=0.7)
    half, top = shot.unit * rng.uniform(0.03, 0.1), shot.height * rng.uniform(0.08, 0.35)
    places = np.sort(rng.uniform(0.02, 0.98, int(rng.integers(2, 6)))) * shot.width
    whole = rng.uniform(size=len(places)) < 0.7
    flutes = int(rng.integers(3, 8))
    for place, stands in zip(places, whole, strict=True):
        upper = top if stands else shot.height * rng.uniform(0.45, 0.8)
        across = (x - place) / half
        ragged = upper + (0 if stands else 8) * line(rng, shot.width, coarsest=50)
        mask = smoothstep(1.0, 0.96, np.abs(across)) * smoothstep(0, 2, y - ragged)
        shade = 1.05 - 0.35 * np.abs(across - 0.3) - 0.12 * (np.sin(np.arcsin(np.clip(across, -1, 1)) * 2 * flutes) > 0.3)
        low, high = max(0, int(place - 1.1 * half)), min(shot.width, int(place + 1.1 * half) + 1)
        blend(pixels[:, :, low:high], mask[:, low:high], stone * (shade * (1 + 0.08 * rough))[:, low:high])
        if stands:
            for wide, down in ((1.5, 0), (1.25, 0.35)):
                polygon(pixels, rectangle(place - wide * half, top + down * half - 0.4 * half, place + wide * half, top + down * half), stone * (1 - 0.2 * down), soft=0.6)
    standing = places[whole]
    if len(standing) > 1 and rng.uniform() < 0.7:
        beam = rectangle(standing[0] - 2 * half, top - 1.6 * half, standing[-1] + 2 * half, top - 0.3 * half)
        polygon(pixels, beam, stone * 0.92, soft=0.8)


def tents(pixels: Pixels, shot: Shot) -> None:
    """Tents, stalls or wigwams of cloth."""
    rng, light = shot.layout, ambient(pixels)
    for size in np.sort(rng.uniform(0.25, 0.55, int(rng.integers(1, 4)))) * shot.unit:
        foot = rng.uniform((0.1, 0.82), (0.9, 1.0)) * (shot.width, shot.height)
        tall, split, lean = rng.uniform(0.7, 1.3), rng.uniform(-0.2, 0.3), rng.uniform(-0.15, 0.15)
        tone = hsv(rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.5, 1)) * light
        peak = np.array([lean, -tall])
        back = peak + (rng.uniform(0.3, 0.8), 0.05)
        sides = (
            (np.array([(split, 0), peak, back, (split + 0.9, -0.08)]), 0.72),
            (np.array([(-0.6, 0), peak, (split, 0)]), 1.05),
        )
        for shape, shade in sides:
            polygon(pixels, shape * size + foot, tone * shade, soft=0.8)
        door = np.array([(-0.3, 0), peak * (1, 0.85), (split - 0.25, 0)])
        polygon(pixels, door * size + foot, rgb(30, 24, 22), soft=0.8)
        stripes = int(rng.integers(0, 6))
        for number in range(stripes):
            along = (number + 0.3) / stripes
            strip = np.array([peak + (back - peak) * along, peak + (back - peak) * (along + 0.35 / stripes)])
            ends = np.array([(split + 0.9 * (along + 0.35 / stripes), -0.04), (split + 0.9 * along, -0.04)])
            polygon(pixels, np.concatenate([strip, ends]) * size + foot, rgb(244, 240, 230) * light, soft=0.6)


def bicycle(pixels: Pixels, shot: Shot) -> None:
    """A bicycle that leans there, with or without a basket of flowers."""
    rng, light = shot.layout, ambient(pixels)
    size, way = shot.unit * rng.uniform(0.2, 0.34), rng.choice([-1, 1])
    foot = np.array([shot.width * rng.uniform(0.3, 0.7), shot.height * rng.uniform(0.75, 0.9) - size * 0.5])
    flip = np.array([way, 1.0]) * size
    paint = hsv(rng.uniform(), 0.8, rng.uniform(0.3, 0.9)) * light
    hubs = (np.array([-0.95, 0.0]), np.array([0.95, 0.0]))
    for hub in hubs:
        middle = hub * flip + foot
        for reach, wide, tone in ((0.6, 0.05, rgb(26, 26, 28)), (0.54, 0.03, rgb(190, 192, 196) * light)):
            outer, inner = (ellipse((middle[0], middle[1]), (r * size, r * size)) for r in (reach, reach - wide))
            polygon(pixels, np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]), tone, soft=0.6)
        for angle in np.linspace(0, np.pi, 9):
            tip = 0.54 * size * np.array([np.cos(angle), np.sin(angle)])
            bar(pixels, middle - tip, middle + tip, 0.008 * size, rgb(200, 200, 204) * light)
    pedal, seat, stem_top = np.array([-0.1, 0.1]), np.array([-0.35, -0.85]), np.array([0.72, -0.8])
    for start, end in ((hubs[0], pedal), (hubs[0], seat), (pedal, seat), (seat, stem_top), (pedal, stem_top), (stem_top, hubs[1])):
        bar(pixels, start * flip + foot, end * flip + foot, 0.035 * size, paint)
    bar(pixels, seat * flip + foot, (seat + (0, -0.14)) * flip + foot, 0.03 * size, paint)
    polygon(pixels, ellipse(tuple((seat + (0, -0.17)) * flip + foot), (0.24 * size, 0.06 * size)), rgb(40, 30, 26), soft=0.8)
    bar(pixels, stem_top * flip + foot, (stem_top + (-0.06, -0.24)) * flip + foot, 0.03 * size, rgb(180, 180, 184) * light)
    if rng.uniform() < 0.6:
        basket = np.array([(0.72, -0.98), (1.35, -0.98), (1.22, -0.55), (0.82, -0.55)])
        polygon(pixels, basket * flip + foot, rgb(158, 116, 66) * light, soft=0.7)
        for _ in range(7):
            at = (np.array([rng.uniform(0.75, 1.32), -1.05]) * flip) + foot
            blossom(pixels, shot, at, 0.16 * size, hsv(rng.uniform(), 0.7, 0.95) * light)


def bar(pixels: Pixels, start: Points, end: Points, half: float, tone: Colour) -> None:
    """A straight tube from `start` to `end`, 2 · `half` pixels thick."""
    along = (end - start) / (np.hypot(*(end - start)) + 1e-6)
    side = np.array([-along[1], along[0]]) * max(0.6, half)
    polygon(pixels, np.stack([start + side, end + side, end - side, start - side]), tone)


def bunting(pixels: Pixels, shot: Shot) -> None:
    """Strings of flags or lanterns across the picture."""
    rng, light = shot.layout, ambient(pixels)
    flags, kind = int(rng.integers(7, 16)), int(rng.integers(3))
    tones = [hsv(rng.uniform(), rng.uniform(0.3, 0.95), rng.uniform(0.6, 1)) * light for _ in range(5)]
    for _ in range(int(rng.integers(2, 5))):
        start, end = rng.uniform(-0.05, 0.55, 2) * shot.height
        sag, size = rng.uniform(0.04, 0.25) * shot.height, shot.width / flags * rng.uniform(0.5, 0.95)
        along = np.linspace(0, 1, flags + 1)
        rope = np.stack([along * shot.width, start + (end - start) * along + sag * 4 * along * (1 - along)], axis=1)
        for number, (left, right) in enumerate(zip(rope, rope[1:], strict=False)):
            bar(pixels, left, right, 1.0, rgb(230, 226, 218) * light)
            at, tone = (left + right) / 2, tones[(number * 3 + number // 5) % 5]
            if kind == 0:
                polygon(pixels, np.array([(-0.5, 0), (0.5, 0), (0, 1.15)]) * size + at, tone, soft=0.6)
            elif kind == 1:
                polygon(pixels, ellipse((at[0], at[1] + 0.5 * size), (0.42 * size, 0.48 * size)), tone, soft=0.6)
                polygon(pixels, ellipse((at[0] - 0.1 * size, at[1] + 0.4 * size), (0.15 * size, 0.25 * size)), tone * 1.4, soft=2.0)
            else:
                polygon(pixels, rectangle(at[0] - 0.4 * size, at[1], at[0] + 0.4 * size, at[1] + size), tone, soft=0.6)
                polygon(pixels, ellipse((at[0], at[1] + 0.5 * size), (0.2 * size, 0.25 * size)), tones[(number + 1) % 5], soft=0.6)


def dishes(pixels: Pixels, shot: Shot) -> None:
    """Plates with food, from above."""
    rng = shot.layout
    china = hsv(rng.uniform(), rng.uniform(0, 0.4), rng.uniform(0.3, 0.95))
    for _ in range(int(rng.integers(1, 3))):
        centre = rng.uniform((0.15, 0.2), (0.85, 0.8)) * (shot.width, shot.height)
        dish(pixels, shot, (centre[0], centre[1]), shot.unit * rng.uniform(0.2, 0.34), china)


def cups(pixels: Pixels, shot: Shot) -> None:
    """Cups of coffee and tea, from above."""
    for _ in range(int(shot.layout.integers(1, 4))):
        centre = shot.layout.uniform((0.12, 0.15), (0.88, 0.85)) * (shot.width, shot.height)
        cup(pixels, shot, centre, shot.unit * shot.layout.uniform(0.12, 0.24))


def petals(pixels: Pixels, shot: Shot) -> None:
    """Flower heads strewn about."""
    rng = shot.layout
    for radius in rng.uniform(0.05, 0.24, int(rng.integers(3, 12))) * shot.unit:
        centre = rng.uniform((0, 0), (1, 1)) * (shot.width, shot.height)
        polygon(pixels, ellipse((centre[0] + 5, centre[1] + 6), (radius * 0.8, radius * 0.8)), rgb(0, 0, 0), soft=6, opacity=0.4)
        blossom(pixels, shot, centre, float(radius), hsv(rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.6, 1)))


def book(pixels: Pixels, shot: Shot) -> None:
    """An open book with a picture on one page."""
    rng = shot.layout
    place = Placed.anywhere(shot, rng.uniform(0.35, 0.6), rng.uniform(0.6, 0.8))
    paper = hsv(0.12, rng.uniform(0.02, 0.2), 0.94)
    place.paint(pixels, rectangle(-1.04, -1.04, 1.04, 1.04) + 0.04, rgb(0, 0, 0), soft=7, opacity=0.5)
    place.paint(pixels, rectangle(-1.03, -1.03, 1.03, 1.03), hsv(rng.uniform(), 0.6, 0.4))
    for side in (-1, 1):
        place.paint(pixels, rectangle(min(0, side), -1, max(0, side), 1), paper * (1.0 if side < 0 else 0.95))
    picture = int(rng.choice([-1, 1]))
    for side in (-1, 1):
        first = 0.1 if side == picture else -0.85
        for row in np.arange(first, 0.88, 0.085):
            end = rng.uniform(0.5, 0.9) if rng.uniform() < 0.25 else 0.9
            left, right = (0.1, end) if side > 0 else (-0.9, -1 + end)
            place.paint(pixels, rectangle(left, row, right, row + 0.03), rgb(70, 66, 64), opacity=0.75)
    tone = hsv(rng.uniform(), 0.5, 0.8)
    place.paint(pixels, rectangle(0.1, -0.85, 0.9, 0.0) * (picture, 1), tone)
    for _ in range(6):
        spot = ellipse(tuple(rng.uniform((0.22, -0.7), (0.78, -0.15))), tuple(rng.uniform(0.04, 0.13, 2)))
        place.paint(pixels, spot * (picture, 1), hsv(rng.uniform(), 0.6, rng.uniform(0.2, 1)))
    place.paint(pixels, rectangle(-0.03, -1, 0.03, 1), rgb(0, 0, 0), soft=4, opacity=0.3)


def laptop(pixels: Pixels, shot: Shot) -> None:
    """A keyboard from above, with its pad or its number block."""
    rng = shot.layout
    place = Placed.anywhere(shot, rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.75))
    case, dark = hsv(rng.uniform(), rng.uniform(0, 0.3), rng.uniform(0.15, 0.9)), rng.uniform() < 0.5
    place.paint(pixels, rectangle(-1.02, -1.02, 1.02, 1.02) + 0.05, rgb(0, 0, 0), soft=8, opacity=0.5)
    place.paint(pixels, rectangle(-1, -1, 1, 1), case, soft=1.5)
    keys = rgb(30, 30, 34) if dark else rgb(236, 236, 232)
    columns_, rows = int(rng.integers(10, 15)), int(rng.integers(4, 6))
    for row in range(rows):
        shift = 0.03 * (row % 3)
        for column in range(columns_):
            left, top = -0.93 + shift + column * 1.8 / columns_, -0.9 + row * 1.15 / rows
            tone = hsv(rng.uniform(), 0.7, 0.8) if rng.uniform() < 0.05 else keys * rng.uniform(0.85, 1.1)
            place.paint(pixels, rectangle(left, top, left + 1.5 / columns_, top + 0.9 / rows), tone)
    pad = rng.uniform(0.2, 0.5)
    place.paint(pixels, rectangle(-pad, 0.35, pad, 0.92), case * 0.8, soft=1.2)


def cards(pixels: Pixels, shot: Shot) -> None:
    """Postcards, tickets and playing cards thrown on a heap."""
    rng = shot.layout
    for _ in range(int(rng.integers(3, 10))):
        place = Placed.anywhere(shot, rng.uniform(0.1, 0.26), rng.uniform(0.55, 1.0))
        face = hsv(rng.uniform(), rng.uniform(0, 0.5), rng.uniform(0.6, 1))
        place.paint(pixels, rectangle(-1, -1, 1, 1) + 0.07, rgb(0, 0, 0), soft=4, opacity=0.4)
        place.paint(pixels, rectangle(-1, -1, 1, 1), rgb(246, 244, 238))
        place.paint(pixels, rectangle(-0.88, -0.88, 0.88, 0.88), face)
        for _ in range(int(rng.integers(1, 7))):
            sides = int(rng.choice([3, 4, 5, 24]))
            spot = ellipse(tuple(rng.uniform(-0.55, 0.55, 2)), tuple(rng.uniform(0.12, 0.4, 2)), turn=rng.uniform(0, 3), corners=sides)
            place.paint(pixels, spot, hsv(rng.uniform(), rng.uniform(0.3, 0.9), rng.uniform(0.1, 1)))


class Placed:
    """A sheet that lies somewhere at some angle: what is painted in its own -1 to 1 appears there."""

    def __init__(self, centre: Points, turn: float, size: tuple[float, float]) -> None:
        self._centre, self._size = centre, np.array(size)
        self._spin = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])

    @classmethod
    def anywhere(cls, shot: Shot, half: float, ratio: float) -> "Placed":
        """A sheet of half-width `half` (of the shorter side) and half-height `half · ratio`."""
        centre = shot.layout.uniform((0.2, 0.2), (0.8, 0.8)) * (shot.width, shot.height)
        return cls(centre, shot.layout.uniform(-0.8, 0.8), (half * shot.unit, half * ratio * shot.unit))

    def paint(self, pixels: Pixels, points: Points, tone: Colour, *, soft: float = 0.6, opacity: float = 1.0) -> None:
        """Paint a polygon given in the sheet's own coordinates."""
        polygon(pixels, points * self._size @ self._spin.T + self._centre, tone, soft=soft, opacity=opacity)


UPRIGHT: tuple[Foreground, ...] = (
    nothing, window, vehicle, friends, foliage, cat, sill, parasols, bouquet, billboard, columns, bicycle, fence, tents, bunting,
)  # fmt: skip
"""What may stand before a scene with an upright."""

FLAT: tuple[Foreground, ...] = (nothing, book, cups, petals, laptop, cards, dishes, foliage)
"""What may lie on a surface seen from above."""
