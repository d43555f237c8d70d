"""Peak memory of a scan at 20 times as many images, against its own at 1,000.

Whole processes, the system's own count of their resident memory (ru_maxrss), a new catalog each time. The
pictures are of one kind (small crops of the photographs, about 200 x 150, all with different contents), so
that the number of them is all that differs; the 1,000 are the first subfolder of the 20,000. Peaks repeat to
a per cent: one run is the default.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import _bench
from benchmarks._bench import Figure, Measured
from benchmarks._pictures import SMALL_PER_FOLDER, small_photos

LIMIT = 1.15
MODES = {"sscd_distilled": ("--model", "sscd_distilled"), "hash-only": ("--hash-only",)}


def scan_all(folder: Path, catalog: Path, images: int, flags: tuple[str, ...]) -> Measured:
    """Scan, and make sure that all was seen and that the figure can be true."""
    measured = _bench.cold_scan(folder, catalog, *flags)
    if (added := measured.json()["added"]) != images:
        sys.exit(f"{added} of {images} images of {folder} were scanned")
    if measured.peak_mb <= _bench.own_peak_mb():
        sys.exit("this process is larger than the scan, whose peak can therefore not be seen")
    return measured


def main() -> None:
    """Measure both ways to scan at both sizes."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--images", type=int, default=20_000, help="the larger number of images (20,000)")
    options = _bench.parse(parser)
    if options.images <= SMALL_PER_FOLDER:
        parser.error(f"--images has to be more than {SMALL_PER_FOLDER}")
    folder = small_photos(options.folder, options.images)
    rows: list[list[str | float]] = []
    figures = []
    with _bench.workspace() as work:
        catalog = work / "catalog.db"
        for mode, flags in MODES.items():
            sides = {
                "few": partial(scan_all, folder / "000", catalog, SMALL_PER_FOLDER, flags),
                "many": partial(scan_all, folder, catalog, options.images, flags),
            }
            measured = _bench.interleaved(options.runs, sides)
            few, many = ([run.peak_mb for run in measured[side]] for side in ("few", "many"))
            ratio = _bench.median_ratio(many, few)
            rows.append([mode, f"{median(few):.0f} MB", f"{median(many):.0f} MB", ratio])
            figures.append(Figure(f"peak memory at {options.images:,} / 1,000 images, {mode}", ratio, LIMIT))
    _bench.print_table(("scan", "1,000 images", f"{options.images:,} images", "ratio"), rows)
    _bench.finish(figures)


if __name__ == "__main__":
    main()
