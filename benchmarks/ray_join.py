"""The Ray engine against the local one: throughput of a first `dups` on the same cores.

Against: `neardup dups --engine ray --workers N` starts a cluster of N workers of one core on this machine,
which pays for Ray itself: its daemons share the same cores, the vectors are copied into its memory, and what
is found travels back to the driver, who fills the lists and writes them. `neardup dups` has FAISS and NumPy
use all cores, and none of that.

Fair: both are whole processes, in turn, over copies of the same catalog of synthetic embeddings (see
benchmarks/_synthetic.py), once few enough to be compared exactly and once with an index; both have to find
the same lists, to the byte. A cluster takes seconds to start, however much there is to compare: the bar is on
the throughput without it, embeddings / (a join - a join of a hundred embeddings).
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import sys
from functools import partial
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure, Measured

AT_LEAST = 0.85
ENGINES = ("local", "ray")
SIZES = (40_000, 100_000)
SINGLE = 100
DUPS = ("--no-verify", "--threshold", "0.5", "--limit", "1")


def join(filled: Path, engine: str, workers: int) -> Measured:
    """Join a copy of a catalog, and leave it there."""
    catalog = _copy_of(filled, engine)
    for path in catalog.parent.glob(catalog.name + "*"):
        path.unlink()
    shutil.copy(filled, catalog)
    measured = _bench.dups(catalog, *DUPS, "--engine", engine, "--workers", str(workers))
    if not measured.json()["summary"]["compared"]:
        sys.exit(f"nothing was compared in {catalog}")
    return measured


def ratio(size: int, runs: int, workers: int, work: Path) -> tuple[list[str | float], float]:
    """Measure both engines at a size; return the line of the table, and the ratio of their throughputs."""
    filled = {what: work / f"{what}.db" for what in (size, SINGLE)}
    for what, catalog in filled.items():
        if not catalog.exists():
            command = [sys.executable, "-m", "benchmarks._scale", "fill", str(catalog), str(what)]
            _bench.run(command, _bench.ROOT)
    sides = {
        (engine, what): partial(join, catalog, engine, workers)
        for engine in ENGINES
        for what, catalog in filled.items()
    }
    measured = _bench.interleaved(runs, sides)
    if len({_lists(_copy_of(filled[size], engine)) for engine in ENGINES}) > 1:
        sys.exit("the engines do not find the same")
    busy = {
        engine: [
            run.wall - start.wall
            for run, start in zip(measured[engine, size], measured[engine, SINGLE], strict=True)
        ]
        for engine in ENGINES
    }
    walls = [_bench.median_wall(measured[engine, what]) for engine in ENGINES for what in (size, SINGLE)]
    return [f"{size:,}", *walls], _bench.median_ratio(busy["local"], busy["ray"])


def _copy_of(filled: Path, engine: str) -> Path:
    return filled.with_name(f"{engine}-{filled.name}")


def _lists(catalog: Path) -> str:
    """Return a digest of all lists of neighbours."""
    digest = hashlib.blake2b()
    with sqlite3.connect(catalog) as connection:
        for row in connection.execute("SELECT * FROM neighbour ORDER BY content_id"):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def main() -> None:
    """Measure both engines at each size."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many embeddings")
    parser.add_argument("--workers", type=int, default=_bench.cores(), help="cores to use")
    options = _bench.parse(parser)
    with _bench.workspace() as work:
        found = [ratio(size, options.runs, options.workers, work) for size in options.sizes]
    header = ("embeddings", "local s", f"of {SINGLE}", "ray s", f"of {SINGLE}")
    _bench.print_table(header, [row for row, _ in found])
    _bench.finish(
        [
            Figure(f"{size:,}: throughput of ray / local", value, AT_LEAST, at_least=True)
            for size, (_, value) in zip(options.sizes, found, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
