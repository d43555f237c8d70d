"""Photograph-like pictures from a seed, so that the project needs nobody's photographs.

Each is a scene (mountains, a street, a meal, …) painted from two streams of random numbers, one for its mood
and one for its layout, and then taken with a camera. They are made to behave as photographs do under
fingerprints and local features, not to deceive a person.
"""

import hashlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from neardup_cli.evaluation.scenes import cloth, land, people, table, town, water, woods
from neardup_cli.evaluation.scenes.camera import frame, scene_size, take
from neardup_cli.evaluation.scenes.canvas import Pixels, Shot
from neardup_cli.evaluation.scenes.foregrounds import DISTANT, FLAT, SCATTERED, UPRIGHT

type Painter = Callable[[Shot], Pixels]

PAINTERS: tuple[Painter, ...] = (
    *(land.mountains, town.street, table.still_life, water.sea, people.portrait, woods.forest, table.plate),
    *(land.balloons, town.skyline, cloth.cloth, woods.flowers, land.dunes, water.reef, woods.lone_tree),
    *(cloth.stones, land.night),
    # Those that differ most from picture to picture come twice.
    *(water.sea, table.plate, town.skyline, people.portrait),
    *(cloth.stones, land.balloons, cloth.cloth, land.dunes),
)
"""What there are pictures of. Seeds go through them in turn, so that neighbours differ."""

FROM_ABOVE = frozenset({table.plate, cloth.cloth, cloth.stones})
"""Scenes without an upright: they may be seen from any side."""


def render_photo(seed: int, size: tuple[int, int] = (960, 640)) -> Image.Image:
    """The picture of `seed`, RGB, at `size` (width, height). The same arguments give the same pixels.

    Another size of the same aspect ratio shows the same picture; another aspect ratio is another picture.
    """
    return _render(seed, size, take_number=0)


def render_lookalike(seed: int, size: tuple[int, int] = (960, 640)) -> Image.Image:
    """A picture with the subject, the colours and the light of `render_photo(seed)` that is not a copy of it.

    What is made of what stays; where everything stands, and what stands before it, is drawn anew, as in
    another shot on the same day.
    """
    return _render(seed, size, take_number=1)


def _render(seed: int, size: tuple[int, int], *, take_number: int) -> Image.Image:
    round_, slot = divmod(seed, len(PAINTERS))
    painter = PAINTERS[slot]
    width, height = scene_size(size)
    shot = Shot(width, height, _stream(seed, "mood"), _stream(seed, f"layout {take_number}"))
    flat = painter in FROM_ABOVE
    scene = frame(painter(shot), shot, most_roll=180.0 if flat else 7.0)
    # The first round shows each kind of scene alone, once.
    if round_ > 0 or take_number > 0 or slot != PAINTERS.index(painter):
        _occupy(scene, shot, 5 * slot + round_ + 3 * take_number, flat=flat)
    return Image.fromarray(take(scene, shot, size))


def _occupy(scene: Pixels, shot: Shot, turn: int, *, flat: bool) -> None:
    """Put something before the scene: what, goes in turns, so that it comes back as late as possible."""
    behind, before = (SCATTERED, FLAT) if flat else (DISTANT, UPRIGHT)
    behind[turn * 2 % len(behind)](scene, shot)
    before[turn % len(before)](scene, shot)


def _stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose: a new use of one stream must not change what another one draws."""
    digest = hashlib.blake2b(f"{seed}\0{purpose}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
