"""Embeddings with what each is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embeddings[Ids](NamedTuple):
    """What a model makes of images, a row each.

    Attributes:
        ids: what each row is of.
        vectors: (n, dimension) float16 unit vectors: two's inner product, as float32, is their similarity.
    """

    ids: Ids
    vectors: NDArray[np.float16]
