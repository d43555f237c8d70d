"""imagededup: `phash` or `cnn` at its default thresholds (10 bits; a cosine of 0.9)."""

from __future__ import annotations

import contextlib
import json
import sys
from importlib.metadata import version


def main() -> None:
    """Let it encode the folder and find the duplicates."""
    try:
        from imagededup import methods
    except ImportError:
        sys.exit(3)
    with contextlib.redirect_stdout(sys.stderr):
        method = {"phash": methods.PHash, "cnn": methods.CNN}[sys.argv[2]]
        found = method().find_duplicates(image_dir=sys.argv[1])
    pairs = {tuple(sorted((a, b))) for a, others in found.items() for b in others if a != b}
    json.dump({"version": version("imagededup"), "pairs": sorted(pairs)}, sys.stdout)


if __name__ == "__main__":
    main()
