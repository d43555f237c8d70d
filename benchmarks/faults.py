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

`--kills`, `--faults` and `--cuts` are shares of all there are, or `--tries` says how many, of all three and
all stories together. What comes of each story goes to `--keep FILE` at once, and is not told again where it
is there; `--write` puts it into the docs.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from benchmarks import _bench, _faulty
from benchmarks._bench import Figure
from benchmarks._fault_figures import RUNS, Told, added_up, write_docs
from benchmarks._fault_scenes import scene_names, scenes, warm
from benchmarks._fault_stories import Bench, Story
from benchmarks._faulty import Calls, Ended, Fault, Kind, Shim
from benchmarks._ground import Inode
from benchmarks._power_cut import Change, Names, cut, different_cuts, inodes_of, read_log

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


_DRAWN = re.compile(r"[0-9a-f]{8,}")  # what is drawn by chance and stands in names


def main() -> None:
    """Run all, in as many processes as were asked for, and add up."""
    options = _parse()
    if options.part is not None:
        _be_part(options)
        return
    if (lacking := _faulty.missing()) is not None:
        sys.exit(f"this needs {lacking}")
    print(f"{_bench.cores()} cores, {options.jobs} at work; seed {options.seed}\n", flush=True)
    told = _kept(options.keep)
    for one in _all_parts(options):
        told.append(one)
        if options.keep is not None:
            with options.keep.open("a") as kept:
                print(one.line(), file=kept)
    if options.write:
        write_docs(told, options.seed)
    _report(told, options.most)


def _kept(file: Path | None) -> list[Told]:
    if file is None or not file.exists():
        return []
    return [Told.from_line(line) for line in file.read_text().splitlines()]


