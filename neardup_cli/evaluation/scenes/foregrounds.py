"""What stands between the camera and a scene: a window, a van, a cat, friends, leaves.

A descriptor such as SSCD takes two empty seas for near-copies. With something of its own before each scene,
as on most photographs that people take, pictures of one kind become as different as photographs are.
"""

from collections.abc import Callable

from neardup_cli.evaluation.scenes.belongings import (
    board_game,
    book,
    cards,
    cups,
    dishes,
    laptop,
    leaves,
    pencils,
    petals,
    record,
    shells,
    street_map,
    sweets,
)
from neardup_cli.evaluation.scenes.canvas import Pixels, Shot
from neardup_cli.evaluation.scenes.company import birds, bouquet, cat, foliage, friends, sill
from neardup_cli.evaluation.scenes.openings import bridge, bunting, columns, fence, window
from neardup_cli.evaluation.scenes.outings import (
    bicycle,
    billboard,
    deckchairs,
    kites,
    parasols,
    tents,
    vehicle,
    windmill,
)

type Foreground = Callable[[Pixels, Shot], None]


def nothing(_pixels: Pixels, _shot: Shot) -> None:
    """The scene alone."""


UPRIGHT: tuple[Foreground, ...] = (
    *(window, vehicle, friends, foliage, cat, sill, parasols, bouquet, billboard, columns, bicycle),
    *(fence, tents, bunting, kites, bridge, deckchairs, birds, windmill),
)
"""What may stand before a scene with an upright."""

DISTANT: tuple[Foreground, ...] = (
    *(nothing, birds, foliage, columns, bunting, kites, parasols, nothing, bridge, tents, fence),
)
"""What may stand farther away, behind one of `UPRIGHT`."""

FLAT: tuple[Foreground, ...] = (
    *(book, cups, petals, laptop, cards, dishes, leaves, pencils, record, shells, street_map),
    *(sweets, board_game),
)
"""What may lie on a surface seen from above."""

SCATTERED: tuple[Foreground, ...] = (nothing, leaves, cards, pencils, nothing, cups, shells, petals, sweets)
"""What may lie under one of `FLAT`."""
