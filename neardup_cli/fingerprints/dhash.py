"""Difference hash: grey pixels to 64 bits that survive re-encoding and resizing.

The picture is shrunk to 9×8 grey levels; each bit says whether a pixel is darker than its right
neighbour (Krawetz, "Kind of Like That", 2013). The bits are those of `imagehash.dhash`, so that they
can be compared with hashes made elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from neardup_cli.fingerprints.lanczos import shrink

HASH_SIZE = 8
HASH_BITS = HASH_SIZE * HASH_SIZE

# A comparison of two thumbnail pixels this close is decided by rounding and noise, not by the picture.
_NOISE_LEVELS = 1


class DHash(NamedTuple):
    """A difference hash and how much of it is noise.

    Attributes:
        bits: the hash, most significant bit first (top left), as a signed 64-bit integer.
        flatness: share in [0, 1] of the 64 comparisons whose two pixels differ by at most one grey
            level of 255. A blank page has 1.0: its bits mean nothing.
    """

    bits: int
    flatness: float


def dhash(luma: Image.Image) -> DHash:
    """Hash a grey image (mode "L", any size); equal to `imagehash.dhash` of the same pixels."""
    thumbnail = shrink(luma, HASH_SIZE + 1, HASH_SIZE).astype(np.int16)
    differences = thumbnail[:, 1:] - thumbnail[:, :-1]
    bits = np.packbits(differences > 0).tobytes()
    flatness = np.count_nonzero(np.abs(differences) <= _NOISE_LEVELS) / HASH_BITS
    return DHash(int.from_bytes(bits, "big", signed=True), flatness)


def hamming_distance(a: int, b: int) -> int:
    """Return how many of the 64 bits of two signed hashes differ."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def as_hex(bits: int) -> str:
    """Return a hash as sixteen hexadecimal digits, as `str(imagehash.dhash(...))` prints it."""
    return f"{bits & 0xFFFF_FFFF_FFFF_FFFF:016x}"
