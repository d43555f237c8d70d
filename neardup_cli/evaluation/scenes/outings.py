"""What stands about outdoors: vehicles, parasols, tents, kites, mills."""

from itertools import pairwise

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Points,
    Shot,
    ambient,
    bar,
    hsv,
    jitter,
    mix,
    oval,
    polygon,
    rectangle,
    rgb,
    ring,
)
from neardup_cli.evaluation.scenes.woods import blossom

VEHICLES = (
    np.array(
        [
            (-1, 0),
            (-1, -0.34),
            (-0.62, -0.4),
            (-0.34, -0.74),
            (0.36, -0.74),
            (0.66, -0.38),
            (0.98, -0.3),
            (1, 0),
        ]
    ),
    np.array([(-1, 0), (-1, -0.95), (-0.9, -1.02), (0.5, -1.02), (0.72, -0.55), (0.98, -0.46), (1, 0)]),
    np.array([(-1.2, 0), (-1.2, -0.9), (1.12, -0.9), (1.2, -0.8), (1.2, 0)]),
    np.array(
        [
            (-1, 0),
            (-1, -0.42),
            (-0.3, -0.44),
            (-0.3, -0.86),
            (0.42, -0.86),
            (0.6, -0.48),
            (0.98, -0.42),
            (1, 0),
        ]
    ),
)
"""Outlines of a car, a van, a bus and a pick-up, from the middle of their sill; the front is to the right."""

PANES: tuple[tuple[tuple[float, float], ...], ...] = (
    ((-0.3, 0.02), (0.06, 0.4)),
    ((0.2, 0.6),),
    tuple((left, left + 0.3) for left in (-1.1, -0.73, -0.36, 0.01, 0.38, 0.75)),
    ((-0.22, 0.4),),
)
"""Where the side windows of each of `VEHICLES` begin and end."""


def vehicle(pixels: Pixels, shot: Shot) -> None:
    """A car, a van, a bus or a pick-up from its side."""
    rng, light = shot.layout, ambient(pixels)
    kind, size, way = int(rng.integers(4)), shot.unit * rng.uniform(0.35, 0.62), float(rng.choice([-1, 1]))
    foot = np.array([shot.width * rng.uniform(0.25, 0.75), shot.height * rng.uniform(0.8, 0.94)])
    flip = np.array([way, 1.0]) * size
    paint = hsv(rng.uniform(), rng.uniform(0.1, 0.9), rng.uniform(0.3, 0.95)) * light
    skirt = paint * 0.75 if rng.uniform() < 0.5 else hsv(rng.uniform(), 0.3, 0.9) * light
    ground = (foot[0], foot[1] + 0.17 * size)
    oval(pixels, ground, (1.15 * size, 0.1 * size), rgb(0, 0, 0), soft=0.04 * size, opacity=0.6)
    polygon(pixels, VEHICLES[kind] * flip + foot, paint, soft=0.8)
    polygon(pixels, np.clip(VEHICLES[kind], (-2, -0.28), (2, 0)) * flip + foot, skirt, soft=0.8)
    _glazing(pixels, kind, (foot, flip), mix(rgb(30, 36, 44), light, rng.uniform(0.1, 0.5)))
    for wheel in (-0.62, 0.62):
        hub = (foot[0] + wheel * way * size, foot[1] + 0.02 * size)
        for reach, tone in (
            (0.2, rgb(22, 22, 24)),
            (0.12, rgb(176, 178, 182) * light),
            (0.05, rgb(60, 60, 64)),
        ):
            oval(pixels, hub, (reach * size, reach * size), tone)
    lamp = (foot[0] + 0.93 * way * size, foot[1] - 0.24 * size)
    oval(pixels, lamp, (0.05 * size, 0.06 * size), rgb(255, 244, 200))


