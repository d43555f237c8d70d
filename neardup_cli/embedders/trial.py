"""Whether PyTorch survives a TorchScript file: `python -m neardup_cli.embedders.trial FILE`.

What is broken in such a file does not always become an exception: some of it ends the process, and a network
may never answer. So a file of unknown origin is loaded and asked once in a process of its own. That takes
some seconds, once for each content: what has survived is remembered in the user's cache folder.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import platformdirs

from neardup_cli.errors import ModelInvalid

_SECONDS = 300.0


def demand_survivable(path: Path, fingerprint: str) -> None:
    """Make sure that a file does no harm to the process that loads it.

    Args:
        path: a TorchScript file.
        fingerprint: its BLAKE3, hexadecimal.

    Raises:
        ModelInvalid: the process that has tried it is dead, or has not come to an end.
    """
    note = platformdirs.user_cache_path("neardup", appauthor=False) / "models" / "tried" / fingerprint
    if note.exists():
        return
    try:
        code = run_trial(path)
    except subprocess.TimeoutExpired as exc:
        raise ModelInvalid(
            f"{path} gives no answer in {_SECONDS:.0f} seconds: it is no model to use"
        ) from exc
    if code != 0:
        raise ModelInvalid(f"{path} is not a TorchScript model: it ends the process that loads it ({code})")
    with suppress(OSError):  # then it is tried again
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()


def run_trial(path: Path) -> int:
    """Run `main` in another process; return its exit status, below 0 for a signal.

    Raises:
        TimeoutExpired: it has been ended.
    """
    return subprocess.run(
        [sys.executable, "-P", "-m", __name__, path],  # what lies in the working folder is no module
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    ).returncode


def main(path: Path) -> None:
    """Load a model and ask it once; whatever it says of itself is found out again by whoever uses it."""
    from neardup_cli.choices import Device
    from neardup_cli.embedders.torchscript import TorchScriptEmbedder

    with suppress(ModelInvalid):
        TorchScriptEmbedder(path, "trial", "", 64, Device.CPU)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
