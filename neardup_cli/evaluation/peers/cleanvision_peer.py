"""CleanVision: exact and near duplicates at its default settings; all pairs of its sets."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from importlib.metadata import version
from pathlib import Path

KINDS = ("exact_duplicates", "near_duplicates")


def main() -> None:
    """Let it look for duplicates, and for nothing else."""
    try:
        from cleanvision import Imagelab
    except ImportError:
        sys.exit(3)
    with contextlib.redirect_stdout(sys.stderr):
        lab = Imagelab(data_path=sys.argv[1])
        lab.find_issues({kind: {} for kind in KINDS})
    pairs = {
        tuple(sorted((Path(a).name, Path(b).name)))
        for kind in KINDS
        for files in lab.info.get(kind, {}).get("sets", [])
        for a, b in itertools.combinations(files, 2)
    }
    json.dump({"version": version("cleanvision"), "pairs": sorted(pairs)}, sys.stdout)


if __name__ == "__main__":
    main()
