"""Plans from outside: refused as a whole, or carried out without a loss and taken back without a trace.

In the inputs `@HERE@` is the folder in which everything is, and `@UUID@` the catalog's own number.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action
from neardup_cli.cleanup.check import check_plan
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.plan_guard import guard_plan
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import Plan
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.reports.plan_reader import read_plan
from neardup_cli.reports.plan_text import plan_lines
from tests.cleanup.conftest import Collection, Tree, tree
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.trees import changed_json

_HERE, _UUID = b"@HERE@", b"@UUID@"
_ACTIONS = (Action.TRASH, Action.MOVE, Action.QUARANTINE, Action.DELETE, Action.HARDLINK)


def _draw(path: Path, seed: int) -> Path:
    levels = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).resize((56, 48), Image.Resampling.BICUBIC).save(path, compress_level=1)
    return path


class World:
    """A scanned collection, its catalog, a trash, and files that are none of anybody's business."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp())
        for place in ("files", "info"):
            (self.base / "home/.local/share/Trash" / place).mkdir(parents=True)
        os.environ["HOME"] = str(self.base / "home")
        os.environ.pop("XDG_DATA_HOME", None)
        (self.base / "letter.txt").write_text("dear reader")
        (self.base / "configuration").mkdir()
        (self.base / "configuration" / "program.conf").write_text("a = 1\n")
        self.catalog = Catalog.open(self.base / "catalog.db", create=True)
        self.collection = Collection(self.base, self.catalog, _draw)
        self.collection.fill(3, copies=2, companions=True)
        _draw(self.base / "photos" / "new.png", 77)  # nobody has scanned it
        with self.catalog.read() as connection:
            self.uuid = queries.catalog_uuid(connection)

    def plan(self, action: Action) -> Plan:
        """Return an honest plan."""
        to = self.base / "away" if action.has_folder else None
        return self.collection.plan(action, to)

    def everything(self) -> Tree:
        """Return what is there, but for the catalog."""
        return {name: state for name, state in tree(self.base).items() if "catalog.db" not in name}

    def close(self) -> None:
        """Remove it."""
        self.catalog.close()
        shutil.rmtree(self.base)


