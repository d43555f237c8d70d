"""The sky over a landscape: hours of the day, clouds, the sun, and the light they give to what lies below."""

from dataclasses import dataclass

import numpy as np

from neardup_cli.evaluation.scenes.canvas import (
    Colour,
    Pixels,
    Shot,
    blend,
    glow,
    jitter,
    mix,
    noise,
    oval,
    rgb,
    smoothstep,
)


@dataclass(frozen=True)
class Hour:
    """The light at one time of day: sky from its top to the horizon, clouds, the sun and its light."""

    top: Colour
    middle: Colour
    horizon: Colour
    cloud: Colour
    sun: Colour
    light: Colour


HOURS = (
    Hour(
        rgb(38, 92, 168),
        rgb(96, 154, 212),
        rgb(186, 214, 234),
        rgb(250, 250, 252),
        rgb(255, 252, 235),
        rgb(255, 250, 240),
    ),
    Hour(
        rgb(60, 128, 190),
        rgb(132, 190, 222),
        rgb(218, 232, 230),
        rgb(255, 255, 255),
        rgb(255, 250, 225),
        rgb(255, 246, 228),
    ),
    Hour(
        rgb(58, 78, 130),
        rgb(196, 140, 130),
        rgb(255, 198, 120),
        rgb(255, 190, 150),
        rgb(255, 236, 180),
        rgb(255, 214, 160),
    ),
    Hour(
        rgb(44, 36, 86),
        rgb(170, 72, 98),
        rgb(252, 138, 66),
        rgb(236, 96, 86),
        rgb(255, 214, 140),
        rgb(236, 150, 120),
    ),
    Hour(
        rgb(120, 130, 142),
        rgb(160, 168, 176),
        rgb(204, 208, 210),
        rgb(226, 228, 230),
        rgb(240, 240, 236),
        rgb(206, 212, 220),
    ),
    Hour(
        rgb(48, 56, 66),
        rgb(92, 104, 116),
        rgb(160, 170, 168),
        rgb(70, 78, 88),
        rgb(220, 220, 210),
        rgb(164, 172, 180),
    ),
    Hour(
        rgb(120, 150, 196),
        rgb(196, 190, 214),
        rgb(250, 214, 208),
        rgb(255, 226, 220),
        rgb(255, 240, 220),
        rgb(250, 226, 222),
    ),
    Hour(
        rgb(10, 18, 46),
        rgb(22, 40, 84),
        rgb(62, 82, 122),
        rgb(56, 66, 96),
        rgb(226, 230, 240),
        rgb(96, 112, 156),
    ),
)


@dataclass(frozen=True)
class Light:
    """What the sky does to the land: where the light comes from, its colour, and the colour of distance."""

    x: float
    colour: Colour
    haze: Colour

    @property
    def angle(self) -> float:
        """The direction for `relief`, in radians: from the sun's side and from above."""
        return float(np.arctan2(0.6, 1.0 if self.x < 0.5 else -1.0))


def hour_of(shot: Shot, *, night: bool = False) -> Hour:
    """The hour that the shot's mood asks for, a little different each time."""
    chosen = HOURS[int(shot.mood.integers(len(HOURS) if night else len(HOURS) - 1))]
    moved = (jitter(shot.mood, colour, 0.06) for colour in vars(chosen).values())
    return Hour(*moved)


def paint_sky(pixels: Pixels, shot: Shot, hour: Hour, horizon: int) -> Light:
    """Paint the rows above `horizon`, haze below it, and return the light that falls on the land."""
    view = pixels[:, : max(2, horizon)]
    height = view.shape[1]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None] ** np.float32(shot.mood.uniform(0.7, 1.5))
    view[:] = np.where(
        down < 0.5, mix(hour.top, hour.middle, down * 2), mix(hour.middle, hour.horizon, down * 2 - 1)
    )
    x, y = shot.layout.uniform(0.05, 0.95), shot.layout.uniform(0.1, 0.95)
    centre = (x * shot.width, y * height)
    glow(view, centre, shot.unit * shot.mood.uniform(0.25, 0.6), hour.sun, 0.35)
    if shot.mood.uniform() < 0.6:
        radius = shot.unit * shot.layout.uniform(0.018, 0.06)
        glow(view, centre, radius * 2.2, hour.sun, 0.5)
        oval(view, centre, (radius, radius), mix(hour.sun, rgb(255, 255, 255), 0.5) * 1.5, soft=1.0)
    _clouds(view, shot, hour)
    haze = mix(hour.horizon, hour.middle, 0.25)
    pixels[:, view.shape[1] :] = haze
    return Light(x, hour.light, haze)


def _clouds(view: Pixels, shot: Shot, hour: Hour) -> None:
    """Anything between a clear and a closed sky; clouds are brighter above than below."""
    cover = shot.mood.uniform(-1.4, 0.7)
    stretch, roughness = shot.mood.uniform(1.2, 6.0), shot.mood.uniform(0.45, 0.62)
    if cover < -1.1:
        return
    size = (view.shape[1], view.shape[2])
    density = noise(
        shot.layout, size, coarsest=shot.mood.uniform(2, 5), finest=2, roughness=roughness, stretch=stretch
    )
    density += np.linspace(0.5, -0.3, size[0], dtype=np.float32)[:, None]
    mask = smoothstep(-cover, -cover + shot.mood.uniform(0.5, 1.4), density)
    thick = smoothstep(-cover + 0.3, -cover + 2.2, density)
    shadow = mix(hour.middle, hour.cloud, 0.35)
    blend(view, mask * np.float32(0.92), mix(hour.cloud, shadow, thick))
