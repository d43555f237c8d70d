"""imagehash: `dhash` or `phash` of 64 bits. It names no radius; ten bits are what our own sieve takes."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

RADIUS = 10


def main() -> None:
    """Hash every image and compare all pairs."""
    try:
        import imagehash
        import numpy as np
        from PIL import Image
    except ImportError:
        sys.exit(3)
    files = sorted(Path(sys.argv[1]).iterdir())
    hash_of = {"dhash": imagehash.dhash, "phash": imagehash.phash}[sys.argv[2]]
    hashes = []
    for file in files:
        with Image.open(file) as image:
            hashes.append(np.packbits(hash_of(image).hash.ravel()))
    table = np.stack(hashes)
    pairs = []
    for row in range(len(table) - 1):
        distances = np.unpackbits(table[row + 1 :] ^ table[row], axis=1).sum(axis=1)
        near = np.flatnonzero(distances <= RADIUS).tolist()
        pairs += [(files[row].name, files[row + 1 + place].name) for place in near]
    json.dump({"version": version("ImageHash"), "pairs": pairs}, sys.stdout)


if __name__ == "__main__":
    main()
