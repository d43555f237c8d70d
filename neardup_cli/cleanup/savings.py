"""How many bytes acts free, where files have several names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from neardup_cli.plans import PlannedGroup

type Inode = tuple[int, int]


def counted_once(groups: Sequence[PlannedGroup]) -> Iterator[PlannedGroup]:
    """Yield the groups with what an inode holds counted once, and not at all while a name of it stays."""
    links: dict[bytes, tuple[Inode, int]] = {}
    for group in groups:
        for act in group.acts:
            try:
                status = os.lstat(act.file.path)
            except OSError:
                continue
            if status.st_nlink > 1:
                links[act.file.path] = ((status.st_dev, status.st_ino), status.st_nlink)
    planned = Counter(inode for inode, _ in links.values())
    freed: set[Inode] = set()
    for group in groups:
        if not any(act.file.path in links for act in group.acts):
            yield group
            continue
        acts = []
        for act in group.acts:
            inode, names = links.get(act.file.path, (None, 0))
            if inode is not None and (inode in freed or planned[inode] < names):
                acts.append(replace(act, frees=act.frees - act.file.size))
            else:
                acts.append(act)
            freed.update([] if inode is None else [inode])
        yield replace(group, acts=tuple(acts))
