"""Matches to groups."""

from __future__ import annotations

from collections.abc import Iterable


def linked_groups(pairs: Iterable[tuple[int, int]], alone: Iterable[int] = ()) -> list[list[int]]:
    """Return the connected components of a graph of matches.

    Args:
        pairs: edges between content ids.
        alone: ids that form a group even without an edge (one content in several files).

    Returns:
        Each component sorted, the components by their first member: the same for any order of input.
    """
    parent: dict[int, int] = {member: member for member in alone}

    def find(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]  # halve the path for whoever comes next
            member = parent[member]
        return member

    for a, b in pairs:
        parent.setdefault(a, a)
        parent.setdefault(b, b)
        root_a, root_b = find(a), find(b)
        parent[max(root_a, root_b)] = min(root_a, root_b)
    groups: dict[int, list[int]] = {}
    for member in sorted(parent):
        groups.setdefault(find(member), []).append(member)
    return [groups[root] for root in sorted(groups)]
