"""People: somebody before a blurred background, by shapes and light rather than likeness."""

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Points,
    Shot,
    blend,
    bounding_box,
    ellipse,
    glow,
    hsv,
    jitter,
    mix,
    noise,
    oval,
    polygon,
    rectangle,
    rgb,
    smoothstep,
)
from neardup_cli.evaluation.scenes.cloth import weave
from neardup_cli.evaluation.scenes.woods import bokeh

SKINS = (rgb(244, 208, 180), rgb(224, 172, 136), rgb(190, 134, 98), rgb(140, 92, 64), rgb(96, 62, 46))
HAIRS = (
    rgb(30, 24, 22),
    rgb(74, 48, 30),
    rgb(140, 94, 48),
    rgb(214, 178, 110),
    rgb(150, 62, 34),
    rgb(186, 184, 182),
)


def portrait(shot: Shot) -> Pixels:
    """One to three people, head and shoulders."""
    ground = hsv(shot.mood.uniform(), shot.mood.uniform(0.1, 0.6), shot.mood.uniform(0.2, 0.75))
    pixels = bokeh(shot, ground, count=int(shot.layout.integers(0, 50)))
    people = int(shot.mood.choice([1, 1, 2, 3]))
    clothes = weave(shot, shot.shape)
    from_left = bool(shot.layout.uniform() < 0.5)
    for number in range(people):
        place = (number + shot.layout.uniform(0.25, 0.75)) / people
        size = shot.unit * shot.layout.uniform(0.2, 0.3) * (1.0 if people == 1 else 0.72)
        centre = np.array([shot.width * place, shot.height * shot.layout.uniform(0.36, 0.52)])
        person(pixels, shot, centre, size, clothes)
    side = (0.0 if from_left else float(shot.width), 0.2 * shot.height)
    glow(pixels, side, shot.unit * 0.8, rgb(255, 236, 200), 0.22)
    return pixels


def person(pixels: Pixels, shot: Shot, centre: Points, size: float, clothes: Pixels) -> None:
    """Somebody whose head is `size` pixels from its middle to its chin."""
    rng = shot.layout
    skin = jitter(rng, SKINS[int(rng.integers(5))], 0.03)
    hair = jitter(rng, HAIRS[int(rng.integers(6))], 0.03)
    style, turn = int(rng.integers(5)), rng.uniform(-0.2, 0.2)
    wide = size * rng.uniform(0.7, 0.82)
    if style in {1, 2}:
        back = ellipse(
            (centre[0], centre[1] + (0.35 if style == 1 else 0.0) * size),
            (wide * 1.4, size * (1.6 if style == 1 else 1.25)),
        )
        polygon(pixels, back, hair * 0.7, soft=0.02 * size)
    _shoulders(
        pixels, shot, centre, size, clothes * jitter(rng, rgb(255, 255, 255) * rng.uniform(0.5, 1), 0.15)
    )
    neck = ellipse((centre[0], centre[1] + 1.05 * size), (0.36 * size, 0.5 * size))
    polygon(pixels, neck, skin * 0.78, soft=0.02 * size)
    for side in (-1, 1):
        ear = ellipse((centre[0] + side * wide, centre[1] + 0.05 * size), (0.12 * size, 0.22 * size))
        polygon(pixels, ear, skin * 0.88, soft=1.0)
    _face(pixels, rng, centre + np.array([turn * size * 0.3, 0]), (wide, size), (skin, hair))
    _hair(pixels, rng, centre, (wide, size), hair, style)
    if rng.uniform() < 0.3:
        _hat(pixels, rng, centre, (wide, size))


def _shoulders(pixels: Pixels, shot: Shot, centre: Points, size: float, clothes: Pixels) -> None:
    """Chest and shoulders in patterned clothes, shaded by their folds."""
    box = bounding_box(
        rectangle(centre[0] - 2.1 * size, centre[1] + size, centre[0] + 2.1 * size, shot.height), shot.shape
    )
    if box is None:
        return
    rows, cols = box
    y, x = (axis.astype(np.float32) for axis in np.ogrid[rows, cols])
    across, down = (x - centre[0]) / np.float32(1.75 * size), (y - centre[1] - 1.3 * size) / np.float32(size)
    outline = smoothstep(
        0.0,
        0.03,
        down - np.clip(np.abs(across) ** 3 * 1.1 - 0.02, 0, 4) + 0.08 * np.exp(-((across / 0.2) ** 2)) * -1,
    )
    folds = noise(shot.layout, (outline.shape[0], outline.shape[1]), coarsest=3, finest=12, stretch=0.5)
    blend(
        pixels[:, rows, cols],
        outline * (np.abs(across) < 1.15),
        clothes[:, rows, cols] * (1.0 - 0.3 * across**2 + 0.08 * folds),
    )


