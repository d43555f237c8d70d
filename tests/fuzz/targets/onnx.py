"""ONNX files: refused in one line, or a model whose vectors are units."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from neardup_cli.embedders.registry import load_embedder
from neardup_cli.errors import ModelInvalid
from tests.embedders.test_onnx import (
    CAST,
    FLOAT,
    IMAGES,
    PLANES,
    UINT8,
    channel_means,
    field,
    integers,
    model,
    node,
    normalising,
    value_info,
)
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.mutate import changed_message


def check_model(path: Path) -> str:
    """Load a model as `scan --model` does, and try it; return how it went.

    Raises:
        WrongAnswer: it is taken for one, and its vectors are none.
    """
    try:
        embedder = load_embedder(str(path), input_size=64)
    except ModelInvalid as exc:
        if "\n" in str(exc) or not str(exc).isprintable():
            raise WrongAnswer(f"no plain line: {exc!r}") from exc
        return "refused"
    image = Image.linear_gradient("L").resize((80, 60)).convert("RGB")
    try:
        vectors = embedder.embed([embedder.prepare(image)] * 3)
    except ModelInvalid:
        return "refused later"
    if vectors.shape != (3, embedder.identity.dimension) or not np.isfinite(vectors).all():
        raise WrongAnswer(f"vectors of {vectors.shape}, of which some are not finite")
    return "taken"


class OnnxModels:
    """See above."""

    name = "onnx"
    seconds = 8.0
    inputs_a_child = 500

    def seeds(self) -> Sequence[bytes]:
        """Return small models of both interfaces, one that says it is huge, and one that names a file."""
        reshape = node("Reshape", ["f", "s"], "y")
        shape = (
            field(1, 2)
            + field(2, 7)
            + field(8, "s")
            + field(9, np.array([1 << 40, 1 << 20], "<i8").tobytes())
        )
        outside = (
            field(1, 3)
            + field(2, 1)
            + field(8, "s")
            + field(13, field(1, "location") + field(2, "/etc/passwd"))
        )
        pad = node("Tile", ["f", "s"], "y")
        tiles = (
            field(1, 4)
            + field(2, 7)
            + field(8, "s")
            + field(9, np.array([1000, 1000, 1000, 1], "<i8").tobytes())
        )
        huge = value_info("y", FLOAT, ("n", 3))
        images = value_info("x", UINT8, IMAGES)
        return [
            channel_means(UINT8, IMAGES, (1, 2)),
            channel_means(FLOAT, PLANES, (2, 3)),
            normalising(),
            model([CAST, reshape], [images], [huge], [shape]),
            model([CAST, pad], [images], [huge], [tiles]),
            model([CAST, node("Add", ["f", "s"], "y")], [images], [huge], [outside + field(14, 1)]),
            model(
                [CAST, node("MaxPool", ["f"], "y", [integers("kernel_shape", (0, 1 << 40))])],
                [images],
                [huge],
            ),
        ]

    def mutators(self) -> Sequence[Mutator]:
        """Return the one that knows protocol buffers."""
        return (changed_message,) * 4

    def prepare(self) -> None:
        """Make place for the file."""
        self._path = Path(tempfile.mkdtemp()) / "model.onnx"
        os.environ["CUDA_VISIBLE_DEVICES"] = ""

    def check(self, data: bytes) -> str:
        """Load a model."""
        self._path.write_bytes(data)
        return check_model(self._path)


TARGET = OnnxModels()
