from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3

from neardup_cli.embedders import registry
from neardup_cli.embedders.shape import preprocessing
from neardup_cli.errors import ModelInvalid, ModelMissing


@pytest.mark.parametrize("name", registry.BUNDLED_MODELS)
def test_bundled_models_are_there(name: str) -> None:
    path = registry.model_path(name)
    assert path.is_file()
    assert registry.fingerprint(path) == blake3(path.read_bytes()).hexdigest()
    assert registry.model_label(name) == name


def test_default_is_bundled() -> None:
    assert registry.DEFAULT_MODEL in registry.BUNDLED_MODELS


def test_file_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.onnx").symlink_to(registry.model_path("sscd_distilled"))
    monkeypatch.chdir(tmp_path)
    embedder = registry.load_embedder("mine.onnx", input_size=96)
    identity = embedder.identity
    assert (identity.name, identity.dimension) == (str(tmp_path / "mine.onnx"), 512)
    assert identity.preprocessing == preprocessing(96)
    assert identity.fingerprint == registry.fingerprint(registry.model_path("sscd_distilled"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registry.model_path("~/mine.onnx") == tmp_path / "mine.onnx"
    assert registry.model_label("~/mine.onnx") == str(tmp_path / "mine.onnx")


@pytest.mark.parametrize("name", ["nothing.onnx", "SSCD", "", ".", "~nobody-of-this-name/a.onnx", "a\0b"])
def test_no_such_model(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelMissing, match="give one of sscd, sscd_distilled, or the path"):
        registry.load_embedder(name)


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for content in (b"", b"not a model\n", b"\x08\x07" * 100):
        path.write_bytes(content)
        with pytest.raises(ModelInvalid, match=r"model\.onnx is not an ONNX model: \S") as caught:
            registry.load_embedder(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ModelMissing, match="permission denied"):
        registry.load_embedder(str(path))
