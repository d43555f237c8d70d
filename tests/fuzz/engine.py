"""Runs a target on mutated inputs in forked children, each with as much memory and time as an input is worth.

A child takes many inputs, one after the other, which it writes into memory that outlives it: where it dies,
the input is known that it died of. Where the product's own lines are watched (`sys.monitoring`), inputs that
reach one which none has reached join the pool that others are made from.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import mmap
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn, Protocol

from tests.fuzz.mutate import LARGEST_INPUT, mutated

type Mutator = Callable[[bytes, random.Random], bytes]

_PRODUCT = ("/neardup_cli/", "/PIL/")
_MEMORY_BYTES = 1 << 30  # beyond what the child has when it begins
_SILENCE = 60.0  # seconds of wall clock after which a child is ended that says nothing
_BUSY = 10  # times the seconds of a core that an input may take: other programs run here too
_TOOL = sys.monitoring.PROFILER_ID


class WrongAnswer(AssertionError):
    """An input was answered, and the answer is not true."""


class Target(Protocol):
    """What is tried.

    Attributes:
        name: one word.
        seconds: of a core that one input may take.
        inputs_a_child: after so many, the next child takes over.
    """

    name: str
    seconds: float
    inputs_a_child: int

    def seeds(self) -> Sequence[bytes]:
        """Return valid inputs, and some that are known to be nasty."""
        ...

    def mutators(self) -> Sequence[Mutator]:
        """Return what knows the form of an input; bytes are changed in any case."""
        ...

    def prepare(self) -> None:
        """Make ready, in the child, what all inputs need."""
        ...

    def check(self, data: bytes) -> str:
        """Try one input; return in one word how it was answered.

        Raises:
            WrongAnswer: the answer is not true. Any other exception is a crash.
        """
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that the product does not stand.

    Attributes:
        signature: the same for findings of one cause, as far as that can be told.
        wrong: whether it was answered, untruly.
    """

    data: bytes
    signature: str
    details: str
    wrong: bool = False


@dataclass(slots=True)
class Tally:
    """What came of a target's inputs."""

    inputs: int = 0
    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)
    pool: int = 0

    @property
    def crashes(self) -> int:
        """Causes of a traceback, of a death by signal, or of no end."""
        return sum(not finding.wrong for finding in self.findings.values())

    @property
    def wrong(self) -> int:
        """Causes of untrue answers."""
        return sum(finding.wrong for finding in self.findings.values())


def fuzz(
    target: Target, *, seed: int, seconds: float = float("inf"), inputs: float = float("inf"), learn: bool
) -> Tally:
    """Try a target until the time or the inputs are used up.

    Args:
        target: what is tried.
        seed: the same inputs for the same seed, where nothing is learnt.
        seconds: of wall clock.
        inputs: so many.
        learn: whether inputs that reach new lines join the pool.
    """
    tally, pool = Tally(), _seeds(target)
    began, child = time.monotonic(), 0
    while tally.inputs < inputs and time.monotonic() - began < seconds:
        plan = _Plan(
            seed=seed * 1_000_003 + child,
            most=int(min(inputs - tally.inputs, target.inputs_a_child)),
            until=began + seconds,
            learn=learn,
        )
        _one_child(target, pool, plan, tally)
        child += 1
    tally.seconds, tally.pool = time.monotonic() - began, len(pool)
    return tally


def tried(target: Target, data: bytes) -> Finding | None:
    """Try one input as it is, in a child of its own; return what is wrong."""
    tally = Tally()
    _one_child(target, [data], _Plan(seed=0, most=1, until=float("inf"), learn=False, as_it_is=True), tally)
    return next(iter(tally.findings.values()), None)


def minimised(target: Target, finding: Finding, seconds: float = 20.0) -> Finding:
    """Return a smaller input with the same signature, as far as the time allows."""
    best, until = finding, time.monotonic() + seconds
    size = len(best.data) // 2
    while size and time.monotonic() < until:
        for start in range(0, len(best.data), size):
            data = best.data[:start] + best.data[start + size :]
            found = tried(target, data) if time.monotonic() < until else None
            if found is not None and found.signature == finding.signature:
                best = found
                break
        else:
            size //= 2
    return best


# --- the parent's side ----------------------------------------------------------------------------------


def _seeds(target: Target) -> list[bytes]:
    """Have a child make the seeds: threads that are started for it would not live on in other children."""
    read, write = os.pipe()
    if (process := os.fork()) == 0:
        code = 1
        try:
            _write_all(write, json.dumps([b64encode(seed).decode() for seed in target.seeds()]).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write)
    with open(read, "rb") as stream:
        seeds = stream.read()
    _death(os.waitpid(process, 0)[1])
    return [b64decode(seed) for seed in json.loads(seeds)]


