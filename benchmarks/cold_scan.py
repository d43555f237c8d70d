"""Cold scan: `neardup scan` into a new catalog, against the least that any scan has to do.

Against: the limit = (CPU time of decoding alone + CPU time of inference alone) / cores, on the very same
images: from the file's bytes to the network's input, and the network on those inputs with nothing but
onnxruntime, each on one thread (`_limit.py`). Decoding is done by the program's own functions and again by
plain Pillow calls; the cheaper counts. The program may run a network faster than onnxruntime runs the
published file (embedders/graph.py): the ratio to a limit with that is printed too ("to ours"). A scan also
starts Python, loads the network, hashes, writes the catalog, and shares the memory's bandwidth among its
cores: all of that has to fit into the 15 % above the limit.

Fair: limit and scan take turns; the limit's imports and the loading of its network are left out; the scan is
timed as a whole process. For judging the rest, it is also said what the ratio is without start-up (a scan of
a single image taken off), and against the same work done by one process on each core at once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import _bench
from benchmarks._bench import Figure, Measured
from benchmarks._pictures import distinct_photos, photo_files

IMAGES = {"sscd_distilled": 2000, "sscd": 400}
LIMIT = 1.15


def limit_command(model: str, folder: Path, share: int, of: int) -> list[str | Path]:
    """The command of a process that does a share of the least work."""
    return [sys.executable, "-m", "benchmarks._limit", model, folder, str(share), str(of)]


def least_seconds(done: dict[str, float], inference: str = "inference") -> float:
    """Decoding, in the cheaper of the two ways, and inference, over the cores."""
    return (min(done["decoding"], done["pillow"]) + done[inference]) / _bench.cores()


def least_with_all_cores_busy(model: str, folder: Path) -> float:
    """The same where a process on each core does its share at once: what sharing memory costs is in it."""
    count = _bench.cores()
    processes = [
        subprocess.Popen(limit_command(model, folder, share, count), cwd=_bench.ROOT, stdout=subprocess.PIPE)
        for share in range(count)
    ]
    outputs = [process.communicate()[0] for process in processes]
    return sum(least_seconds(json.loads(output)) for output in outputs)


def measure(model: str, folder: Path, runs: int, work: Path) -> tuple[list[str | float], Figure]:
    """Measure one model: the row of the table, and the figure."""
    single = work / "single"
    single.mkdir(exist_ok=True)
    shutil.copy(photo_files(folder)[0], single)
    catalog = work / f"{model}.db"
    measured = _bench.interleaved(
        runs,
        {
            "limit": lambda: _bench.run(limit_command(model, folder, 0, 1), _bench.ROOT),
            "scan": lambda: cold_scan(folder, catalog, model),
            "start-up": lambda: cold_scan(single, catalog, model),
        },
    )
    limits: list[dict[str, float]] = [run.json() for run in measured["limit"]]
    least = [least_seconds(done) for done in limits]
    own = [least_seconds(done, "ours") for done in limits]
    scans = [run.wall for run in measured["scan"]]
    started = [scan - start.wall for scan, start in zip(scans, measured["start-up"], strict=True)]
    ratio = _bench.median_ratio(scans, least)
    busy = median(scans) / least_with_all_cores_busy(model, folder)
    row: list[str | float] = [
        model,
        *(median(done[part] for done in limits) for part in ("inference", "ours", "decoding", "pillow")),
        *(median(least), median(scans), median(run.cpu for run in measured["scan"])),
        *(ratio, _bench.median_ratio(scans, own), _bench.median_ratio(started, least), busy),
    ]
    return row, Figure(f"cold scan / limit, {model}", ratio, LIMIT)


def cold_scan(folder: Path, catalog: Path, model: str) -> Measured:
    """Scan, and make sure that every image was embedded."""
    measured = _bench.cold_scan(folder, catalog, "--model", model)
    summary: dict[str, Any] = measured.json()
    if summary["embedded"] != summary["seen"]:
        sys.exit(f"only {summary['embedded']} of {summary['seen']} images of {folder} were embedded")
    return measured


def main(models: Sequence[str] = _bench.MODELS) -> None:
    """Measure the models asked for."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--images", type=int, help="how many images (2,000 for sscd_distilled, 400 for sscd)")
    parser.add_argument("--model", choices=models, action="append", help="only this model")
    options = _bench.parse(parser)
    rows, figures = [], []
    with _bench.workspace() as work:
        for model in options.model or models:
            folder = distinct_photos(options.folder, options.images or IMAGES[model])
            row, figure = measure(model, folder, options.runs, work)
            rows.append(row)
            figures.append(figure)
    print("CPU seconds of inference and decoding alone; wall seconds of limit and scan; medians\n")
    columns = (
        "inference",
        "(ours)",
        "decoding",
        "(Pillow)",
        "limit",
        "scan",
        "scan's CPU",
        "ratio",
        "to ours",
    )
    _bench.print_table(("model", *columns, "w/o start-up", "cores busy"), rows)
    _bench.finish(figures)


if __name__ == "__main__":
    main()
