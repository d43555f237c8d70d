"""SSCD's network as an ONNX file, which onnxruntime runs on any machine; needs the package `onnx`.

The file takes what the bundled models take, uint8 (n, height, width, 3) in RGB, of any size, and gives unit
vectors. The channels are put first while they are still bytes, see `graph`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neardup_cli.embedders.resnet import Block, Convolution, Network

INPUT, OUTPUT = "pixels", "vectors"
_OPSET = 17
_IR = 8  # what every onnxruntime that neardup takes can read
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_LEAST = 1e-6  # of what is pooled: a power of zero has no slope, and SSCD was trained that way
_TINY = 1e-12


def network_model(network: Network, name: str) -> onnx.ModelProto:
    """Return a network as an ONNX model of single precision.

    Args:
        network: its weights.
        name: of the graph.
    """
    draft = _Draft()
    planes = draft.add("Transpose", INPUT, perm=[0, 3, 1, 2])
    floats = draft.add("Cast", planes, to=TensorProto.FLOAT)
    centred = draft.add("Sub", floats, draft.constant("mean", (255 * _MEAN).reshape(3, 1, 1)))
    scale = (1 / (255 * _DEVIATION)).astype(np.float32)
    scaled = draft.add("Mul", centred, draft.constant("scale", scale.reshape(3, 1, 1)))
    stem = draft.add("Relu", draft.convolve(scaled, network.stem, stride=2))
    maps = draft.add("MaxPool", stem, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for block in network.blocks:
        maps = draft.pass_through(maps, block)
    draft.pool_and_project(maps, network)
    graph = helper.make_graph(
        draft.nodes,
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", "height", "width", 3])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", len(network.bias)])],
        draft.constants,
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR, producer_name="neardup")
    onnx.checker.check_model(model)
    return model


class _Draft:
    """The nodes of a graph in the making; each is called after its number."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:  # noqa: ANN401 - of a node
        """Add a node; return the name of what it gives."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        given = output or f"{name}_out"
        self.nodes.append(helper.make_node(kind, list(inputs), [given], name=name, **attributes))
        return given

    def constant(self, name: str, values: Any) -> str:  # noqa: ANN401 - an array of any type
        """Add numbers; return their name."""
        unique = f"{name}_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), unique))
        return unique

    def convolve(self, maps: str, layer: Convolution, *, stride: int = 1, groups: int = 1) -> str:
        """Add a convolution that keeps the sides but for its stride."""
        pad = layer.side // 2
        return self.add(
            "Conv",
            maps,
            self.constant("weight", layer.weight),
            self.constant("bias", layer.bias),
            kernel_shape=[layer.side] * 2,
            strides=[stride] * 2,
            pads=[pad] * 4,
            group=groups,
        )

    def pass_through(self, maps: str, block: Block) -> str:
        """Add a block."""
        first, second, third = block.steps
        inner = self.add("Relu", self.convolve(maps, first))
        inner = self.add("Relu", self.convolve(inner, second, stride=block.stride, groups=block.groups))
        inner = self.convolve(inner, third)
        past = maps if block.past is None else self.convolve(maps, block.past, stride=block.stride)
        return self.add("Relu", self.add("Add", inner, past))

    def pool_and_project(self, maps: str, network: Network) -> None:
        """Add the generalised mean, the linear layer and the division by the length."""
        least = self.constant("least", np.array(_LEAST, np.float32))
        raised = kept = self.add("Clip", maps, least)
        if network.power == round(network.power):
            for _ in range(round(network.power) - 1):  # a tenth of the time of Pow
                raised = self.add("Mul", raised, kept)
        else:
            raised = self.add("Pow", raised, self.constant("power", np.array(network.power, np.float32)))
        mean = self.add("Flatten", self.add("GlobalAveragePool", raised))
        root = self.constant("root", np.array(1 / network.power, np.float32))
        pooled = self.add("Pow", mean, root)
        weight, bias = self.constant("weight", network.weight), self.constant("bias", network.bias)
        vectors = self.add("Gemm", pooled, weight, bias, transB=1)
        length = self.add("ReduceL2", vectors, axes=[1], keepdims=1)
        tiny = self.constant("tiny", np.array(_TINY, np.float32))
        self.add("Div", vectors, self.add("Max", length, tiny), output=OUTPUT)
