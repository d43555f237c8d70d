"""What a camera does to a scene: a tilted frame, a lens, a sensor, a film's colours."""

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.evaluation.scenes.canvas import Pixels, Shot, rows_and_columns


type Photograph = NDArray[np.uint8]

SCENE_AREA = 660 * 440
"""How many pixels of the scene are painted. A lens resolves less than a sensor samples, and painting costs by the
pixel: the frame enlarges the scene, and only the grain has the sensor's resolution."""


def scene_size(size: tuple[int, int]) -> tuple[int, int]:
    """The (width, height) at which to paint the scene of a photograph of `size`: always the same area."""
    scale = np.sqrt(SCENE_AREA / (size[0] * size[1]))
    return max(32, round(size[0] * scale)), max(32, round(size[1] * scale))


def take(scene: Pixels, shot: Shot, size: tuple[int, int], *, most_roll: float) -> Photograph:
    """Photograph a part of `scene`: (height, width, 3) for `size` = (width, height).

    The frame is tilted by up to `most_roll` degrees, and in every second shot it is seen from the other side.
    """
    film = (_graded(scene, shot) * 255).clip(0, 255).astype(np.uint8)
    developed = cv2.merge(list(film))
    framed = cv2.warpAffine(
        developed,
        _framing(shot, size, most_roll),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    grain = _grain(shot, size)
    return np.asarray(cv2.add(framed, cv2.merge([grain] * 3), dtype=cv2.CV_8U), dtype=np.uint8)


def _framing(shot: Shot, size: tuple[int, int], most_roll: float) -> NDArray[np.float64]:
    """The affine map, (2, 3), from the scene's pixels to the photograph's."""
    roll = shot.layout.uniform(-most_roll, most_roll)
    # A tilted frame must not look past the scene's edge.
    tilted = float(np.cos(np.radians(roll)) + shot.width / shot.height * abs(np.sin(np.radians(roll))))
    zoom = max(shot.layout.uniform(1.02, 1.25), tilted)
    matrix = cv2.getRotationMatrix2D((shot.width / 2, shot.height / 2), roll, zoom)
    matrix[:, 2] += np.array([shot.width, shot.height]) * (zoom - tilted) / 2 * shot.layout.uniform(-1, 1, 2)
    if shot.layout.uniform() < 0.5:
        matrix[0] = -matrix[0] + (0, 0, shot.width - 1)
    return np.asarray(matrix * np.array([[size[0] / shot.width], [size[1] / shot.height]]), dtype=np.float64)


def _graded(scene: Pixels, shot: Shot) -> Pixels:
    """The film's colours and the lens's darker corners."""
    rng = shot.mood
    gains = rng.uniform(0.9, 1.12) * rng.uniform(0.94, 1.06, 3)
    lift, saturation, falloff = rng.uniform((-0.03, 0.75, 0.05), (0.04, 1.25, 0.32))
    # The grey axis stays, and everything else moves away from it or towards it: one matrix for gain and saturation.
    film = gains[:, None] * (saturation * np.eye(3) + (1 - saturation) * np.array([[0.299, 0.587, 0.114]]))
    graded = (film.astype(np.float32) @ scene.reshape(3, -1)).reshape(scene.shape)
    y, x = rows_and_columns(shot.shape)
    away = (y / shot.height - 0.5) ** 2 + (x / shot.width - 0.5) ** 2
    graded *= 1 - np.float32(2 * falloff) * away
    graded += np.float32(lift)
    return graded


def _grain(shot: Shot, size: tuple[int, int]) -> NDArray[np.int16]:
    """The sensor's noise in grey levels, (height, width): bytes are the fastest random numbers."""
    strength = shot.mood.uniform(1.0, 4.5)
    raw = np.frombuffer(shot.layout.bytes(size[0] * size[1]), dtype=np.uint8).reshape(size[::-1])
    # A table turns even bytes into a bell-shaped distribution.
    bell = np.rint(
        np.quantile(np.random.default_rng(0).standard_normal(4096), (np.arange(256) + 0.5) / 256) * strength
    )
    return np.take(bell.astype(np.int16), raw)
