"""The stories that are told: small folders with copies, what is done to them, and how they looked before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._fault_stories import Acting, Backup, Bench, FromFolder, Scan, Story
from benchmarks._faulty import run_here
from benchmarks._ground import Snapshot
from tests.compiled import share_compiled_statements

_OLD = 1_600_000_000_000_000_000
_XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmp:Rating="4"/></x:xmpmeta>'
_PLAIN = "plain "
ACTIONS = (
    "trash",
    "emptied",
    "quarantine",
    "across",
    "move",
    "hardlink",
    "symlink",
    "delete",
    "carry",
    *(_PLAIN + action for action in ("trash", "across", "hardlink")),
)
"""What is done; a plain one on a file system that can rename only as POSIX has it."""


def scene_names(bench: Bench, wanted: Sequence[str]) -> list[str]:
    """Return the names of all stories that have one of the wanted words, of all if there is none."""
    return [name for names in _makers(bench).values() for name in names if _is_wanted(name, wanted)]


def scenes(bench: Bench, wanted: Collection[str], part: int, parts: int) -> Iterator[Story]:
    """Yield some stories.

    Args:
        bench: where they take place, one after the other: what is yielded is over when the next is asked for.
        wanted: their names.
        part: which of the parts, from 0.
        parts: how many share the work.
    """
    for make, names in list(_makers(bench).items())[part::parts]:
        if any(name in wanted for name in names):
            yield from (story for story in make() if story.name in wanted)


def _makers(bench: Bench) -> dict[Callable[[], Iterator[Story]], list[str]]:
    """What makes stories, one after the other, and their names."""
    actions = [action for action in ACTIONS if "across" not in action or bench.other is not None]
    acting: dict[Callable[[], Iterator[Story]], list[str]] = {
        partial(_acting, bench, action): _names(action) for action in actions
    }
    return {**acting, partial(_others, bench): ["scan", "backup"]}


def _names(name: str) -> list[str]:
    action = name.removeprefix(_PLAIN)
    words = ["clean", *(["undo"] if action != "delete" else [])]
    if action in ("trash", "quarantine", "move", "across"):
        words.append("undo --from")
    return [f"{word} {name}" for word in words]


def _others(bench: Bench) -> Iterator[Story]:
    yield _scan(bench)
    yield _backup(bench)


def _is_wanted(name: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(word in name for word in wanted)


def _acting(bench: Bench, name: str) -> Iterator[Story]:
    action, is_plain = name.removeprefix(_PLAIN), name.startswith(_PLAIN)
    bench.shim.have_plain_names(is_plain)
    start, plan = _planned(bench, action), _plan(bench, action)
    start.restore()
    command = ("clean", "--plan", str(plan), "--apply", *(["--permanently"] if action == "delete" else []))
    undone, originals = bench.ground.now(), bench.ground.contents()
    bench.succeed(*command)
    done, applied = bench.ground.now(), bench.ground.take()
    for_good = action == "delete"
    if done == undone:
        raise RuntimeError(f"clean {action} did nothing")
    if not for_good:
        bench.succeed("undo")
        if bench.ground.now() != undone:
            raise RuntimeError(f"undo {action} does not undo it")
    found: list[Story] = [
        Acting(bench, f"clean {name}", start, command, undone, originals, done, undone, for_good)
    ]
    if not for_good:
        found.append(Acting(bench, f"undo {name}", applied, ("undo",), done, originals, undone, undone))
    if f"undo --from {name}" in _names(name):
        folder = bench.trash if action in ("trash", "emptied") else _target(bench, action)
        command = ("undo", "--from", str(folder))
        left = {**undone, str(folder): undone.get(str(folder), ("folder", 0o755))}
        alone = replace(applied, state={})
        found.append(FromFolder(bench, f"undo --from {name}", alone, command, done, originals, left, undone))
    for story in found:
        story.has_plain_names = is_plain
        yield story


def _planned(bench: Bench, action: str) -> Snapshot:
    """Give the folders on which an action has a plan: the same for all, but for what is carried.

    All plans are made at once: what compares images is long to import.
    """
    is_carried = action == "carry"
    if is_carried not in bench.planned:
        _empty(bench)
        _fill(bench.photos, carried=is_carried)
        bench.succeed("scan", "--hash-only", str(bench.photos))
        actions = {name.removeprefix(_PLAIN) for name in ACTIONS if (name == "carry") == is_carried}
        bench.succeed_together(
            [
                ("clean", *_options(bench, one), "--plan-out", str(_plan(bench, one)))
                for one in sorted(actions)
                if one != "across" or bench.other is not None
            ]
        )
        bench.planned[is_carried] = bench.ground.take()
    return bench.planned[is_carried]


def _plan(bench: Bench, action: str) -> Path:
    return bench.scratch / f"{action}.json"


def _target(bench: Bench, action: str) -> Path:
    return bench.other / "away" if action == "across" and bench.other is not None else bench.away


def _options(bench: Bench, action: str) -> list[str]:
    name = {"across": "quarantine", "emptied": "trash", "carry": "trash"}.get(action, action)
    options = ["--action", name, "--prefer", str(bench.photos / "a")]
    if name in ("quarantine", "move"):
        options += ["--to", str(_target(bench, action))]
    extra = {
        "across": "--across-devices",
        "emptied": "--remove-empty-folders",
        "carry": "--carry-metadata",
    }.get(action)
    return [*options, *([] if extra is None else [extra])]


def _scan(bench: Bench) -> Story:
    """A folder in which something has happened to a file in each way."""
    _empty(bench)
    folder = bench.photos
    for number, name in enumerate(("kept", "changed", "moved", "missing", "broken")):
        _draw(folder / f"{name}.png", number)
    command = ("scan", "--hash-only", str(folder))
    bench.succeed(*command)
    _draw(folder / "changed.png", 20)
    (folder / "to").mkdir()
    (folder / "moved.png").rename(folder / "to" / "moved.png")
    (folder / "missing.png").unlink()
    (folder / "broken.png").write_bytes((folder / "broken.png").read_bytes()[:300])
    shutil.copy(folder / "kept.png", folder / "to" / "twin.png")
    _draw(folder / "new" / "new.png", 21)
    (folder / "new" / "notes.txt").write_text("no image")
    before, originals, start = bench.ground.now(), bench.ground.contents(), bench.ground.take()
    bench.succeed(*command)
    return Scan(bench, "scan", start, command, before, originals, bench.holding())


def _backup(bench: Bench) -> Story:
    _empty(bench)
    for number in range(4):
        _draw(bench.photos / f"{number}.png", number)
    bench.succeed("scan", "--hash-only", str(bench.photos))
    before, originals, start = bench.ground.now(), bench.ground.contents(), bench.ground.take()
    command = ("backup", str(bench.out / "copy.db"))
    return Backup(bench, "backup", start, command, before, originals, bench.holding())


def _empty(bench: Bench) -> None:
    """Have a home with a trash, as every desktop has made it long ago, and nothing else."""
    for place in (*bench.ground.places, bench.ground.state, bench.out):
        shutil.rmtree(place, ignore_errors=True)
    for name in ("files", "info"):
        (bench.trash / name).mkdir(parents=True)
    bench.out.mkdir()
    bench.ground.state.mkdir()


def _fill(folder: Path, *, carried: bool) -> None:
    """Make two originals with a copy each; the first has companions."""
    for number in range(2):
        original = _draw(folder / "a" / f"{number}.png", number)
        os.utime(original, ns=(_OLD, _OLD + number))
        copy = folder / "b" / f"copy of {number}.png"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(original, copy)
        copy.chmod(0o640)
        os.utime(copy, ns=(_OLD, _OLD + 1_000 + number))
    if carried:
        (folder / "b" / "copy of 0.xmp").write_text(_XMP)
    else:
        (folder / "b" / "copy of 0.CR2").write_bytes(b"raw of 0")


def _draw(path: Path, number: int) -> Path:
    levels = np.random.default_rng(number).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).resize((56, 48), Image.Resampling.BICUBIC).save(path, compress_level=1)
    return path


def warm(bench: Bench) -> None:
    """Have all that a run imports and compiles in this process, before it forks, and no more.

    Plans are made in a child: what compares images is large, and each fork would have to carry it.
    """
    share_compiled_statements()
    for action in ("trash", "quarantine"):
        _planned(bench, action).restore()
        run_here(["scan", "--hash-only", str(bench.photos)])
        run_here(["clean", "--plan", str(_plan(bench, action)), "--apply"])
        run_here(["clean", "--resume"])
        if action == "quarantine":
            run_here(["undo", "--from", str(bench.away)])
        run_here(["undo"])
    run_here(["backup", str(bench.out / "warm.db")])
