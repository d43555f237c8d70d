"""kill -9 at any moment of an apply or an undo: nothing is lost, and resume or undo makes it whole."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog import journal
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action
from neardup_cli.pipeline.apply import apply_plan, resume
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import BatchState
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from tests.cleanup.conftest import Collection, contents, tree

if TYPE_CHECKING:
    from neardup_cli.plans import Plan
    from tests.conftest import NewCatalog

CHECKOUT = Path(__file__).parents[2]
SEED = 20_251_122
KILLS = 4  # of an apply and as many of an undo in each of the cases; beside it a kill meets every step
CASES = ["trash", "emptied", "quarantine", "across", "hardlink", "symlink"]

# Forks a child for each line it reads: imports are done once, and a kill meets the work itself. It is killed
# after a time, or kills itself at the n-th thing that it does to the file system or the journal.
ZYGOTE = """
import json, os, signal, sys, time
from contextlib import contextmanager
from pathlib import Path
from neardup_cli.catalog.database import Catalog
from neardup_cli.cleanup import renaming
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.reports.plan_reader import read_plan
from tests.compiled import share_compiled_statements

share_compiled_statements()
WRITING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.utime", "os.chmod"}

def die_at(step):
    seen = 0
    def count():
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)
    def hook(event, arguments):
        if event in WRITING or event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
            count()
    # A rename that overwrites nothing is no Python call, and a commit is SQLite's own: right after each.
    rename, transactions = renaming.rename_exclusive, (Catalog.write, Catalog.write_durably)
    def renamed(*arguments):
        rename(*arguments)
        count()
    def committed(transaction):
        @contextmanager
        def write(catalog):
            with transaction(catalog) as connection:
                yield connection
            count()
        return write
    # The lock is SQLite's too: right after it is taken, and after it is given back.
    alone = Catalog.sole_writer
    @contextmanager
    def sole_writer(catalog):
        with alone(catalog):
            count()
            yield
        count()
    Catalog.sole_writer = sole_writer
    renaming.rename_exclusive = renamed
    Catalog.write, Catalog.write_durably = map(committed, transactions)
    sys.addaudithook(hook)

def work(asked, ready):
    os.environ["HOME"] = asked["home"]
    with Catalog.open(Path(asked["catalog"])) as catalog:
        plan = read_plan(Path(asked["plan"]).read_bytes())
        os.write(ready, b".")
        if asked["step"]:
            die_at(asked["step"])
        if asked["what"] in ("apply", "trial"):
            apply_plan(catalog, plan, permanently=True)
        if asked["what"] in ("undo", "trial"):
            undo_batch(catalog)

for line in sys.stdin:
    asked = json.loads(line)
    if asked["what"] == "trial":  # what is compiled and cached now is there in each child
        work(asked, os.open(os.devnull, os.O_WRONLY))
        os.write(1, b"0\\n")
        continue
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(asked, writing)
        except BaseException as exc:
            print(repr(exc), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    if asked["after"] is not None:
        time.sleep(asked["after"])
        os.kill(pid, signal.SIGKILL)
    os.write(1, b"%d\\n" % os.waitpid(pid, 0)[1])
"""


@dataclass
class Zygote:
    """Runs applies and undos of a plan as processes of their own, and kills them."""

    process: subprocess.Popen[bytes]
    asked: dict[str, str]

    def run(self, what: str, *, step: int = 0, after: float | None = None) -> bool:
        """Run to the end, to a step, or for so many seconds; return whether it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {**self.asked, "what": what, "step": step, "after": after}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)


@dataclass
class Moments:
    """Kills at random moments of the work; those that come too late make the next ones come earlier."""

    generator: random.Random
    zygote: Zygote
    longest: float = 0.0

    def kill(self, what: str) -> bool:
        """Return whether the kill met the work."""
        met = self.zygote.run(what, after=self.generator.uniform(0, self.longest))
        self.longest *= 1.1 if met else 0.8
        return met


@dataclass
class Case:
    """A collection, a plan for it, and what it looks like before and after."""

    collection: Collection
    plan: Plan
    places: tuple[Path, ...]
    zygote: Zygote

    def now(self) -> dict[str, tuple[object, ...]]:
        """What is there; the notes of the trash hold the time of day, and a folder's journal each try."""
        return {
            path: ("note",) if path.endswith((".trashinfo", ".neardup-journal.jsonl")) else value
            for path, value in tree(*self.places).items()
        }

    def interrupted(self) -> BatchState | None:
        with self.collection.catalog.read() as connection:
            batch = journal.interrupted_batch(connection)
        return None if batch is None else batch.state


type Start = Callable[..., Case]


@pytest.fixture
def catalog(other_disk: Path, empty_catalog: NewCatalog) -> Iterator[Catalog]:
    """In memory: a kill does not see the difference, and the tests wait for no disk."""
    with Catalog.open(empty_catalog(other_disk / "catalog.db")) as opened:
        yield opened


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", ZYGOTE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=CHECKOUT) as started:
        yield started
        started.kill()


