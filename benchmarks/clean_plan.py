"""What `neardup clean` adds to `neardup dups`: planning for 100,000 files in 20,000 groups, and its memory.

The files are real (tiny, five copies of each, in folders of 500) and scanned; each is looked at again by the
planner. CPU seconds of planning alone are held to 5, in a process that has the groups already; half of the
groups are made to be of resized copies for it, so that kinds, names and metadata are looked at as well.
Memory is flat: what planning adds to a process that has the groups, a file, at 100,000 files against 20,000.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks.rescan import tiny_files

COPIES = 5
SECONDS = 5.0
FLAT = 1.15


def copied_files(count: int) -> Path:
    """A folder of tiny files, five with the same bytes each, made once."""
    target = _bench.OUT / f"copies-{count}"
    if target.is_dir():
        return target
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    originals = tiny_files(count // COPIES)
    for copy in range(COPIES):
        shutil.copytree(originals, unfinished / f"copy {copy}")
    unfinished.rename(target)
    return target


def plan(catalog: Path, files: int) -> dict[str, Any]:
    """Plan in a process of its own, and make sure that it was for all files."""
    command: list[str | Path] = [sys.executable, "-m", "benchmarks._planning", catalog]
    found = _bench.run(command, _bench.ROOT).json()
    if (found["files"], found["acts"]) != (files, files - files // COPIES):
        sys.exit(f"the plan was for {found['files']} files, and acts upon {found['acts']}")
    return found


def main() -> None:
    """Measure both sizes."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--files", type=int, default=100_000, help="how many files (100,000)")
    options = _bench.parse(parser)
    sizes = (options.files // 5, options.files)
    measured: dict[int, list[dict[str, Any]]] = {}
    with _bench.workspace() as work:
        for files in sizes:
            catalog = work / f"{files}.db"
            _bench.cold_scan(copied_files(files), catalog, "--hash-only")
            measured[files] = [plan(catalog, files) for _ in range(options.runs)]
            _bench.note(f"{files:,} files: {measured[files][-1]['seconds']:.2f} CPU seconds")
    rows = []
    grown = []
    for files, runs in measured.items():
        added = median(run["after_mb"] - run["before_mb"] for run in runs)
        grown.append(added * 1e3 / files)
        seconds = median(run["seconds"] for run in runs)
        rows.append([f"{files:,}", seconds, median(run["before_mb"] for run in runs), added, grown[-1]])
    _bench.print_table(("files", "CPU seconds", "MB before", "MB added", "KB a file"), rows)
    seconds = median(run["seconds"] for run in measured[options.files])
    _bench.finish(
        [
            Figure(f"planning for {options.files:,} files / {SECONDS:g} CPU seconds", seconds / SECONDS, 1.0),
            Figure(f"memory a file at {sizes[1]:,} / at {sizes[0]:,} files", grown[1] / grown[0], FLAT),
        ]
    )


if __name__ == "__main__":
    main()
