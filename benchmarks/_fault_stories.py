"""What is run under faults, and what has to hold afterwards, whatever went wrong.

A story has a ground as it was before, a command, and what has to be true when the command has ended, by a
fault or well: nothing is lost, the journal says what is so, an error is one line, success is whole. Then
the commands follow that its user is told to run, without a fault, and all is as it was.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._faulty import Calls, Ended, Fault, Kind, Shim
from benchmarks._ground import WRITTEN, Ground, Snapshot, Tree, difference
from neardup_cli.fingerprints.content import content_digest

CATALOG = "catalog.db"
_CODES = frozenset({0, *range(1, 20)})
_JOURNAL = """
SELECT operation.state, path, digest, target, action, keeper_path, operation.id, token
FROM operation JOIN batch ON batch.id = operation.batch_id ORDER BY operation.id
"""
_IS_HERE = 3  # the column of a file's row
_HOLDING = (
    """SELECT file.path, file.size, file.mtime_ns, file.missing_scan_id IS NULL, content.digest
       FROM file JOIN content ON content.id = file.content_id ORDER BY file.path""",
    "SELECT digest, size, error, format, width, height, dhash, flatness FROM content ORDER BY digest",
)


@dataclass
class Bench:
    """Where the stories take place, and what runs their commands.

    Attributes:
        base: watched; `photos`, `home`, `away` of the user's, `state` of the catalog, `out` for copies of it.
        other: a folder on another disk, watched; None where there is none.
        scratch: not watched.
        planned: the folders for which there are plans; with something to be carried, and without.
    """

    base: Path
    other: Path | None
    scratch: Path
    shim: Shim
    ground: Ground = field(init=False)
    planned: dict[bool, Snapshot] = field(default_factory=dict)

    @property
    def trash(self) -> Path:
        """The home's trash."""
        return self.home / ".local/share/Trash"

    def __post_init__(self) -> None:
        disks = [self.base] if self.other is None else [self.base, self.other]
        keeps = tuple(disk.with_name(disk.name + "-kept") for disk in disks)
        for keep in keeps:
            keep.mkdir()
        self.photos, self.home, self.out = (self.base / name for name in ("photos", "home", "out"))
        self.away = self.base / "away"
        places = [self.photos, self.home, self.away]
        if self.other is not None:
            places.append(self.other / "away")
        self.ground = Ground(tuple(places), self.base / "state", keeps)
        self.out.mkdir()

    @property
    def catalog(self) -> Path:
        """The catalog file."""
        return self.ground.state / CATALOG

    def succeed(self, *arguments: str) -> None:
        """Run a command without a fault; it has to end well."""
        if problem := self.trouble(*arguments):
            raise RuntimeError(problem)

    def succeed_together(self, commands: Sequence[Sequence[str]]) -> None:
        """Run several commands without a fault, in one process; they have to end well."""
        ended = self.shim.run_together(commands)
        if ended.signal or ended.code:
            raise RuntimeError(f"{commands}: {ended.signal or ended.code}: {ended.said[-2000:]}")

    def trouble(self, *arguments: str, well: Sequence[int] = (0,)) -> str:
        """Run a command without a fault; return what is wrong with how it ended."""
        ended = self.shim.run(arguments)
        if ended.code in well and not said_badly(ended):
            return ""
        return f"then `{' '.join(arguments)}`: {ended.signal or ended.code}: {ended.said.strip()[-2000:]}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask a copy of the catalog, so that what a crash has left is left to neardup."""
        copy = self.scratch / "look"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for name in (CATALOG, f"{CATALOG}-wal", f"{CATALOG}-journal"):
            if (self.ground.state / name).exists():
                shutil.copy(self.ground.state / name, copy / name)
        with closing(sqlite3.connect(copy / CATALOG)) as database:
            return database.execute(query).fetchall()

    def holding(self) -> list[list[tuple[Any, ...]]]:
        """What the catalog knows of files and contents."""
        return [self.rows(query) for query in _HOLDING]

    def batch_state(self) -> str:
        """How far the last batch is; empty if there is none."""
        found = self.rows("SELECT state FROM batch ORDER BY id DESC LIMIT 1")
        return str(found[0][0]) if found else ""


