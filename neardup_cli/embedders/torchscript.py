"""Embedding models as TorchScript files, run by PyTorch: Meta's own SSCD weights, on a GPU if there is one.

The interface is that of the SSCD repository: float [batch, 3, height, width], RGB scaled to [0, 1] and then
normalised with the mean and deviation of ImageNet, to unit vectors [batch, dimension].
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

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
from neardup_cli.embedders.shape import preprocessing
from neardup_cli.embedders.weights import check_archive
from neardup_cli.errors import BadInput, ModelInvalid
from neardup_cli.records.files import ModelIdentity

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)

# On a GPU a batch has to be large enough to fill it; on a CPU larger ones only cost memory.
_BATCH_ON_GPU = 64
_BATCH_ON_CPU = 8
_AT_ONCE_ON_GPU = 32
_AT_ONCE_ON_CPU = 4

_UNIT_TOLERANCE = 1e-2  # of a vector's length: a network may have been saved in half precision
_AGREEMENT = 0.999  # cosine: half precision moves an SSCD vector by far less
_HALVES = (torch.float16, torch.bfloat16)  # finer steps first; the second has the range of float32


class TorchScriptEmbedder:
    """A TorchScript embedding model; several threads may embed at once.

    On a CPU each caller's thread runs the network on its own core, as the ONNX models do: PyTorch is told
    to start no threads of its own, in the whole process. On a GPU the callers' batches queue up behind
    each other, so that it works while they decode. Convolutions run in half precision there, under
    autocast, which keeps the sums and powers of the pooling in float32; if the half-precision vectors do
    not agree with the full ones, the full ones are used.

    Attributes:
        device: where the network is.
        precision: what its convolutions compute in.
        batch: how many images `embed` likes to be given at once.
    """

    def __init__(
        self, path: Path, name: str, fingerprint: str, input_size: int, device: Device = Device.AUTO
    ) -> None:
        self.device = choose_device(device)
        on_gpu = self.device.type != "cpu"
        self.batch = _AT_ONCE_ON_GPU if on_gpu else _AT_ONCE_ON_CPU
        self._largest = _BATCH_ON_GPU if on_gpu else _BATCH_ON_CPU
        self._input_size = input_size
        self._network = _load(path, self.device)
        scale = 1.0 / (255.0 * torch.tensor(_DEVIATION))
        self._scale = scale.to(self.device)
        self._shift = -(torch.tensor(_MEAN) / torch.tensor(_DEVIATION)).to(self.device)
        self.precision = torch.float32
        full = self._probe(path)
        self.precision = self._agreeing_precision(full, _HALVES if self.device.type == "cuda" else ())
        self.identity = ModelIdentity(
            name=name,
            fingerprint=fingerprint,
            dimension=full.shape[1],
            preprocessing=preprocessing(input_size),
        )

    def prepare(self, image: Image.Image) -> Pixels:
        """Turn an oriented RGB or YCbCr image into (height, width, 3) RGB input."""
        return resize_to_input(image, self._input_size)

    def embed(self, batch: Sequence[Pixels]) -> Vectors:
        """Embed prepared images in order; images of one shape share a run of the network."""
        # Nothing is fetched yet: the GPU goes on to the next run while this one is under way.
        vectors = np.empty((len(batch), self.identity.dimension), dtype=np.float32)
        try:
            runs = [
                (rows, pixels, self._run(pixels, self.precision))
                for rows, pixels in runs_of_one_shape(batch, self._largest)
            ]
            for rows, pixels, output in runs:
                vectors[rows] = checked_vectors(output.float().cpu().numpy(), self.identity, pixels)
        except ModelInvalid:
            raise
        except Exception as exc:  # as in `_probe`
            raise ModelInvalid(f"{self.identity.name} cannot embed an image: {_reason(exc)}") from exc
        return unit_rows(vectors)

    def normalised(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        """Return (n, h, w, 3) RGB as the network's float32 input (n, 3, h, w), on its device.

        In memory it stays channels last, which is how pixels come and what tensor cores want; the bytes
        are moved as they are, a quarter of the floats, through pinned memory.
        """
        raw = torch.from_numpy(pixels)
        if self.device.type == "cuda":
            raw = raw.pin_memory().to(self.device, non_blocking=True)
        return (raw.to(self.device, torch.float32) * self._scale + self._shift).permute(0, 3, 1, 2)

    def _run(self, pixels: NDArray[np.uint8], precision: torch.dtype) -> torch.Tensor:
        with torch.inference_mode(), self._computing_in(precision):
            output: torch.Tensor = self._network(self.normalised(pixels))
            return output

    def _computing_in(self, precision: torch.dtype) -> AbstractContextManager[object]:
        if precision == torch.float32:
            return nullcontext()
        autocast: AbstractContextManager[object] = torch.autocast(self.device.type, precision)
        return autocast

    def _probe(self, path: Path) -> NDArray[np.float32]:
        """Embed noise, so that a bad model fails here and not in a scan; return the vectors.

        Raises:
            ModelInvalid: it does not give two unit vectors for two images.
        """
        try:
            output = self._run(_probe_pixels(), torch.float32)
        except Exception as exc:  # whatever TorchScript raises; its classes are PyTorch's own business
            raise ModelInvalid(f"{path} cannot embed an image: {_reason(exc)}") from exc
        if not isinstance(output, torch.Tensor):
            raise ModelInvalid(f"{path} gives no tensor for an image, but {type(output).__name__}")
        if output.ndim != 2 or output.shape[0] != len(_probe_pixels()) or output.shape[1] < 2:
            raise ModelInvalid(f"{path} gives {tuple(output.shape)} for two images, not one vector each")
        vectors = output.float().cpu().numpy()
        if not np.isfinite(vectors).all():
            raise ModelInvalid(f"{path} gives a vector that is not finite")
        lengths = np.linalg.norm(vectors, axis=1)
        if np.abs(lengths - 1).max() > _UNIT_TOLERANCE:
            raise ModelInvalid(f"{path} gives no unit vectors: one is {lengths[0]:.4g} long")
        return np.asarray(vectors, dtype=np.float32)

    def _agreeing_precision(
        self, full: NDArray[np.float32], candidates: Sequence[torch.dtype]
    ) -> torch.dtype:
        """Return the first precision whose vectors agree with the full ones, float32 if none does."""
        for precision in candidates:
            with suppress(RuntimeError):  # an operation that this device lacks in this precision
                half = self._run(_probe_pixels(), precision).float().cpu().numpy()
                if np.isfinite(half).all() and (unit_rows(half) * full).sum(axis=1).min() > _AGREEMENT:
                    return precision
        return torch.float32


def choose_device(device: Device) -> torch.device:
    """Return the device to run on.

    Raises:
        BadInput: it is not here.
    """
    here = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if device is Device.AUTO:
        return torch.device(next(name.value for name, found in here.items() if found))
    if not here[device]:
        raise BadInput(
            f"PyTorch finds no {device.value} device here: leave --device out, or check its driver"
        )
    return torch.device(device.value)


def _load(path: Path, device: torch.device) -> torch.jit.ScriptModule:
    check_archive(path)
    torch.set_num_threads(1)
    # TorchScript would write the precision of the first run into its compiled graph, for all later ones;
    # without that, autocast works as it does for any network. The agreement is checked in any case.
    if (set_autocast := getattr(torch._C, "_jit_set_autocast_mode", None)) is not None:
        set_autocast(False)
    with _deprecation_ignored():
        try:
            network = torch.jit.load(str(path), map_location=device).eval()
        except Exception as exc:  # whatever PyTorch's reader of archives raises; an IndexError is among it
            raise ModelInvalid(f"{path} is not a TorchScript model: {_reason(exc)}") from exc
        network = network.to(memory_format=torch.channels_last)
        # Folds batch normalisation into the convolutions. A model that keeps state cannot be frozen.
        with suppress(RuntimeError):
            network = torch.jit.freeze(network)
    return network


@contextmanager
def _deprecation_ignored() -> Iterator[None]:
    """PyTorch would rather see `torch.export`, but TorchScript is what Meta publishes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
        yield


def _probe_pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)


def _reason(exc: Exception) -> str:
    """Return the line of PyTorch's traceback of its own interpreter that says what went wrong."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("RuntimeError", "torch.jit.Error"))]
    return printable((telling or lines or [type(exc).__name__])[0])
