"""The network of SSCD, as far as its weights tell it: what a TorchScript archive has to hold to be one.

A residual network of bottleneck blocks (He et al., 2015; ResNeXt with groups), whose last feature maps are
pooled by a generalised mean (Radenović et al., 2018), put through one linear layer and scaled to unit length
(Pizzi et al., 2022). Layers are told by their shapes and the order in which they were made, which is that of
torchvision and of Classy Vision, and not by their names, which are not the same in the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neardup_cli.embedders.archive import Module, modules, read_module
from neardup_cli.errors import ModelInvalid

type Array = NDArray[np.float32]

_EPSILON = 1e-5  # of batch normalisation: PyTorch's default
_POOLING = 3.0
_POOLING_NAMES = ("p", "pooling_param", "pool_param")
_SHRINKS = "downsample"


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with the normalisation that follows it folded in.

    Attributes:
        weight: (out, in / groups, side, side).
        bias: (out,).
    """

    weight: Array
    bias: Array

    @property
    def outputs(self) -> int:
        """Channels that come out."""
        return int(self.weight.shape[0])

    @property
    def side(self) -> int:
        """Of its window, pixels."""
        return int(self.weight.shape[2])


@dataclass(frozen=True, slots=True)
class Block:
    """A bottleneck: three convolutions beside a way past them, of which the second may halve the sides."""

    steps: tuple[Convolution, Convolution, Convolution]
    past: Convolution | None
    stride: int
    groups: int


@dataclass(frozen=True, slots=True)
class Network:
    """All of it.

    Attributes:
        stem: the first convolution, 7 × 7 of every second pixel.
        power: of the pooling.
        weight, bias: of the linear layer, (dimension, channels) and (dimension,).
    """

    stem: Convolution
    blocks: tuple[Block, ...]
    power: float
    weight: Array
    bias: Array


def read_network(path: Path) -> Network:
    """Read SSCD's network from a TorchScript archive; nothing of it is run.

    Raises:
        ModelInvalid: it holds another network.
    """
    top = read_module(path)
    try:
        return _network(top)
    except _AnotherNetwork as exc:
        raise ModelInvalid(f"{path} is not the network of SSCD: {exc}") from exc


class _AnotherNetwork(Exception):
    """The layers are not those of the network."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution with its normalisation, or a linear layer (of two axes)."""

    name: str
    weight: Array
    bias: Array


def _network(top: Module) -> Network:
    layers = list(_layers(top))
    if len(layers) < 5 or layers[0].weight.shape[1:] != (3, 7, 7) or layers[-1].weight.ndim != 2:
        raise _AnotherNetwork("it does not begin and end as that one does")
    stem = Convolution(layers[0].weight, layers[0].bias)
    blocks: list[Block] = []
    waiting, channels = layers[1:-1], stem.outputs
    while waiting:
        block, taken = _block(waiting, channels, is_first=not blocks)
        blocks.append(block)
        waiting, channels = waiting[taken:], block.steps[2].outputs
    last = layers[-1]
    if last.weight.shape[1] != channels:
        raise _AnotherNetwork("its last layer does not take what the others give")
    return Network(stem, tuple(blocks), _power(top), last.weight, last.bias)


def _layers(top: Module) -> Iterator[_Layer]:
    """Yield the layers in the order of their making."""
    waiting: tuple[str, Array, Array] | None = None
    for name, module in modules(top):
        held = module.holds
        weight, bias = held.get("weight"), held.get("bias")
        if not isinstance(weight, np.ndarray):
            continue
        if "running_mean" in held:
            if waiting is None:
                raise _AnotherNetwork(f"{name} follows no convolution")
            yield _Layer(waiting[0], *_folded(waiting[1], waiting[2], held))
            waiting = None
        elif waiting is not None:
            raise _AnotherNetwork(f"no normalisation follows {waiting[0]}")
        elif weight.ndim == 4:
            waiting = name, _floats(weight), _floats(bias, len(weight))
        elif weight.ndim == 2:
            yield _Layer(name, _floats(weight), _floats(bias, len(weight)))
        else:
            raise _AnotherNetwork(f"{name} is no layer that it has")
    if waiting is not None:
        raise _AnotherNetwork(f"no normalisation follows {waiting[0]}")


def _floats(value: Any, default: int = 0) -> Array:  # noqa: ANN401 - what the archive holds
    """Return finite numbers of single precision; zeros where there are none."""
    if value is None:
        return np.zeros(default, np.float32)
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise _AnotherNetwork("its weights are no numbers of floating point")
    floats = np.ascontiguousarray(value, np.float32)
    if not np.isfinite(floats).all():
        raise _AnotherNetwork("its weights are not all finite")
    return floats


def _folded(weight: Array, bias: Array, held: dict[str, Any]) -> tuple[Array, Array]:
    """Return a convolution that does what it and the normalisation behind it do."""
    names = ("weight", "bias", "running_mean", "running_var")
    gain, shift, mean, variance = (_floats(held.get(name)).astype(np.float64) for name in names)
    if any(one.shape != bias.shape for one in (gain, shift, mean, variance)) or variance.min() < 0:
        raise _AnotherNetwork("a normalisation does not fit its convolution")
    scale = gain / np.sqrt(variance + _EPSILON)
    folded = weight * scale[:, None, None, None]
    return folded.astype(np.float32), (shift + (bias - mean) * scale).astype(np.float32)


def _block(layers: list[_Layer], channels: int, *, is_first: bool) -> tuple[Block, int]:
    """Return the block that begins here, and of how many layers it is made."""
    count = 3
    if len(layers) >= 3 and layers[2].weight.shape[0] != channels:
        count = 4
    if len(layers) < count:
        raise _AnotherNetwork("its last block is not whole")
    steps = [Convolution(one.weight, one.bias) for one in layers[:count]]
    past = steps.pop() if count == 4 else None
    first, second, third = steps
    inner, groups = first.outputs, first.outputs // max(1, int(second.weight.shape[1]))
    shapes = [one.weight.shape for one in (*steps, *([] if past is None else [past]))]
    wanted = [(inner, channels, 1, 1), (inner, inner // groups, 3, 3), (third.outputs, inner, 1, 1)]
    wanted += [] if past is None else [(third.outputs, channels, 1, 1)]
    if shapes != wanted or any(_SHRINKS in one.name for one in layers[:3]):
        raise _AnotherNetwork(f"the block of {layers[0].name} has other layers")
    stride = 1 if past is None or is_first else 2
    return Block((first, second, third), past, stride, groups), count


def _power(top: Module) -> float:
    """Return the power of the pooling, as far as the archive holds it; a traced one has it in its code."""
    for _, module in modules(top):
        for name in _POOLING_NAMES:
            value = module.holds.get(name)
            if isinstance(value, np.ndarray) and value.size == 1:
                value = float(value.reshape(()))
            if isinstance(value, float) and 1 <= value <= 10:
                return value
    return _POOLING
