"""Catalogs with changed bytes: a clear line, or the truth; never a plan for what is no copy.

A small part of what `tests/catalog` tries; here the commands themselves are run, in one process.
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from neardup_cli.cli.app import main
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.targets.plan import World

_PAGE = 4096
_COMMANDS = (("status",), ("dups",), ("clean", "--action", "trash"), ("doctor",))


def _in_a_page(data: bytes, chance: random.Random) -> bytes:
    """Change bytes, zero a sector, or exchange two pages; the length stays."""
    out = bytearray(data)
    pages = len(data) // _PAGE
    at = chance.randrange(pages) * _PAGE
    what = chance.randrange(4)
    if what == 0:
        out[at : at + 512] = bytes(512)
    elif what == 1:
        other = chance.randrange(pages) * _PAGE
        out[at : at + _PAGE], out[other : other + _PAGE] = out[other : other + _PAGE], out[at : at + _PAGE]
    else:
        for _ in range(chance.choice((1, 1, 2, 8))):
            out[at + chance.randrange(_PAGE)] ^= 1 << chance.randrange(8)
    return bytes(out)


class Catalogs:
    """See above."""

    name = "catalog"
    seconds = 30.0
    inputs_a_child = 60

    def seeds(self) -> Sequence[bytes]:
        """Return the catalog of a small collection, as it is on the disk."""
        world = World()
        catalog = world.base / "catalog.db"
        world.catalog.close()
        return [catalog.read_bytes()]

    def mutators(self) -> Sequence[Mutator]:
        """Return the one that knows pages."""
        return (_in_a_page,) * 9

    def prepare(self) -> None:
        """Ask the sound catalog first."""
        self._base = Path(tempfile.mkdtemp())
        os.environ.update(HOME=str(self._base), XDG_CONFIG_HOME=str(self._base / "config"), COLUMNS="100")
        self._catalog = self._base / "catalog.db"

    def check(self, data: bytes) -> str:
        """Ask everything of a changed catalog."""
        complaints = 0
        for command in _COMMANDS:
            for left in self._base.glob("catalog.db*"):
                left.unlink()
            self._catalog.write_bytes(data)
            code, said, complaint = self._run(*command, "--json")
            if code not in (0, 14) and (complaint.count("\n") != 1 or not complaint.startswith("neardup: ")):
                raise WrongAnswer(f"{command[0]} ends with {code}: {complaint[-2000:]}")
            complaints += code != 0
            if code == 0:
                self._judge(command[0], json.loads(said))
        return "refused" if complaints == len(_COMMANDS) else "taken" if complaints == 0 else "in part"

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        out, complaint = (
            io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)
        )
        sys.argv = ["neardup", *arguments, "--catalog", str(self._catalog)]
        with redirect_stdout(out), redirect_stderr(complaint):
            try:
                main()
            except SystemExit as left:
                said, complained = (one.buffer.getvalue().decode() for one in (out, complaint))
                return int(left.code or 0), said, complained
        raise AssertionError("main returned")

    def _judge(self, command: str, told: Any) -> None:
        """Compare the plan and the groups with what was drawn: `copy of N.png` is a copy of `N.png`."""
        if command not in ("dups", "clean"):
            return
        for group in told["groups"]:
            kept, others = (
                (group["keep"]["path"], "acts") if command == "clean" else (group["keep"], "members")
            )
            members = [kept, *(one["path"] for one in group[others])]
            if len({Path(path).stem.removeprefix("copy of ") for path in members}) > 1:
                raise WrongAnswer(f"{command} takes strangers for copies: {members}")


TARGET = Catalogs()
