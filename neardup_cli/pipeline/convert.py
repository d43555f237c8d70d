"""`models pull` and `models convert`: the images that a network in eight bits is measured on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from neardup_cli.embedders.base import Pixels, resize_to_input
from neardup_cli.embedders.converted import INPUT_SIDE, Conversion, convert
from neardup_cli.embedders.painted import painted_images
from neardup_cli.embedders.weights import Weights
from neardup_cli.errors import BadInput, PathNotFound, UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.files import open_image
from neardup_cli.images.walk import Walker
from neardup_cli.progress import Progress, Silent

MOST_IMAGES = 96
LEAST_IMAGES = 24


def convert_weights(weights: Weights, folder: Path | None, progress: Progress | None = None) -> Conversion:
    """Make ONNX files of published weights that are here; see `converted.convert`.

    Args:
        weights: which.
        folder: images of the user's, which the network in eight bits is measured on; painted ones without.
        progress: watches.

    Raises:
        PathNotFound, BadInput: there is no such folder, or it has too few images.
        ModelMissing, ModelInvalid, MissingExtra: as there.
    """
    watch = progress or Silent()
    shown = painted_images(MOST_IMAGES) if folder is None else _images_of(folder)
    watch.start("Preparing images", MOST_IMAGES)
    images: list[Pixels] = []
    for image in shown:
        images.append(resize_to_input(image, INPUT_SIDE))
        watch.advance()
    if len(images) < LEAST_IMAGES:
        raise BadInput(f"{folder} has {len(images)} images that can be read, and {LEAST_IMAGES} are needed")
    watch.start(f"Converting {weights.name}", None)
    return convert(weights, images)


def _images_of(folder: Path) -> Iterator[Image.Image]:
    """Yield images of a folder, spread over it."""
    if not folder.is_dir():
        raise PathNotFound(f"no such folder: {folder}")
    root = os.path.realpath(os.fsencode(folder))
    paths = [path for run in Walker().walk(root) for path, _ in run.files]
    found, step = 0, max(1, len(paths) // MOST_IMAGES)
    for path in [*paths[::step], *(path for place, path in enumerate(paths) if place % step)]:
        if found == MOST_IMAGES:
            return
        try:
            with open_image(path) as stream:
                decoded = decode(stream)
        except (UnreadableImage, OSError):
            continue
        found += 1
        yield (decoded.colour or decoded.luma).convert("RGB")
