"""The journal beside moved files, forged: `undo --from` puts back what was there, and nothing else happens.

In the inputs `@HERE@` is the folder in which everything is.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from neardup_cli.choices import Action
from neardup_cli.cleanup.second_journal import NAME
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.undo_from import undo_from
from tests.cleanup.conftest import Tree, tree
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.targets.plan import World
from tests.fuzz.trees import changed_json

_HERE = b"@HERE@"
_PLACES = (
    "letter.txt",
    "configuration/program.conf",
    "configuration/new.png",
    "away/x.png",
    ".bashrc",
    "x.desktop",
)


def _in_a_line(data: bytes, chance: random.Random) -> bytes:
    """Change, double or move a line; the others stay."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    if chance.random() < 0.2:
        lines.insert(chance.randrange(len(lines)), lines[at])
    else:
        lines[at] = changed_json(lines[at], chance).replace(b"\n", b" ")
    return b"\n".join(lines)


def _elsewhere(data: bytes, chance: random.Random) -> bytes:
    """Have a file go back to where it never was."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    before, mark, rest = lines[at].partition(b'"path": "')
    place = chance.choice(_PLACES).encode()
    lines[at] = before + mark + _HERE + b"/" + place + b'"' + rest.partition(b'"')[2]
    return b"\n".join(lines)


class Journals:
    """See above."""

    name = "journal"
    seconds = 5.0
    inputs_a_child = 1_000

    def seeds(self) -> Sequence[bytes]:
        """Return the journal of an honest clean-up."""
        world = self._put_away()
        try:
            journal = (world.base / "away" / os.fsdecode(NAME)).read_bytes()
            return [
                journal.replace(os.fsencode(world.base), _HERE).replace(os.fsencode(world.base)[1:], b"put")
            ]
        finally:
            world.close()

    def mutators(self) -> Sequence[Mutator]:
        """Return those that know lines."""
        return (_in_a_line, _in_a_line, _elsewhere)

    def prepare(self) -> None:
        """Keep what a clean-up leaves."""
        world = self._put_away()
        self._base = Path(tempfile.mkdtemp())
        self._kept = self._base / "kept"
        for name in ("photos", "configuration"):
            shutil.copytree(world.base / name, self._kept / name)
        shutil.copytree(world.base / "away" / str(world.base)[1:], self._kept / "away" / "put")
        shutil.copy2(world.base / "letter.txt", self._kept)
        world.close()

    def check(self, data: bytes) -> str:
        """Put back what a journal says; nothing is overwritten or lost, and no program's file appears."""
        here = self._base / "here"
        shutil.copytree(self._kept, here)
        (here / "away" / os.fsdecode(NAME)).write_bytes(data.replace(_HERE, os.fsencode(here)))
        before = _files(here)
        try:
            outcome = undo_from(os.fsencode(here / "away"))
        except BadInput:
            return "refused"
        finally:
            after = _files(here)
            shutil.rmtree(here)
        _judge(before, after)
        return "put back" if outcome.done else "nothing"

    def _put_away(self) -> World:
        world = World()
        apply_plan(world.catalog, world.plan(Action.QUARANTINE))
        return world


def _files(base: Path) -> Tree:
    name = os.fsdecode(NAME)
    return {
        path: state for path, state in tree(base).items() if state[0] != "folder" and not path.endswith(name)
    }


def _judge(before: Tree, after: Tree) -> None:
    for path, state in before.items():
        if "/away/" not in path and after.get(path) != state:
            raise WrongAnswer(f"a file that was there is changed: {path}")
    if {state[0] for state in before.values()} != {state[0] for state in after.values()}:
        raise WrongAnswer("a content is lost, or a new one has appeared")
    for path in after.keys() - before.keys():
        if Path(path).suffix.lower() not in (".png", ".xmp", ".cr2") or Path(path).name.startswith("."):
            raise WrongAnswer(f"another kind of file has appeared: {path}")


TARGET = Journals()
