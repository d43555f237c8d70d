"""What is fuzzed, one target a file."""

from __future__ import annotations

from importlib import import_module

from tests.fuzz.engine import Target

NAMES = (
    "image",
    "metadata",
    "sidecar",
    "plan",
    "journal",
    "settings",
    "upload",
    "request",
    "onnx",
    "torchscript",
    "catalog",
)


def load(name: str) -> Target:
    """Return a target by its name; what it needs is imported now."""
    target: Target = import_module(f"tests.fuzz.targets.{name}").TARGET
    return target
