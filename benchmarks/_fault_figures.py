"""What came of faults, kills and power cuts: kept as it comes, added up, and written into the docs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path

RUNS = ("faults", "kills", "cuts")
DOCS = Path(__file__).parents[1] / "docs/durability.md"
_BEGIN, _END = "<!-- faults: written by benchmarks/faults.py -->\n", "<!-- /faults -->\n"
_COMMANDS = ("scan", "backup", "clean", "undo --from", "undo")
_PLAIN = "plain "


@dataclass
class Told:
    """What came of one story.

    Attributes:
        runs: tries, by kind; a fault that was not met counts for nothing.
        possible: how many tries there are, by kind.
        seconds: how long they took.
    """

    name: str
    runs: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def count(self, word: str) -> int:
        """How many problems begin with a word."""
        return sum(problem.split(": ", 1)[1].startswith(word) for problem in self.problems)

    @property
    def command(self) -> str:
        """The command that was run, and whether names were plain."""
        found = next(command for command in _COMMANDS if self.name.startswith(command))
        return f"`{found}` where names are plain" if _PLAIN in self.name else f"`{found}`"

    def line(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(vars(self))

    @classmethod
    def from_line(cls, line: str | bytes) -> Told:
        """Read what `line` has written."""
        given = json.loads(line)
        return cls(
            **{**given, "runs": Counter(given["runs"]), "possible": Counter(given["possible"])},
        )


def added_up(name: str, told: Iterable[Told]) -> Told:
    """Add stories up."""
    total = Told(name)
    for one in told:
        total.runs.update(one.runs)
        total.possible.update(one.possible)
        total.calls += one.calls
        total.seconds += one.seconds
        total.problems += one.problems
    return total


def write_docs(told: Sequence[Told], seed: int) -> None:
    """Put the table into the docs, in the place of the last one."""
    text = DOCS.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    DOCS.write_text(before + _BEGIN + "\n".join(_lines(told, seed)) + "\n" + _END + after, "utf-8")


def _lines(told: Sequence[Told], seed: int) -> Iterator[str]:
    total = added_up("all", told)
    tries, minutes = sum(total.runs[kind] for kind in RUNS), total.seconds / 60
    yield (
        f"On {date.today():%-d %B %Y}, seed {seed}: {tries:,} tries of {len(told)} stories, "
        f"in {minutes:.0f} minutes of one process. "
        f"{total.runs['alike']} others were made by a fork and by a process of its own: the same calls, "
        f"words and files, but for {total.count('UNLIKE')}."
    )
    yield ""
    yield "| command | faults met | kills | power cuts | contents lost | tracebacks | other broken promises |"
    yield "|---|---|---|---|---|---|---|"
    ordered = sorted(told, key=lambda one: one.command)
    for command, some in groupby(ordered, key=lambda one: one.command):
        yield _row(added_up(command, some))
    yield _row(total)


def _row(told: Told) -> str:
    shares = [f"{told.runs[kind]:,} of {told.possible[kind]:,}" for kind in RUNS]
    lost, traces, unlike = (told.count(word) for word in ("LOST", "traceback", "UNLIKE"))
    rest = len(told.problems) - lost - traces - unlike
    return f"| {' | '.join([told.name, *shares, *map(str, (lost, traces, rest))])} |"
