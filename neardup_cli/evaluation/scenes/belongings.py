"""What lies on a surface seen from above: books, cups, cards, leaves, shells, a map."""

from itertools import pairwise

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Points,
    Shot,
    bar,
    ellipse,
    hsv,
    jitter,
    line,
    oval,
    polygon,
    rectangle,
    rgb,
)
from neardup_cli.evaluation.scenes.company import leaf
from neardup_cli.evaluation.scenes.table import cup, dish
from neardup_cli.evaluation.scenes.woods import blossom


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
        oval(
            pixels,
            (centre[0] + 5, centre[1] + 6),
            (radius * 0.8, radius * 0.8),
            rgb(0, 0, 0),
            soft=6,
            opacity=0.4,
        )
        blossom(
            pixels,
            shot,
            centre,
            float(radius),
            hsv(rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.6, 1)),
        )


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
            spot = ellipse(
                tuple(rng.uniform(-0.55, 0.55, 2)),
                tuple(rng.uniform(0.12, 0.4, 2)),
                turn=rng.uniform(0, 3),
                corners=sides,
            )
            place.paint(pixels, spot, hsv(rng.uniform(), rng.uniform(0.3, 0.9), rng.uniform(0.1, 1)))


def pencils(pixels: Pixels, shot: Shot) -> None:
    """Coloured pencils and brushes, side by side or in a heap."""
    rng = shot.layout
    heap, thick = rng.uniform(0, 1.2), shot.unit * rng.uniform(0.014, 0.03)
    side = rng.uniform(0.2, 0.8)
    for number in range(int(rng.integers(5, 16))):
        centre = np.array([(side + (number - 6) * 0.05) * shot.width, shot.height * rng.uniform(0.35, 0.65)])
        turn, half = 1.57 + rng.normal(0, heap), shot.unit * rng.uniform(0.2, 0.42)
        place = Placed(centre, turn, (half, thick))
        tone = hsv(rng.uniform(), rng.uniform(0.4, 0.95), rng.uniform(0.4, 1))
        place.paint(
            pixels, rectangle(-1, -1, 1, 1) + np.array([0.02, 0.8]), rgb(0, 0, 0), soft=3, opacity=0.4
        )
        place.paint(pixels, rectangle(-1, -1, 0.8, 1), tone)
        place.paint(pixels, rectangle(-1, -1, 0.8, -0.3), tone * 1.25)
        place.paint(pixels, np.array([(0.8, -1), (1.0, 0), (0.8, 1)]), rgb(226, 190, 146))
        place.paint(pixels, np.array([(0.94, -0.3), (1.0, 0), (0.94, 0.3)]), tone * 0.8)


def record(pixels: Pixels, shot: Shot) -> None:
    """Gramophone records, clocks and other round things with a face."""
    rng = shot.layout
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform((0.1, 0.1), (0.9, 0.9)) * (shot.width, shot.height)
        radius = shot.unit * rng.uniform(0.16, 0.4)
        oval(pixels, (centre[0] + 6, centre[1] + 8), (radius, radius), rgb(0, 0, 0), soft=8, opacity=0.5)
        face = hsv(rng.uniform(), rng.uniform(0.1, 0.8), rng.uniform(0.2, 0.95))
        if rng.uniform() < 0.33:
            _grooves(pixels, rng, (centre[0], centre[1]), radius, face)
        else:
            _dial(pixels, rng, centre, radius, face)


def _grooves(
    pixels: Pixels, rng: np.random.Generator, centre: tuple[float, float], radius: float, label: Colour
) -> None:
    """A record's black rings and its label."""
    for reach in np.linspace(1, 0.36, 14) * radius:
        oval(pixels, centre, (reach, reach), rgb(20, 20, 22) * rng.uniform(0.7, 2.2), soft=0.6)
    for share, tone in ((0.34, label), (0.04, rgb(230, 226, 220))):
        oval(pixels, centre, (share * radius, share * radius), tone, soft=0.6)


def _dial(pixels: Pixels, rng: np.random.Generator, centre: Points, radius: float, face: Colour) -> None:
    """A clock's marks or a wheel's spokes, and two hands."""
    for share, bright in ((1.0, 0.6), (0.9, 1.0)):
        oval(pixels, (centre[0], centre[1]), (share * radius, share * radius), face * bright, soft=0.8)
    clock = rng.uniform() < 0.5
    marks, start = (12, 0.75) if clock else (int(rng.integers(5, 9)), 0.1)
    for angle in np.arange(marks) * 2 * np.pi / marks:
        way = radius * np.array([np.cos(angle), np.sin(angle)])
        bar(pixels, centre + start * way, centre + 0.86 * way, 0.03 * radius, face * 0.2)
    for reach in (0.5, 0.7):
        angle = rng.uniform(0, 6.28)
        tip = centre + reach * radius * np.array([np.cos(angle), np.sin(angle)])
        bar(pixels, centre, tip, 0.025 * radius, rgb(20, 20, 20))


