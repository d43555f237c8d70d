"""The cases that always came out right, and look-alikes: nothing is acted upon among those of `strangers.py`.

A file beside `test_cases.py`, so that the two run at once where the tests run on several cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.shared_cases import CASES, assert_as_expected, names

if TYPE_CHECKING:
    from tests.conftest import Lacking
    from tests.e2e.conftest import Neardup

SCRIPT = CASES / "strangers.py"
OF_EACH_FAMILY = 4
FAMILIES = 60


@pytest.mark.parametrize("case", names(CASES / "right"))
def test_case_still_comes_out_right(
    case: str, tmp_path: Path, neardup: Neardup, lacking: Lacking, forked: Path
) -> None:
    if case == "none":
        lacking(f"the cases in {CASES / 'right'}")
    assert_as_expected(case, tmp_path / "cases", neardup, forked)


def test_nothing_is_acted_upon_among_look_alikes(tmp_path: Path, neardup: Neardup, lacking: Lacking) -> None:
    if not SCRIPT.is_file():
        lacking(str(SCRIPT))
    if find_spec("matplotlib") is None:
        lacking("matplotlib, which the script draws with: pip install 'neardup-cli[eval]'")
    folder = tmp_path / "strangers"
    draw(folder)
    assert len(list(folder.iterdir())) >= FAMILIES
    neardup.succeed("scan", folder)
    plan = neardup.json("clean")
    acted = [
        f"{act['path']} as {act['kind']} for {group['keep']['path']}"
        for group in plan["groups"]
        for act in group["acts"]
    ]
    assert not acted, "\n".join(acted)


def draw(folder: Path) -> None:
    """Draw all families, in two processes at once."""
    command: list[str | Path] = [sys.executable, SCRIPT, "all", folder, str(OF_EACH_FAMILY)]
    halves = [subprocess.Popen(command, env={**os.environ, "PART": f"{half}/2"}) for half in range(2)]
    assert [half.wait(timeout=300) for half in halves] == [0, 0]
