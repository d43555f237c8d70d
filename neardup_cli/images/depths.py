"""How many bits of an image's channels carry data, and whether any of its pixels is see-through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGBA;16B": "RGBA;16L", "RGBA;16L": "RGBA;16B"}
_ROWS_AT_ONCE = 256


def data_depth(image: Image.Image, low: Image.Image | None) -> int:
    """Return the bits that carry data of a loaded image.

    8 bits that were stored as 16 (each byte twice, or a zero behind it) count as 8, and 12 bits in 16 as 12.

    Args:
        image: grey of 16 or 32 bits, floats (32), or 8 bits and less (8).
        low: the low bytes of an image of 16-bit colour of which `image` holds the high ones.
    """
    if low is not None:
        return _depth_of_colour(image, low)
    if image.mode == "F":
        return 32
    if not image.mode.startswith("I"):
        return 8
    import numpy as np  # few collections hold such an image

    values = np.asarray(image)
    used, twice = 0, True
    for top in range(0, len(values), _ROWS_AT_ONCE):
        band = values[top : top + _ROWS_AT_ONCE].astype(np.int64)
        used |= int(np.bitwise_or.reduce(np.abs(band), axis=None))
        twice = twice and bool(((band >> 8 & 255) == (band & 255)).all() and (band >> 16 == 0).all())
    return 8 if twice else _bits(used)


def _bits(used: int) -> int:
    """Return how many bits lie between the lowest and the highest one that is ever set: 8 at least."""
    lowest = (used & -used).bit_length() - 1 if used else 0
    return min(32, max(8, used.bit_length() - lowest))


def _depth_of_colour(high: Image.Image, low: Image.Image) -> int:
    if all(a == b for a, b in zip(_extremes(high), _extremes(low), strict=True)):
        difference = ImageChops.difference(high, low)  # each byte stands twice
        if not any(most for _, most in _extremes(difference)):
            return 8
    import numpy as np

    used = 0
    for top in range(0, high.height, _ROWS_AT_ONCE):
        box = (0, top, high.width, min(high.height, top + _ROWS_AT_ONCE))
        highs, lows = (np.asarray(image.crop(box)).astype(np.uint16) for image in (high, low))
        used |= int(np.bitwise_or.reduce(highs << 8 | lows, axis=None))
    return _bits(used)


def _extremes(image: Image.Image) -> list[tuple[int, int]]:
    found: Any = image.getextrema()
    return list(found) if isinstance(found[0], tuple) else [found]


def with_low_bytes(image: ImageFile.ImageFile) -> bool:
    """Turn an image of 16-bit colour that is not loaded yet into that of its low bytes.

    Pillow keeps the high byte of each value; read in the other order of bytes, that is the low one. Returns
    False where it is not stored so.
    """
    for number, tile in enumerate(image.tile):
        arguments = tile[3]
        mode = arguments if isinstance(arguments, str) else arguments[0] if arguments else None
        if mode not in _LOW_BYTES:
            return False
        swapped = _LOW_BYTES[mode]
        args = (swapped, *arguments[1:]) if isinstance(arguments, tuple) else swapped
        image.tile[number] = tile._replace(args=args)
    return bool(image.tile)


def stores_16_bit_colour(image: ImageFile.ImageFile) -> bool:
    """Return True if an image that is not loaded yet stores 16 bits a channel and Pillow would keep 8."""
    if image.mode not in ("RGB", "RGBA"):
        return False
    modes = (tile[3] if isinstance(tile[3], str) else tile[3][0] if tile[3] else "" for tile in image.tile)
    return any(mode in _LOW_BYTES for mode in modes)


def shows_through(image: Image.Image) -> bool:
    """Return True if any pixel of a loaded image is not opaque."""
    if not image.has_transparency_data:
        return False
    if image.mode.startswith("I"):  # a PNG's one see-through value
        import numpy as np

        values: NDArray[np.generic] = np.asarray(image)
        return bool((values == image.info["transparency"]).any())
    layered = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    return _extremes(layered.getchannel("A"))[0][0] < 255
