"""What a proof costs, against decoding both of its files at full size.

Photographs as large as a camera makes them (12 megapixels by default), and what happens to them: saved again,
halved, sent as WebP, kept as PNG, another shot. Each proof reads both files, decodes them and compares them;
its CPU time is set against that of decoding the same two files alone, in turn, in one process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._files import as_image, camera_exif, encoded, photograph, spread
from benchmarks._pictures import photo_files
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.images.whole import decode_whole
from neardup_cli.records.files import CatalogedFile
from neardup_cli.verification.proving import prove

LIMIT = 2.0
LONG_SIDE = 4000


def versions(image: Image.Image, random: np.random.Generator) -> Iterator[tuple[str, str, bytes]]:
    """Give what happened to a photograph: how, suffix, bytes."""
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    grain = random.normal(0, 3, (image.height, image.width, 1)).astype(np.float32)
    yield "JPEG 75", ".jpg", encoded(image, ".jpg", 75)
    yield "half, JPEG 85", ".jpg", encoded(half, ".jpg", 85)
    yield "WebP 80", ".webp", encoded(image, ".webp", 80)
    yield "PNG", ".png", encoded(image, ".png")
    yield "another grain", ".jpg", encoded(as_image(np.asarray(image, np.float32) + grain), ".jpg", 92)


def cpu_seconds(act: Callable[[], object]) -> float:
    """Return the CPU time of an act."""
    started = time.process_time()
    act()
    return time.process_time() - started


def cost(gone: CatalogedFile, kept: CatalogedFile) -> float:
    """Return what a proof costs beside the decoding of both, in multiples of that."""

    def decode_both() -> None:
        for file in (gone, kept):
            decode_whole(Path(os.fsdecode(file.path)).read_bytes())

    decoding = cpu_seconds(decode_both)
    return (cpu_seconds(lambda: prove(gone, kept)) - decoding) / decoding


def main() -> None:
    """Write the files, scan them, then prove and decode each pair."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--count", type=int, default=3, help="photographs (3)")
    parser.add_argument("--long-side", type=int, default=LONG_SIDE, help="pixels (4000)")
    options = _bench.parse(parser)
    costs: dict[str, list[float]] = {}
    with _bench.workspace() as space:
        folder, catalog = space / "photos", space / "catalog.db"
        pairs = write(spread(photo_files(options.folder), options.count, 7), folder, options.long_side)
        _bench.cold_scan(folder, catalog, "--hash-only")
        with Catalog.open(catalog) as opened, opened.read() as connection:
            paths = [str(path).encode() for _, *both in pairs for path in both]
            files = queries.files_at(connection, paths)
        for how, gone, kept in pairs:
            sides = [files[str(path).encode()] for path in (gone, kept)]
            for _ in range(options.runs):
                costs.setdefault(how, []).append(cost(*sides))
    rows: list[list[str | float]] = [
        [how, min(found), sorted(found)[len(found) // 2], max(found)] for how, found in costs.items()
    ]
    _bench.print_table(("copy that goes", "least", "median", "most"), rows)
    every = sorted(cost for found in costs.values() for cost in found)
    _bench.finish([Figure("comparing / decoding both, median", every[len(every) // 2], LIMIT)])


def write(photos: list[Path], folder: Path, long_side: int) -> list[tuple[str, Path, Path]]:
    """Write photographs with their versions; return how, the one that goes, the one that stays."""
    pairs = []
    for number, photo in enumerate(photos):
        random = np.random.default_rng(number)
        place = folder / f"{number:02d}"
        place.mkdir(parents=True)
        image = photograph(photo, random, long_side)
        kept = place / "original.jpg"
        kept.write_bytes(encoded(image, ".jpg", 93, camera_exif(number)))
        with Image.open(kept) as reopened:
            pixels = reopened.convert("RGB")
        for place_of, (how, suffix, data) in enumerate(versions(pixels, random)):
            path = place / f"{place_of}{suffix}"
            path.write_bytes(data)
            pairs.append((how, path, kept))
    return pairs


if __name__ == "__main__":
    main()
