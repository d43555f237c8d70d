"""What each stage of an evaluation costs: time, processor time and the most memory it needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from neardup_cli.system import limits

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_THE_PEAK = "5"  # proc(5)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one stage; `cpu_seconds` are of all threads, `peak_mb` is the most the process held meanwhile."""

    stage: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(slots=True)
class Meter:
    """Collects the costs of stages, in order."""

    costs: list[Cost] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block."""
        _forget_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            self.costs.append(Cost(name, wall, cpu, peak_mb()))


def peak_mb() -> float:
    """Return the most memory that was resident since the last stage began, MB.

    Only Linux lets a process forget its peak; elsewhere it is the peak since the process began.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        line = next(line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return limits.peak_mb()


def _forget_peak() -> None:
    with suppress(OSError):
        _CLEAR.write_text(_FORGET_THE_PEAK, encoding="ascii")
