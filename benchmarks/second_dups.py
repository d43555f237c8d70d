"""What a second `neardup dups` costs, when nothing is new, against the first one over the same catalog.

Real pictures at the default settings: photographs and attacked copies of them (`neardup eval attacks`),
scanned. The first `dups` compares all vectors and lets the geometric stage look at each doubtful pair; the
second finds neighbours and verdicts in the catalog. Whole processes, start-up included; both have to give the
same groups.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure, Measured
from benchmarks._pictures import attacked_photos

LIMIT = 0.05


def pair_of_runs(scanned: Path, work: Path) -> tuple[Measured, Measured]:
    """Run `dups` twice over a fresh copy of a catalog."""
    catalog = work / "catalog.db"
    for path in work.glob(f"{catalog.name}*"):
        path.unlink()
    shutil.copy(scanned, catalog)
    first, second = _bench.dups(catalog), _bench.dups(catalog)
    if first.json()["groups"] != second.json()["groups"]:
        sys.exit("the second run gives other groups than the first")
    return first, second


def main() -> None:
    """Scan once, then measure both as often as asked."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--sample", type=int, default=60, help="photographs that are attacked (60)")
    options = _bench.parse(parser)
    copies = attacked_photos(options.folder, options.sample)
    with _bench.workspace() as work:
        scanned = work / "scanned.db"
        seen = sum(_bench.scan(folder, scanned).json()["seen"] for folder in (copies, options.folder))
        runs = [pair_of_runs(scanned, work) for _ in range(options.runs)]
    checked = runs[0][0].json()["summary"]["checked_pairs"]
    print(f"{seen:,} pictures, {options.sample} photographs attacked; {checked:,} doubtful pairs\n")
    rows: list[list[str | float]] = [
        [name, _bench.median_wall(side), min(run.cpu for run in side), max(run.peak_mb for run in side)]
        for name, side in zip(("first", "second"), zip(*runs, strict=True), strict=True)
    ]
    _bench.print_table(("dups", "median seconds", "CPU seconds", "peak MB"), rows)
    ratio = _bench.median_ratio([second.wall for _, second in runs], [first.wall for first, _ in runs])
    _bench.finish([Figure("second dups / first", ratio, LIMIT)])


if __name__ == "__main__":
    main()
