"""The picture files of a folder, for whoever makes copies of them or measures on them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.walk import Walker, os_reason
from neardup_cli.pipeline.survey import real_roots

_HELD = 48  # decoded companions; a collage takes three, and they are drawn from all photographs


def picture_paths(folder: bytes) -> list[bytes]:
    """Return the paths of all image files below a folder, relative to it, in the order of their bytes.

    Raises:
        PathNotFound: there is no such folder.
        BadInput: it is a file, or holds no image.
    """
    (root,) = real_roots([folder])
    if not os.path.isdir(root):
        raise BadInput(f"{os.fsdecode(folder)} is a file: give the folder that it is in")
    found = [os.path.relpath(path, root) for run in Walker().walk(root) for path, _ in run.files]
    if not found:
        raise BadInput(f"{os.fsdecode(folder)} holds no image")
    return found


def sample(paths: Sequence[bytes], count: int | None, seed: int) -> list[bytes]:
    """Return `count` of the paths, drawn at random with a seed, in their order; all where there are fewer."""
    if count is None or count >= len(paths):
        return list(paths)
    drawn = np.random.default_rng(seed).choice(len(paths), size=count, replace=False)
    return [paths[place] for place in sorted(drawn.tolist())]


def read_picture(path: bytes, longest_side: int | None = None) -> Image.Image:
    """Return an image file upright, in RGB, shrunk to a longest side of so many pixels where it is larger.

    Raises:
        UnreadableImage: it cannot be read or decoded; the message is the reason.
    """
    try:
        with open(path, "rb") as stream:
            image = decode(stream, short_side=longest_side or 1 << 16)
    except OSError as exc:
        raise UnreadableImage(os_reason(exc)) from exc
    picture = (image.colour or image.luma).convert("RGB")
    scale = 1.0 if longest_side is None else longest_side / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


class Companions:
    """Draws other pictures of a folder for overlays and collages, and notes which: they can be seen there.

    One for each picture under attack; the decoded pictures are shared through `Shelf`.
    """

    def __init__(self, shelf: Shelf, own: int) -> None:
        self._shelf = shelf
        self._own = own
        self.drawn: list[bytes] = []

    def __call__(self, rng: np.random.Generator) -> Image.Image:
        """Draw a picture; one that cannot be read gives way to the next."""
        count = len(self._shelf.paths)
        first = int(rng.integers(count))
        for step in range(count):
            place = (first + step) % count
            if place == self._own:
                continue
            try:
                picture = self._shelf.read(place)
            except UnreadableImage:
                continue
            path = self._shelf.paths[place]
            if path not in self.drawn:
                self.drawn.append(path)
            return picture
        raise BadInput("an overlay or a collage needs another picture: give a folder of at least two")


class Shelf:
    """The pictures of a folder, the last few decoded ones kept; safe to share between threads."""

    def __init__(self, folder: bytes, paths: Sequence[bytes], longest_side: int | None) -> None:
        self.folder = folder
        self.paths = paths
        self._longest_side = longest_side
        self.read = lru_cache(maxsize=_HELD)(self._read)

    def _read(self, place: int) -> Image.Image:
        return read_picture(os.path.join(self.folder, self.paths[place]), self._longest_side)
