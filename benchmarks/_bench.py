"""What all benchmarks share: running a process and measuring it, figures with bars, tables.

Only the standard library is imported here. Linux reports as a child's peak memory at least what its parent
held when it was started, so a benchmark has to stay small itself: pictures are made in other processes
(`_pictures.py`).
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
DEV_PHOTOS = (ROOT / "../shared/data/dev-photos").resolve()
MODELS = ("sscd_distilled", "sscd")


@dataclass(frozen=True, slots=True)
class Measured:
    """One process from its start to its end: seconds, CPU seconds and peak memory with its children."""

    wall: float
    cpu: float
    peak_mb: float
    stdout: bytes

    def __add__(self, other: Measured) -> Measured:
        """One process after the other."""
        peak = max(self.peak_mb, other.peak_mb)
        return Measured(self.wall + other.wall, self.cpu + other.cpu, peak, other.stdout)

    def json(self) -> dict[str, Any]:
        """What it printed."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document


def run(command: Sequence[str | Path], cwd: Path, stdout: int | None = None) -> Measured:
    """Run a command to its end and measure it; stop the benchmark if it fails.

    Args:
        command: program and arguments.
        cwd: working folder.
        stdout: file descriptor to write to, whose reader is the caller; None keeps the output.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out if stdout is None else stdout,
            stderr=err,
            cwd=cwd,
            env=_environment(cwd),
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            shown = " ".join(map(str, command))
            sys.exit(
                f"`{shown}` failed with {process.returncode}:\n{err.read()[-2000:].decode(errors='replace')}"
            )
        return Measured(wall, usage.ru_utime + usage.ru_stime, _megabytes(usage.ru_maxrss), out.read())


def _environment(home: Path) -> dict[str, str]:
    """The user's environment without anything that would configure neardup, or keep it from its bytecode."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NEARDUP_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {**kept, "XDG_CONFIG_HOME": str(home)}


def own_peak_mb() -> float:
    """Peak memory of this process: no child can be seen to have used less."""
    return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _megabytes(maxrss: int) -> float:
    return maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)  # macOS counts bytes, others KiB


def interleaved[K](runs: int, sides: Mapping[K, Callable[[], Measured]]) -> dict[K, list[Measured]]:
    """Measure A B C A B C …, so that whatever the machine does meanwhile meets all sides alike."""
    measured: dict[K, list[Measured]] = {side: [] for side in sides}
    for number in range(runs):
        for side, measure in sides.items():
            measured[side].append(measure())
            note(f"run {number + 1} of {runs}, {side}: {measured[side][-1].wall:.2f} s")
    return measured


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over the runs of the ratio within one run."""
    return median(a / b for a, b in zip(numerators, denominators, strict=True))


def median_wall(runs: Sequence[Measured]) -> float:
    """The median of the seconds that the runs took."""
    return median(measured.wall for measured in runs)


# --- neardup ----------------------------------------------------------------------------------------------


@cache
def neardup() -> Path:
    """The `neardup` command that belongs to this interpreter, its bytecode compiled.

    That is how pip leaves a package; an editable one that was changed since would be compiled as it runs.
    """
    command = Path(sys.executable).with_name("neardup")
    if not command.exists():
        sys.exit(f"no {command}: install the project into this environment first (make demo)")
    compileall.compile_dir(ROOT / "neardup_cli", quiet=1)
    return command


def scan(folder: Path, catalog: Path, *options: str) -> Measured:
    """A whole `neardup scan` process; the working folder is the catalog's."""
    return run([neardup(), "scan", folder, "--catalog", catalog, "--json", *options], catalog.parent)


def cold_scan(folder: Path, catalog: Path, *options: str) -> Measured:
    """A scan into a catalog that does not exist yet."""
    for path in catalog.parent.glob(catalog.name + "*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return scan(folder, catalog, *options)


def dups(catalog: Path, *options: str) -> Measured:
    """A whole `neardup dups --json` process."""
    return run([neardup(), "dups", "--catalog", catalog, "--json", *options], catalog.parent)


# --- what a benchmark takes and says ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and its bar: an upper one, or a lower one if `at_least`."""

    name: str
    value: float
    limit: float
    at_least: bool = False
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value is on the right side of its bar."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        """Return the line that is printed: name, value, limit, verdict."""
        sign, verdict = ("≥" if self.at_least else "≤"), ("PASS" if self.passed else "FAIL")
        return f"{self.name}: {self.value:.3g}{self.unit}, limit {sign} {self.limit:g}{self.unit}, {verdict}"


def finish(figures: Sequence[Figure]) -> None:
    """Print a line for each figure and leave, with exit code 1 if one missed its bar."""
    print()
    for figure in figures:
        print(figure)
    sys.exit(0 if all(figure.passed for figure in figures) else 1)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str | float]]) -> None:
    """Print columns: the first to the left, numbers to the right with two decimals."""
    shown = [
        header,
        *([cell if isinstance(cell, str) else f"{cell:,.2f}" for cell in row] for row in rows),
    ]
    widths = [max(len(row[column]) for row in shown) for column in range(len(header))]
    for row in shown:
        first, *others = (f"{cell:{'<' if not at else '>'}{widths[at]}}" for at, cell in enumerate(row))
        print("  ".join([first, *others]).rstrip())


def note(message: str) -> None:
    """Say how far it is, on stderr."""
    print(message, file=sys.stderr, flush=True)


def cores() -> int:
    """Cores that this process, and so its children, may use at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def arguments(doc: str | None, *, runs: int = 3) -> argparse.ArgumentParser:
    """A parser with the options that all scripts have; says on what machine the figures come about."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--folder", type=Path, default=DEV_PHOTOS, help="photographs to measure on")
    parser.add_argument("--runs", type=int, default=runs, help=f"how often to measure each side ({runs})")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line and say on what machine the figures come about."""
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    load = os.getloadavg()[0]
    busy = f"; its load is {load:.1f}: the figures are those of a busy machine" if load > 0.5 else ""
    print(f"{cores()} cores, {platform.machine()}, Python {platform.python_version()}{busy}\n")
    return options


@contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder, for catalogs and as working folder."""
    with tempfile.TemporaryDirectory(prefix="neardup-bench-") as name:
        yield Path(name)