def _report(told: Sequence[Told], most: int) -> None:
    rows = [
        [one.name, *(f"{one.runs[kind]:,}/{one.possible[kind]:,}" for kind in RUNS), str(len(one.problems))]
        for one in told
    ]
    _bench.print_table(("story", "faults", "kills", "power cuts", "problems"), rows)
    total = added_up("all", told)
    for problem in total.problems[:most]:
        print(f"\n{problem}")
    runs, seconds = total.runs, max(total.seconds, 1e-9)
    tries = sum(runs[kind] for kind in RUNS)
    if runs["alike"]:
        print(f"\n{runs['alike']} tries made again by a process of its own")
    met = f"{runs['faults']:,} faults met, {runs['kills']:,} kills, {runs['cuts']:,} power cuts"
    print(f"\n{tries:,} runs, {tries / seconds:.1f} a second: {met}")
    losses, traces, unlike = (total.count(word) for word in ("LOST", "traceback", "UNLIKE"))
    _bench.finish(
        [
            Figure("contents lost", losses, 0),
            Figure("tracebacks", traces, 0),
            Figure("other broken promises", len(total.problems) - losses - traces - unlike, 0),
            Figure("tries unlike those of a process of its own", unlike, 0),
        ]
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    for name in ("--kills", "--faults", "--cuts"):
        parser.add_argument(name, type=float, default=1.0, help="share of them (1)")
    parser.add_argument("--tries", type=int, help="how many of all, instead of shares")
    parser.add_argument("--only", nargs="*", default=[], help="stories whose names have one of these words")
    parser.add_argument("--seed", type=int, default=SEED, help="of what is drawn")
    parser.add_argument("--jobs", type=int, default=_bench.cores(), help="processes (one a core)")
    parser.add_argument("--most", type=int, default=20, help="problems that are shown (20)")
    parser.add_argument("--keep", type=Path, help="what came of each story, a line of JSON each")
    parser.add_argument("--write", action="store_true", help="put the table into docs/durability.md")
    parser.add_argument(
        "--alike", type=int, default=0, help="stories in which tries are made again by processes"
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser.parse_args()


def _all_parts(options: argparse.Namespace) -> Iterator[Told]:
    """Run the parts, each a process of its own, and yield what they tell of each story."""
    with tempfile.TemporaryDirectory(prefix="neardup-faulty-") as folder:
        # The order of sets is the same in all processes, so that a try can be made again.
        environment = _faulty.environment(Path(folder)) | {"PYTHONHASHSEED": str(options.seed % 2**32)}
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
            yield from map(Told.from_line, part.stdout)
            if part.wait():
                sys.exit("a part of the runs ended before its end: see above")


# --- one part ---------------------------------------------------------------------------------------------


def _be_part(options: argparse.Namespace) -> None:
    """Tell the stories of one part, a line of JSON each."""
    number, parts = map(int, options.part.split("/"))
    told = os.fdopen(os.dup(1), "w")
    with _bench_of_part() as bench:
        kept = {one.name for one in _kept(options.keep)}
        names = [name for name in scene_names(bench, options.only) if name not in kept]
        compared = random.Random(options.seed).sample(names, min(options.alike, len(names)))
        for story in scenes(bench, names, number, parts):
            one = _Teller(story, len(names), options, is_compared=story.name in compared).tell()
            print(one.line(), file=told, flush=True)
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

    def __init__(self, story: Story, stories: int, options: argparse.Namespace, *, is_compared: bool) -> None:
        self._story, self._stories, self._options = story, stories, options
        self._is_compared = is_compared
        self._random = random.Random(f"{options.seed} {story.name}")
        self._told = Told(story.name)
        self._log = story.bench.scratch / "log"
        self._inodes: dict[Path, Inode] = {}
        self._calls: list[str] = []

    def tell(self) -> Told:
        """Run all that was asked for."""
        began = time.monotonic()
        faults, kills, changes = self._there_are()
        cuts = different_cuts(self._story.start, self._inodes, changes)
        self._told.possible.update(faults=len(faults), kills=len(kills), cuts=len(cuts))
        for number, fault in enumerate(self._drawn(kills, self._options.kills)):
            self._run("kills", fault, number)
        for number, fault in enumerate(self._drawn(faults, self._options.faults)):
            self._run("faults", fault, number)
        for number, (at, names) in enumerate(self._drawn(cuts, self._options.cuts)):
            self._cut(changes[:at], names, number)
        self._told.seconds = time.monotonic() - began
        if self._is_compared:
            for fault in (Fault(), self._random.choice(faults), self._random.choice(kills)):
                self._compare(fault)
        return self._told

    def _drawn[T](self, all_there_are: Sequence[T], share: float) -> list[T]:
        if self._options.tries is not None:
            share = self._options.tries / self._stories / sum(self._told.possible.values())
        # Rounded by chance, so that a small share of few is not always none of them.
        wanted = min(len(all_there_are), int(len(all_there_are) * share + self._random.random()))
        places = sorted(self._random.sample(range(len(all_there_are)), wanted))
        return [all_there_are[place] for place in places]

    def _there_are(self) -> tuple[list[Fault], list[Fault], list[Change]]:
        """Run the command undisturbed; return each fault that it can meet, each kill, and what it changes."""
        self._story.restore()
        self._inodes = inodes_of(self._story.start)
        trace = self._log.with_name("trace")
        ended = self._story.bench.shim.run(self._story.command, Fault(), log=self._log, trace=trace)
        lines = [line.split(" ", 2)[1:] for line in trace.read_text(errors="replace").splitlines()]
        self._calls = [call for classes, call in lines if int(classes) & Calls.CHANGES]
        if problems := list(self._story.judge(ended, Fault(), 1)):
            sys.exit(f"{self._story.name} goes wrong without a fault: {problems}")
        self._told.calls = ended.count(Calls.CHANGES) + ended.count(Calls.LOOKS)
        faults = [
            Fault(kind, at, error, onwards, calls)
            for calls, kinds in KINDS.items()
            for kind, error, onwards in kinds
            for at in range(1, ended.count(calls) + 1)
        ]
        kills = [Fault(Kind.KILL, at) for at in range(1, ended.count(Calls.CHANGES) + 1)]
        return faults, kills, read_log(self._log)

    def _run(self, word: str, fault: Fault, number: int) -> None:
        self._story.restore()
        ended = self._story.bench.shim.run(self._story.command, fault)
        if not ended.killed and not ended.call:
            return  # this run came to its end before
        self._told.runs[word] += 1
        what = f"{self._story.name}, {fault} ({ended.call} {ended.place})"
        problems = [
            *self._story.judge(ended, fault, number),
            *self._untold(ended, fault),
        ]
        self._told.problems += [f"{what}: {problem}" for problem in problems]

    def _untold(self, ended: Ended, fault: Fault) -> Iterator[str]:
        """Yield an fsync that failed and that nobody heard of.

        What SQLite syncs while it closes a catalog it has in its log, and tries again with the next command;
        and it does not mind if the folder of its log cannot be synced, nor that of the journal of half a
        copy: we sync that folder again when the copy is whole.
        """
        state, out = self._story.bench.ground.state, str(self._story.bench.out)
        if (
            fault.kind is not Kind.FAIL
            or fault.error == errno.EINTR
            or (ended.call, ended.code) != ("fsync", 0)
        ):
            return
        if state in (Path(ended.place), Path(ended.place).parent):
            return
        if ended.place == out and f"fsync {out}" in self._calls[fault.at :]:
            return
        yield "an fsync that failed was not told"

    def _compare(self, fault: Fault) -> None:
        """Have a try made by a fork and by a process of its own, and compare all that can be seen of them."""
        story, found = self._story, []
        for run in (story.bench.shim.run, story.bench.shim.run_alone):
            story.restore()
            ended = run(story.command, fault, trace=self._log)
            calls = "\n".join(_by_threads(self._log.read_text(errors="surrogateescape").splitlines()))
            ground = "\n".join(f"{path} {what}" for path, what in story.bench.ground.now().items())
            seen = (f"{ended.signal or ended.code}", ended.said, calls, ground)
            found.append([_DRAWN.sub("#", text).splitlines() for text in seen])
        self._told.runs["alike"] += 1
        pairs = (pair for both in zip(*found, strict=True) for pair in zip_longest(*both))
        if unlike := next((pair for pair in pairs if pair[0] != pair[1]), None):
            what = f"{story.name}, {fault}"
            self._told.problems.append(f"{what}: UNLIKE a process of its own: {unlike[0]!r}, {unlike[1]!r}")

    def _cut(self, changes: Sequence[Change], names: Names, number: int) -> None:
        """Drop what was not synced after some changes of an undisturbed run."""
        story = self._story
        story.restore()
        cut(story.start, self._inodes, changes, names, story.bench.scratch / "cut")
        self._told.runs["cuts"] += 1
        what = f"{story.name}, power cut after change {len(changes)}, {names.name.lower()} names"
        self._told.problems += [f"{what}: {problem}" for problem in story.judge_cut(number)]


def _by_threads(trace: Sequence[str]) -> Iterator[str]:
    """Yield the calls of a run, those of each thread in their order: between threads there is none."""
    threads: dict[str, list[str]] = {}
    for line in trace:
        thread, _, call = line.partition(" ")
        threads.setdefault(thread, []).append(call)
    for calls in threads.values():
        yield from calls


if __name__ == "__main__":
    main()
