"""Meta's weights as ONNX files, made on this machine: free software, and no PyTorch to run it.

Of each published network there are two files: in single precision (`NAME_fp32`), and in eight bits
(`NAME_int8`), which is a quarter of the size and takes half of the time. The first is the same wherever it is
made; the second depends on the images that it was measured on, and where two machines have made it, they have
two models.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from neardup_cli.atomic import replacing
from neardup_cli.embedders.weights import PUBLISHED, Weights, pulled_path
from neardup_cli.errors import ModelInvalid, ModelMissing
from neardup_cli.installation import missing_extra

if TYPE_CHECKING:
    from neardup_cli.embedders.base import Pixels, Vectors

INPUT_SIDE = 288
LEAST_LIKENESS = 0.999
"""Cosine of every vector with what PyTorch makes of the same image."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An ONNX file made of published weights."""

    weights: Weights
    precision: str

    @property
    def name(self) -> str:
        """What `--model` takes."""
        return f"{self.weights.name}_{self.precision}"

    @property
    def path(self) -> Path:
        """Where the file belongs: beside the weights."""
        return self.weights.path.with_name(f"{self.name}.onnx")


CONVERTED = tuple(Converted(weights, precision) for weights in PUBLISHED for precision in ("fp32", "int8"))


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of it.

    Attributes:
        full: the file in single precision.
        small: the one in eight bits; None where it would not have been as good.
        likeness: least cosine with what PyTorch makes of the same images; None without PyTorch.
        agreement: median cosine of the small one with the full one; None where there is none.
        reason: why there is no small one; empty if there is.
    """

    full: Path
    small: Path | None
    likeness: float | None
    agreement: float | None
    reason: str = ""


def converted_path(name: str) -> Path | None:
    """Return the file of a converted model; None if no model is called so.

    Raises:
        ModelMissing: it is not here.
    """
    found = next((one for one in CONVERTED if one.name == name), None)
    if found is None:
        return None
    if not found.path.is_file():
        raise ModelMissing(
            f"{name} is not on this machine: run `neardup models pull {found.weights.name}`, which makes it"
        )
    return found.path


def demand_converter() -> None:
    """Make sure that weights can be converted.

    Raises:
        MissingExtra: the package that writes ONNX files is not there.
    """
    if find_spec("onnx") is None:
        raise missing_extra("making an ONNX file of weights needs the package onnx", "pull")


def convert(weights: Weights, images: Sequence[Pixels]) -> Conversion:
    """Make both ONNX files of published weights that are here.

    Args:
        weights: which.
        images: prepared ones, that the small file is measured on and both are compared with.

    Raises:
        ModelMissing: the weights are not here.
        ModelInvalid: they hold another network, or PyTorch gives other vectors; nothing is left then.
        MissingExtra: see `demand_converter`.
    """
    demand_converter()
    from neardup_cli.embedders.export import network_model
    from neardup_cli.embedders.quantise import quantise
    from neardup_cli.embedders.resnet import read_network

    source = pulled_path(weights)
    full, small = (Converted(weights, precision).path for precision in ("fp32", "int8"))
    network = read_network(source)
    with replacing(full) as stream:
        stream.write(network_model(network, weights.name).SerializeToString())
        stream.flush()
        likeness = _likeness(source, Path(os.fsdecode(stream.name)), images)
    try:
        found = quantise(full, images, _embed)
    except ModelInvalid as exc:
        small.unlink(missing_ok=True)
        return Conversion(full, None, likeness, None, str(exc))
    with replacing(small) as stream:
        stream.write(found.content)
    return Conversion(full, small, likeness, found.agreement)


def _embed(path: Path, images: Sequence[Pixels]) -> Vectors:
    from neardup_cli.embedders.onnx import OnnxEmbedder

    return OnnxEmbedder(path, path.name, "", INPUT_SIDE).embed(images)


def _likeness(source: Path, made: Path, images: Sequence[Pixels]) -> float | None:
    """Return the least cosine with what PyTorch makes of some images, where it is installed.

    Raises:
        ModelInvalid: it is too small.
    """
    if find_spec("torch") is None:
        return None
    from neardup_cli.embedders.torchscript import TorchScriptEmbedder

    some = images[:8]
    original = TorchScriptEmbedder(source, source.name, "", INPUT_SIDE)
    embed: Callable[[Sequence[Pixels]], Vectors] = partial(_embed, made)
    least = float((original.embed(some) * embed(some)).sum(axis=1).min())
    if not least >= LEAST_LIKENESS:
        raise ModelInvalid(
            f"{source} gives other vectors in PyTorch than as ONNX (cosine {least:.4f}): "
            "it is not the network that it seems to be; use it with the extra `torch`"
        )
    return least