def _face(
    pixels: Pixels,
    rng: np.random.Generator,
    centre: Points,
    size: tuple[float, float],
    tones: tuple[Colour, Colour],
) -> None:
    """An oval with light from one side, and eyes, brows, nose and mouth; `tones` are skin and hair."""
    wide, tall = size
    (x, y), (skin, hair) = centre.tolist(), tones
    lit = (x + rng.choice([-1, 1]) * 0.16 * wide, y - 0.05 * tall)
    oval(pixels, (x, y), (wide, tall), skin * 0.86, soft=1.0)
    oval(pixels, lit, (wide * 0.72, tall * 0.82), skin * 1.06, soft=0.14 * wide)
    opened, iris = rng.uniform(0.05, 0.1), hsv(rng.uniform(0.05, 0.6), 0.5, 0.35)
    brow = np.array([(-0.24, 0.04), (0.0, -0.06), (0.24, 0.02), (0.22, 0.07), (0.0, 0.01), (-0.22, 0.09)])
    for side in (-1, 1):
        at = (x + side * 0.4 * wide, y - 0.08 * tall)
        oval(pixels, at, (0.24 * wide, 0.14 * tall), skin * 0.74, soft=0.05 * wide, opacity=0.6)
        _eye(pixels, at, size, opened, iris)
        polygon(pixels, brow * (side * wide, tall) + (at[0], at[1] - 0.2 * tall), hair * 0.85, soft=1.0)
    nose = np.array([(-0.05, -0.1), (0.06, -0.1), (0.16, 0.24), (0.0, 0.3), (-0.14, 0.24)])
    polygon(pixels, nose * (wide, tall) + (x, y), skin * 0.82, soft=0.045 * wide, opacity=0.7)
    if rng.uniform() < 0.3:
        _beard(pixels, centre, size, hair)
    _mouth(pixels, rng, (x, y + 0.5 * tall), size, mix(skin, rgb(170, 50, 54), 0.6) * 0.85)
    if rng.uniform() < 0.3:
        _glasses(pixels, rng, centre, size)


def _eye(
    pixels: Pixels, at: tuple[float, float], size: tuple[float, float], opened: float, iris: Colour
) -> None:
    """White, iris, pupil and the light in it."""
    wide, tall = size
    oval(pixels, at, (0.17 * wide, opened * tall), rgb(244, 240, 236), soft=0.8)
    oval(pixels, at, (0.085 * wide, min(opened, 0.075) * tall), iris)
    oval(pixels, at, (0.045 * wide, 0.04 * tall), rgb(12, 10, 10))
    spark = (at[0] - 0.03 * wide, at[1] - 0.025 * tall)
    oval(pixels, spark, (0.02 * wide, 0.015 * tall), rgb(255, 255, 255))


def _mouth(
    pixels: Pixels, rng: np.random.Generator, at: tuple[float, float], size: tuple[float, float], lips: Colour
) -> None:
    """Lips between two arcs, smiling more or less."""
    width, smile = rng.uniform(0.26, 0.42) * size[0], rng.uniform(-0.05, 0.2)
    step = np.linspace(-1, 1, 14)
    arc = size[1] * (1 - step**2)
    upper = np.stack([at[0] + step * width, at[1] + (0.6 * smile - 0.05) * arc], axis=1)
    lower = np.stack([at[0] + step * width, at[1] + (0.07 + smile) * arc], axis=1)
    polygon(pixels, np.concatenate([upper, lower[::-1]]), lips, soft=0.9)


def _beard(pixels: Pixels, centre: Points, size: tuple[float, float], hair: Colour) -> None:
    """A full beard around the mouth."""
    angle = np.linspace(0.05, np.pi - 0.05, 24)
    outer = np.stack([np.cos(angle) * 1.0, np.sin(angle) * 1.1], axis=1)
    inner = np.stack([np.cos(angle) * 0.72, 0.25 + np.sin(angle) * 0.08], axis=1)
    polygon(
        pixels, np.concatenate([outer, inner[::-1]]) * size + centre, hair, soft=0.04 * size[0], opacity=0.85
    )


