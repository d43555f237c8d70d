"""Photograph-like pictures from a seed, rendered by our own code: no photograph of anybody's is in the project.

Each is a scene (mountains, a street, a meal, …) painted from two streams of random numbers, one for its mood and one
for its layout, and then taken with a camera. They are made to behave as photographs do under fingerprints and local
features, not to deceive a person.
"""

import hashlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from neardup_cli.evaluation.scenes import cloth, land, people, table, town, water, woods
from neardup_cli.evaluation.scenes.camera import scene_size, take
from neardup_cli.evaluation.scenes.canvas import Pixels, Shot
from neardup_cli.evaluation.scenes.foregrounds import FLAT, UPRIGHT

type Painter = Callable[[Shot], Pixels]

PAINTERS: tuple[Painter, ...] = (
    land.mountains,
    town.street,
    table.still_life,
    water.sea,
    people.portrait,
    woods.forest,
    table.plate,
    land.balloons,
    town.skyline,
    cloth.cloth,
    woods.flowers,
    land.dunes,
    water.reef,
    woods.lone_tree,
    cloth.stones,
    land.night,
)
"""What there are pictures of. Seeds go through them in turn, so that neighbours differ."""

FROM_ABOVE = frozenset({table.plate, cloth.cloth, cloth.stones})
"""Scenes without an upright: they may be seen from any side."""


def render_photo(seed: int, size: tuple[int, int] = (960, 640)) -> Image.Image:
    """The picture of `seed`, RGB, at `size` (width, height). The same arguments give the same pixels.

    The size is part of the picture: another size shows the same scene in another frame with other details.
    """
    return _render(seed, size, layout=0)


def render_lookalike(seed: int, size: tuple[int, int] = (960, 640)) -> Image.Image:
    """A picture with the subject, the colours and the light of `render_photo(seed)` that is not a copy of it.

    What is made of what stays and where everything stands is drawn anew, as in another shot on the same day.
    """
    return _render(seed, size, layout=1)


def _render(seed: int, size: tuple[int, int], *, layout: int) -> Image.Image:
    painter = PAINTERS[seed % len(PAINTERS)]
    width, height = scene_size(size)
    shot = Shot(width, height, _stream(seed, "mood"), _stream(seed, f"layout {layout}"))
    roll = 180.0 if painter in FROM_ABOVE else 4.0
    scene = painter(shot)
    choices = FLAT if painter in FROM_ABOVE else UPRIGHT
    choices[seed // len(PAINTERS) % len(choices)](scene, shot)
    return Image.fromarray(take(scene, shot, size, most_roll=roll))


def _stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose: a new use of one stream must not change what another one draws."""
    digest = hashlib.blake2b(f"{seed}\0{purpose}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
