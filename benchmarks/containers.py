"""A cold `neardup scan` of WebDataset shards, against one of the same images as plain files.

Small synthetic JPEGs, all different, 1,000 a folder and a shard, each shard with as many `.cls` members as
images. Whole processes in turn, with embeddings and without (`--hash-only`), each into a new catalog.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tarfile
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from benchmarks import _bench
from benchmarks._bench import Figure, Measured

A_SHARD = 1_000
LIMIT = 0.95
SIDE = 96  # pixels


def made(count: int) -> tuple[Path, Path]:
    """The folder of plain files and the folder of shards, made once."""
    target = _bench.OUT / f"containers-{count}"
    if not target.is_dir():
        _bench.note(f"making {count:,} images in {target}, once")
        unfinished = target.with_name(target.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        (unfinished / "shards").mkdir(parents=True)
        for start in range(0, count, A_SHARD):
            _make_shard(unfinished, start, min(A_SHARD, count - start))
        unfinished.rename(target)
    return target / "files", target / "shards"


def _make_shard(target: Path, start: int, count: int) -> None:
    folder = target / "files" / f"{start // A_SHARD:06d}"
    folder.mkdir(parents=True)
    with tarfile.open(target / "shards" / f"{start // A_SHARD:06d}.tar", "w") as shard:
        for number in range(start, start + count):
            levels = np.random.default_rng(number).integers(0, 256, (7, 7, 3), dtype=np.uint8)
            stream = io.BytesIO()
            Image.fromarray(levels).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG")
            (folder / f"{number:08d}.jpg").write_bytes(stream.getvalue())
            for ending, data in (("jpg", stream.getvalue()), ("cls", b"7")):
                member = tarfile.TarInfo(f"{number:08d}.{ending}")
                member.size = len(data)
                shard.addfile(member, io.BytesIO(data))


def scanned(folder: Path, work: Path, count: int, *options: str) -> Measured:
    """Scan into a new catalog, and make sure that all images came."""
    catalog = work / "catalog.db"
    for file in work.glob("catalog.db*"):
        file.unlink()
    measured = _bench.scan(folder, catalog, *options)
    if (added := measured.json()["added"]) != count:
        sys.exit(f"{added} of {count} images were added")
    return measured


def _compared(
    files: Path, shards: Path, work: Path, options: argparse.Namespace, more: tuple[str, ...]
) -> Figure:
    """Scan both in turn; print what it took, and return the throughput of the one by that of the other."""
    measured = _bench.interleaved(
        options.runs,
        {
            "files": lambda: scanned(files, work, options.files, *more),
            "shards": lambda: scanned(shards, work, options.files, "--containers", *more),
        },
    )
    name = more[0] if more else "with embeddings"
    print(f"{options.files:,} images, {name}\n")
    rows: list[list[str | float]] = [
        [side, _bench.median_wall(runs), median(run.cpu for run in runs)] for side, runs in measured.items()
    ]
    _bench.print_table(("scan of", "seconds", "CPU seconds"), rows)
    ratio = _bench.median_ratio(
        [run.wall for run in measured["files"]], [run.wall for run in measured["shards"]]
    )
    return Figure(f"throughput of shards / of files, {name}", ratio, LIMIT, at_least=True)


def main() -> None:
    """Measure both, with a model and without."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--files", type=int, default=5_000, help="how many images (5,000)")
    options = _bench.parse(parser)
    files, shards = made(options.files)
    figures = []
    with _bench.workspace() as work:
        for more in ((), ("--hash-only",)):
            figures.append(_compared(files, shards, work, options, more))
    _bench.finish(figures)


if __name__ == "__main__":
    main()
