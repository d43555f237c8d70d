"""A large evaluation: 5,000 attacked copies against 50,000 references; time and memory of each stage.

The references are the photographs and ten different crops (240 × 160) of each of thousands of synthetic
pictures (`render_photo`); the queries are copies of the photographs, and show none of the others.
`--scale 0.1` takes a tenth of both. Rendering takes a tenth of a second of one core a picture, once.
"""

from __future__ import annotations

import json
import random
import shutil
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
from multiprocessing import get_context
from pathlib import Path

from benchmarks import _bench
from benchmarks._pictures import attacked, photo_files

QUERIES, REFERENCES = 5_000, 50_000
MEMORY_MB = 1_500
SIZE, CROPPED = (360, 240), (240, 160)
CROPS = 10
ATTACKS = ("jpeg-10", "resize-25", "crop-50", "crop-25", "rotate-10", "mirror", "grey", "caption", "meme")
MORE_ATTACKS = ("frame", "screenshot", "overlay-40", "random-chain")
FIRST_SEED = 1_000


def render(job: tuple[int, list[Path]]) -> None:
    """Render a picture, and write crops of it, some mirrored or turned."""
    from PIL.Image import Transpose

    from neardup_cli.evaluation.gallery import render_photo

    seed, targets = job
    picture = render_photo(seed, SIZE)
    choose = random.Random(seed)
    for target in targets:
        left, top = (choose.randrange(whole - part) for whole, part in zip(SIZE, CROPPED, strict=True))
        crop = picture.crop((left, top, left + CROPPED[0], top + CROPPED[1]))
        turn = choose.choice([None, Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_90, Transpose.ROTATE_180])
        target.parent.mkdir(parents=True, exist_ok=True)
        (crop if turn is None else crop.transpose(turn)).save(target, quality=85)


def references(folder: Path, count: int) -> Path:
    """The photographs and as many synthetic pictures as are missing."""
    target = _bench.OUT / f"eval-references-{count}"
    photos = photo_files(folder)
    (target / "photos").mkdir(parents=True, exist_ok=True)
    for photo in photos:
        shutil.copyfile(photo, target / "photos" / photo.name)
    files = [target / f"{n // 1000:03d}" / f"{n:06d}.jpg" for n in range(count - len(photos))]
    jobs = [
        (FIRST_SEED + number, list(some))
        for number, some in enumerate(batched(files, CROPS))
        if not all(file.exists() for file in some)
    ]
    if jobs:
        _bench.note(f"rendering {len(jobs):,} pictures, once")
        with ProcessPoolExecutor(_bench.cores(), get_context("spawn")) as processes:
            list(processes.map(render, jobs, chunksize=50))
    return target


def queries(folder: Path, count: int) -> Path:
    """Copies of the photographs, thirteen of each."""
    names = [*ATTACKS, *MORE_ATTACKS]
    chosen = (part for name in names for part in ("--attack", name))
    return attacked(folder, _bench.OUT / f"eval-queries-{count}", -(-count // len(names)), *chosen)


def main() -> None:
    parser = _bench.arguments(__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the full size (1)")
    options = _bench.parse(parser)
    known = references(options.folder, round(REFERENCES * options.scale))
    asked = queries(options.folder, round(QUERIES * options.scale))
    with _bench.workspace() as work:
        command: list[str | Path] = [_bench.neardup(), "eval", "run", "--json", "--catalog", work / "eval.db"]
        folders: list[str | Path] = [
            "--queries",
            asked,
            "--references",
            known / "photos",
            "--distractors",
            known,
        ]
        measured = _bench.run([*command, "--queries", asked, *folders], work)
    document = measured.json()
    rows: list[list[str | float]] = [
        [cost["stage"], cost["seconds"], cost["cpu_seconds"], cost["peak_mb"]] for cost in document["costs"]
    ]
    parameters, overall = document["parameters"], document["overall"]
    print(f"{parameters['queries']:,} queries, {parameters['references']:,} references")
    _bench.print_table(("stage", "seconds", "CPU s", "peak MB"), rows)
    print(json.dumps({name: overall[name] for name in ("recall", "precision", "micro_ap", "recall_at_1")}))
    print(json.dumps(document["funnel"]))
    _bench.finish([_bench.Figure("peak memory of the evaluation", measured.peak_mb, MEMORY_MB, unit=" MB")])


if __name__ == "__main__":
    main()
