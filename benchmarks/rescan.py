"""A second `neardup scan` of unchanged files, against a bare walk of them.

Against: a Python process that goes through the folders with os.scandir and asks `stat` of every file: the
least that sees whether a file has changed. Whole processes, interpreter start included, in turn. The 100,000
files (tiny, all different, 500 a folder) are made and scanned for the first time (`--hash-only`) before
anything is timed, so both sides find the folders in the system's cache.
"""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path
from statistics import median

from benchmarks import _bench
from benchmarks._bench import Figure, Measured

FILES_A_FOLDER = 500
LIMIT = 3.0
SIDE = 8  # pixels

BARE_WALK = """
import os, sys
def walk(folder):
    count = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                count += walk(entry.path)
            else:
                entry.stat(follow_symlinks=False)
                count += 1
    return count
print(walk(sys.argv[1]))
"""


def tiny_files(count: int) -> Path:
    """A folder of tiny BMP files with different pixels, made once."""
    target = _bench.OUT / f"tiny-{count}"
    if target.is_dir():
        return target
    _bench.note(f"making {count:,} files in {target}, once")
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    size = SIDE * SIDE * 3
    header = struct.pack("<2sIHHI", b"BM", 54 + size, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, 0, size, 0, 0, 0, 0)
    for number in range(count):
        folder = unfinished / f"{number // FILES_A_FOLDER:03d}"
        if number % FILES_A_FOLDER == 0:
            folder.mkdir(parents=True)
        pixels = number.to_bytes(3) * (size // 3)
        (folder / f"IMG_{number:06d}.bmp").write_bytes(header + pixels)
    unfinished.rename(target)
    return target


def rescan(folder: Path, catalog: Path, files: int) -> Measured:
    """Scan again, and make sure that nothing was read."""
    measured = _bench.scan(folder, catalog, "--hash-only")
    if (unchanged := measured.json()["unchanged"]) != files:
        sys.exit(f"{unchanged} of {files} files were seen as unchanged")
    return measured


def main() -> None:
    """Measure both."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--files", type=int, default=100_000, help="how many files (100,000)")
    options = _bench.parse(parser)
    folder = tiny_files(options.files)
    with _bench.workspace() as work:
        catalog = work / "catalog.db"
        first = _bench.cold_scan(folder, catalog, "--hash-only")
        _bench.note(f"first scan: {first.wall:.1f} s")
        measured = _bench.interleaved(
            options.runs,
            {
                "walk": lambda: _bench.run([sys.executable, "-c", BARE_WALK, folder], work),
                "rescan": lambda: rescan(folder, catalog, options.files),
            },
        )
        megabytes = catalog.stat().st_size / 1e6
    rescans, walks = ([run.wall for run in measured[side]] for side in ("rescan", "walk"))
    ratio = _bench.median_ratio(rescans, walks)
    print(f"{options.files:,} unchanged files; the catalog has {megabytes:.0f} MB\n")
    _bench.print_table(
        ("process", "seconds", "CPU seconds", "peak MB"),
        [
            ["bare walk", *_medians(measured["walk"])],
            ["neardup scan", *_medians(measured["rescan"])],
        ],
    )
    _bench.finish([Figure("rescan / bare walk", ratio, LIMIT)])


def _medians(runs: list[Measured]) -> tuple[float, float, float]:
    return _bench.median_wall(runs), median(run.cpu for run in runs), median(run.peak_mb for run in runs)


if __name__ == "__main__":
    main()
