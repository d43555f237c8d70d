"""Where output goes: data to stdout, everything said about it to stderr."""

from __future__ import annotations

import errno
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from neardup_cli.errors import DiskFull, NeardupError
from neardup_cli.reports.paths import shown_path, shown_text

if TYPE_CHECKING:
    from rich.console import Console

_UNKNOWN_WIDTH = 80
_PATTERN = re.compile(rb"[*?\[]")


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


def write_prose(lines: Iterable[str]) -> None:
    """Write lines for people to stdout; on a terminal none of them breaks inside a word."""
    if stdout_is_terminal():
        lines = [wrapped(line, sys.stdout) for line in lines]
    write_lines(lines)


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
    if sys.stderr.isatty():
        message = "\n".join(wrapped(line, sys.stderr) for line in message.split("\n"))
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the one place that may


def hint(message: str) -> None:
    """Say what may come next to whoever sits at a terminal: a pipe has no next step."""
    if sys.stderr.isatty():
        say(message)


def wrapped(line: str, terminal: TextIO) -> str:
    """Return a line in as many as it needs on a terminal, broken between words."""
    width = _columns(terminal)
    if len(line) <= width or "\t" in line:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _columns(terminal: TextIO) -> int:
    """Return how wide a terminal is."""
    if (said := os.environ.get("COLUMNS", "")).isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(terminal.fileno()).columns or _UNKNOWN_WIDTH
    except OSError:
        return _UNKNOWN_WIDTH


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
    """Return the real paths of arguments, as the catalog stores them, and of all that a pattern matches."""
    from neardup_cli.images.remote import real_place

    return [real_place(path) for given in paths or () for path in matched_paths(given)]


def matched_paths(given: Path) -> list[bytes]:
    """Return a path as it is where it is there, or else all that it matches as a pattern, or itself."""
    path = raw_path(given)
    if os.path.lexists(path) or not _PATTERN.search(path):
        return [path]
    from glob import glob

    return sorted(glob(path)) or [path]
