"""The sieve: pairs of pictures whose dHashes are close. Cheap, and only as sure as its radius is small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neardup_cli.index.hamming import HashPairs, close_pairs, within_radius

DEFAULT_RADIUS = 10
"""Bits of 64 within which the sieve proposes a pair to the verifier."""

STRICT_RADIUS = 4
"""Bits of 64 within which the sieve may decide alone, where there are no embeddings."""

FLAT = 0.5
"""From this flatness on, noise decides most bits of a hash: blank pages would match each other."""


def sieve_pairs(hashes: NDArray[np.int64], flatness: NDArray[np.float32], radius: int) -> HashPairs:
    """Find the pairs of (n,) hashes within `radius` bits, flat pictures left out; rows as given."""
    usable = np.flatnonzero(flatness < FLAT)
    pairs = close_pairs(_as_bytes(hashes[usable]), radius)
    return HashPairs(usable[pairs.first], usable[pairs.second], pairs.distances)


def sieve_hits(
    hashes: NDArray[np.int64], flatness: NDArray[np.float32], query: int, radius: int
) -> list[tuple[int, int]]:
    """Return (row, distance) of the hashes within `radius` bits of one hash, nearest first."""
    rows, distances = within_radius(_as_bytes(hashes), _as_bytes(np.array([query], np.int64))[0], radius)
    usable = flatness[rows] < FLAT
    return list(zip(rows[usable].tolist(), distances[usable].tolist(), strict=True))


def _as_bytes(hashes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return (n,) signed hashes as the (n, 8) bytes that binary indexes take."""
    return np.ascontiguousarray(hashes, dtype=np.int64).view(np.uint8).reshape(-1, 8)