def _glasses(pixels: Pixels, rng: np.random.Generator, centre: Points, size: tuple[float, float]) -> None:
    """Two rims and a bridge; sometimes dark lenses."""
    wide, tall = size
    rim, dark = hsv(rng.uniform(), 0.4, 0.2), rng.uniform() < 0.4
    for eye in (-1, 1):
        at = (centre[0] + eye * 0.4 * wide, centre[1] - 0.07 * tall)
        outer = ellipse(at, (0.31 * wide, 0.2 * tall))
        inner = ellipse(at, (0.27 * wide, 0.17 * tall))
        polygon(pixels, np.concatenate([outer, outer[:1], inner[:1], inner[::-1]]), rim, soft=0.6)
        polygon(pixels, inner, rgb(24, 26, 32), soft=0.6, opacity=0.92 if dark else 0.12)
    bridge = np.array([(-0.12, -0.1), (0.12, -0.1), (0.12, -0.06), (-0.12, -0.06)])
    polygon(pixels, bridge * size + centre, rim, soft=0.5)


def _hair(
    pixels: Pixels,
    rng: np.random.Generator,
    centre: Points,
    size: tuple[float, float],
    hair: Colour,
    style: int,
) -> None:
    """A cap of hair over the brow; `style` 0 is bald, 3 curls, 4 a bun."""
    if style == 0:
        return
    angle = np.linspace(np.pi, 2 * np.pi, 30)
    outer = np.stack([np.cos(angle) * 1.12, np.sin(angle) * 1.2], axis=1)
    fringe = rng.uniform(-0.55, -0.35) + 0.14 * np.sin(angle * rng.uniform(1, 3) + rng.uniform(0, 6))
    inner = np.stack([np.cos(angle) * 1.02, fringe], axis=1)
    polygon(pixels, np.concatenate([outer, inner[::-1]]) * size + centre, hair, soft=0.02 * size[0])
    if style == 3:
        for turn in np.linspace(np.pi * 0.95, np.pi * 2.05, 34).tolist():
            at = centre + np.array([np.cos(turn), np.sin(turn)]) * size * rng.uniform(0.85, 1.3)
            radius = rng.uniform(0.1, 0.26) * size[0]
            oval(pixels, (at[0], at[1]), (radius, radius), hair * rng.uniform(0.7, 1.35), soft=2.0)
    if style == 4:
        oval(
            pixels,
            (centre[0], centre[1] - 1.3 * size[1]),
            (0.4 * size[0], 0.36 * size[1]),
            hair * 0.85,
            soft=1.5,
        )
    for _ in range(40):
        turn = rng.uniform(np.pi * 1.02, np.pi * 1.98)
        at = centre + np.array([np.cos(turn), np.sin(turn)]) * size * rng.uniform(0.78, 1.1)
        if at[1] < centre[1] - 0.5 * size[1]:
            strand = ellipse((at[0], at[1]), (0.02 * size[0], 0.18 * size[1]), turn=turn, corners=10)
            polygon(pixels, strand, hair * rng.uniform(0.6, 1.6), soft=0.8, opacity=0.5)


def _hat(pixels: Pixels, rng: np.random.Generator, centre: Points, size: tuple[float, float]) -> None:
    """A brimmed hat with its ribbon."""
    tone = hsv(rng.uniform(), rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.9))
    wide, tall = size
    top = centre - np.array([0, 0.62 * tall])
    crown = np.array([(-0.95, 0.05), (-0.8, -0.7), (0.0, -0.82), (0.8, -0.7), (0.95, 0.05)])
    polygon(pixels, crown * size + top, tone, soft=1.0)
    ribbon = np.array([(-0.95, 0.05), (-0.92, -0.16), (0.92, -0.16), (0.95, 0.05)])
    polygon(pixels, ribbon * size + top, tone * 0.4, soft=0.8)
    oval(
        pixels,
        (top[0], top[1] + 0.06 * tall),
        (wide * rng.uniform(1.3, 1.9), 0.17 * tall),
        tone * 0.85,
        soft=1.0,
    )
