from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.matching.group import linked_groups

type Edges = list[tuple[int, int]]

members = st.integers(-5, 30)
edges = st.lists(st.tuples(members, members), max_size=40)


def closure(pairs: Edges, alone: list[int]) -> list[list[int]]:
    """Connected components: each edge melts the sets that it touches into one."""
    groups: list[set[int]] = []
    for edge in [{a, b} for a, b in pairs] + [{member} for member in alone]:
        touched = [group for group in groups if group & edge]
        groups = [group for group in groups if not group & edge] + [edge.union(*touched)]
    return sorted(sorted(group) for group in groups)


@given(edges, st.lists(members, max_size=5))
def test_equals_a_closure(pairs: Edges, alone: list[int]) -> None:
    assert linked_groups(pairs, alone) == closure(pairs, alone)


@given(st.data(), edges)
def test_order_and_direction_do_not_matter(data: st.DataObject, pairs: Edges) -> None:
    turned = [(b, a) for a, b in pairs]
    assert linked_groups(data.draw(st.permutations(turned))) == linked_groups(pairs)


@pytest.mark.parametrize(
    ("pairs", "alone", "expected"),
    [
        ([], [], []),
        ([], [3, 1], [[1], [3]]),
        ([(1, 2), (3, 4)], [], [[1, 2], [3, 4]]),
        ([(3, 4), (1, 2), (2, 3)], [9], [[1, 2, 3, 4], [9]]),
        ([(5, 1)], [5], [[1, 5]]),
    ],
)
def test_by_hand(pairs: Edges, alone: list[int], expected: list[list[int]]) -> None:
    assert linked_groups(pairs, alone) == expected


def test_a_long_chain_needs_no_recursion() -> None:
    count = 50_000
    chain = [(number, number + 1) for number in range(count, 0, -1)]
    assert linked_groups(chain) == [list(range(1, count + 2))]