def said_badly(ended: Ended) -> str:
    """Say what is wrong with how a command ended; empty if nothing is."""
    if ended.killed:
        return ""
    if ended.signal:
        return f"ended by signal {ended.signal}"
    for word in ("Traceback", "Exception ignored"):
        if word in ended.said:
            return f"traceback: {ended.said.strip()[-3000:]}"
    complaints = [line for line in ended.said.splitlines() if line.startswith("neardup: ")]
    if ended.code not in _CODES or len(complaints) != (ended.code != 0):
        return f"code {ended.code} with {len(complaints)} complaints: {ended.said.strip()[-500:]}"
    return ""


@dataclass
class Story(ABC):
    """One command, and what surrounds it."""

    bench: Bench
    name: str
    start: Snapshot
    command: tuple[str, ...]
    before: Tree
    originals: set[bytes]
    has_plain_names: bool = field(default=False, kw_only=True)
    """Whether the file system can rename only as POSIX has it."""
    loose: bool = field(default=False, kw_only=True)
    """After a power cut, times and modes are not compared, nor are empty folders, notes and journals."""
    may_leave: bool = field(default=False, kw_only=True)
    """What cannot be removed stays: an empty folder, half a copy of the catalog. That is no harm."""
    told: str = field(default="", kw_only=True)
    """What the run said: a sidecar that could not be removed again was named."""

    def restore(self) -> None:
        """Put the ground back to where the command is run."""
        self.bench.shim.have_plain_names(self.has_plain_names)
        self.start.restore()
        shutil.rmtree(self.bench.out)
        self.bench.out.mkdir()

    def judge_cut(self, number: int) -> Iterator[str]:
        """Yield what is wrong with what a power cut has left; what goes well afterwards is `follow`."""
        self.loose, self.told = True, ""
        yield from self.lost()
        yield from self.follow(number, killed=True)
        self.loose = False

    def judge(self, ended: Ended, fault: Fault, number: int) -> Iterator[str]:
        """Yield what is wrong after a run; the follow-up depends on its number."""
        if trouble := said_badly(ended):
            yield trouble
        yield from self.lost()
        yield from self.untrue()
        self.may_leave = fault.onwards or ended.call == "rmdir" or self.goes(ended.place)
        self.told = ended.said
        if not ended.killed and ended.code == 0 and self.claims_all(fault):
            yield from self.not_done()
        yield from self.follow(number, killed=ended.killed)

    def goes(self, place: str) -> bool:  # noqa: ARG002 - a clean-up needs it
        """Say whether a folder is to be removed: one that could not be looked at stays, too."""
        return False

    def claims_all(self, fault: Fault) -> bool:  # noqa: ARG002 - a scan needs it
        """Say whether success has to mean that all was done."""
        return True

    def lost(self) -> Iterator[str]:
        """Yield what is gone that was there."""
        if gone := self.originals - self.bench.ground.contents():
            yield f"LOST {len(gone)} contents: {difference(self.bench.ground.now(), self.before)}"

    def untrue(self) -> Iterator[str]:
        """Yield what the journal says and is not so."""
        return iter(())

    @abstractmethod
    def not_done(self) -> Iterator[str]:
        """Yield what is not as it is after a run that went well."""

    @abstractmethod
    def follow(self, number: int, *, killed: bool) -> Iterator[str]:
        """Go on as its user would, and yield what does not come out as it was."""

    def unlike(self, wanted: Tree, when: str) -> Iterator[str]:
        """Yield how the folders differ from what they have to look like."""
        now = self.bench.ground.now()
        if self.may_leave:
            now = {path: what for path, what in now.items() if what[0] != "folder" or path in wanted}
        if WRITTEN in self.told:
            now = {path: what for path, what in now.items() if not path.endswith(WRITTEN)}
            wanted = {path: what for path, what in wanted.items() if not path.endswith(WRITTEN)}
        if found := difference(_bytes_of(now), _bytes_of(wanted)) if self.loose else difference(now, wanted):
            yield f"{when}: {found}"


def _bytes_of(folders: Tree) -> Tree:
    return {path: what[:1] for path, what in folders.items() if what[0] not in ("folder", "vague")}


