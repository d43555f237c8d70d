"""czkawka, the Python binding on PyPI: at the similarity of its manual, 15; all pairs of its groups."""

from __future__ import annotations

import itertools
import json
import sys
from importlib.metadata import version

SIMILARITY = 15


def main() -> None:
    """Let it group the folder."""
    try:
        from czkawka import ImageSimilarity
    except ImportError:
        sys.exit(3)
    finder = ImageSimilarity()
    finder.set_directories([sys.argv[1]])
    finder.set_similarity(SIMILARITY)
    pairs = {
        tuple(sorted((a.name, b.name)))
        for group in finder.find_similar()
        for a, b in itertools.combinations(group, 2)
    }
    json.dump({"version": version("czkawka"), "pairs": sorted(pairs)}, sys.stdout)


if __name__ == "__main__":
    main()