def _contents(found: Tree, below: str) -> set[object]:
    return {state[0] for name, state in found.items() if below in name and state[0] not in ("folder", "link")}


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a plan is edited: one of its acts, and another one of any group."""

    plan: Any
    group: Any
    act: Any
    other: Any
    chance: random.Random


def _plausible(data: bytes, chance: random.Random) -> bytes:
    """Edit a plan as somebody would who knows what one looks like."""
    try:
        plan = json.loads(data)
        group = chance.choice(plan["groups"])
        other = chance.choice(chance.choice(plan["groups"])["acts"])
        chance.choice(_EDITS)(_Spot(plan, group, chance.choice(group["acts"]), other, chance))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return changed_json(data, chance)
    return json.dumps(plan).encode()


_STATE = ("path", "bytes", "mtime_ns", "content")
_FILES = ("letter.txt", "photos/new.png", "configuration/program.conf", "catalog.db")
_TARGETS = ("away/x.png", "away/a/b.png", "configuration/program.conf", "x.png", "photos/x.png", "away/x.xmp")
_RULES: tuple[tuple[str, Any], ...] = (
    ("min_copies", 2),
    ("min_copies", 3),
    ("min_disks", 2),
    ("carry_metadata", True),
    ("accept", ["colour"]),
    ("protect", ["@HERE@/photos/b"]),
    ("across_drives", True),
)


def _swap(at: _Spot) -> None:
    for key in _STATE:
        at.group["keep"][key], at.act[key] = at.act[key], at.group["keep"][key]


def _exchange(at: _Spot) -> None:
    for key in at.chance.sample((*_STATE, "target", "companions"), at.chance.randint(1, 6)):
        at.act[key], at.other[key] = at.other[key], at.act[key]


def _point(at: _Spot) -> None:
    part = at.chance.choice((at.act, at.act, *at.act["companions"]))
    part["target"] = f"@HERE@/{at.chance.choice(_TARGETS)}"


def _name(at: _Spot) -> None:
    part = at.chance.choice((at.act, at.group["keep"], *at.act["companions"]))
    part["path"] = f"@HERE@/{at.chance.choice(_FILES)}"


_EDITS: tuple[Callable[[_Spot], object], ...] = (
    _swap,
    _exchange,
    _point,
    _name,
    lambda at: at.plan["policy"].update([at.chance.choice(_RULES)]),
    lambda at: at.plan.update(action=at.chance.choice(_ACTIONS).value),
    lambda at: at.plan["groups"].remove(at.group),
    lambda at: at.group["acts"].remove(at.act),
    lambda at: at.act["companions"].clear(),
    lambda at: at.act["companions"].pop(),
    lambda at: at.chance.shuffle(at.plan["groups"]),
    lambda at: at.act.update(kind=at.chance.choice(("exact", "re-encoded", "crop"))),
    lambda at: at.group["acts"].append({**at.other, "companions": []}),
    lambda at: at.act["companions"].extend(at.other["companions"]),
    lambda at: at.act.update(carried=None, losses=[]),
    lambda at: at.plan.update(remove_empty_folders=True, across_devices=True),
    lambda at: at.group.update(id="\x1b[31m\n", reason="\x1b]0;x\x07"),
)


def _judge(before: Tree, after: Tree) -> None:
    """Nothing outside changes, no image leaves the photographs for good, no content is lost."""
    known = ("/photos", "/away", "/home/.local/share/Trash")
    for name in before.keys() | after.keys():
        inside = any(part in name for part in known)
        if not inside and before.get(name) != after.get(name) and after.get(name, ("",))[0] != "folder":
            raise WrongAnswer(f"a file outside is changed: {name}")
    images = {state[0] for name, state in before.items() if name.endswith(".png") and "/photos" in name}
    if lost := images - _contents(after, "/photos"):
        raise WrongAnswer(f"the last copy has left: {lost}")
    if lost := _contents(before, "/") - _contents(after, "/"):
        raise WrongAnswer(f"a content is lost: {lost}")


class Plans:
    """See above."""

    name = "plan"
    seconds = 10.0
    inputs_a_child = 400

    def seeds(self) -> Sequence[bytes]:
        """Return an honest plan for each action."""
        world = World()
        try:
            found = []
            for action in _ACTIONS:
                text = dump(plan_document(world.plan(action))).encode()
                found.append(text.replace(os.fsencode(world.base), _HERE).replace(world.uuid.encode(), _UUID))
            return found
        finally:
            world.close()

    def mutators(self) -> Sequence[Mutator]:
        """Return the one that knows JSON, many times: bytes alone make no plan."""
        return (changed_json, _plausible, _plausible, _plausible)

    def prepare(self) -> None:
        """Make a collection."""
        self._world = World()

    def check(self, data: bytes) -> str:
        """Read a plan, have the catalog judge it, and carry it out if it may be."""
        world = self._world
        text = data.replace(_HERE, os.fsencode(world.base)).replace(_UUID, world.uuid.encode())
        try:
            plan = read_plan(text)
            list(plan_lines(plan))
            check_plan(plan)
            guard_plan(world.catalog, plan)
        except BadInput as exc:
            if "\n" in str(exc) or "\x1b" in str(exc):
                raise WrongAnswer(f"no plain line: {exc!r}") from exc
            return "refused"
        if plan.acts == 0:
            return "empty"
        before = world.everything()
        try:
            apply_plan(world.catalog, plan, permanently=True)
        except BadInput:
            if world.everything() != before:
                raise WrongAnswer("a plan that is refused has changed something") from None
            return "refused late"
        _judge(before, world.everything())
        self._take_back(plan, before)
        return "carried out"

    def _take_back(self, plan: Plan, before: Tree) -> None:
        """Undo it; begin with another collection where that is not promised."""
        if plan.action is Action.DELETE:
            self._world.close()
            self._world = World()
            return
        undo_batch(self._world.catalog)
        same, back = (
            {name: state for name, state in found.items() if "/Trash" not in name and state[0] != "folder"}
            for found in (before, self._world.everything())
        )
        if back != same:
            raise WrongAnswer(f"not taken back: {sorted(dict(same.items() ^ back.items()))[:4]}")


TARGET = Plans()
