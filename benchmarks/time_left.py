"""Is the time that a scan says is left the time that it takes?

    python -m benchmarks.time_left [--large 24] [--heic 6] [--small 300]

Photographs at their own size, others enlarged to 12 megapixels, and some of those as HEIC, scanned into a new
catalog in three orders: the small ones first, last, and among each other. After each tenth of the work, what
has gone by and what is said to be left is compared with what the scan came to take; the figure is the one
after the first tenth, where it is hardest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure, print_table
from benchmarks._pictures import photo_files

WRONG = 20.0
LONG_SIDE = 4000


def write_files(photos: Sequence[Path], folder: Path, counts: dict[str, int], order: str) -> None:
    """Write the files; their names are the order in which they are read."""
    import numpy as np

    from benchmarks._files import encoded, photograph

    random = np.random.default_rng(7)
    kinds = ["small"] * counts["small"] + ["large"] * counts["large"] + ["heic"] * counts["heic"]
    if order == "large first":
        kinds.reverse()
    elif order == "mixed":
        kinds = [kinds[index] for index in random.permutation(len(kinds))]
    made: dict[str, list[bytes]] = {"large": [], "heic": []}
    for kind, suffix in (("large", ".jpg"), ("heic", ".heic")):
        made[kind] = [encoded(photograph(photo, random, LONG_SIDE), suffix) for photo in photos[:4]]
    folder.mkdir()
    for number, kind in enumerate(kinds):
        suffix = ".heic" if kind == "heic" else ".jpg"
        data = photos[number % len(photos)].read_bytes() if kind == "small" else made[kind][number % 4]
        # Another file each, so that all are decoded: what is behind the image is not looked at.
        (folder / f"{number:05d}{suffix}").write_bytes(data + b"\0" * 7 + number.to_bytes(4, "big"))


def said(folder: Path, catalog: Path) -> tuple[float, list[tuple[float, float]]]:
    """Scan; return what it took, and at each tenth of the work what had gone by and was said to be left."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.scan import ScanOptions, scan
    from neardup_cli.progress import Pace, Silent

    tenths: list[tuple[float, float]] = []

    class Watch(Silent):
        pace: Pace | None = None
        began = 0.0

        def start(self, task: str, total: int | None) -> None:
            self.began = time.monotonic()
            self.pace = Pace(total, self.began) if task == "Reading" else None

        def weigh(self, effort: float) -> None:
            if self.pace is not None:
                self.pace.weigh(effort)

        def worked(self, effort: float) -> None:
            if self.pace is None:
                return
            now = time.monotonic()
            self.pace.worked(effort, now)
            left = self.pace.left(now)
            if left is not None and self.pace.share * 10 >= len(tenths) + 1:
                tenths.append((now - self.began, left))

        def advance(self, steps: int = 1) -> None:
            if self.pace is not None:
                self.pace.advance(steps, time.monotonic())

    watch = Watch()
    with Catalog.open(catalog, create=True) as opened:
        scan(opened, [os.fsencode(folder)], ScanOptions(workers=_bench.cores()), watch)
    return time.monotonic() - watch.began, tenths


def main() -> None:
    """Measure and print."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--large", type=int, default=24)
    parser.add_argument("--heic", type=int, default=6)
    parser.add_argument("--small", type=int, default=300)
    options = _bench.parse(parser)
    counts = {"large": options.large, "heic": options.heic, "small": options.small}
    rows: list[list[str | float]] = []
    figures = []
    with _bench.workspace() as space:
        for order in ("small first", "large first", "mixed"):
            folder = space / order.replace(" ", "-")
            write_files(photo_files(options.folder), folder, counts, order)
            took, tenths = said(folder, space / f"{folder.name}.db")
            wrong = [100 * abs(gone + left - took) / took for gone, left in tenths]
            rows.append([order, took, *wrong[:9:2]])
            figures.append(Figure(f"wrong after a tenth, {order}", wrong[0], WRONG, unit=" %"))
    print_table(("order", "seconds", "10 %", "30 %", "50 %", "70 %", "90 %"), rows)
    _bench.finish(figures)


if __name__ == "__main__":
    main()