def _glazing(pixels: Pixels, kind: int, place: tuple[Points, Points], glass: Colour) -> None:
    """A vehicle's side windows; `place` is where its outline's origin lies and how it is scaled."""
    foot, flip = place
    roof = float(VEHICLES[kind][:, 1].min())
    high, low = 0.9 * roof, 0.52 * roof
    for left, right in PANES[kind]:
        pane = np.array([(left, low), (left + 0.03, high), (right - 0.06, high), (right, low)])
        polygon(pixels, pane * flip + foot, glass)
        shine = pane * (0.4, 0.6) + (0.6 * left, 0.38 * high)
        polygon(pixels, shine * flip + foot, rgb(255, 255, 255), soft=1.5, opacity=0.2)


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
        for number, (left, right) in enumerate(pairwise(edges)):
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
        polygon(
            pixels,
            rectangle(left + post * wide - 4, top, left + post * wide + 4, shot.height + 4),
            rgb(90, 86, 80) * light,
            soft=0.6,
        )
    board = hsv(rng.uniform(), rng.uniform(0, 0.8), rng.uniform(0.3, 1)) * light
    polygon(pixels, rectangle(left - 5, top - 5, left + wide + 5, top + tall + 5), board * 0.4, soft=0.8)
    polygon(pixels, rectangle(left, top, left + wide, top + tall), board, soft=0.6)
    for _ in range(int(rng.integers(3, 9))):
        middle = np.array([left, top]) + rng.uniform(0.2, 0.8, 2) * (wide, tall)
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        wave = 1 + rng.uniform(0, 0.5) * np.sin(angle * int(rng.integers(1, 8)) + rng.uniform(0, 6))
        reach = 0.2 * min(wide, tall) * rng.uniform(0.4, 1.0) * wave
        shape = (
            np.stack([np.cos(angle) * reach, np.sin(angle) * reach], axis=1) * rng.uniform(0.6, 1.3, 2)
            + middle
        )
        polygon(
            pixels, shape, hsv(rng.uniform(), rng.uniform(0.2, 0.95), rng.uniform(0.2, 1)) * light, soft=0.6
        )
    for row in np.linspace(0.78, 0.92, int(rng.integers(1, 3))):
        for letter in np.arange(0.1, rng.uniform(0.4, 0.9), 0.045):
            mark = rectangle(
                left + letter * wide,
                top + (row - 0.04) * tall,
                left + (letter + rng.uniform(0.01, 0.035)) * wide,
                top + (row + 0.04) * tall,
            )
            polygon(pixels, mark, board * 0.15, soft=0.4)


def tents(pixels: Pixels, shot: Shot) -> None:
    """Tents, stalls or wigwams of cloth."""
    rng, light = shot.layout, ambient(pixels)
    for size in np.sort(rng.uniform(0.25, 0.55, int(rng.integers(1, 4)))) * shot.unit:
        foot = rng.uniform((0.1, 0.82), (0.9, 1.0)) * (shot.width, shot.height)
        tall, split, lean = rng.uniform(0.7, 1.3), rng.uniform(-0.2, 0.3), rng.uniform(-0.15, 0.15)
        tone = hsv(rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.5, 1)) * light
        peak = np.array([lean, -tall])
        back = peak + np.array([rng.uniform(0.3, 0.8), 0.05])
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
    paint, steel = hsv(rng.uniform(), 0.8, rng.uniform(0.3, 0.9)) * light, rgb(190, 192, 196) * light
    joints = np.array([(-0.95, 0), (0.95, 0), (-0.1, 0.1), (-0.35, -0.85), (0.72, -0.8)]) * flip + foot
    rear, front, pedal, seat, head = joints
    for hub in (rear, front):
        _wheel(pixels, hub, size, steel)
    for start, end in (
        (rear, pedal),
        (rear, seat),
        (pedal, seat),
        (seat, head),
        (pedal, head),
        (head, front),
    ):
        bar(pixels, start, end, 0.035 * size, paint)
    bar(pixels, head, head + np.array([-0.06, -0.24]) * flip, 0.03 * size, steel)
    oval(pixels, (seat[0], seat[1] - 0.17 * size), (0.24 * size, 0.06 * size), rgb(40, 30, 26), soft=0.8)
    if rng.uniform() < 0.6:
        basket = np.array([(0.72, -0.98), (1.35, -0.98), (1.22, -0.55), (0.82, -0.55)])
        polygon(pixels, basket * flip + foot, rgb(158, 116, 66) * light, soft=0.7)
        for _ in range(7):
            at = np.array([rng.uniform(0.75, 1.32), -1.05]) * flip + foot
            blossom(pixels, shot, at, 0.16 * size, hsv(rng.uniform(), 0.7, 0.95) * light)


def _wheel(pixels: Pixels, hub: Points, size: float, steel: Colour) -> None:
    """A tyre, a rim and its spokes."""
    for reach, wide, tone in ((0.6, 0.05, rgb(26, 26, 28)), (0.54, 0.03, steel)):
        polygon(pixels, ring((hub[0], hub[1]), reach * size, (reach - wide) * size), tone)
    for angle in np.linspace(0, np.pi, 9):
        tip = 0.54 * size * np.array([np.cos(angle), np.sin(angle)])
        bar(pixels, hub - tip, hub + tip, 0.008 * size, steel)


