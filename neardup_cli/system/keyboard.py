"""A terminal that hands on each key at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    import termios
    import tty
except ImportError:  # Windows, whose console has calls of its own
    _IS_POSIX = False
else:
    _IS_POSIX = True

CTRL_C = "\x03"
_ESCAPE = "\x1b"
_LEADING = ("\x00", "\xe0")  # Windows: what arrows and F1 begin with
_PAUSE = 0.05  # seconds: a terminal sends what one key means without one


class Keyboard:
    """The keys of the terminal on stdin; see `single_keys`."""

    def mute(self) -> None:
        """Have Ctrl-C be a key: a signal just before the wait for one would be noticed after it."""

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Have Ctrl-C be a signal during work that may take long; keys that are pressed meanwhile wait."""
        yield

    def pressed(self) -> str:
        """Wait for one key; empty if the terminal is gone.

        Raises:
            KeyboardInterrupt: it was Ctrl-C.
        """
        raise NotImplementedError


class _Terminal(Keyboard):
    """A terminal of POSIX."""

    def __init__(self, before: list[Any]) -> None:
        self._interrupt = before[tty.CC][termios.VINTR]

    def mute(self) -> None:
        self._set(bytes([os.fpathconf(sys.stdin.fileno(), "PC_VDISABLE")]))

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        self._set(self._interrupt)
        try:
            yield
        finally:
            self.mute()

    @staticmethod
    def _set(interrupt: bytes) -> None:
        now = termios.tcgetattr(sys.stdin)
        now[tty.CC][termios.VINTR] = interrupt
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, now)

    def pressed(self) -> str:
        import select

        terminal = sys.stdin.fileno()
        try:
            key = os.read(terminal, 1).decode("latin-1")
            if key == _ESCAPE:  # arrows, Delete, F1 … send some more, in which digits mean nothing
                while select.select([terminal], [], [], _PAUSE)[0] and os.read(terminal, 32):
                    pass
        except OSError:
            return ""
        if key == CTRL_C:
            raise KeyboardInterrupt
        return key


class _Console(Keyboard):
    """The console of Windows."""

    def __init__(self) -> None:
        import msvcrt

        self._next: Any = msvcrt.getwch  # type: ignore[attr-defined, unused-ignore]

    def pressed(self) -> str:
        key = str(self._next())
        if key == CTRL_C:
            raise KeyboardInterrupt
        if key in _LEADING:
            self._next()
            return _ESCAPE
        return key


@contextmanager
def single_keys() -> Iterator[Keyboard]:
    """Have the terminal hand on each key at once; keys that were pressed early are not lost."""
    if not _IS_POSIX:
        yield _Console()
        return
    before = termios.tcgetattr(sys.stdin)
    terminal = _Terminal(termios.tcgetattr(sys.stdin))
    try:
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        terminal.mute()
        yield terminal
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
