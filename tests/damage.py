"""Damaging catalogs: `python -m tests.damage --tries 5000`, and a sample of it in `tests/cli/test_damage.py`.

A real catalog (scanned, compared, decided upon, cleaned) is damaged somewhere: a byte, a sector, a page,
its end. Then one command runs on it, in a process that is forked from this one. Either its answer is that of
the undamaged catalog, or it says in one line that the catalog is damaged; nothing is acted upon.

Three kinds of tries:

- seen:   something wrote to the file, as copying, another program and most accidents do.
- hidden: the file system does not know of it (rot of the disk): the seal is made to expect the file's times,
          half of the time with a comparison that was just now. All see it: the file is a small one.
- bare:   the catalog was copied without its seal: what SQLite can find is found, there is no traceback, and
          an act that goes on leaves an image of each content where it was.
- repair: after `doctor --repair` and a scan the answer is that of the undamaged catalog again.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib
import json
import os
import pkgutil
import random
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from neardup_cli.catalog.seal import Seal
from neardup_cli.fingerprints.content import content_digest

ACTING = (("clean", "--apply", "--action", "quarantine", "--to", "TO"), ("undo",), ("clean", "--resume"))
ANSWERING = (
    ("dups", "--json"),
    ("clean", "--json"),
    ("status", "--json"),
    ("ignored", "--json"),
    ("undo", "--list", "--json"),
    ("check", "IMAGE", "--json", "--no-verify"),
    ("query", "IMAGE", "--json"),
    ("doctor", "--json"),
    ("dups", "--format", "paths"),
)
KINDS = ("seen", "hidden", "bare", "repair")
CORRUPT = 6

_CHANGING = re.compile(r'"(seconds|catalog|catalog_bytes|index_bytes|index|made_at)": [^,\n}]*')
_SECTOR = 512
_AT_ONCE = 100  # tries between two lines of figures
_IMPORTED_LATE = (
    "sqlalchemy.dialects.sqlite",
    "neardup_cli.embedders.onnx",
    "pydantic_settings",
    "rich.table",
)
_ROOMS_OF_COMMANDS = ("neardup_cli.cli", "neardup_cli.pipeline", "neardup_cli.reports")


class Answer(NamedTuple):
    """How a command ended and what it wrote."""

    code: int
    out: str
    said: str


class Try(NamedTuple):
    """One damaged catalog, and the command that met it."""

    number: int
    kind: str
    damage: str
    command: tuple[str, ...]
    answer: Answer
    verdict: str


@dataclass
class Campaign:
    """Runs tries.

    Attributes:
        home: has `catalog.db` with its seal, and `images`.
        counts: of verdicts, by kind.
    """

    home: Path
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._right: dict[tuple[tuple[str, ...], bool], Answer] = {}

    def run(self, tries: int, seed: int, kinds: tuple[str, ...] = KINDS) -> Iterator[Try]:
        """Yield the tries that did not come out as they should."""
        for number in range(tries):
            chosen = random.Random(seed * 1_000_003 + number)
            kind = kinds[number % len(kinds)]
            done = self._one(number, kind, chosen.choice(ANSWERING + ACTING), chosen)
            self.counts[kind, done.verdict] += 1
            if done.verdict in ("TRACEBACK", "WRONG", "ACTED", "UNCLEAR"):
                yield done

    def right_answer(self, command: tuple[str, ...], *, bare: bool = False) -> Answer:
        """Return what a command says of the undamaged catalog; of one without its seal if it is `bare`."""
        if (command, bare) not in self._right:
            with tempfile.TemporaryDirectory(dir=self.home.parent) as folder:
                self._copy(Path(folder), bare=bare)
                self._right[command, bare] = self._answer(Path(folder), command)
        return self._right[command, bare]

    def _one(self, number: int, kind: str, command: tuple[str, ...], chosen: random.Random) -> Try:
        right = None if command in ACTING else self.right_answer(command, bare=kind == "bare")
        with tempfile.TemporaryDirectory(dir=self.home.parent) as name:
            folder = Path(name)
            self._copy(folder, bare=kind == "bare")
            before = (folder / "catalog.db").read_bytes()
            damage = do_damage(folder / "catalog.db", chosen)
            while (folder / "catalog.db").read_bytes() == before:
                damage = do_damage(folder / "catalog.db", chosen)
            if kind == "repair":
                return self._repair(number, damage, folder)
            if kind == "hidden":
                hide(folder / "catalog.db", chosen.choice((0.0, time.time())))
            answer = self._answer(folder, command)
            if right is None:
                verdict = self._verdict_of_act(kind, answer)
            else:
                verdict = self._verdict(kind, command, right, answer)
        return Try(number, kind, damage, command, answer, verdict)

    def _repair(self, number: int, damage: str, folder: Path) -> Try:
        """Repair a catalog, scan what was lost, and ask for the copies."""
        asked = ("dups", "--json", "--no-verify")
        right = self.right_answer(asked)
        decided = self.right_answer(("ignored", "--json"))
        scan = ("scan", "--thorough", "IMAGES")
        steps = [("doctor", "--repair", "--json"), ("doctor", "--json"), scan, asked]
        answers = [self._answer(folder, step) for step in steps]
        bad = next((one for one in answers if one.code or "Traceback" in one.said), None)
        verdict = "repaired"
        if bad is not None:
            # Of a file that was cut behind its first pages nothing is left, and that is what it is to say.
            is_said = damage.startswith("cut") and bad.code == CORRUPT and "nothing of" in bad.said
            verdict = "TRACEBACK" if "Traceback" in bad.said else "nothing left" if is_said else "UNCLEAR"
        elif _settled(self._answer(folder, ("ignored", "--json")).out) != _settled(decided.out):
            verdict = "decisions lost"
        elif _groups(answers[-1]) != _groups(right):
            verdict = "WRONG"
        return Try(number, "repair", damage, asked, bad or answers[-1], verdict)

    def _verdict_of_act(self, kind: str, answer: Answer) -> str:
        """Nothing is done, and the reason is the damage; without a seal: nothing is lost."""
        if "Traceback" in answer.said:
            return "TRACEBACK"
        images, pristine = self.home / "images", self.home / "pristine"
        if not _same_images(images, pristine):
            is_all_there = _contents(images) == _contents(pristine)
            shutil.rmtree(images)
            shutil.copytree(pristine, images)
            return "copies moved" if kind == "bare" and is_all_there else "ACTED"
        if kind == "bare" and answer.code != CORRUPT:
            return "nothing moved"
        clear = answer.code == CORRUPT and answer.said.count("\n") == 1 and not answer.out
        return "refused" if clear else "UNCLEAR"

    def _verdict(self, kind: str, command: tuple[str, ...], right: Answer, answer: Answer) -> str:
        if "Traceback" in answer.said:
            return "TRACEBACK"
        if answer.code not in (0, right.code):
            lines = answer.said.count("\n")
            doctor = command[0] == "doctor" and answer.code == 14
            return "refused" if doctor or (lines == 1 and not answer.out) else "UNCLEAR"
        if _settled(answer.out) == _settled(right.out):
            return "same"
        # Of copies without their seal nothing more is promised; they are counted.
        return "wrong, unseen" if kind == "bare" else "WRONG"

    def _copy(self, folder: Path, *, bare: bool) -> None:
        for file in self.home.glob("catalog.db*"):
            if not (bare and file.name == "catalog.db.seal"):
                shutil.copy2(file, folder / file.name)
        seal = Seal.read(folder / "catalog.db")
        if seal is not None:
            hide(folder / "catalog.db")

    def _answer(self, folder: Path, command: tuple[str, ...]) -> Answer:
        images = self.home / "images"
        named = {"IMAGE": str(images / "0.png"), "IMAGES": str(images), "TO": str(folder / "away")}
        arguments = [named.get(word, word) for word in command]
        return forked([*arguments, "--catalog", str(folder / "catalog.db")], folder)


def import_everything() -> None:
    """Import what commands import late, so that the children need not; nothing of it is used here.

    What has begun threads of its own cannot be forked.
    """
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    for room in _ROOMS_OF_COMMANDS:
        for module in pkgutil.iter_modules(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    assert threading.active_count() == 1


def do_damage(path: Path, chosen: random.Random) -> str:
    """Damage a file somewhere, as disks and accidents do; return what was done."""
    size = path.stat().st_size
    how = chosen.choice(("bit", "byte", "byte", "bytes", "sector", "page", "cut", "swap"))
    at = chosen.randrange(size)
    with path.open("r+b") as stream:
        if how == "cut":
            stream.truncate(at)
        elif how == "swap":  # a page that was written where another one belongs
            pages = size // 4096
            one, other = (chosen.randrange(pages) * 4096 for _ in range(2))
            stream.seek(one)
            data = stream.read(4096)
            stream.seek(other)
            stream.write(data)
            at = other
        else:
            length = {"bit": 1, "byte": 1, "bytes": chosen.randrange(2, 40), "sector": _SECTOR, "page": 4096}[
                how
            ]
            at -= at % length if how in ("sector", "page") else 0
            stream.seek(at)
            old = stream.read(length)
            stream.seek(at)
            stream.write(_instead(how, old, chosen))
    return f"{how} at {at}"


def _instead(how: str, old: bytes, chosen: random.Random) -> bytes:
    if how == "bit":
        return bytes([old[0] ^ 1 << chosen.randrange(8)])
    if how in ("sector", "page"):
        return bytes(len(old)) if chosen.random() < 0.7 else chosen.randbytes(len(old))
    return bytes((one + chosen.randrange(1, 256)) % 256 for one in old)


def hide(path: Path, compared: float = 0.0) -> None:
    """Let the seal expect the times and the number that the file has now, and a comparison as old as that."""
    seal = Seal.read(path)
    assert seal is not None
    status = path.stat()
    seal.restamp(status)
    seal.verified = compared
    seal.write(path, durably=False)


def forked(arguments: list[str], folder: Path) -> Answer:
    """Run a command line in a child of this process."""
    out, said = folder / "out.txt", folder / "said.txt"
    child = os.fork()
    if child == 0:
        code = 70
        try:
            for number, file in ((1, out), (2, said)):
                os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
            code = _main(arguments, folder)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    said_text = said.read_text(errors="replace")
    if os.WIFSIGNALED(status):
        said_text += f"Traceback: killed by signal {os.WTERMSIG(status)}"
    return Answer(os.waitstatus_to_exitcode(status), out.read_text(errors="replace"), said_text)


def _main(arguments: list[str], folder: Path) -> int:
    from neardup_cli.cli.app import main

    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("NEARDUP_")]:
        del os.environ[name]
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    sys.argv = ["neardup", *arguments]
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - the child's, to its end
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    try:
        main()
    except SystemExit as left:
        sys.stdout.flush()
        sys.stderr.flush()
        return left.code if isinstance(left.code, int) else 1


def make_home(home: Path, images: int = 12) -> None:
    """Make a catalog in which every table has rows: scanned, compared, decided upon, cleaned, undone."""
    import_everything()
    home.mkdir(parents=True, exist_ok=True)
    for number in range(images):
        _draw(home / "images" / f"{number}.png", number // 2)
    place = ["--catalog", str(home / "catalog.db")]
    pictures = [str(home / "images" / f"{number}.png") for number in range(images)]
    for command in (
        ["scan", "--thorough", str(home / "images"), *place],
        ["dups", *place],
        ["keep", pictures[0], *place],
        ["ignore", pictures[2], pictures[4], *place],
        ["clean", "--apply", "--action", "quarantine", "--to", str(home / "away"), *place],
        ["undo", *place],
        ["dups", *place],
    ):
        done = forked(command, home)
        assert done.code == 0, done
    shutil.copytree(home / "images", home / "pristine")


def _draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    Image.fromarray(levels).resize((224, 192), Image.Resampling.BICUBIC).save(path)


def _groups(answer: Answer) -> list[list[str]]:
    groups = json.loads(answer.out)["groups"]
    return sorted(sorted(member["path"] for member in group["members"]) for group in groups)


def _same_images(one: Path, other: Path) -> bool:
    names = [sorted(file.name for file in folder.iterdir()) for folder in (one, other)]
    return names[0] == names[1] and filecmp.cmpfiles(one, other, names[0], shallow=False)[0] == names[0]


def _contents(folder: Path) -> set[bytes]:
    return {content_digest(file.read_bytes()) for file in folder.iterdir()}


def _settled(text: str) -> str:
    return _CHANGING.sub("", text)


def _command_line() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--tries", type=int, default=3000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--kinds", default=",".join(KINDS))
    options = asked.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        make_home(home)
        campaign = Campaign(home)
        for start in range(0, options.tries, _AT_ONCE):
            some = min(_AT_ONCE, options.tries - start)
            for one in campaign.run(some, options.seed + start, tuple(options.kinds.split(","))):
                bad += 1
                sys.stdout.write(f"{one}\n")
            counts = (
                f"{kind} {verdict} {count:,}" for (kind, verdict), count in sorted(campaign.counts.items())
            )
            sys.stdout.write(f"{start + some:,} tries: {', '.join(counts)}\n")
            sys.stdout.flush()
    sys.exit(bad > 0)


if __name__ == "__main__":
    _command_line()