def windmill(pixels: Pixels, shot: Shot) -> None:
    """A mill or a wind turbine, large."""
    rng, light = shot.layout, ambient(pixels)
    size = shot.unit * rng.uniform(0.3, 0.5)
    hub = np.array([rng.uniform(0.2, 0.8) * shot.width, rng.uniform(0.25, 0.5) * shot.height])
    vanes, broad = int(rng.integers(3, 7)), rng.uniform(0.03, 0.2)
    wall = hsv(rng.uniform(), rng.uniform(0, 0.5), rng.uniform(0.4, 0.95)) * light
    foot = rng.uniform(0.08, 0.4)
    tower = np.array([(-0.3 * foot - 0.04, 0), (0.3 * foot + 0.04, 0), (foot, 2.6), (-foot, 2.6)])
    polygon(pixels, tower * size + hub, wall, soft=0.8)
    polygon(pixels, tower * (0.5, 1) * size + hub + (0.25 * foot * size, 0), wall * 0.75, soft=2.0)
    for storey in np.arange(0.5, 2.2, 0.5):
        pane = rectangle(-0.06, storey, 0.06, storey + 0.16)
        polygon(pixels, pane * size + hub, rgb(40, 40, 46), soft=0.5)
    sail = np.array([(0, -0.01), (0.15, -0.02), (0.2, -broad), (1.0, -broad), (1.0, 0.02), (0.15, 0.02)])
    cloth = jitter(rng, rgb(236, 230, 216), 0.1) * light
    for angle in np.arange(vanes) * 2 * np.pi / vanes + rng.uniform(0, 2):
        spin = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        polygon(pixels, sail @ spin.T * size + hub, cloth, soft=0.6)
        polygon(pixels, (sail * (1, 0.25)) @ spin.T * size + hub, wall * 0.4, soft=0.6)
    oval(pixels, (hub[0], hub[1]), (0.06 * size, 0.06 * size), wall * 0.5, soft=0.6)


def deckchairs(pixels: Pixels, shot: Shot) -> None:
    """Striped chairs that stand in a row."""
    rng, light = shot.layout, ambient(pixels)
    size, count = shot.unit * rng.uniform(0.22, 0.42), int(rng.integers(1, 4))
    lean, stripes = rng.uniform(0.25, 0.7), int(rng.integers(3, 9))
    for number in range(count):
        foot = np.array(
            [(number + rng.uniform(0.3, 0.7)) / count * shot.width, shot.height * rng.uniform(0.84, 0.98)]
        )
        tones = [hsv(rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.4, 1)) * light for _ in range(2)]
        wood = rgb(150, 108, 66) * light
        for side in (-0.45, 0.45):
            top, low = np.array([side - lean * 0.3, -1.5]), np.array([side + lean * 0.4, 0.0])
            bar(pixels, foot + top * size, foot + low * size, 0.035 * size, wood)
            bar(
                pixels,
                foot + np.array([side + lean, -0.55]) * size,
                foot + np.array([side - lean * 0.5, 0.0]) * size,
                0.03 * size,
                wood * 0.8,
            )
        for stripe in range(stripes):
            left, right = -0.42 + 0.84 * stripe / stripes, -0.42 + 0.84 * (stripe + 1) / stripes
            down = np.linspace(0, 1, 8)
            bend = -lean * 0.3 + lean * 1.1 * down + 0.25 * np.sin(np.pi * down)
            height = -1.45 + 1.1 * down + 0.12 * np.sin(np.pi * down)
            strip = np.concatenate(
                [np.stack([left + bend, height], 1), np.stack([right + bend, height], 1)[::-1]]
            )
            polygon(
                pixels, strip * size + foot, tones[stripe % 2] * (0.85 + 0.2 * stripe / stripes), soft=0.5
            )


def kites(pixels: Pixels, shot: Shot) -> None:
    """Kites with their tails."""
    rng, light = shot.layout, ambient(pixels)
    for size in np.sort(rng.uniform(0.08, 0.3, int(rng.integers(1, 6)))) * shot.unit:
        at, turn = rng.uniform((0.1, 0.1), (0.9, 0.65)) * (shot.width, shot.height), rng.uniform(-0.8, 0.8)
        spin = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
        wide, tall = rng.uniform(0.5, 1.0), rng.uniform(0.8, 1.7)
        corners = np.array([(0, -0.7), (wide, 0), (0, tall), (-wide, 0)])
        for first in range(4):
            part = np.array([(0, 0), corners[first], corners[(first + 1) % 4]])
            tone = hsv(rng.uniform(), rng.uniform(0.3, 0.95), rng.uniform(0.5, 1)) * light
            polygon(pixels, part @ spin.T * size + at, tone, soft=0.6)
        end = at + np.array([0, tall]) @ spin.T * size
        for knot in range(int(rng.integers(4, 10))):
            nxt = end + np.array([rng.uniform(-0.25, 0.25), 0.28]) * size
            bar(pixels, end, nxt, 1.0, rgb(240, 240, 240) * light)
            bow = np.array([(-0.12, -0.06), (0, 0), (-0.12, 0.06), (0.12, 0.06), (0, 0), (0.12, -0.06)])
            polygon(pixels, bow * size + nxt, hsv(0.13 * knot, 0.7, 0.9) * light, soft=0.5)
            end = nxt
