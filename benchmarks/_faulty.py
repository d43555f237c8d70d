"""Runs commands of neardup as children of this process, in which the n-th call on a file goes wrong.

What stands between is `_faulty.c`, which has to be loaded before the C library: `environment` is that of a
process in which it is. Imports are done once, there, and a child is a fork: thousands of runs take minutes.
`Shim.run_alone` runs a command in a process of its own, as its user starts it: what a fork is measured by.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import NoReturn

SOURCE = Path(__file__).with_name("_faulty.c")
_NAME = "NEARDUP_FAULTY"  # where the library is, for those that were started under it
_LONGEST = 120  # seconds until a run is called hung


class Calls(IntFlag):
    """Which calls are counted."""

    CHANGES = 1
    LOOKS = 2
    WRITES = 4
    READS = 8
    NAMES = 16


class Kind(IntEnum):
    """What happens at the n-th call."""

    NONE = 0
    FAIL = 1
    HALF = 2
    KILL = 3
    LATE = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong.

    Attributes:
        at: the number of the call, from 1.
        error: errno of a failure.
        onwards: whether all later calls go wrong, too.
    """

    kind: Kind = Kind.NONE
    at: int = 0
    error: int = 0
    onwards: bool = False
    calls: Calls = Calls.CHANGES

    def __str__(self) -> str:
        """Return it as a report has it."""
        name = os.strerror(self.error) if self.error else self.kind.name.lower()
        if self.kind is Kind.LATE:
            name = f"done, and {name}"
        of = str(self.calls.name).lower().removesuffix("s")
        return f"{name} at {of} {self.at}{' and after' if self.onwards else ''}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run came out.

    Attributes:
        signal: that ended it; 0 if none did.
        said: on stderr.
        seen: calls counted, in the order of `Calls`.
        call, place: which call went wrong first, and on what; empty if none did, or it was a kill.
    """

    signal: int
    code: int
    said: str
    seen: tuple[int, ...] = ()
    call: str = ""
    place: str = ""

    @property
    def killed(self) -> bool:
        """Whether it was killed by the fault."""
        return self.signal == signal.SIGKILL

    def count(self, calls: Calls) -> int:
        """How many calls of a class there were."""
        return self.seen[list(Calls).index(calls)]


def missing() -> str | None:
    """Say what is lacking to build the library; None if nothing is."""
    if not sys.platform.startswith("linux"):
        return "LD_PRELOAD of Linux"
    return None if shutil.which("cc") else "a C compiler (Debian's package gcc)"


def environment(folder: Path) -> dict[str, str]:
    """Build the library in a folder; return the variables of a process that has it loaded."""
    library = folder / "faulty.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    # The threads of OpenBLAS and FAISS would not be there after a fork, and be waited for.
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEARDUP_")}
    return {**kept, **threads, _NAME: str(library), "LD_PRELOAD": str(library)}


class Shim:
    """The loaded library."""

    def __init__(self, places: Sequence[Path]) -> None:
        """Watch some folders, of no more than four."""
        self._places, self._is_plain = places, False
        self._library = ctypes.CDLL(os.environ[_NAME])
        self._library.faulty_seen.restype = ctypes.c_long
        self._library.faulty_met.restype = ctypes.c_char_p
        self._library.faulty_met_at.restype = ctypes.c_char_p
        for number, place in enumerate(places):
            if self._library.faulty_watch(number, os.fsencode(place)):
                raise ValueError(f"cannot watch {place}")

    def have_plain_names(self, is_so: bool) -> None:
        """Have a file system that can rename only as POSIX has it."""
        self._is_plain = is_so
        self._library.faulty_plain(is_so)

    def run(
        self,
        arguments: Sequence[str],
        fault: Fault | None = None,
        *,
        log: Path | None = None,
        trace: Path | None = None,
    ) -> Ended:
        """Run `neardup` with some arguments in a child.

        Args:
            arguments: of the command line.
            fault: what goes wrong in it; None counts nothing.
            log: where all changes are written down, with their bytes.
            trace: where all calls are written down, a line each.
        """
        heard, told = os.pipe()
        said = os.memfd_create("stderr")
        pid = os.fork()
        if pid == 0:
            os.close(heard)
            self._be_child(arguments, fault, log, trace, said, told)
        os.close(told)
        with os.fdopen(heard, "rb") as stream:
            answer = stream.read()
        status = os.waitpid(pid, 0)[1]
        text = os.pread(said, 1 << 20, 0).decode(errors="replace")
        os.close(said)
        if os.WIFSIGNALED(status):
            return Ended(os.WTERMSIG(status), -1, text)
        seen, call, place = json.loads(answer)
        return Ended(0, os.WEXITSTATUS(status), text, tuple(seen), call, place)

    def run_together(self, commands: Sequence[Sequence[str]]) -> Ended:
        """Run `neardup` several times in one child, which imports once what all of them need."""
        said = os.memfd_create("stderr")
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                _hear(said)
                code = next((bad for arguments in commands if (bad := self._command(arguments, None))), 0)
            finally:
                os._exit(code)
        status = os.waitpid(pid, 0)[1]
        text = os.pread(said, 1 << 20, 0).decode(errors="replace")
        os.close(said)
        return Ended(status & 0x7F, status >> 8, text)

    def run_alone(self, arguments: Sequence[str], fault: Fault, trace: Path) -> Ended:
        """Run `neardup` with some arguments in a process of its own; see `run`."""
        where = [os.fspath(place) for place in self._places]
        kind = [int(fault.kind), fault.at, fault.error, fault.onwards, int(fault.calls)]
        given = json.dumps([where, self._is_plain, kind, os.fspath(trace), list(arguments)])
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks._faulty", given],
            env=os.environ | {"PYTHONPATH": str(SOURCE.parents[1])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return Ended(max(0, -done.returncode), max(-1, done.returncode), done.stderr)

    def _be_child(
        self,
        arguments: Sequence[str],
        fault: Fault | None,
        log: Path | None,
        trace: Path | None,
        said: int,
        told: int,
    ) -> NoReturn:
        code = 70
        try:
            _hear(said)
            if log is not None:
                self._library.faulty_log(_new(log))
            if trace is not None:
                self._library.faulty_trace(_new(trace))
            code = self._command(arguments, fault)
            seen = [self._library.faulty_seen(number) for number in range(len(Calls))]
            met = [os.fsdecode(each()) for each in (self._library.faulty_met, self._library.faulty_met_at)]
            os.write(told, json.dumps([seen, *met]).encode())
        finally:
            os._exit(code)

    def _command(self, arguments: Sequence[str], fault: Fault | None) -> int:
        """Run the command line, as Python runs it; return its exit code."""
        if fault is not None:
            self._arm(fault)
        try:
            code = run_here(arguments)
        except BaseException:
            self._library.faulty_disarm()
            traceback.print_exc()
            code = 70
        self._library.faulty_disarm()
        sys.stderr.flush()
        return code

    def _arm(self, fault: Fault) -> None:
        number = ctypes.c_long(fault.at)
        self._library.faulty_arm(int(fault.kind), number, fault.error, fault.onwards, int(fault.calls))

    def be_alone(self, fault: Fault, trace: str, arguments: Sequence[str]) -> None:
        """Be the process of `run_alone`, and end as Python ends, with the library still at work."""
        signal.alarm(_LONGEST)
        self._library.faulty_trace(_new(Path(trace)))
        self._arm(fault)
        sys.exit(run_here(arguments))


def _hear(said: int) -> None:
    """Be a child that reads nothing, whose errors go to a file, and that does not live for ever."""
    signal.alarm(_LONGEST)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for own, standard in ((nowhere, 0), (nowhere, 1), (said, 2)):
        os.dup2(own, standard)


def _new(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)


def run_here(arguments: Sequence[str]) -> int:
    """Run `neardup` with some arguments in this process; return its exit code."""
    from neardup_cli.__main__ import main

    sys.argv = ["neardup", *arguments]
    try:
        main()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 0
    return 0


def _be_alone() -> None:
    places, is_plain, (kind, at, error, onwards, calls), trace, arguments = json.loads(sys.argv[1])
    shim = Shim([Path(place) for place in places])
    shim.have_plain_names(is_plain)
    shim.be_alone(Fault(Kind(kind), at, error, onwards, Calls(calls)), trace, arguments)


if __name__ == "__main__":
    _be_alone()
