"""The cases of real reports in `../shared/cases`, which lie beside the checkout and are no part of it.

Their own `check.py` judges one: it writes the case's images, runs `neardup scan`, `dups` and `clean`
(a dry run) on them as processes and compares with what the case expects.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
NOT_CASES = ("check", "strangers")


def names(folder: Path) -> list[str]:
    """The cases in a folder; ["none"], so that one test says so, where they are not there."""
    found = [path.stem for path in folder.glob("*.py") if path.stem not in NOT_CASES]
    return sorted(found) or ["none"]


def assert_as_expected(case: str, folder: Path, neardup: Neardup, forked: Path) -> None:
    """Let `check.py` judge a case, whose images it writes below `folder`; all its processes are `forked`."""
    judged = subprocess.run(
        [forked / "python", CASES / "check.py", case],
        env={**neardup.variables(), "NEARDUP": str(forked / "neardup"), "OUT": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = judged.stdout + judged.stderr
    assert judged.returncode == 0, said
    assert f"## {case}: ok" in said, said  # a case whose generator failed is counted as none, not as wrong