def leaves(pixels: Pixels, shot: Shot) -> None:
    """Fallen leaves in the colours of one autumn."""
    rng = shot.layout
    hue, slim = rng.uniform(0.0, 0.3), rng.uniform(0.25, 0.7)
    for size in rng.uniform(0.05, 0.2, int(rng.integers(8, 26))) * shot.unit:
        at, turn = rng.uniform((0, 0), (1, 1)) * (shot.width, shot.height), rng.uniform(0, 6.28)
        fingers = int(rng.choice([1, 3, 5]))
        tone = hsv(hue + rng.normal(0, 0.04), rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.95))
        oval(
            pixels,
            (at[0] + 4, at[1] + 5),
            (size * 0.9, size * 0.6),
            rgb(0, 0, 0),
            turn=turn,
            soft=5,
            opacity=0.4,
        )
        for finger in np.linspace(-1, 1, fingers) if fingers > 1 else (0.0,):
            angle = turn + 1.1 * finger
            tip = at + 0.6 * size * np.array([np.cos(angle), np.sin(angle)])
            leaf(pixels, tip, float(size), (angle, slim / fingers**0.5), jitter(rng, tone, 0.03))


def shells(pixels: Pixels, shot: Shot) -> None:
    """Sea shells: fans with ribs, and spirals."""
    rng = shot.layout
    for size in rng.uniform(0.06, 0.22, int(rng.integers(3, 10))) * shot.unit:
        at, turn = rng.uniform((0.05, 0.05), (0.95, 0.95)) * (shot.width, shot.height), rng.uniform(0, 6.28)
        tone = hsv(rng.uniform(-0.05, 0.14), rng.uniform(0.1, 0.5), rng.uniform(0.7, 1))
        oval(pixels, (at[0] + 5, at[1] + 7), (size, size * 0.9), rgb(0, 0, 0), soft=6, opacity=0.45)
        if rng.uniform() < 0.5:
            ribs = int(rng.integers(7, 15))
            edges = np.linspace(-1.1, 1.1, ribs + 1) + turn
            for number, (low, high) in enumerate(pairwise(edges)):
                tips = np.stack(
                    [np.cos([low, (low + high) / 2, high]), np.sin([low, (low + high) / 2, high])], axis=1
                ) * [[1], [1.06], [1]]
                rib = np.concatenate([[(-0.6 * np.cos(turn), -0.6 * np.sin(turn))], tips])
                polygon(pixels, rib * size + at, tone * (0.72 if number % 2 else 1.05), soft=0.6)
            continue
        for step in np.linspace(0, 1, 26):
            angle, reach = turn + 11 * step, size * 0.55 * (1 - step) ** 1.2
            middle = at + reach * np.array([np.cos(angle), np.sin(angle)])
            radius = size * (0.55 * (1 - step) ** 1.1 + 0.05)
            oval(
                pixels,
                (middle[0], middle[1]),
                (radius, radius),
                tone * (0.75 + 0.3 * (step * 13 % 1)),
                soft=1.0,
            )


