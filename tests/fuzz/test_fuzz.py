"""A sample of `make fuzz`, the same in each run, and every input that was ever found to do harm."""

from __future__ import annotations

import importlib.util
import json
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fuzz import targets
from tests.fuzz.engine import WrongAnswer, minimised, tried
from tests.fuzz.mutate import changed_directory, changed_member, changed_message, changed_part, mutated

if TYPE_CHECKING:
    from tests.conftest import Lacking

# Children are forked from a process in which libraries have started threads, which the children do without.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz_corpus"
KEPT = sorted(path for path in CORPUS.glob("*/*") if path.is_file())
SAMPLES = {
    "image": 60,
    "metadata": 150,
    "sidecar": 60,
    "plan": 30,
    "journal": 40,
    "settings": 100,
    "upload": 60,
    "request": 200,
    "onnx": 100,
    "torchscript": 30,
    "catalog": 5,
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_each_target_has_a_sample() -> None:
    assert set(SAMPLES) == set(targets.NAMES)
    assert {path.parent.name for path in KEPT} <= set(targets.NAMES)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_finds_nothing_and_what_was_found_once_is_mended(name: str, lacking: Lacking) -> None:
    if name == "torchscript" and importlib.util.find_spec("torch") is None:
        lacking("the torch extra: pip install 'neardup-cli[torch]'")
    command = [sys.executable, "-m", "tests.fuzz.sample", name, str(SAMPLES[name])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["findings"] == []
    assert told["inputs"] == SAMPLES[name]
    assert told["not mended"] == {}
    assert told["kept"] == sum(path.parent.name == name for path in KEPT)
    assert len(told["answers"]) > 1 or name in ("catalog", "journal"), told["answers"]


# --- the suite itself sees what it is for -----------------------------------------------------------------


class Broken:
    """A target with one defect of each kind."""

    name = "broken"
    seconds = 0.3
    inputs_a_child = 100

    def seeds(self) -> Sequence[bytes]:
        return [b"sound input"]

    def mutators(self) -> Sequence[object]:
        return ()

    def prepare(self) -> None:
        pass

    def check(self, data: bytes) -> str:
        if b"CRASH" in data:
            raise KeyError(data)
        if b"WRONG" in data:
            raise WrongAnswer("not true: at all")
        if b"DIE" in data:
            signal.raise_signal(signal.SIGSEGV)
        while b"HANG" in data:
            pass
        if b"EAT" in data:
            bytearray(4 << 30)
        return "fine"


@pytest.mark.parametrize(
    ("data", "signature", "wrong"),
    [
        (b"a CRASH", "KeyError in test_fuzz.py:check", False),
        (b"WRONG", "wrong: not true", True),
        (b"to DIE", "the process died of SIGSEGV", False),
        (b"HANG on", "takes too long", False),
        (b"EAT", "MemoryError in test_fuzz.py:check", False),
    ],
)
def test_each_kind_of_harm_is_found(data: bytes, signature: str, *, wrong: bool) -> None:
    finding = tried(Broken(), data)  # type: ignore[arg-type]
    assert finding is not None
    assert (finding.data, finding.signature, finding.wrong) == (data, signature, wrong)
    assert tried(Broken(), b"fine") is None  # type: ignore[arg-type]


def test_a_finding_is_made_small() -> None:
    found = tried(Broken(), b"much around a CRASH and more behind it" * 2)  # type: ignore[arg-type]
    assert found is not None
    assert minimised(Broken(), found).data == b"CRASH"  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_inputs() -> None:
    assert [mutated([b"abc" * 50], (), random.Random(7)) for _ in range(3)] == [
        mutated([b"abc" * 50], (), random.Random(7))
    ] * 3


def test_changes_keep_lengths_and_sums(lacking: Lacking) -> None:
    """What knows a form gives back what can still be taken apart in the same way."""
    from tests.e2e.test_mutated import valid_files
    from tests.fuzz.targets.onnx import TARGET

    chance = random.Random(3)
    seeds = [(changed_part, data) for _, data in valid_files()] + [
        (changed_message, one) for one in TARGET.seeds()
    ]
    seeds += [(changed_directory, data) for name, data in valid_files() if name.endswith(".tif")]
    for change, data in seeds:
        for _ in range(20):
            changed = change(data, chance)
            assert isinstance(changed, bytes)
    assert changed_member(b"no archive", chance) != b""