@pytest.fixture
def start(
    collection: Collection,
    other_disk: Path,
    home: Path,
    process: subprocess.Popen[bytes],
    request: pytest.FixtureRequest,
) -> Start:
    def make(name: str, groups: int, copies: int = 2) -> Case:
        action = {"across": Action.QUARANTINE, "emptied": Action.TRASH}.get(name) or Action(name)
        if action is Action.REFLINK:
            collection.folder = request.getfixturevalue("xfs") / "photos"
        collection.fill(groups, copies=copies, companions=action.has_folder or action is Action.TRASH)
        to = {"quarantine": collection.base / "away", "across": other_disk / "away"}.get(name)
        plan = collection.plan(
            action, to, across_devices=name == "across", remove_empty_folders=name == "emptied"
        )
        assert plan.acts == copies * groups
        saved = collection.base / "plan.json"
        saved.write_text(dump(plan_document(plan)))
        zygote = Zygote(
            process, {"catalog": str(collection.catalog.path), "plan": str(saved), "home": str(home)}
        )
        if action is not Action.DELETE:
            zygote.run("trial")
        places = (collection.folder, home, *([] if to is None else [to.parent / "away"]))
        return Case(collection, plan, places, zygote)

    return make


@pytest.mark.parametrize("name", CASES)
def test_kills_at_random_moments(name: str, start: Start) -> None:
    case = start(name, 4)
    before, originals = case.now(), contents(*case.places)
    moments = Moments(random.Random(f"{SEED} {name}"), case.zygote)
    begun = time.perf_counter()
    assert not case.zygote.run("apply")
    moments.longest = time.perf_counter() - begun
    planned = case.now()
    assert planned != before
    assert not case.zygote.run("undo")
    assert case.now() == before
    for number in range(KILLS):
        while not moments.kill("apply"):  # it was done before
            assert not undo_batch(case.collection.catalog).refused
        assert contents(*case.places) >= originals
        if number % 2 and case.interrupted() is not None:
            assert not resume(case.collection.catalog).refused
            assert case.now() == planned, number
        if case.now() != before or case.interrupted() is not None:
            assert not undo_batch(case.collection.catalog).refused
        assert case.now() == before, number
        apply_plan(case.collection.catalog, case.plan)
        assert case.now() == planned, number
        while not moments.kill("undo"):
            apply_plan(case.collection.catalog, case.plan)
        assert contents(*case.places) >= originals
        if case.now() != before or case.interrupted() is not None:
            assert not undo_batch(case.collection.catalog).refused
        assert case.now() == before, number


@pytest.mark.parametrize("name", [*CASES, "reflink", "delete"])
def test_a_kill_at_every_step(name: str, start: Start) -> None:
    """Not at random: between any two things that are done to the file system or the journal."""
    case = start(name, 1, copies=1)
    before, originals = case.now(), contents(*case.places)
    if name == "delete":
        kill_each_step_of_a_delete(case)
        return
    apply_plan(case.collection.catalog, case.plan)
    planned = case.now()
    undo_batch(case.collection.catalog)
    step, killed = 0, True
    while killed:
        step += 1
        killed = case.zygote.run("apply", step=step)
        assert contents(*case.places) >= originals
        if killed and step % 2 and case.interrupted() is not None:
            assert not resume(case.collection.catalog).refused
            assert case.now() == planned, step
        if case.now() != before or case.interrupted() is not None:
            assert not undo_batch(case.collection.catalog).refused
        assert case.now() == before, step
    applying, step, killed = step, 0, True
    while killed:
        step += 1
        apply_plan(case.collection.catalog, case.plan)
        killed = case.zygote.run("undo", step=step)
        assert contents(*case.places) >= originals
        if case.now() != before or case.interrupted() is not None:
            assert not undo_batch(case.collection.catalog).refused
        assert case.now() == before, step
    assert applying > 8
    assert step > 6


def kill_each_step_of_a_delete(case: Case) -> None:
    """Resume deletes what was not, undo leaves it; nothing else is touched, nothing is left over."""
    before = case.now()
    (victim,) = (Path(os.fsdecode(act.file.path)) for group in case.plan.groups for act in group.acts)
    planned = {path: value for path, value in before.items() if path != str(victim)}
    content, status = victim.read_bytes(), victim.stat()
    step, killed = 0, True
    while killed:
        step += 1
        killed = case.zygote.run("apply", step=step)
        if killed and case.interrupted() is not None:
            if step % 2:
                assert not resume(case.collection.catalog).refused
                assert case.now() == planned, step
            else:
                undo_batch(case.collection.catalog)
        assert case.now() in (before, planned), step
        victim.write_bytes(content)
        victim.chmod(status.st_mode)
        os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
        case.collection.scan()  # a plan acts only upon what the catalog has
        assert case.now() == before
    assert step > 6
