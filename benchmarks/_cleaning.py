"""What `neardup` would do with a folder, asked as its user asks: scan, `dups --json`, `clean --json`.

The clean-up is a dry run. Paths are told relative to the folder, as text. Only keys of the JSON documents
that do not change their meaning are read, so that one script judges an older and a newer program alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import _bench


@dataclass(frozen=True, slots=True)
class Act:
    """One file that the plan would act upon: for which kept file, and what the program says of it."""

    path: str
    keep: str
    kind: str
    reason: str

    def __str__(self) -> str:
        """Return one line that says what goes, what stays and why."""
        return f"{self.path} goes as {self.kind}, {self.keep} stays [{self.reason}]"


@dataclass(frozen=True, slots=True)
class Group:
    """One group of `neardup dups`: the file that stays, and all members with it."""

    keep: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the three commands said of a folder."""

    groups: Sequence[Group]
    acts: Mapping[str, Act]
    left: Mapping[str, str]
    """The reason for each file of a group that the plan leaves alone."""
    pairs: frozenset[frozenset[str]] = field(default_factory=frozenset)
    """Every two files that `dups` matches or puts into one group."""


def ask(folder: Path, catalog: Path, *scan_options: str) -> Answer:
    """Scan a folder into a new catalog and return what `dups` finds and `clean` would do.

    Raises:
        SystemExit: one of the three commands failed.
    """
    _bench.cold_scan(folder, catalog, *scan_options)
    report = _bench.dups(catalog).json()
    command: list[str | Path] = [_bench.neardup(), "clean", "--catalog", catalog, "--json"]
    plan = _bench.run(command, catalog.parent).json()
    return answer(folder, report, plan)


def answer(folder: Path, report: Mapping[str, Any], plan: Mapping[str, Any]) -> Answer:
    """Read the documents of `dups --json` and `clean --json`."""
    base = str(folder.resolve())

    def name(path: str) -> str:
        return os.path.relpath(path, base)

    groups = [
        Group(name(group["keep"]), frozenset(name(member["path"]) for member in group["members"]))
        for group in report["groups"]
    ]
    acts, left = {}, {}
    for group in plan["groups"]:
        keep = name(group["keep"]["path"])
        for act in group["acts"]:
            path = name(act["path"])
            acts[path] = Act(path, keep, str(act["kind"]), str(group["reason"]))
        left.update({name(entry["path"]): str(entry["reason"]) for entry in group["left"]})
    return Answer(groups, acts, left, _pairs(groups, report, name))


def _pairs(
    groups: Sequence[Group], report: Mapping[str, Any], name: Callable[[str], str]
) -> frozenset[frozenset[str]]:
    matches = [match for group in report["groups"] for match in group["matches"]]
    found = {frozenset((name(match["a"]), name(match["b"]))) for match in [*matches, *report["links"]]}
    for group in groups:
        members = sorted(group.members)
        found.update(frozenset((a, b)) for at, a in enumerate(members) for b in members[:at])
    return frozenset(found)
