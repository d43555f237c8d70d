"""Folders of pictures to measure on, made of photographs by other processes and kept in benchmarks/out."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._bench import OUT, ROOT, cores, neardup, note, run

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
SMALL_SIZE = (200, 150)
SMALL_PER_FOLDER = 1000
_RECIPE = 1  # raise it when the pictures that are made change: what is in benchmarks/out is then made anew

type Job = tuple[Path, int, Path]
"""A photograph, the number of its variant, and the file to write."""


def photo_files(folder: Path) -> list[Path]:
    """The image files below a folder, in order; stop the benchmark if there is none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        sys.exit(f"no photographs in {folder}: give a folder of some with --folder")
    return files


def distinct_photos(folder: Path, count: int) -> Path:
    """A folder of `count` photographs with different contents, of the sizes of those in `folder`.

    The photographs themselves come first, byte for byte. When they are used up, each is taken again: cropped
    somewhere by a few per cent, brought back to its size, and saved as JPEG.
    """
    photos = photo_files(folder)
    return _made("photos", photos, count, write_variant, lambda number: f"{number // len(photos):03d}")


def small_photos(folder: Path, count: int) -> Path:
    """A folder of `count` different pictures of 200 x 150, in subfolders 000, 001, … of a thousand each."""
    return _made(
        "small", photo_files(folder), count, write_small, lambda number: f"{number // SMALL_PER_FOLDER:03d}"
    )


def attacked_photos(folder: Path, sample: int, suite: str = "standard") -> Path:
    """A folder of copies of `sample` photographs by every attack of a suite, with their manifest."""
    return attacked(folder, OUT / f"eval-{suite}-{sample}", sample, "--suite", suite)


def attacked(folder: Path, target: Path, sample: int, *chosen: str) -> Path:
    """A folder of copies of `sample` photographs by the attacks chosen, with their manifest."""
    if not (target / "manifest.csv").is_file():
        note(f"making copies in {target}, once")
        run([neardup(), "eval", "attacks", folder, target, "--sample", str(sample), *chosen], ROOT)
    return target


def _made(
    kind: str, photos: list[Path], count: int, write: Callable[[Job], None], subfolder: Callable[[int], str]
) -> Path:
    """Make a folder, or find the one that was made before of the same photographs."""
    named = "\0".join([str(_RECIPE), *(f"{path} {path.stat().st_size}" for path in photos)])
    target = OUT / f"{kind}-{count}-{hashlib.blake2b(named.encode(), digest_size=4).hexdigest()}"
    if target.is_dir():
        return target
    note(f"making {count:,} pictures in {target}, once")
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    jobs: list[Job] = []
    for number in range(count):
        photo, variant = photos[number % len(photos)], number // len(photos)
        name = f"{number:06d} {photo.stem}{photo.suffix if variant == 0 else '.jpg'}"
        jobs.append((photo, variant, unfinished / subfolder(number) / name))
    for folder in {path.parent for _, _, path in jobs}:
        folder.mkdir(parents=True)
    in_processes(write, jobs)
    unfinished.rename(target)
    return target


def in_processes[T](step: Callable[[T], None], jobs: Iterable[T]) -> None:
    """Do the jobs on all cores, in new processes, so that none of the memory is this one's."""
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        for _ in pool.map(step, jobs, chunksize=16):
            pass


def write_variant(job: Job) -> None:
    """Write the photograph itself (variant 0), or a small crop of it at its own size."""
    from neardup_cli.evaluation.attacks import Attack
    from neardup_cli.evaluation.edits.base import SaveAs
    from neardup_cli.evaluation.edits.geometry import Crop, Resize

    photo, variant, path = job
    if variant == 0:
        shutil.copyfile(photo, path)
        return
    keep = 0.97 - 0.02 * (variant % 8)
    attack = Attack("variant", (Crop(keep), Resize(keep**-0.5)))
    edited = attack.run(opened(photo), photo.name, seed=variant)
    path.write_bytes(SaveAs("JPEG", 90).encode(edited))


def write_small(job: Job) -> None:
    """Write a small crop of a photograph as a thumbnail, with noise of its own: all have other bytes."""
    from neardup_cli.evaluation.attacks import Attack
    from neardup_cli.evaluation.edits.base import SaveAs
    from neardup_cli.evaluation.edits.geometry import Crop
    from neardup_cli.evaluation.edits.texture import Noise

    photo, variant, path = job
    attack = Attack("small", (Crop(0.8), Noise(4)))
    edited = attack.run(_thumbnail(photo), photo.name, seed=variant).resize(SMALL_SIZE)
    path.with_suffix(".jpg").write_bytes(SaveAs("JPEG", 85).encode(edited))


@cache
def _thumbnail(photo: Path) -> Image.Image:
    image = opened(photo)
    image.thumbnail((300, 300))
    return image


def opened(photo: Path) -> Image.Image:
    """The photograph as the program sees it: upright RGB, at full size."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(photo.read_bytes())) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def square(image: Image.Image, side: int, *, of: int | None = None) -> Image.Image:
    """Cut a square out of the middle of an image, of the shorter side or of so many pixels, and resize it."""
    from PIL import Image

    cut = min(image.size) if of is None else of
    left, top = (image.width - cut) // 2, (image.height - cut) // 2
    return image.crop((left, top, left + cut, top + cut)).resize((side, side), Image.Resampling.LANCZOS)


def on_plain_ground(
    thing: Image.Image, side: int, ground: tuple[int, int, int], place: tuple[int, int]
) -> Image.Image:
    """Lay an ellipse out of an image on a square of one colour."""
    from PIL import Image, ImageDraw

    width = thing.width
    mask = Image.new("L", (width, width), 0)
    ImageDraw.Draw(mask).ellipse((0, int(width * 0.1), width - 1, int(width * 0.9)), fill=255)
    canvas = Image.new("RGB", (side, side), ground)
    canvas.paste(thing, place, mask)
    return canvas
