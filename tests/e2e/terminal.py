"""A command with one of its streams on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import Neardup


@dataclass(frozen=True)
class OnTerminal:
    """What a command wrote to a terminal (as stdout, or as stderr), to a pipe, and its exit code."""

    terminal: bytes
    piped: bytes
    code: int


def on_terminal(
    neardup: Neardup, *arguments: str | bytes | Path, stream: str = "stdout", columns: int = 200
) -> OnTerminal:
    """Run a command with one of its streams on a pseudo-terminal and the other in a pipe."""
    ours, theirs = pty.openpty()
    other = "stderr" if stream == "stdout" else "stdout"
    variables = {**neardup.variables(), "TERM": "xterm-256color", "COLUMNS": str(columns)}
    with subprocess.Popen(
        [neardup.command, *arguments],
        env=variables,
        cwd=neardup.home,
        stdin=subprocess.DEVNULL,
        **{stream: theirs, other: subprocess.PIPE},  # type: ignore[call-overload]
    ) as process:
        os.close(theirs)
        pipe = process.stdout or process.stderr
        written = {ours: b"", pipe.fileno(): b""}
        reading = set(written)
        while reading:
            for descriptor in select.select(list(reading), [], [], 60)[0]:
                try:
                    data = os.read(descriptor, 65536)
                except OSError:  # how Linux says that nobody holds the other end any more
                    data = b""
                written[descriptor] += data
                if not data:
                    reading.discard(descriptor)
        process.wait(60)
        os.close(ours)
    return OnTerminal(written.pop(ours), written.popitem()[1], process.returncode)
