"""The cases of real reports in `../shared/cases`, one test each, judged by their own `check.py`.

They lie beside the checkout and are no part of it. `check.py` writes each case's images, runs `neardup scan`,
`dups` and `clean` (a dry run) on them as processes and compares with what the case expects.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import COMMAND

if TYPE_CHECKING:
    from tests.conftest import Lacking
    from tests.e2e.conftest import Neardup

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
NOT_CASES = ("check", "strangers")
NAMES = sorted(path.stem for path in CASES.rglob("*.py") if path.stem not in NOT_CASES)


@pytest.mark.parametrize("case", NAMES or ["none"])
def test_case_comes_out_as_expected(case: str, tmp_path: Path, neardup: Neardup, lacking: Lacking) -> None:
    if not NAMES:
        lacking(f"the cases in {CASES}")
    own = {"NEARDUP": str(COMMAND), "OUT": str(tmp_path / "cases")}
    judged = subprocess.run(
        [sys.executable, CASES / "check.py", case],
        env={**neardup.variables(), **own},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = judged.stdout + judged.stderr
    assert judged.returncode == 0, said
    assert f"## {case}: ok" in said, said  # a case whose generator failed is counted as none, not as wrong
