"""Where output goes: data to stdout, everything said about it to stderr."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from neardup_cli.errors import DiskFull, NeardupError
from neardup_cli.reports.paths import shown_path, shown_text

if TYPE_CHECKING:
    from rich.console import Console


def write_text(text: str) -> None:
    """Write data to stdout, with a newline, as UTF-8 whatever the locale."""
    write_lines([text])


def write_lines(lines: Iterable[str]) -> None:
    """Write lines of data to stdout as UTF-8; a terminal gets nothing from them that it would obey."""
    harmless = stdout_is_terminal()
    with _written_out():
        for line in lines:
            shown = "\n".join(map(shown_text, line.split("\n"))) if harmless else line
            sys.stdout.buffer.write(shown.encode("utf-8", "surrogateescape") + b"\n")


def write_bytes(data: bytes) -> None:
    """Write data that is no text to stdout."""
    with _written_out():
        sys.stdout.buffer.write(data)


def write_paths(paths: Iterable[bytes], *, nul: bool) -> None:
    """Write raw paths to stdout, each ended by a newline, or by NUL for `xargs -0`.

    Only on a terminal are they escaped, as `ls` does.
    """
    harmless = stdout_is_terminal()
    end = b"\0" if nul else b"\n"
    with _written_out():
        for path in paths:
            sys.stdout.buffer.write((shown_path(path).encode() if harmless else path) + end)


@contextmanager
def _written_out() -> Iterator[None]:
    """Flush stdout after the block; what cannot be written is an error that says so.

    A reader that has closed the pipe (`| head`) is no error: see `_flush_stdout` in app.py.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise DiskFull("no room left where the output goes: free some and run the command again") from exc
        raise NeardupError(f"the output cannot be written: {exc.strerror}") from exc


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
    from neardup_cli.images.remote import real_place

    return [real_place(raw_path(path)) for path in paths or ()]
