"""The splits of a data set, each a folder or a container, which may have a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from neardup_cli.errors import BadInput
from neardup_cli.images.walk import is_below
from neardup_cli.pipeline.survey import real_roots
from neardup_cli.records.leaks import SplitFile
from neardup_cli.records.members import is_container, name_below, split_member


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a data set by its name; `folder`, or container, may have a folder for each class."""

    name: str
    folder: bytes


def rooted(splits: Sequence[Split]) -> list[Split]:
    """Resolve the folders of splits.

    Raises:
        BadInput: two names are the same, one is no folder, or a file would be in two splits.
        PathNotFound: a folder is not there.
    """
    if len({split.name for split in splits}) < len(splits):
        raise BadInput("two splits have the same name")
    found = [replace(split, folder=real_roots([split.folder])[0]) for split in splits]
    for split in found:
        if not os.path.isdir(split.folder) and not is_container(split.folder):
            raise BadInput(f"{os.fsdecode(split.folder)} is a file: a split is a folder, or a container")
    for a, b in combinations(found, 2):
        outer, inner = sorted((a.folder, b.folder), key=len)
        if is_below(inner, outer):
            raise BadInput(f"the splits {a.name} and {b.name} lie in each other: every file would leak")
    return found


def place_in(path: bytes, splits: Sequence[Split], *, labels: bool) -> SplitFile | None:
    """Say which split a file is in, and of which class it is: the folder directly below the split."""
    for split in splits:
        if (below := name_below(path, split.folder)) is not None:
            # A shard in the folder is no class; a folder in the shard is one.
            _, name = split_member(below) or (b"", below)
            folder, slash, _ = name.partition(b"/")
            return SplitFile(path, split.name, folder if labels and slash else None)
    return None
