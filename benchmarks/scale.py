"""What the self-join of `dups` costs as a collection grows, what it finds, and what a query costs then.

For each size, synthetic embeddings (see benchmarks/_synthetic.py: how they are made, and why they are a hard
case) are put into a new catalog, and whole `neardup dups --no-verify --threshold 0.5` processes are measured:

- first: everything is compared, and kept; the geometric stage, which needs pictures, is left out;
- second: the same again, when nothing is new;
- added: 1,000 more pictures were put in;

then, after yet 1,000 more, the join alone, up to its pairs (a quarter of the synthetic pictures have copies,
on whose groups a whole `dups` spends more), and, in the catalog of all, the recall of pairs at 0.5 or more
against comparing 2,000 random vectors with all, and a warm query: index, sieve and the look-up of the files,
without decoding and the network.

Against: the bars of 45 s for 100,000 embeddings; 10 minutes, 4 GB, a recall of 0.98, 20 s for the join of
1,000 more and 15 ms a query for 1,000,000 (`--sizes 1000000`: ten minutes and 3 GB of disk). Where the
machine is busy, look at the CPU seconds: two cores need half of them. `--plot FILE` draws cost against size.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure, Measured

SIZES = (10_000, 20_000, 50_000, 100_000)
ADDED = 1_000
SAMPLE, QUESTIONS = 2_000, 200
DUPS = ("--no-verify", "--threshold", "0.5", "--limit", "1")
RECALL, MEGABYTES = 0.98, 4096
SECONDS = {100_000: 45, 1_000_000: 600}
ADDED_SECONDS, QUERY_MS = {1_000_000: 20}, {1_000_000: 15}


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured at one size; `recall` is None where nothing was there to be found."""

    size: int
    first: Measured
    second: Measured
    added: Measured
    joined: Measured
    recall: float
    query_ms: float
    lists: int


def measure(size: int, work: Path) -> Point:
    """Fill a catalog and measure all there is to measure."""
    catalog = work / f"synthetic-{size}.db"
    _bench.note(f"{size:,}: making the catalog")
    _task(work, "fill", catalog, size)
    first, second = _dups(catalog, size), _dups(catalog, 0)
    _bench.note(f"{size:,}: first {first.wall:.1f} s, second {second.wall:.1f} s")
    _task(work, "fill", catalog, ADDED, size)
    added = _dups(catalog, ADDED)
    _task(work, "fill", catalog, ADDED, size + ADDED)
    joined = _task(work, "join", catalog)
    if (compared := joined.json()["compared"]) != ADDED:
        sys.exit(f"{compared} pictures were joined, not {ADDED}")
    found = _task(work, "recall", catalog, SAMPLE).json()
    asked = _task(work, "query", catalog, QUESTIONS).json()
    for path in work.glob(catalog.name + "*"):
        path.unlink()
    return Point(size, first, second, added, joined, found["recall"], asked["wall_ms"], int(asked["index"]))


def _dups(catalog: Path, new: int) -> Measured:
    measured = _bench.dups(catalog, *DUPS)
    if (compared := measured.json()["summary"]["compared"]) != new:
        sys.exit(f"{compared} pictures were compared, not {new}")
    return measured


def _task(work: Path, *arguments: str | Path | int) -> Measured:
    command = [sys.executable, "-m", "benchmarks._scale", *map(str, arguments)]
    return _bench.run(command, Path.cwd() if (Path.cwd() / "benchmarks").is_dir() else work)


def plot(points: list[Point], path: Path) -> None:
    """Draw seconds against size, both on logarithmic axes."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(6.4, 4.0), layout="constrained")
    axes = drawing.subplots()
    sizes = [point.size for point in points]
    cores = _bench.cores()
    for name in ("first", "added", "second"):
        label = {"first": "first", "added": "1,000 added", "second": "nothing new"}[name]
        seconds = [getattr(point, name).cpu / cores for point in points]
        axes.loglog(sizes, seconds, marker="o", label=label)
    axes.set_xlabel("pictures in the catalog")
    axes.set_ylabel(f"CPU seconds / {cores} cores")
    axes.set_title("dups --no-verify: seconds against size")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    drawing.savefig(path, dpi=110)


def main() -> None:
    """Measure each size and compare with the bars."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many embeddings")
    parser.add_argument("--plot", type=Path, help="draw cost against size into this PNG")
    options: argparse.Namespace = _bench.parse(parser)
    with _bench.workspace() as work:
        points = [measure(size, work) for size in sorted(options.sizes)]
    columns = (
        "embeddings",
        "first s",
        "CPU s",
        "peak MB",
        "second CPU s",
        "added CPU s",
        "its join s",
        "recall",
        "query ms",
    )
    _bench.print_table(
        columns,
        [
            [
                f"{point.size:,}, " + (f"{point.lists:,} lists" if point.lists > 1 else "flat"),
                point.first.wall,
                point.first.cpu,
                point.first.peak_mb,
                point.second.cpu,
                point.added.cpu,
                point.joined.wall,
                f"{point.recall:.4f}",
                point.query_ms,
            ]
            for point in points
        ],
    )
    if options.plot:
        plot(points, options.plot)
    _bench.finish([figure for point in points for figure in figures(point)])


def figures(point: Point) -> list[Figure]:
    """The figures of a size that have a bar."""
    name = f"{point.size:,}"
    found = [Figure(f"{name}: recall of pairs ≥ 0.5", point.recall, RECALL, at_least=True)]
    if (limit := SECONDS.get(point.size)) is not None:
        found.append(Figure(f"{name}: first dups", point.first.wall, limit, unit=" s"))
    if (limit := ADDED_SECONDS.get(point.size)) is not None:
        peak = max(point.first.peak_mb, point.added.peak_mb)
        found.append(Figure(f"{name}: peak memory", peak, MEGABYTES, unit=" MB"))
        found.append(Figure(f"{name}: the join of {ADDED:,} more", point.joined.wall, limit, unit=" s"))
        found.append(Figure(f"{name}: warm query", point.query_ms, QUERY_MS[point.size], unit=" ms"))
    return found


if __name__ == "__main__":
    main()
