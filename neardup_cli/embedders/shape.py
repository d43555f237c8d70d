"""How large a network's input is: plain numbers, for whoever names a model without loading one."""

from __future__ import annotations

_STRIDE = 32  # convolutional trunks halve the picture five times


def input_shape(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return (width, height) of the network's input for an image of `size` (width, height).

    The aspect ratio is kept, the area is that of a square of `side` pixels, and both sides are
    multiples of 32, so that images of one camera share a shape. Equal area makes a wide picture cost
    what a square one costs. Panoramas are held to 4:1: beyond it too few rows would be left.
    """
    width, height = size
    ratio = min(max(width / height, 0.25), 4.0) ** 0.5
    return _to_stride(side * ratio), _to_stride(side / ratio)


def _to_stride(length: float) -> int:
    return max(_STRIDE, round(length / _STRIDE) * _STRIDE)


def preprocessing(side: int) -> str:
    """Say in words what `base.resize_to_input` does: part of a model's identity in the catalog."""
    return f"rgb, aspect kept, area {side}^2, bilinear"
