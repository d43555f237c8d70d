"""Where output goes: data to stdout, everything said about it to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def write_text(text: str) -> None:
    """Write data to stdout, with a newline, as UTF-8 whatever the locale."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.flush()


def write_lines(lines: Iterable[str]) -> None:
    """Write lines of data to stdout as UTF-8."""
    for line in lines:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.flush()


def write_paths(paths: Iterable[bytes], *, nul: bool) -> None:
    """Write raw paths to stdout, each ended by a newline, or by NUL for `xargs -0`."""
    end = b"\0" if nul else b"\n"
    for path in paths:
        sys.stdout.buffer.write(path + end)
    sys.stdout.flush()


def say(message: str) -> None:
    """Say something about the work on stderr."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the one place that may


def stdout_is_terminal() -> bool:
    """Whether tables may be drawn on stdout."""
    return sys.stdout.isatty()


def table_console() -> Console:
    """Return a console that draws on stdout."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False)


def raw_path(path: Path) -> bytes:
    """Return the bytes of a path given on the command line, `~` expanded."""
    return os.fsencode(path.expanduser())


def real_paths(paths: Iterable[Path] | None) -> list[bytes]:
    """Return the real paths of arguments, as the catalog stores them."""
    return [os.path.realpath(raw_path(path)) for path in paths or ()]
