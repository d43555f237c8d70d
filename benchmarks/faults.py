"""Nothing is lost, whatever call fails: faults at each call, kills and power cuts at each change.

Commands of neardup run with a library between them and the system (`_faulty.c`), on small folders with
copies: `scan`, `backup`, and `clean` and `undo` for each action, `undo --from` with the catalog deleted.

- A fault: the n-th change (a write, a name, an fsync, a time) fails with EIO, ENOSPC or EINTR, alone or with
  all after it, or writes but half; the n-th look (an open, a read, a stat, a listing) fails with EIO or
  EINTR, or reads but half. A change of a name happens and says that it has failed, as in the network.
- A kill: SIGKILL right before the n-th change, for every n. SQLite's own calls are among them.
- A power cut: after the n-th change all that was not synced is dropped, by two models of a file system.

After each: every content that was there is there; each line of the journal is true; an error is one line;
what ended well is whole; an fsync that failed was told. Then `clean --resume`, `undo`, `undo --from` without
the catalog, or the command once more, without a fault: it works, and all is as it was, to times and modes.

`--kills`, `--faults` and `--cuts` are shares of all there are.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import _bench, _faulty
from benchmarks._bench import Figure
from benchmarks._fault_scenes import scenes, warm
from benchmarks._fault_stories import Bench, Story
from benchmarks._faulty import Calls, Ended, Fault, Kind, Shim
from benchmarks._power_cut import Names, cut, inodes_of, read_log

SEED = 20_261_201
_MEMORY = Path("/dev/shm")
_EVERY_ERROR = (
    (Kind.FAIL, errno.EIO, False),
    (Kind.FAIL, errno.EIO, True),
    (Kind.FAIL, errno.EINTR, False),  # for ever, it is asked again for ever
)
_NO_ROOM = ((Kind.FAIL, errno.ENOSPC, False), (Kind.FAIL, errno.ENOSPC, True))
_HALF = ((Kind.HALF, 0, False), (Kind.HALF, 0, True))
KINDS: dict[Calls, tuple[tuple[Kind, int, bool], ...]] = {
    Calls.CHANGES: (*_EVERY_ERROR, *_NO_ROOM),
    Calls.LOOKS: _EVERY_ERROR,
    Calls.WRITES: _HALF,
    Calls.READS: _HALF,
    Calls.NAMES: ((Kind.LATE, errno.EIO, False),),
}
"""What goes wrong, by calls: kind, error, and whether with all after it."""


@dataclass
class Told:
    """What came of one story."""

    name: str
    runs: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, word: str) -> int:
        """How many problems begin with a word."""
        return sum(problem.split(": ", 1)[1].startswith(word) for problem in self.problems)


def main() -> None:
    """Run all, in as many processes as were asked for, and add up."""
    options = _parse()
    if options.part is not None:
        _be_part(options)
        return
    if (lacking := _faulty.missing()) is not None:
        sys.exit(f"this needs {lacking}")
    print(f"{_bench.cores()} cores, {options.jobs} at work; seed {options.seed}\n", flush=True)
    told = list(_all_parts(options))
    rows = [
        [one.name, *(f"{one.runs[kind]:,}" for kind in ("faults", "kills", "cuts")), str(len(one.problems))]
        for one in told
    ]
    _bench.print_table(("story", "faults", "kills", "power cuts", "problems"), rows)
    for problem in [problem for one in told for problem in one.problems][: options.most]:
        print(f"\n{problem}")
    total: Counter[str] = Counter()
    for one in told:
        total.update(one.runs)
    met = f"{total['faults']:,} faults met, {total['kills']:,} kills, {total['cuts']:,} power cuts"
    print(f"\n{sum(total.values()):,} runs: {met}")
    losses, traces = (sum(one.count(word) for one in told) for word in ("LOST", "traceback"))
    _bench.finish(
        [
            Figure("contents lost", losses, 0),
            Figure("tracebacks", traces, 0),
            Figure("other broken promises", sum(len(one.problems) for one in told) - losses - traces, 0),
        ]
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    for name, share in (("--kills", 1.0), ("--faults", 0.25), ("--cuts", 1.0)):
        parser.add_argument(name, type=float, default=share, help=f"share of them ({share})")
    parser.add_argument("--only", nargs="*", default=[], help="stories whose names have one of these words")
    parser.add_argument("--seed", type=int, default=SEED, help="of what is drawn")
    parser.add_argument("--jobs", type=int, default=_bench.cores(), help="processes (one a core)")
    parser.add_argument("--most", type=int, default=20, help="problems that are shown (20)")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser.parse_args()


def _all_parts(options: argparse.Namespace) -> Iterator[Told]:
    """Run the parts, each a process of its own, and yield what they tell of each story."""
    with tempfile.TemporaryDirectory(prefix="neardup-faulty-") as folder:
        environment = _faulty.environment(Path(folder))
        command = [sys.executable, "-m", "benchmarks.faults", *sys.argv[1:]]
        parts = [
            subprocess.Popen(
                [*command, "--part", f"{number}/{options.jobs}"],
                env=environment,
                stdout=subprocess.PIPE,
                cwd=_bench.ROOT,
            )
            for number in range(options.jobs)
        ]
        for part in parts:
            assert part.stdout is not None
            for line in part.stdout:
                one = json.loads(line)
                yield Told(one["name"], Counter(one["runs"]), one["calls"], one["problems"])
            if part.wait():
                sys.exit("a part of the runs ended before its end: see above")


# --- one part ---------------------------------------------------------------------------------------------


def _be_part(options: argparse.Namespace) -> None:
    """Tell the stories of one part, a line of JSON each."""
    number, parts = map(int, options.part.split("/"))
    told = os.fdopen(os.dup(1), "w")
    with _bench_of_part() as bench:
        for story in scenes(bench, options.only, number, parts):
            one = _Teller(story, options).tell()
            print(json.dumps(vars(one)), file=told, flush=True)
            _bench.note(f"{one.name}: {dict(one.runs)}, {len(one.problems)} problems")


@contextmanager
def _bench_of_part() -> Iterator[Bench]:
    """Give a bench in memory, with a folder on a disk where that is another one; all is imported then."""
    memory = _MEMORY if _MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="neardup-faults-", dir=memory) as work,
        tempfile.TemporaryDirectory(prefix="neardup-faults-") as disk,
    ):
        base, scratch = (Path(work).resolve() / name for name in ("base", "scratch"))
        other = Path(disk).resolve() / "other"
        for folder in (base, other, scratch):
            folder.mkdir()
        is_other = other.stat().st_dev != base.stat().st_dev
        os.environ.update(_own_environment(base))
        os.chdir(scratch)
        bench = Bench(base, other if is_other else None, scratch, Shim([base, other]))
        errors, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # what commands print in this process
        os.dup2(nowhere, 2)
        warm(bench)
        os.dup2(errors, 2)
        yield bench


def _own_environment(base: Path) -> dict[str, str]:
    return {
        "HOME": str(base / "home"),
        "XDG_CONFIG_HOME": str(base / "home/config"),
        "XDG_DATA_HOME": str(base / "home/.local/share"),
        "NEARDUP_CATALOG": str(base / "state" / "catalog.db"),
        "NEARDUP_WORKERS": "1",
    }


class _Teller:
    """Runs one story again and again."""

    def __init__(self, story: Story, options: argparse.Namespace) -> None:
        self._story, self._options = story, options
        self._random = random.Random(f"{options.seed} {story.name}")
        self._told = Told(story.name)
        self._log = story.bench.scratch / "log"

    def tell(self) -> Told:
        """Run all that was asked for."""
        counts = {calls: self._count(calls) for calls in Calls}
        self._told.calls = counts[Calls.CHANGES] + counts[Calls.LOOKS]
        kills = [Fault(Kind.KILL, at) for at in range(1, counts[Calls.CHANGES] + 1)]
        for number, fault in enumerate(self._drawn(kills, self._options.kills)):
            self._run("kills", fault, number)
        faults = [
            Fault(kind, at, error, onwards, calls)
            for calls, kinds in KINDS.items()
            for kind, error, onwards in kinds
            for at in range(1, counts[calls] + 1)
        ]
        for number, fault in enumerate(self._drawn(faults, self._options.faults)):
            self._run("faults", fault, number)
        self._cut()
        return self._told

    def _drawn[T](self, all_there_are: Sequence[T], share: float) -> list[T]:
        wanted = min(len(all_there_are), round(len(all_there_are) * share))
        places = sorted(self._random.sample(range(len(all_there_are)), wanted))
        return [all_there_are[place] for place in places]

    def _count(self, calls: Calls) -> int:
        self._story.restore()
        ended = self._story.bench.shim.run(self._story.command, Fault(calls=calls))
        if problems := list(self._story.judge(ended, Fault(), 1)):
            sys.exit(f"{self._story.name} goes wrong without a fault: {problems}")
        return ended.seen

    def _run(self, word: str, fault: Fault, number: int) -> None:
        self._story.restore()
        ended = self._story.bench.shim.run(self._story.command, fault)
        if not ended.killed and not ended.call:
            return  # this run came to its end before
        self._told.runs[word] += 1
        what = f"{self._story.name}, {fault} ({ended.call} {ended.place})"
        problems = [
            *self._story.judge(ended, fault, number),
            *_untold(ended, fault, self._story.bench.ground.state),
        ]
        self._told.problems += [f"{what}: {problem}" for problem in problems]

    def _cut(self) -> None:
        """Drop what was not synced after each change of an undisturbed run."""
        story = self._story
        story.restore()
        inodes = inodes_of(story.start)
        story.bench.shim.run(story.command, Fault(), log=self._log)
        changes = read_log(self._log)
        cuts = [(at, names) for at in range(len(changes) + 1) for names in Names]
        for number, (at, names) in enumerate(self._drawn(cuts, self._options.cuts)):
            story.restore()
            cut(story.start, inodes, changes[:at], names, story.bench.scratch / "cut")
            self._told.runs["cuts"] += 1
            what = f"{story.name}, power cut after change {at}, {names.name.lower()} names"
            self._told.problems += [f"{what}: {problem}" for problem in story.judge_cut(number)]


def _untold(ended: Ended, fault: Fault, state: Path) -> Iterator[str]:
    """Yield an fsync that failed and that nobody heard of.

    What SQLite syncs while it closes a catalog it has in its log, and tries again with the next command; and
    it does not mind if the folder of its log cannot be synced.
    """
    is_one = fault.kind is Kind.FAIL and fault.error != errno.EINTR and ended.call == "fsync"
    if is_one and ended.code == 0 and state not in (Path(ended.place), Path(ended.place).parent):
        yield "an fsync that failed was not told"


if __name__ == "__main__":
    main()