@dataclass(frozen=True, slots=True)
class _Plan:
    seed: int
    most: int
    until: float
    learn: bool
    as_it_is: bool = False


def _one_child(target: Target, pool: list[bytes], plan: _Plan, tally: Tally) -> None:
    """Have a child take some inputs, and note what came of them."""
    with mmap.mmap(-1, LARGEST_INPUT + 8) as current:
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        if (process := os.fork()) == 0:
            os.close(read)
            _live(target, pool, plan, tally.lines, current, write)
        os.close(write)
        for said in _lines_of(read, process, target.seconds):
            _note(said, pool, tally, learn=plan.learn)
        os.close(read)
        status = os.waitpid(process, 0)[1]
        if why := _death(status):
            tally.inputs += 1
            tally.answers["died"] += 1
            tally.findings.setdefault(why, Finding(_read(current), why, why))


def _note(said: dict[str, Any], pool: list[bytes], tally: Tally, *, learn: bool) -> None:
    tally.inputs += 1
    tally.answers[said["answer"]] += 1
    if "signature" in said:
        finding = Finding(b64decode(said["data"]), said["signature"], said["details"], said["wrong"])
        tally.findings.setdefault(finding.signature, finding)
    elif learn and set(said["lines"]) - tally.lines:
        tally.lines.update(said["lines"])
        pool.append(b64decode(said["data"]))


def _death(status: int) -> str | None:
    if os.WIFEXITED(status):
        if os.WEXITSTATUS(status):
            raise RuntimeError("the suite itself has failed: see above")
        return None
    number = os.WTERMSIG(status)
    slow = number in (signal.SIGPROF, signal.SIGKILL)
    return "takes too long" if slow else f"the process died of {signal.Signals(number).name}"


def _lines_of(read: int, process: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield what a child says; end it when it has said nothing for long."""
    buffered = b""
    while True:
        if not select.select([read], [], [], _SILENCE + _BUSY * seconds)[0]:
            os.kill(process, signal.SIGKILL)
            return
        if not (data := os.read(read, 1 << 16)):
            return
        *lines, buffered = (buffered + data).split(b"\n")
        yield from map(json.loads, lines)


def _read(current: mmap.mmap) -> bytes:
    return current[8 : 8 + int.from_bytes(current[:8])]


# --- the child's side -----------------------------------------------------------------------------------


def _live(
    target: Target, pool: Sequence[bytes], plan: _Plan, known: set[str], current: mmap.mmap, write: int
) -> NoReturn:
    """Take inputs and say what comes of each; never return."""
    code = 1
    try:
        faulthandler.disable()  # pytest's would tell of a death that is expected
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        target.prepare()
        gc.freeze()
        _limit_memory()
        chance, mutators = random.Random(plan.seed), list(target.mutators())
        lines = _watch() if plan.learn else set()
        for _ in range(plan.most):
            if time.monotonic() > plan.until:
                break
            data = pool[0] if plan.as_it_is else mutated(pool, mutators, chance)
            current[:8], current[8 : 8 + len(data)] = len(data).to_bytes(8), data
            said = _answer(target, data)
            new = lines - known
            known |= new
            lines.clear()
            if new or "signature" in said:
                said["data"] = b64encode(data).decode()
            _write_all(write, json.dumps({**said, "lines": sorted(new)}).encode() + b"\n")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _answer(target: Target, data: bytes) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_PROF, target.seconds)  # its signal ends the process
    try:
        return {"answer": target.check(data)}
    except Exception as exc:
        details = "".join(traceback.format_exception(exc))[-4000:]
        wrong = isinstance(exc, WrongAnswer)
        return {"answer": "wrong" if wrong else "crash", "details": details, "wrong": wrong} | {
            "signature": _signature(exc)
        }
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _signature(exc: Exception) -> str:
    """Return the kind of an exception and the last line of ours that it went through."""
    if isinstance(exc, WrongAnswer):
        return f"wrong: {str(exc).partition(':')[0]}"
    frames = traceback.extract_tb(exc.__traceback__)
    ours = [frame for frame in frames if "/neardup_cli/" in frame.filename] or list(frames)
    place = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "nowhere"
    return f"{type(exc).__name__} in {place}"


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _watch() -> set[str]:
    """Return the set to which the product's lines are added as they are reached, each once a process."""
    reached: set[str] = set()

    def note(code: CodeType, line: int) -> object:
        if any(part in code.co_filename for part in _PRODUCT):
            reached.add(f"{code.co_filename}:{line}")
        return sys.monitoring.DISABLE

    sys.monitoring.use_tool_id(_TOOL, "fuzz")
    sys.monitoring.register_callback(_TOOL, sys.monitoring.events.LINE, note)
    sys.monitoring.set_events(_TOOL, sys.monitoring.events.LINE)
    return reached


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
