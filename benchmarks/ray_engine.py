"""The Ray engine against the local one: throughput of a cold scan on the same cores.

Against: `neardup scan --engine ray --workers N` starts a cluster of N workers of one core on this machine,
which pays for Ray itself: its daemons share the same cores, each chunk and each result is pickled, and the
driver puts the results back into order. `neardup scan --workers N` has as many threads and none of that.

Fair: both are whole processes, in turn, on the same photographs into a new catalog, and have to embed all
of them. A cluster takes seconds to start, once, however long the scan: the bar is on the throughput without
it, images / (a scan - a scan of a single photograph). The ratio of whole processes is printed too.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure, Measured
from benchmarks._pictures import distinct_photos, photo_files

AT_LEAST = 0.85
ENGINES = ("local", "ray")


def scan(folder: Path, catalog: Path, engine: str, workers: int) -> Measured:
    """Scan, and make sure that every image was embedded."""
    measured = _bench.cold_scan(folder, catalog, "--engine", engine, "--workers", str(workers))
    summary = measured.json()
    if summary["embedded"] != summary["seen"]:
        sys.exit(f"only {summary['embedded']} of {summary['seen']} images of {folder} were embedded")
    return measured


def main() -> None:
    """Measure both engines."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--images", type=int, default=2000, help="how many images (2,000)")
    parser.add_argument("--workers", type=int, default=_bench.cores(), help="cores to use")
    options = _bench.parse(parser)
    folder = distinct_photos(options.folder, options.images)
    with _bench.workspace() as work:
        single = work / "single"
        single.mkdir()
        shutil.copy(photo_files(folder)[0], single)
        measured = _bench.interleaved(
            options.runs,
            {
                (engine, what): partial(scan, where, work / f"{engine}.db", engine, options.workers)
                for engine in ENGINES
                for what, where in (("scan", folder), ("start-up", single))
            },
        )
    walls = {key: [run.wall for run in runs] for key, runs in measured.items()}
    busy = {
        engine: [
            scan - start for scan, start in zip(walls[engine, "scan"], walls[engine, "start-up"], strict=True)
        ]
        for engine in ENGINES
    }
    rows: list[list[str | float]] = [
        [engine, *(_bench.median_wall(measured[engine, what]) for what in ("scan", "start-up"))]
        for engine in ENGINES
    ]
    print(f"{options.images:,} photographs, seconds, medians\n")
    _bench.print_table(("engine", "scan", "of one photograph"), rows)
    whole = _bench.median_ratio(walls["local", "scan"], walls["ray", "scan"])
    print(f"\nwhole processes, the start of the cluster included: {whole:.2f}")
    ratio = _bench.median_ratio(busy["local"], busy["ray"])
    _bench.finish([Figure("throughput of ray / local", ratio, AT_LEAST, at_least=True)])


if __name__ == "__main__":
    main()