@dataclass
class Scan(Story):
    """A folder that has changed, scanned: the folder is not touched, and the next scan makes all good."""

    expected: list[list[tuple[Any, ...]]] = field(default_factory=list)
    has_missed: bool = False
    """Whether the disk may have failed to say that a file is not where it was: it is not moved then."""

    def claims_all(self, fault: Fault) -> bool:
        """Say whether what the catalog has must be whole: a file that cannot be read is named, and waits."""
        return fault.kind is Kind.NONE

    def judge(self, ended: Ended, fault: Fault, number: int) -> Iterator[str]:
        """Judge it, knowing whether a look has failed."""
        self.has_missed = fault.kind is Kind.FAIL and fault.calls is Calls.LOOKS
        yield from super().judge(ended, fault, number)

    def judge_cut(self, number: int) -> Iterator[str]:
        """Judge it: no look has failed."""
        self.has_missed = False
        yield from super().judge_cut(number)

    def not_done(self) -> Iterator[str]:
        """Compare the catalog with that of an undisturbed scan."""
        here = {row[-1] for row in self.expected[0] if row[_IS_HERE]}
        for found, expected in zip(self.bench.holding(), self.expected, strict=True):
            more = [row for row in found if row not in expected]
            if self.has_missed and expected is self.expected[0]:
                more = [row for row in more if row[_IS_HERE] or row[-1] not in here]
            if more:
                yield f"the catalog has what an undisturbed scan would not have stored: {more}"
            if less := [row for row in expected if row not in found]:
                yield f"the catalog lacks what an undisturbed scan would have stored: {less}"

    def follow(self, number: int, *, killed: bool) -> Iterator[str]:  # noqa: ARG002
        """Scan again."""
        yield from self.unlike(self.before, "a scan changed the folder")
        if trouble := self.bench.trouble(*self.command):
            yield trouble
        yield from self.not_done()


@dataclass
class Backup(Story):
    """A copy of the catalog: whole or not there."""

    expected: list[list[tuple[Any, ...]]] = field(default_factory=list)

    @property
    def target(self) -> Path:
        """Where the copy goes."""
        return Path(self.command[1])

    def not_done(self) -> Iterator[str]:
        """Look at the copy."""
        if not self.target.exists():
            yield "there is no copy"

    def follow(self, number: int, *, killed: bool) -> Iterator[str]:  # noqa: ARG002
        """Back up again, where there is no copy yet; open it."""
        left = [path.name for path in self.bench.out.iterdir() if path != self.target]
        if left and not killed and not self.may_leave:
            yield f"left behind: {left}"
        if not self.target.exists() and (trouble := self.bench.trouble(*self.command)):
            yield trouble
        with closing(sqlite3.connect(self.target)) as database:
            if [database.execute(query).fetchall() for query in _HOLDING] != self.expected:
                yield "the copy does not hold what the catalog holds"
        if self.bench.holding() != self.expected:
            yield "the catalog does not hold what it held"


