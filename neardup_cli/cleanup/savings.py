"""How many bytes acts free, where files have several names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from neardup_cli.cleanup.look import Names
from neardup_cli.plans import PlannedAct, PlannedGroup


def counted_once(
    groups: Sequence[PlannedGroup], several_names: Mapping[bytes, Names]
) -> Iterator[PlannedGroup]:
    """Yield the groups with what an inode holds counted once, and not at all while a name of it stays."""
    acted_on = (several_names.get(act.file.path) for group in groups for act in group.acts)
    planned = Counter(names.inode for names in acted_on if names is not None)
    freed: set[tuple[int, int]] = set()
    for group in groups:
        if not any(act.file.path in several_names for act in group.acts):
            yield group
            continue
        acts: list[PlannedAct] = []
        for act in group.acts:
            names = several_names.get(act.file.path)
            if names is None:
                acts.append(act)
                continue
            is_freed = planned[names.inode] == names.number and names.inode not in freed
            acts.append(act if is_freed else replace(act, frees=act.frees - act.file.size))
            freed.add(names.inode)
        yield replace(group, acts=tuple(acts))
