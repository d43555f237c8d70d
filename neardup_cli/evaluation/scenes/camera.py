"""What a camera does to a scene: a tilted frame, a lens, a sensor, a film's colours."""

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.evaluation.scenes.canvas import Pixels, Shot, rows_and_columns

type Photograph = NDArray[np.uint8]

SCENE_AREA = 600 * 400
"""How many pixels of the scene are painted. A lens resolves less than a sensor samples, and painting costs by
the pixel: the scene is enlarged, and only the grain has the sensor's resolution."""

MOST_ZOOM = 1.8
"""How far the camera goes in on a scene. Close-ups of one kind of scene differ more than views of all of
it."""


def scene_size(size: tuple[int, int]) -> tuple[int, int]:
    """The (width, height) at which to paint the scene of a photograph of `size`: always the same area."""
    scale = np.sqrt(SCENE_AREA / (size[0] * size[1]))
    return max(32, round(size[0] * scale)), max(32, round(size[1] * scale))


def frame(scene: Pixels, shot: Shot, *, most_roll: float) -> Pixels:
    """A part of `scene` at its full size, tilted by up to `most_roll` degrees, every second one mirrored."""
    roll = shot.layout.uniform(-most_roll, most_roll)
    # A tilted frame must not look past the scene's edge.
    tilted = abs(np.cos(np.radians(roll))) + shot.width / shot.height * abs(np.sin(np.radians(roll)))
    zoom = float(tilted * shot.layout.uniform(1.0, MOST_ZOOM))
    matrix = cv2.getRotationMatrix2D((shot.width / 2, shot.height / 2), roll, zoom)
    matrix[:, 2] += np.array([shot.width, shot.height]) * (zoom - tilted) / 2 * shot.layout.uniform(-1, 1, 2)
    if shot.layout.uniform() < 0.5:
        matrix[0] = -matrix[0] + np.array([0, 0, shot.width - 1])
    size = (shot.width, shot.height)
    framed = [
        cv2.warpAffine(channel, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        for channel in scene
    ]
    return np.stack(framed).astype(np.float32, copy=False)


def take(scene: Pixels, shot: Shot, size: tuple[int, int]) -> Photograph:
    """The photograph of all of `scene`: (height, width, 3) for `size` = (width, height)."""
    film = (_graded(scene, shot) * 255).clip(0, 255).astype(np.uint8)
    sharp = cv2.resize(cv2.merge(list(film)), size, interpolation=cv2.INTER_LINEAR)
    grain = cv2.merge([_grain(shot, size)] * 3)
    return np.asarray(cv2.addWeighted(sharp, 1, grain, 1, -128), dtype=np.uint8)


def _graded(scene: Pixels, shot: Shot) -> Pixels:
    """The film's colours and the lens's darker corners."""
    rng = shot.mood
    gain, lift, saturation, falloff = rng.uniform((0.9, -0.03, 0.75, 0.05), (1.12, 0.04, 1.25, 0.32)).tolist()
    balance = rng.uniform(0.94, 1.06, (3, 1, 1)).astype(np.float32)
    # Saturation moves every colour away from its grey or towards it.
    graded = scene * np.float32(saturation)
    graded += np.float32(1 - saturation) * (0.299 * scene[0] + 0.587 * scene[1] + 0.114 * scene[2])
    y, x = rows_and_columns(shot.shape)
    away = (y / shot.height - 0.5) ** 2 + (x / shot.width - 0.5) ** 2
    graded *= (gain - np.float32(2 * falloff * gain) * away) * balance
    graded += np.float32(lift)
    return graded


def _grain(shot: Shot, size: tuple[int, int]) -> Photograph:
    """The sensor's noise in grey levels above 128, (height, width)."""
    strength = shot.mood.uniform(1.0, 4.5)
    # Bytes are the fastest random numbers; a table gives them the shape of a bell.
    raw = np.frombuffer(shot.layout.bytes(size[0] * size[1]), dtype=np.uint8).reshape(size[::-1])
    return np.asarray(cv2.LUT(raw, np.rint(128 + strength * _BELL).astype(np.uint8)), dtype=np.uint8)


_BELL = np.array([NormalDist().inv_cdf((level + 0.5) / 256) for level in range(256)])
"""The quantiles of the normal distribution."""
