"""Two libraries of pictures, to fit the decision on and to measure it on: other photographs, other edits.

Below each: `photo/NAME/EDIT` (a photograph and its edits), `small/NAME-PIXELS/EDIT` (the photograph as a
thumbnail, with plain copies), `ground/NAME/EDIT` (an object on plain ground),
`family/GENERATOR__FAMILY/NUMBER` (look-alikes, no two of them copies) and
`plain/GENERATOR__FAMILY-NUMBER/EDIT` (plain copies of some of them).
"""

from __future__ import annotations

import shutil
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks import _bench
from benchmarks._lookalikes import FAMILIES, drawn
from benchmarks._pictures import in_processes, on_plain_ground, opened, photo_files, square

type Side = Literal["fit", "test"]
SIDES: tuple[Side, ...] = ("fit", "test")
STRANGERS = _bench.ROOT / "../shared/cases/strangers.py"
MARKED = frozenset({"cctv", "licence_plate", "id_card", "subtitle", "polaroid_small", "status_light"})
"""Families of one photograph, or one drawing, with something small of its own in each."""

_ATTACKS: dict[Side, Sequence[str]] = {
    "fit": (
        *("jpeg-50", "jpeg-10", "webp-40", "resize-25", "stretch-130"),
        *("crop-centre-50", "crop-25", "rotate-10", "rotate-90", "mirror"),
        *("blur", "blur-strong", "noise", "colours", "grey"),
        *("caption", "meme", "stickers", "frame", "watermark"),
        *("screenshot", "web-page", "overlay-40", "collage", "print-scan"),
        *("disc-1", "disc-2", "disc-3", "gamma-60", "posterise-2"),
    ),
    "test": (
        *("half-jpeg-20", "half-jpeg-5", "upscale-150", "crop-50", "crop-random-30"),
        *("crop-random-60", "rotate-25", "rotate-180", "mirror-vertical", "dark-noise"),
        *("contrast-strong", "gamma-180", "posterise-3", "sharpen", "pixelate"),
        *("letterbox", "blend-70", "stickers-many", "overlay-20", "crop-meme-jpeg"),
        *("mirror-colours-caption", "rotate-screenshot", "screenshot-crop", "random-chain", "disc-4"),
        *("disc-5", "disc-6", "print-scan-crop", "rotate-25-jpeg"),
    ),
}
_BLURS = {"fit": ((60, 90), (40, 60)), "test": ((30, 90), (80, 50))}  # a part of the height, JPEG quality
_THUMBNAILS = {"fit": (24, 48, 80), "test": (16, 32, 64, 90)}
_OBJECTS = {"fit": (0.18, 0.3), "test": (0.15, 0.33)}  # of the side
_SEEDS = {"fit": (1, 3, 5), "test": (2, 4, 1)}  # of the hard families, our look-alikes, those of the cases
_DRAWN, _HARD, _COPIED = 10, 14, 3
_FILTER = Image.Resampling.LANCZOS

type Job = tuple[Side, Path, Path, Sequence[Path]]
"""The side, a photograph, the folder of the library, and companions for what shows two photographs."""


