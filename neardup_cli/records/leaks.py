"""Copies across the splits of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neardup_cli.records.files import Skipped
from neardup_cli.records.matches import FileMatch


class LeakKind(StrEnum):
    """What is wrong with a pair of copies in a data set."""

    SPLIT = "split"
    LABEL = "label"
    BOTH = "split+label"


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A file of a data set, its split, and the class folder it is in; no label where there is none."""

    path: bytes
    split: str
    label: bytes | None


@dataclass(frozen=True, slots=True)
class Leak:
    """Two copies in different splits, or in class folders that contradict each other; `a` comes first."""

    kind: LeakKind
    a: SplitFile
    b: SplitFile
    match: FileMatch


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """A split: its real folder, its readable images, and those that stay when the leaks are closed."""

    name: str
    folder: bytes
    images: int
    clean: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LeaksReport:
    """The answer of `leaks`: the leaks by path, and the splits in the order in which they were given.

    `cannot_tell` counts the pairs of which nobody can tell, since they cannot be looked at.
    """

    parameters: dict[str, Any]
    splits: tuple[SplitSummary, ...]
    leaks: tuple[Leak, ...]
    unreadable: tuple[Skipped, ...] = ()
    cannot_tell: int = 0
