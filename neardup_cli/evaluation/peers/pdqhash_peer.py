"""pdqhash: PDQ of 256 bits; Meta recommends 31 bits, and to leave out images of a quality below 50."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

RADIUS = 31
LEAST_QUALITY = 50


def main() -> None:
    """Hash every image and compare all pairs."""
    try:
        import numpy as np
        import pdqhash
        from PIL import Image
    except ImportError:
        sys.exit(3)
    files, hashes = [], []
    for file in sorted(Path(sys.argv[1]).iterdir()):
        with Image.open(file) as image:
            bits, quality = pdqhash.compute(np.asarray(image.convert("RGB")))
        if quality >= LEAST_QUALITY:
            files.append(file.name)
            hashes.append(np.packbits(np.asarray(bits, dtype=np.uint8)))
    table = np.stack(hashes) if hashes else np.empty((0, 32), np.uint8)
    pairs = []
    for row in range(len(table) - 1):
        distances = np.unpackbits(table[row + 1 :] ^ table[row], axis=1).sum(axis=1)
        near = np.flatnonzero(distances <= RADIUS).tolist()
        pairs += [(files[row], files[row + 1 + place]) for place in near]
    json.dump({"version": version("pdqhash"), "pairs": pairs}, sys.stdout)


if __name__ == "__main__":
    main()