def library(side: Side, photos: Path, count: int) -> Path:
    """Return the folder of a library of `count` photographs; it is made once and kept."""
    target = _bench.OUT / f"decision-{side}-{count}"
    if target.is_dir():
        return target
    _bench.note(f"making pictures in {target}, once")
    folder = target.with_name(target.name + ".unfinished")
    shutil.rmtree(folder, ignore_errors=True)
    half = photo_files(photos)[SIDES.index(side) :: 2]
    chosen = half[:: max(1, len(half) // count)][:count]
    others = [photo for photo in half if photo not in chosen]
    in_processes(write_photograph, [(side, photo, folder, others) for photo in chosen])
    hard_seed, own_seed, case_seed = _SEEDS[side]
    write_hard(side, folder, others[:_HARD], hard_seed)
    if side == "fit":  # all of ours are fitted on; what is measured on is drawn by another program as well
        in_processes(write_drawn, [(family, own_seed, folder) for family in FAMILIES])
    if STRANGERS.exists():
        write_cases(side, folder, case_seed)
    folder.rename(target)
    return target


def write_photograph(job: Job) -> None:
    """Write a photograph with its edits, as thumbnails, and as an object on plain ground."""
    from neardup_cli.evaluation.attacks import all_attacks

    side, photo, library_, others = job
    image, folder = opened(photo), _made(library_ / "photo" / photo.stem)
    shutil.copyfile(photo, folder / "original.jpg")
    attacks = {attack.name: attack for attack in all_attacks()}
    for name in _ATTACKS[side]:
        attack = attacks[name]
        edited = attack.run(
            image, photo.name, supplier=lambda random: opened(others[int(random.integers(len(others)))])
        )
        (folder / (name + attack.save_as.suffix)).write_bytes(attack.save_as.encode(edited))
    for part, quality in _BLURS[side]:
        blurred = image.filter(ImageFilter.GaussianBlur(image.height / part))
        blurred.save(folder / f"blur-{part}.jpg", quality=quality)
    if side == "test":
        turned = image.rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor=(128, 128, 128))
        turned.save(folder / "canvas-25.jpg", quality=90)
        _on_screen(image).save(folder / "screen-720.jpg", quality=80)
    for pixels in _THUMBNAILS[side]:
        _write_thumbnail(image, pixels, _made(library_ / "small" / f"{photo.stem}-{pixels}"))
    _write_object(image, side, photo.name, _made(library_ / "ground" / photo.stem))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _on_screen(image: Image.Image) -> Image.Image:
    screen = Image.new("RGB", (720, 1280), (18, 18, 20))
    fitted = image.resize((720, round(720 * image.height / image.width)), _FILTER)
    screen.paste(fitted, (0, (1280 - fitted.height) // 2))
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, 720, 48), fill=(250, 250, 250))
    pen.text((20, 12), "12:41", fill=0)
    return screen


def _write_thumbnail(image: Image.Image, pixels: int, folder: Path) -> None:
    small = square(image, pixels)
    small.save(folder / "original.png")
    small.resize((2 * pixels, 2 * pixels), Image.Resampling.BICUBIC).save(folder / "double.png")
    small.resize((pixels // 2, pixels // 2), _FILTER).save(folder / "half.png")
    small.save(folder / "jpeg-50.jpg", quality=50)
    if pixels >= 32:
        small.resize((pixels // 4, pixels // 4), _FILTER).save(folder / "quarter.jpg", quality=75)


def _write_object(image: Image.Image, side: Side, key: str, folder: Path) -> None:
    random = np.random.default_rng(zlib.crc32(key.encode()))
    size, width = 900, int(900 * random.uniform(*_OBJECTS[side]))
    ground = np.full(3, random.integers(235, 256)) if random.random() < 0.6 else random.integers(60, 256, 3)
    thing = square(image, width, of=min(image.size) // 2)
    red, green, blue = (int(value) for value in ground)
    x, y = (int(at) for at in random.integers(size // 2 - width, size // 2, 2))
    canvas = on_plain_ground(thing, size, (red, green, blue), (x, y))
    canvas.save(folder / "original.png")
    canvas.save(folder / "jpeg-50.jpg", quality=50)
    canvas.resize((size // 2, size // 2), _FILTER).save(folder / "half.png")
    canvas.resize((size // 4, size // 4), _FILTER).save(folder / "quarter.jpg", quality=75)


def write_hard(side: Side, library_: Path, photos: Sequence[Path], seed: int) -> None:
    """Write the families that share something loud, each with photographs that no edit is made of."""
    from neardup_cli.evaluation.hard_negatives import hard_families

    for family in hard_families([opened(photo) for photo in photos], len(photos), seed):
        _write_family(side, library_, f"hard__{family.name}", family.pictures, copied=1)


def write_drawn(job: tuple[str, int, Path]) -> None:
    """Write one family of our own look-alikes."""
    family, seed, library_ = job
    pictures = [drawn(family, number, seed) for number in range(_DRAWN)]
    _write_family("fit", library_, f"look__{family}", pictures, copied=_COPIED)


def write_cases(side: Side, library_: Path, seed: int) -> None:
    """Write every second family that the script of the cases draws."""
    folder = library_ / "drawn"
    _bench.run([sys.executable, STRANGERS.resolve(), "all", folder, str(_DRAWN), str(seed)], _bench.ROOT)
    for family in sorted(folder.iterdir())[SIDES.index(side) :: 2]:
        pictures = [opened(file) for file in sorted(family.iterdir())]
        _write_family(side, library_, f"str__{family.name}", pictures, copied=_COPIED)
    shutil.rmtree(folder)


def _write_family(
    side: Side, library_: Path, name: str, pictures: Sequence[Image.Image], copied: int
) -> None:
    folder = _made(library_ / "family" / name)
    for number, picture in enumerate(pictures):
        picture.convert("RGB").save(folder / f"{number:03d}.png")
        if number < copied:
            _write_plain_copies(side, picture.convert("RGB"), _made(library_ / "plain" / f"{name}-{number}"))


def _write_plain_copies(side: Side, picture: Image.Image, folder: Path) -> None:
    def scaled(by: float) -> Image.Image:
        width, height = (max(8, round(length * by)) for length in picture.size)
        return picture.resize((width, height), _FILTER)

    picture.save(folder / "original.png")
    scaled(0.25).save(folder / "quarter.jpg", quality=75)
    if side == "fit":
        scaled(0.5).save(folder / "half.png")
        scaled(2).save(folder / "double.png")
        picture.save(folder / "jpeg-50.jpg", quality=50)
        picture.save(folder / "jpeg-20.jpg", quality=20)
    else:
        scaled(0.35).save(folder / "35.jpg", quality=85)
        scaled(0.6).save(folder / "60.png")
        scaled(1.5).save(folder / "150.jpg", quality=90)
        picture.save(folder / "jpeg-30.jpg", quality=30)
        picture.save(folder / "webp-60.webp", quality=60)
