"""Folders that hold the same images."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Relation(StrEnum):
    """What one folder is to another one, strongest first."""

    SAME = "same"
    CONTAINED = "contained"
    FAMILY = "family"
    OVERLAP = "overlap"


class HeldImage(NamedTuple):
    """One image file: its bytes by content, and the family that it belongs to, which may be it alone."""

    path: bytes
    content: int
    family: int
    size: int


@dataclass(frozen=True, slots=True)
class FolderPair:
    """Two folders, with all that lies below them.

    Attributes:
        folder: the one that has less, or nothing, alone.
        other: the one beside it.
        relation: what the first is to the second.
        shared: images of the first that the second holds, too; by family where that is the relation.
        shared_bytes: what they weigh.
        alone: images that only the first holds, sorted.
        other_alone: images that only the second holds, sorted.
    """

    folder: bytes
    other: bytes
    relation: Relation
    shared: int
    shared_bytes: int
    alone: tuple[bytes, ...]
    other_alone: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FoldersReport:
    """Pairs of folders, the largest first, and how many were looked through."""

    pairs: tuple[FolderPair, ...]
    folders: int
    images: int
    cannot_tell: int = 0
