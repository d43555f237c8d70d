"""TorchScript files: refused in one line, or a model with unit vectors; what is in them writes no file."""

from __future__ import annotations

import os
import resource
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from neardup_cli.embedders import trial
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.mutate import changed_member
from tests.fuzz.targets.onnx import check_model

_DIMENSION = 8


def _network() -> torch.nn.Module:
    nn = torch.nn
    torch.manual_seed(3)
    spread = nn.Linear(_DIMENSION, _DIMENSION, bias=False)
    spread.weight.data = torch.eye(_DIMENSION) / _DIMENSION**0.5
    norm = nn.LayerNorm(_DIMENSION, elementwise_affine=False, eps=1e-12)
    return nn.Sequential(
        nn.Conv2d(3, _DIMENSION, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), norm, spread
    ).eval()


def _writes(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(x.mean(dim=(2, 3)), dim=1)


def _forked_trial(path: Path) -> int:
    """The trial in a child that has PyTorch already: to import it takes seconds."""
    if (process := os.fork()) == 0:
        code = 1
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
            trial.main(path)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


class TorchScriptModels:
    """See above."""

    name = "torchscript"
    seconds = 20.0
    inputs_a_child = 300

    def seeds(self) -> Sequence[bytes]:
        """Return a scripted and a traced network, and one whose file names a Python function."""
        path = Path(tempfile.mkdtemp()) / "a.pt"
        found = []
        with warnings.catch_warnings(action="ignore"):
            example = torch.rand(2, 3, 64, 96)
            for made in (torch.jit.script(_network()), torch.jit.trace(_writes, example)):
                made.save(str(path))
                found.append(path.read_bytes())
        return found

    def mutators(self) -> Sequence[Mutator]:
        """Return the one that knows archives."""
        return (changed_member,) * 4

    def prepare(self) -> None:
        """Make place for the file; nothing else is to appear there."""
        self._path = Path(tempfile.mkdtemp()) / "model.pt"
        os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
        torch.set_num_threads(1)
        trial.run_trial = _forked_trial

    def check(self, data: bytes) -> str:
        """Load a model."""
        self._path.write_bytes(data)
        with warnings.catch_warnings(action="ignore"):
            how = check_model(self._path)
        if [path.name for path in self._path.parent.iterdir()] != [self._path.name]:
            raise WrongAnswer("a model has written a file")
        return how


TARGET = TorchScriptModels()
