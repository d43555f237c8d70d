"""Small networks of SSCD's kind with weights of nobody's, as TorchScript archives."""

from __future__ import annotations

import fcntl
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

KINDS = ("scripted", "traced")
DIMENSION = 64


def missing() -> str | None:
    """Say what keeps archives from being written here; None if nothing does."""
    return None if find_spec("torch") else "the torch extra: pip install 'neardup-cli[torch]'"


def archives(temporary: pytest.TempPathFactory) -> dict[str, Path]:
    """Return an archive of each kind, to be read only: the first worker makes them, which takes seconds."""
    folder = temporary.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which all workers have
    made = {kind: folder / f"{kind}.torchscript.pt" for kind in KINDS}
    with (folder / "archives.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind, path in made.items():
            if not path.exists():
                _write(path, traced=kind == "traced")
    return made


def _write(path: Path, *, traced: bool) -> None:
    from benchmarks._sscd import write_archive

    write_archive(path, depths=(1, 2, 1, 1), width=16, dimension=DIMENSION, traced=traced)
