"""Where files go below the folder of `quarantine` and `move`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from neardup_cli.choices import Action
from neardup_cli.cleanup.request import PlanRequest


class Targets:
    """Gives each file its place below the folder of the action; no two get the same.

    `move` goes on numbering where files of the same names are there from an earlier clean-up.
    """

    def __init__(self, request: PlanRequest) -> None:
        self._to = request.to
        self._mirrors = request.action is Action.QUARANTINE
        self._taken: set[bytes] = set()
        self._numbers: Counter[bytes] = Counter()

    def of(self, path: bytes, companions: Sequence[bytes]) -> tuple[bytes | None, list[bytes | None]]:
        """Return the target of a file and those of its companions, which keep the name in common with it."""
        if self._to is None:
            return None, [None] * len(companions)
        if self._mirrors:
            return self._mirrored(path), [self._mirrored(companion) for companion in companions]
        names = [os.path.basename(each) for each in (path, *companions)]
        stem = os.path.splitext(names[0])[0]
        while True:
            self._numbers[stem] += 1
            ending = b"" if self._numbers[stem] == 1 else b"-%d" % self._numbers[stem]
            places = [os.path.join(self._to, _renamed(name, stem, ending)) for name in names]
            if not self._taken.intersection(places) and not any(map(os.path.lexists, places)):
                self._taken.update(places)
                return places[0], list(places[1:])

    def _mirrored(self, path: bytes) -> bytes:
        assert self._to is not None
        return os.path.join(self._to, path.lstrip(b"/"))


def _renamed(name: bytes, stem: bytes, ending: bytes) -> bytes:
    """Put an ending behind the stem of a name, or before its extension where it has another one."""
    if name.startswith(stem + b"."):
        return stem + ending + name[len(stem) :]
    own, extension = os.path.splitext(name)
    return own + ending + extension
