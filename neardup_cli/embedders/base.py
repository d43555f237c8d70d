"""What every embedding model offers, and how an image becomes its input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.embedders.shape import input_shape
from neardup_cli.errors import ModelInvalid
from neardup_cli.records.files import ModelIdentity

type Pixels = NDArray[np.uint8]
"""One prepared image: (height, width, 3) RGB."""

type Vectors = NDArray[np.float32]
"""(n, dimension), each row of unit length."""


class Embedder(Protocol):
    """A model that maps images to unit vectors whose dot product is their similarity."""

    @property
    def identity(self) -> ModelIdentity:
        """What a vector must share with another to be compared with it."""

    @property
    def batch(self) -> int:
        """How many images `embed` likes to be given at once: few on a CPU, many on a GPU."""

    def prepare(self, image: Image.Image) -> Pixels:
        """Turn an oriented image (mode RGB or YCbCr, any size) into the network's input."""

    def embed(self, batch: Sequence[Pixels]) -> Vectors:
        """Embed prepared images of any mixture of shapes, in order. May be called from several threads."""


def resize_to_input(image: Image.Image, side: int) -> Pixels:
    """Resize an RGB or YCbCr image for a network of nominal input `side`; return (h, w, 3) RGB.

    Bilinear with antialiasing, as torchvision resizes PIL images in SSCD's recipe. A YCbCr image is
    converted after the resize: both are linear, and the small picture is far cheaper to convert.
    """
    shape = input_shape(image.size, side)
    small = image.resize(shape, Image.Resampling.BILINEAR)
    return np.asarray(small if small.mode == "RGB" else small.convert("RGB"))


def printable(reason: str) -> str:
    """Return a library's reason as a message takes it: what a file has put into it moves no cursor."""
    most = 300
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in reason)
    return shown if len(shown) <= most else shown[:most] + "…"


def checked_vectors(output: object, model: ModelIdentity, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a network gave for some images of one shape, which may be another than it was tried with.

    Args:
        output: float [images, dimension], if the model is one.
        model: whose it is.
        pixels: uint8 [images, height, width, 3].

    Raises:
        ModelInvalid: it is something else, or not finite.
    """
    wanted = (len(pixels), model.dimension)
    if not isinstance(output, np.ndarray) or output.shape != wanted:
        found = getattr(output, "shape", type(output).__name__)
        height, width = pixels.shape[1:3]
        raise ModelInvalid(f"{model.name} gives {found} for images of {width} x {height}, not {wanted}")
    with np.errstate(over="ignore"):  # what float32 does not hold is not finite, and said so
        vectors = np.asarray(output, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise ModelInvalid(f"{model.name} gives a vector that is not finite")
    return vectors


def runs_of_one_shape(batch: Sequence[Pixels], most: int) -> Iterator[tuple[list[int], NDArray[np.uint8]]]:
    """Yield what a network takes at once: places in the batch, and their (n, h, w, 3) pixels, n <= `most`."""
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, pixels in enumerate(batch):
        by_shape[pixels.shape].append(place)
    for places in by_shape.values():
        for some in batched(places, most):
            yield list(some), np.stack([batch[place] for place in some])


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Scale each row of an (n, d) array to length one; a zero row stays zero."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():  # a foreign network's numbers, whose squares are too large for float32
        rows = np.divide(rows, np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1), dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)