@dataclass
class Acting(Story):
    """A clean-up or an undo.

    Attributes:
        done: what the folders look like after it went well.
        undone: what they look like when all is taken back.
        for_good: whether what goes does not come back.
    """

    done: Tree = field(default_factory=dict)
    undone: Tree = field(default_factory=dict)
    for_good: bool = False

    def goes(self, place: str) -> bool:
        """Say whether it was there, and is not when all is done."""
        return self.before.get(place, ("",))[0] == "folder" and place not in self.done

    def not_done(self) -> Iterator[str]:
        """Look at the folders."""
        yield from self.unlike(self.done, "it ended well, and not all was done")

    def untrue(self) -> Iterator[str]:
        """Compare each line of the journal with the disk."""
        for line in (_Line(*row) for row in self.bench.rows(_JOURNAL)):
            if problem := line.lie():
                yield f"the journal says {line.state} of {os.fsdecode(line.path)} ({line.action}): {problem}"

    def follow(self, number: int, *, killed: bool) -> Iterator[str]:
        """Resume, or undo; without the catalog where the folder's own journal will do."""
        state = self.bench.batch_state()
        if number % 3 == 0 and self._leave_catalog():
            yield from self._undo_without_catalog()
            return
        if state == "applying" and number % 2:
            failed = self.bench.rows("SELECT count(*) FROM operation WHERE state = 'failed'")[0][0]
            if trouble := self.bench.trouble("clean", "--resume", well=(0, 18) if failed else (0,)):
                yield trouble
            elif killed and self.name.startswith("clean"):
                yield from self.unlike(self.done, "resumed, and not all was done")
        if not self.for_good or self.bench.batch_state() == "applying":
            yield from self._undo_all()
        if self.for_good:
            yield from self._not_mixed()
        else:
            yield from self.unlike(self.undone, "all was undone, and it is not as it was")
        yield from self.untrue()

    def _undo_all(self) -> Iterator[str]:
        for _ in range(3):
            counts = self.bench.rows(
                "SELECT count(*) FROM operation WHERE state IN ('done', 'undoing', 'begun')"
            )
            if not counts[0][0] and self.bench.batch_state() not in ("applying", "undoing"):
                return
            if trouble := self.bench.trouble("undo", well=(0, 18) if self.for_good else (0,)):
                yield trouble
                return
            if self.for_good:
                return
        yield "three times undone, and there is still something to undo"

    def _not_mixed(self) -> Iterator[str]:
        now = self.bench.ground.now()
        done, before = self.done, self.before
        if self.loose:
            now, done, before = _bytes_of(now), _bytes_of(done), _bytes_of(before)
        if not done.items() <= now.items() <= before.items():
            yield f"neither gone nor there: {difference(now, before)}"

    def _leave_catalog(self) -> bool:
        """Do away with the catalog where a folder has a journal of what was put there; say whether."""
        if not self._journals():
            return False
        shutil.rmtree(self.bench.ground.state)
        return True

    def _journals(self) -> list[Path]:
        found = [place for place in self.bench.ground.places if (place / ".neardup-journal.jsonl").exists()]
        notes = self.bench.trash / "info"
        return [*found, self.bench.trash] if notes.is_dir() and any(notes.iterdir()) else found

    def _undo_without_catalog(self) -> Iterator[str]:
        for place in self._journals():
            if trouble := self.bench.trouble("undo", "--from", str(place)):
                yield trouble
        # Of the sidecars that were written only the catalog knows.
        ours = (WRITTEN, "-xmp-")
        now = {path: what for path, what in self.bench.ground.now().items() if not any(map(path.count, ours))}
        if found := difference(_bytes_of(now), _bytes_of(self.undone)):
            yield f"put back without a catalog, and it is not as it was: {found}"


@dataclass
class FromFolder(Acting):
    """`undo --from`, where there is no catalog any more."""

    def untrue(self) -> Iterator[str]:
        """There is no journal but the folder's, which is what is followed."""
        return iter(())

    def follow(self, number: int, *, killed: bool) -> Iterator[str]:  # noqa: ARG002
        """Do it again."""
        yield from self._undo_without_catalog()


class _Line(NamedTuple):
    """What the journal says of a file."""

    state: str
    path: bytes
    digest: bytes | None
    target: bytes | None
    action: str
    keeper: bytes | None
    number: int
    token: str

    def lie(self) -> str:
        """Return what is not so; empty if all is."""
        if self.state in ("planned", "failed", "undone"):
            holds = os.path.isfile(self.path) if self.digest is None else self._is_at(self.path)
            return "" if holds and not os.path.islink(self.path) else "it is not where it was"
        if self.state in ("begun", "undoing"):
            name = b".neardup-%s-%d-aside" % (self.token.encode(), self.number)
            places = (self.path, self.target, os.path.join(os.path.dirname(self.path), name))
            is_somewhere = any(self._is_at(place) for place in places)
            return "" if is_somewhere or self.action == "delete" else "it is nowhere"
        if self.action in ("hardlink", "reflink", "symlink"):
            is_link = self.action != "symlink" or os.path.islink(self.path)
            return "" if is_link and self._is_at(self.path) else "its name does not lead to its bytes"
        if os.path.lexists(self.path):
            return "it is still there"
        place = self.keeper if self.action == "delete" else self.target
        return "" if self._is_at(place) else "its bytes are not where they should be"

    def _is_at(self, place: bytes | None) -> bool:
        return place is not None and _holds(place, self.digest)


def _holds(path: bytes, digest: bytes | None) -> bool:
    try:
        with open(path, "rb") as stream:
            return digest is None or content_digest(stream.read()) == digest
    except OSError:
        return False