def street_map(pixels: Pixels, shot: Shot) -> None:
    """A folded map with roads, parks and a river."""
    rng = shot.layout
    place = Placed.anywhere(shot, rng.uniform(0.4, 0.7), rng.uniform(0.6, 1.0))
    paper = hsv(rng.uniform(0.08, 0.2), rng.uniform(0.02, 0.2), 0.93)
    place.paint(pixels, rectangle(-1, -1, 1, 1) + 0.04, rgb(0, 0, 0), soft=6, opacity=0.5)
    place.paint(pixels, rectangle(-1, -1, 1, 1), paper)
    for _ in range(int(rng.integers(2, 7))):
        park = ellipse(
            tuple(rng.uniform(-0.7, 0.7, 2)),
            tuple(rng.uniform(0.08, 0.3, 2)),
            turn=rng.uniform(0, 3),
            corners=int(rng.integers(4, 12)),
        )
        place.paint(pixels, park.clip(-0.98, 0.98), hsv(rng.uniform(0.2, 0.4), 0.4, 0.8))
    for number in range(int(rng.integers(7, 22))):
        along = np.linspace(-1, 1, 24)
        across = rng.uniform(-0.9, 0.9) + rng.uniform(-0.6, 0.6) * along + 0.12 * line(rng, 24, coarsest=2)
        half = 0.05 if number == 0 else rng.uniform(0.006, 0.02)
        band = np.concatenate(
            [np.stack([along, across - half], 1), np.stack([along, across + half], 1)[::-1]]
        ).clip(-0.98, 0.98)
        tone = (
            rgb(120, 170, 216)
            if number == 0
            else (rgb(250, 210, 90), rgb(255, 255, 255), rgb(224, 120, 96))[int(rng.integers(3))]
        )
        place.paint(pixels, band[:, ::-1] if number % 2 else band, tone)
    for fold in (-0.5, 0.0, 0.5):
        place.paint(pixels, rectangle(fold - 0.02, -1, fold + 0.02, 1), rgb(0, 0, 0), soft=3, opacity=0.16)


def sweets(pixels: Pixels, shot: Shot) -> None:
    """Many small bright things: sweets, beads, bricks of a toy."""
    rng = shot.layout
    sides, size = int(rng.choice([3, 4, 6, 24])), shot.unit * rng.uniform(0.02, 0.055)
    middle = rng.uniform((0.3, 0.3), (0.7, 0.7)) * (shot.width, shot.height)
    spread = shot.unit * rng.uniform(0.12, 0.35)
    for at in middle + rng.normal(0, 1, (int(rng.integers(40, 130)), 2)) * spread:
        turn = rng.uniform(0, 6.28)
        tone = hsv(rng.uniform(), rng.uniform(0.5, 1), rng.uniform(0.5, 1))
        long = rng.uniform(0.5, 1)
        oval(
            pixels,
            (at[0] + 2, at[1] + 3),
            (size, size * long),
            rgb(0, 0, 0),
            turn=turn,
            corners=sides,
            opacity=0.4,
        )
        oval(pixels, (at[0], at[1]), (size, size * long), tone, turn=turn, corners=sides)
        oval(
            pixels,
            (at[0] - 0.25 * size, at[1] - 0.3 * size),
            (0.3 * size, 0.2 * size),
            rgb(255, 255, 255),
            corners=8,
            opacity=0.5,
        )


def board_game(pixels: Pixels, shot: Shot) -> None:
    """A chequered board with its men."""
    rng = shot.layout
    half, fields = rng.uniform(0.35, 0.6), int(rng.choice([5, 6, 8, 10]))
    place = Placed.anywhere(shot, half, 1.0)
    light = hsv(rng.uniform(), rng.uniform(0.05, 0.5), 0.92)
    dark = hsv(rng.uniform(), rng.uniform(0.2, 0.8), rng.uniform(0.15, 0.6))
    place.paint(pixels, rectangle(-1.1, -1.1, 1.1, 1.1) + 0.04, rgb(0, 0, 0), soft=7, opacity=0.5)
    place.paint(pixels, rectangle(-1.1, -1.1, 1.1, 1.1), dark * 0.7)
    step = 2 / fields
    for row in range(fields):
        for column in range(fields):
            left, top = -1 + column * step, -1 + row * step
            place.paint(
                pixels, rectangle(left, top, left + step, top + step), light if (row + column) % 2 else dark
            )
            if rng.uniform() < 0.3:
                centre = (left + step / 2, top + step / 2)
                man = rgb(236, 228, 210) if rng.uniform() < 0.5 else rgb(60, 34, 30)
                place.paint(
                    pixels,
                    ellipse((centre[0] + 0.03, centre[1] + 0.04), (0.4 * step, 0.4 * step)),
                    rgb(0, 0, 0),
                    soft=2,
                    opacity=0.4,
                )
                for reach, bright in ((0.4, 0.8), (0.34, 1.1), (0.2, 0.85)):
                    place.paint(
                        pixels, ellipse(centre, (reach * step, reach * step), corners=16), man * bright
                    )


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

    def paint(
        self, pixels: Pixels, points: Points, tone: Colour, *, soft: float = 0.6, opacity: float = 1.0
    ) -> None:
        """Paint a polygon given in the sheet's own coordinates."""
        polygon(pixels, points * self._size @ self._spin.T + self._centre, tone, soft=soft, opacity=opacity)
