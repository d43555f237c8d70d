"""How many doubtful pairs the geometric stage is asked about.

Between unrelated pictures SSCD exceeds 0.2 in about one pair of a thousand, so their number grows with
the square of the collection, while a picture has only so many copies. Each picture may bring its most
similar neighbours; the rest is left out, and counted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PAIRS_PER_PICTURE = 10
PAIRS_IN_ANY_CASE = 200_000
"""Up to so many pairs nothing is left out: ten minutes of work for two cores at the most."""


def within_budget(
    first: NDArray[np.int64], second: NDArray[np.int64], similarities: NDArray[np.float32], pictures: int
) -> NDArray[np.bool_]:
    """Say which pairs to check: those among the most similar of either of their two pictures.

    Args:
        first: (n,) rows of one picture of each pair.
        second: (n,) rows of the other one.
        similarities: (n,) cosine similarity of each pair.
        pictures: how many there are; few may have more pairs each.

    Returns:
        (n,) True where the pair is to be checked; the same for the same pairs in any order.
    """
    allowed = max(PAIRS_PER_PICTURE, PAIRS_IN_ANY_CASE // max(1, pictures))
    picture, other = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((other, -np.concatenate([similarities, similarities]), picture))
    starts = np.searchsorted(picture[order], picture[order], side="left")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - starts
    chosen: NDArray[np.bool_] = rank < allowed
    return chosen[: len(first)] | chosen[len(first) :]
