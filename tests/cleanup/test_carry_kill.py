"""kill -9 at every step of an apply that carries, and of its undo: no fact is ever missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog import journal
from neardup_cli.choices import Action
from neardup_cli.images.sidecars import SidecarFacts, read_sidecar
from neardup_cli.pipeline.apply import apply_plan, resume
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import BatchState, Plan, Policy
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from tests.cleanup.conftest import Collection, contents, tree
from tests.cleanup.test_kill import Zygote, catalog, process

if TYPE_CHECKING:
    import subprocess

__all__ = ["catalog", "process"]  # fixtures: a catalog in memory, and what forks

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {}/></x:xmpmeta>'
FACTS = SidecarFacts(rating=4)


@dataclass
class Carrying:
    """Two copies of one original whose sidecars have a rating, and a plan that carries it."""

    collection: Collection
    home: Path
    plan: Plan
    zygote: Zygote

    @property
    def sidecar(self) -> Path:
        return self.collection.folder / "a" / "0.png.xmp"

    def now(self) -> dict[str, tuple[object, ...]]:
        """What is there; when notes and our sidecar were written is left out."""
        return {
            path: ("new", *value[:1]) if path.endswith("0.png.xmp") else value
            for path, value in tree(self.collection.folder, self.home).items()
            if not path.endswith((".trashinfo", ".neardup-journal.jsonl"))
        }

    def interrupted(self) -> BatchState | None:
        with self.collection.catalog.read() as connection:
            batch = journal.interrupted_batch(connection)
        return None if batch is None else batch.state

    def assert_nothing_is_missing(self) -> None:
        """Where a copy is gone, what its sidecar said stands beside the file that stays."""
        there = {path.name for path in self.collection.folder.glob("b/**/copy*.png")}
        copies = len(list(self.collection.folder.glob("b/**/copy of 0.png")))
        assert copies == 2 or read_sidecar(os.fsencode(self.sidecar)) == FACTS, there
        if self.sidecar.exists():
            assert read_sidecar(os.fsencode(self.sidecar)) == FACTS


@pytest.fixture
def start(
    collection: Collection, home: Path, process: subprocess.Popen[bytes]
) -> Callable[[Action], Carrying]:
    def make(action: Action) -> Carrying:
        collection.fill(1, copies=2)
        for place in ("b", "b/deep"):
            beside = collection.folder / place / "copy of 0.xmp"
            beside.write_text(XMP.format('xmp:Rating="4"'))
        options = CleanOptions(
            action,
            Policy(prefer=(os.fsencode(collection.folder / "a"),), carry_metadata=True),
            to=os.fsencode(collection.base / "home" / "away") if action.has_folder else None,
            dups=DupsOptions(hamming=0),
        )
        plan = make_plan(collection.catalog, options)
        assert [act.carried is not None for act in plan.groups[0].acts] == [True, True]
        saved = collection.base / "plan.json"
        saved.write_text(dump(plan_document(plan)))
        asked = {"catalog": str(collection.catalog.path), "plan": str(saved), "home": str(home)}
        case = Carrying(collection, home, plan, Zygote(process, asked))
        case.zygote.run("trial")
        return case

    return make


@pytest.mark.parametrize("action", [Action.TRASH, Action.QUARANTINE])
def test_a_kill_at_every_step(action: Action, start: Callable[[Action], Carrying]) -> None:
    case = start(action)
    catalog = case.collection.catalog
    before, originals = case.now(), contents(case.collection.folder, case.home)
    apply_plan(catalog, case.plan)
    planned = case.now()
    assert case.sidecar.exists()
    assert not undo_batch(catalog).refused
    assert case.now() == before
    steps = []
    for what in ("apply", "undo"):
        step, killed = 0, True
        while killed:
            step += 1
            if what == "undo":
                apply_plan(catalog, case.plan)
            killed = case.zygote.run(what, step=step)
            assert contents(case.collection.folder, case.home) >= originals
            case.assert_nothing_is_missing()
            if what == "apply" and killed and step % 2 and case.interrupted() is not None:
                assert not resume(catalog).refused
                assert case.now() == planned, step
            if case.now() != before or case.interrupted() is not None:
                assert not undo_batch(catalog).refused
            assert case.now() == before, (what, step)
        steps.append(step)
    assert steps[0] > 16
    assert steps[1] > 12
