"""`python -m tests.fuzz.sample TARGET INPUTS`: the same inputs in each run, and all that was ever found.

In a process of its own: children are forked, and must not inherit the threads that other tests have started.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.engine import fuzz, tried

CORPUS = Path(__file__).parents[1] / "fuzz_corpus"


def main() -> None:
    """Print what came of it, as JSON."""
    name, inputs = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="neardup-fuzz-") as folder:
        tempfile.tempdir = folder
        target = targets.load(name)
        tally = fuzz(target, seed=1, inputs=inputs, learn=False)
        kept = sorted(path for path in (CORPUS / name).glob("*") if path.is_file())
        again = {path.name: tried(target, path.read_bytes()) for path in kept}
    sys.stdout.write(
        json.dumps(
            {
                "findings": [finding.details for finding in tally.findings.values()],
                "inputs": tally.inputs,
                "answers": sorted(tally.answers),
                "kept": len(kept),
                "not mended": {path: found.details for path, found in again.items() if found is not None},
            }
        )
    )


if __name__ == "__main__":
    main()
