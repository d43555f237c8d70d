"""Nothing about anybody's images goes to another host: no command asks one unless it is told to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.conftest import Proxy

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup

# onnxruntime's official wheels report to Microsoft, ten seconds after they have started.
LONG_ENOUGH = 12
HOLDING_A_MODEL = f"""
import time
from neardup_cli.embedders.registry import load_embedder
load_embedder("sscd_distilled")
time.sleep({LONG_ENOUGH})
"""


def test_no_command_asks_anybody(neardup: Neardup, photos: Path) -> None:
    visited: list[str] = []
    with Proxy(visited) as proxies:
        # A variable of the user's that would let onnxruntime report goes unheard.
        alone = replace(neardup, environment={**proxies, "ORT_DISABLE_TELEMETRY": "0"})
        alone.succeed("scan", photos)
        alone.succeed("dups", "--json")
        subprocess.run([sys.executable, "-c", HOLDING_A_MODEL], env=alone.variables(), check=True)
    assert visited == []
