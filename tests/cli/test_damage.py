"""A sample of what `make damage` does thousands of times; see `tests/damage.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.damage import KINDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

ROOT = Path(__file__).parents[2]
TRIES = 20


def test_a_damaged_catalog_is_called_so_or_answers_as_before() -> None:
    """In a process of its own: it forks, and must not inherit the threads that other tests have started."""
    command = [sys.executable, "-m", "tests.damage", "--tries", str(TRIES), "--seed", "11"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {
        (kind, verdict): int(count)
        for kind, verdict, count in re.findall(r"(\w+) ([\w ]+?) (\d+)(?=,|$)", done.stdout.splitlines()[-1])
    }
    assert counts["seen", "refused"] == TRIES // len(KINDS)
    assert counts["hidden", "refused"]
    repaired = counts.get(("repair", "repaired"), 0) + counts.get(("repair", "decisions lost"), 0)
    assert repaired == TRIES // len(KINDS)
