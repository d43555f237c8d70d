"""Families of images: a photograph, its plain copies, what was made of it, and a manifest of which is which.

Names and times say nothing: files are named and dated at random, in folders drawn at random, for a library
that was copied about says nothing by them either.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._files import camera_exif, encoded, with_exif
from benchmarks._pictures import in_processes, opened
from neardup_cli.evaluation.attacks import Attack, attack_seed
from neardup_cli.evaluation.edits.colour import ColourShift, Grey, Tones
from neardup_cli.evaluation.edits.composition import Frame
from neardup_cli.evaluation.edits.geometry import Crop, Mirror, Rotate, Stretch, Turn
from neardup_cli.evaluation.edits.lettering import Caption, Meme, Watermark
from neardup_cli.evaluation.edits.screens import Screenshot
from neardup_cli.evaluation.edits.texture import Blur, Noise, Sharpen

BLURRED, ENLARGED = "blur", "enlarged"
EDITS = (
    Attack("crop-50", (Crop(0.5),)),
    Attack("crop-25", (Crop(0.25),)),
    Attack("stretch-130", (Stretch(1.3),)),
    Attack("rotate-10", (Rotate(10),)),
    Attack("canvas-25", (Rotate(25),)),
    Attack("rotate-90", (Turn(90),)),
    Attack("mirror", (Mirror("horizontal"),)),
    Attack("noise", (Noise(20),)),
    Attack("colours", (ColourShift(0.25), Tones(1.2, 1.3, 1.4))),
    Attack("grey", (Grey(),)),
    Attack("caption", (Caption(),)),
    Attack("meme", (Meme(),)),
    Attack("frame", (Frame(),)),
    Attack("watermark", (Watermark(tiled=True),)),
    Attack("screenshot", (Screenshot((720, 1280)),)),
)
"""With the blur and the enlargement, which depend on the photograph, seventeen."""

RE_ENCODINGS = (
    *((".jpg", quality) for quality in (95, 85, 75, 60, 45, 30)),
    *((".webp", quality) for quality in (80, 50)),
    (".avif", 60),
    (".heic", 60),
)
SMALLER = (0.75, 0.5, 0.35, 0.25)
FOLDERS = 12


class Truth(StrEnum):
    """What a file is to its family."""

    ORIGINAL = "original"
    EXACT = "exact"
    RE_ENCODED = "re-encoded"
    SMALLER = "smaller"
    ENLARGED = "enlarged"
    EDIT = "edit"
    STRANGER = "stranger"


PLAIN = (Truth.EXACT, Truth.RE_ENCODED, Truth.SMALLER)
"""What loses nothing when it goes and the original stays, so that the default plan has to act on it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path below the folder, the photograph that it shows, how it was made, what it is."""

    path: str
    family: str
    how: str
    truth: Truth


ROUNDED = 6  # levels between the channels of a grey photograph that is stored in colour

type Job = tuple[Path, int, bool, Path, int]
"""A photograph, its number, whether it gets a family, the folder to write to, and the seed."""


def build(photos: Sequence[Path], strangers: Sequence[Path], folder: Path, seed: int) -> list[Entry]:
    """Write the families and the strangers below `folder`; return the truth of every file.

    It is also written beside the folder, as `NAME.manifest.csv`.
    """
    parts = folder.with_name(folder.name + ".parts")
    for made in (parts, *(folder / f"{place:02d}" for place in range(FOLDERS))):
        made.mkdir(parents=True)
    jobs: list[Job] = [(photo, number, True, folder, seed) for number, photo in enumerate(photos)]
    jobs += [(photo, len(photos) + at, False, folder, seed) for at, photo in enumerate(strangers)]
    in_processes(write_family, jobs)
    rows = [row for part in sorted(parts.iterdir()) for row in csv.reader(part.open(newline=""))]
    with folder.with_name(folder.name + ".manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "family", "how", "truth"], *rows])
    shutil.rmtree(parts)
    return [Entry(path, family, how, Truth(truth)) for path, family, how, truth in rows]


def write_family(job: Job) -> None:
    """Write one photograph with all that is made of it, and its rows of the manifest."""
    photo, number, has_copies, folder, seed = job
    random = np.random.default_rng(attack_seed(photo.name, "family", seed))
    exif = camera_exif(number) if number % 2 else None
    original = with_exif(photo.read_bytes(), exif) if photo.suffix.lower() in (".jpg", ".jpeg") else None
    if original is None:
        original = encoded(opened(photo), ".jpg", 95, exif)
    truth = Truth.ORIGINAL if has_copies else Truth.STRANGER
    rows = [(_placed(folder, original, ".jpg", random), str(number), str(truth), str(truth))]
    if has_copies:
        image = opened(folder / rows[0][0])
        plain = plain_copies(image, original, number, exif, random)
        for how, kind, suffix, data in [*plain, *edits(image, photo.name, number, seed)]:
            rows.append((_placed(folder, data, suffix, random), str(number), how, str(kind)))
    part = folder.with_name(folder.name + ".parts") / f"{number:06d}.csv"
    with part.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def plain_copies(
    image: Image.Image, original: bytes, number: int, exif: Image.Exif | None, random: np.random.Generator
) -> Iterator[tuple[str, Truth, str, bytes]]:
    """Give an exact copy, three re-encodings and two smaller versions, each: how, truth, suffix, bytes.

    Which ones follows from the photograph's number, so that all come alike often. Half of them keep the EXIF.
    """
    yield "exact", Truth.EXACT, ".jpg", original
    for at in range(3):
        suffix, quality = RE_ENCODINGS[(3 * number + at) % len(RE_ENCODINGS)]
        kept = exif if random.random() < 0.5 else None
        yield f"{suffix[1:]}-{quality}", Truth.RE_ENCODED, suffix, encoded(image, suffix, quality, kept)
    for at in range(2):
        scale = SMALLER[(2 * number + at) % len(SMALLER)]
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        small = image.resize(
            size, (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC)[int(random.integers(2))]
        )
        kept = exif if random.random() < 0.5 else None
        yield (
            f"{scale:.0%}",
            Truth.SMALLER,
            ".jpg",
            encoded(small, ".jpg", int(random.integers(75, 95)), kept),
        )


def edits(image: Image.Image, key: str, number: int, seed: int) -> Iterator[tuple[str, Truth, str, bytes]]:
    """Give the seventeen edits, each: how, truth, suffix, bytes. A grey photograph made grey is no edit.

    Nor is one whose colours are the rounding of its encoder, and no edit is one that changes less than saving
    what comes out of it does: the blur of an image that has no detail.
    """
    is_grey = np.ptp(np.asarray(image, np.int16), axis=2).max() <= ROUNDED
    for attack in (*EDITS, Attack(BLURRED, (Blur(image.height / 60),))):
        edited = attack.run(image, key, seed=seed)
        data = attack.save_as.encode(edited)
        unchanged = (attack.name == "grey" and is_grey) or _changes_nothing(image, edited, data)
        yield attack.name, Truth.RE_ENCODED if unchanged else Truth.EDIT, attack.save_as.suffix, data
    large = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BICUBIC)
    if number % 3 == 0:
        sharpened = Attack("enlarged-sharpened", (Sharpen(120),))
        yield sharpened.name, Truth.EDIT, ".jpg", encoded(sharpened.run(large, key), ".jpg", 92)
    else:
        yield ENLARGED, Truth.ENLARGED, ".jpg", encoded(large, ".jpg", 92)


def _changes_nothing(image: Image.Image, edited: Image.Image, data: bytes) -> bool:
    """Return True if an edit changes less than saving what comes out of it."""
    if edited.size != image.size or edited.mode != image.mode:
        return False
    saved = Image.open(io.BytesIO(data)).convert(image.mode)
    before, after, stored = (np.asarray(one, np.float64) for one in (image, edited, saved))
    return bool(np.square(after - before).mean() < np.square(stored - after).mean())


def _placed(folder: Path, data: bytes, suffix: str, random: np.random.Generator) -> str:
    path = folder / f"{random.integers(FOLDERS):02d}" / f"IMG_{random.integers(1 << 62):019d}{suffix}"
    path.write_bytes(data)
    when = int(random.integers(1_300_000_000, 1_700_000_000))
    os.utime(path, (when, when))
    return str(path.relative_to(folder))
