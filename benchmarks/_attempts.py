"""One attempt to have something removed: a few files about one photograph, and which of them have to stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._files import encoded, photograph

LARGE_EVERY = 5
"""Each fifth photograph is as large as a camera's (`_files.photograph`), for what happens at full size."""
LARGE_SIDES = (2000, 4000)


class Must(StrEnum):
    """What has to happen to a file when the default plan is carried out."""

    STAY = "stay"
    GO = "go"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Made:
    """One file: its path below the kind's folder, how it was made, what must happen to it."""

    path: str
    how: str
    must: Must


@dataclass(slots=True)
class Attempt:
    """Writes the files of one photograph into a folder of their own, named so that names say nothing."""

    photo: Path
    number: int
    folder: Path
    random: np.random.Generator
    made: list[Made] = field(default_factory=list)

    def image(self, long_side: int | None = None) -> Image.Image:
        """The photograph, RGB: each fifth as large as a camera's, or all with this long side at least."""
        if long_side is None and self.number % LARGE_EVERY == LARGE_EVERY - 1:
            long_side = int(self.random.integers(*LARGE_SIDES))
        return photograph(self.photo, self.random, long_side)

    def write(self, how: str, must: Must, suffix: str, data: bytes) -> Path:
        """Write one file and note what must happen to it."""
        path = self.folder / f"{self.random.integers(1 << 40):013d}{suffix}"
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.made.append(Made(f"{self.folder.name}/{path.name}", how, must))
        return path

    def stay(self, how: str, image: Image.Image, exif: Image.Exif | None = None) -> None:
        """Write what must stay as a JPEG of good quality; where it has no EXIF, sometimes as PNG."""
        lossless = exif is None and self.random.random() < 0.25
        suffix = ".png" if lossless else ".jpg"
        quality = int(self.random.integers(86, 97))
        self.write(how, Must.STAY, suffix, encoded(image, suffix, quality, exif))

    def uniform(self, low: float, high: float) -> float:
        """A random strength."""
        return float(self.random.uniform(low, high))

    def one_of[T](self, *choices: T) -> T:
        """One of some values, by chance."""
        return choices[int(self.random.integers(len(choices)))]


type Maker = Callable[[Attempt], None]
"""Writes the files of one attempt."""
