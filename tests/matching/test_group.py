from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.matching.group import Cluster, Inset, coherent_clusters, linked_clusters, linked_groups

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


# --- coherent -------------------------------------------------------------------------------------------


def ordered(a: int, b: int) -> tuple[int, int]:
    return (min(a, b), max(a, b))


@dataclass(frozen=True)
class Graph:
    """A random graph of matches: contents in the order of keepers, matches, and two kinds of exceptions."""

    order: list[int]
    pairs: Edges
    partial: Edges
    insets: list[Inset]
    different: Edges

    def clusters(self) -> list[Cluster]:
        return coherent_clusters(
            self.order, self.pairs, partial=self.partial, insets=self.insets, different=self.different
        )

    @property
    def open_pairs(self) -> set[tuple[int, int]]:
        """The matches that no person denied."""
        return set(self.pairs) - set(self.different)

    def matching(self, a: int, b: int) -> bool:
        return ordered(a, b) in self.open_pairs

    def whole(self, a: int, b: int) -> bool:
        return self.matching(a, b) and ordered(a, b) not in self.partial


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    contents = list(range(draw(st.integers(2, 12))))
    possible = [(a, b) for a in contents for b in contents if a < b]
    pairs = draw(st.lists(st.sampled_from(possible), unique=True))
    some = st.lists(st.sampled_from(pairs), unique=True) if pairs else st.just([])
    partial = draw(some)
    insets = [Inset(a, b, draw(st.booleans())) for a, b in map(draw, map(st.permutations, draw(some)))]
    partial += [pair for inset in insets if (pair := ordered(inset.outer, inset.inner)) not in partial]
    different = draw(st.lists(st.sampled_from(possible), unique=True, max_size=4))
    return Graph(draw(st.permutations(contents)), pairs, partial, insets, different)


@given(graphs())
def test_every_member_matches_the_keeper_or_most_of_the_group(graph: Graph) -> None:
    for cluster in graph.clusters():
        for copy in cluster.copies:
            others = [other for other in cluster.members if other != copy]
            matched = sum(graph.whole(copy, other) for other in others)
            assert graph.matching(copy, cluster.keeper) or 2 * matched > len(others)


@given(graphs())
def test_a_keeper_is_a_copy_nowhere(graph: Graph) -> None:
    """So that a clean-up may go from group to group."""
    clusters = graph.clusters()
    assert not {cluster.keeper for cluster in clusters} & {c for cluster in clusters for c in cluster.copies}


@given(graphs())
def test_nothing_that_matches_a_keeper_is_lost(graph: Graph) -> None:
    clusters = graph.clusters()
    keepers = {cluster.keeper for cluster in clusters}
    together = {(cluster.keeper, copy) for cluster in clusters for copy in cluster.copies}
    for a, b in graph.open_pairs:
        assert (a, b) in together or a not in keepers
        assert (b, a) in together or b not in keepers
    assert {content for cluster in clusters for content in cluster.members} == set(graph.order)


@given(graphs())
def test_coherent_refines_linked(graph: Graph) -> None:
    component = {
        content: number
        for number, cluster in enumerate(linked_clusters(graph.order, graph.open_pairs))
        for content in cluster.members
    }
    for cluster in graph.clusters():
        assert len({component[content] for content in cluster.members}) == 1


@given(st.data(), graphs())
def test_the_order_of_the_pairs_does_not_matter(data: st.DataObject, graph: Graph) -> None:
    shuffled = Graph(
        graph.order,
        data.draw(st.permutations(graph.pairs)),
        data.draw(st.permutations(graph.partial)),
        data.draw(st.permutations(graph.insets)),
        data.draw(st.permutations(graph.different)),
    )
    assert shuffled.clusters() == graph.clusters()


@given(graphs(), st.randoms(use_true_random=False))
def test_names_do_not_matter(graph: Graph, random: Random) -> None:
    """Other ids in the same order of keepers: the same groups under other names."""
    names = list(range(100, 100 + len(graph.order)))
    random.shuffle(names)

    def renamed(pairs: Edges) -> Edges:
        return [ordered(names[a], names[b]) for a, b in pairs]

    other = Graph(
        [names[content] for content in graph.order],
        renamed(graph.pairs),
        renamed(graph.partial),
        [Inset(names[outer], names[inner], sharper) for outer, inner, sharper in graph.insets],
        renamed(graph.different),
    )
    expected = [Cluster(names[k], tuple(names[copy] for copy in copies)) for k, copies in graph.clusters()]
    assert other.clusters() == expected


@given(graphs())
def test_different_contents_are_never_in_one_group(graph: Graph) -> None:
    for cluster in graph.clusters():
        assert not [pair for pair in graph.different if set(pair) <= set(cluster.members)]


@given(graphs())
def test_no_two_groups_hold_the_same(graph: Graph) -> None:
    found = [frozenset(cluster.members) for cluster in graph.clusters()]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([(0, 1), (1, 2), (2, 3)], [(0, 1), (2, 1, 3)], id="a chain falls apart"),
        pytest.param([(0, 1), (0, 2)], [(0, 1, 2), (3,)], id="two crops of halves of one original"),
        pytest.param([(0, 2), (1, 2)], [(0, 2), (1, 2), (3,)], id="a collage is a copy of both"),
        pytest.param([(0, 1), (0, 2), (1, 3), (2, 3)], [(0, 1, 2, 3)], id="one match with the keeper missed"),
        pytest.param([(0, 1), (1, 3), (0, 2)], [(0, 1, 2), (3, 1)], id="one of three is not enough"),
        pytest.param([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], [(0, 1, 2, 3)], id="all match"),
        pytest.param([], [(0,), (1,), (2,), (3,)], id="nothing matches"),
    ],
)
def test_coherent_by_hand(pairs: Edges, expected: list[tuple[int, ...]]) -> None:
    found = coherent_clusters([0, 1, 2, 3], pairs)
    assert [cluster.members for cluster in found] == expected


def test_a_part_is_no_reason_to_join() -> None:
    """Photos 0 and 3, collages of both 1 and 2: the photos are no copies of each other."""
    pairs = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    embedded = [pair for pair in pairs if pair != (1, 2)]
    found = coherent_clusters([0, 3, 1, 2], pairs, partial=embedded)
    assert found == [Cluster(0, (1, 2)), Cluster(3, (1, 2))]
    assert coherent_clusters([0, 3, 1, 2], pairs) == [Cluster(0, (3, 1, 2))]


def collage(*, sharper: bool) -> list[Cluster]:
    """Group a collage (0) of two photos, of each of which there is a copy: 1 and 2, 3 and 4."""
    pairs = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (3, 4)]
    insets = [Inset(0, photo, sharper) for photo in (1, 2, 3, 4)]
    return coherent_clusters([0, 1, 2, 3, 4], pairs, partial=pairs[:4], insets=insets)


def test_a_collage_is_a_copy_of_its_pictures_and_keeps_none_that_is_sharper() -> None:
    assert collage(sharper=True) == [Cluster(1, (0, 2)), Cluster(3, (0, 4))]


def test_pictures_that_are_seen_in_one_collage_are_no_copies_of_each_other() -> None:
    assert collage(sharper=False) == [Cluster(0, (1, 2)), Cluster(0, (3, 4))]


def test_what_is_pasted_on_a_photo_stands_apart_from_its_copies() -> None:
    """0: photo 1 with 2 pasted on it. A captioned crop of it, 3, is seen in the copy too, and stays."""
    pairs = [(0, 1), (0, 2), (0, 3), (1, 3)]
    insets = [Inset(0, 2, sharper=False), Inset(0, 3, sharper=False)]
    found = coherent_clusters([0, 1, 2, 3], pairs, partial=[(0, 2), (0, 3), (1, 3)], insets=insets)
    assert found == [Cluster(0, (1, 3)), Cluster(0, (2,))]


def test_what_contains_a_sharper_picture_keeps_where_that_is_a_copy_itself() -> None:
    """1 is the best version of 2, which is seen in 3 and in nothing else."""
    found = coherent_clusters(
        [3, 1, 2], [(1, 2), (2, 3)], partial=[(2, 3)], insets=[Inset(3, 2, sharper=True)]
    )
    assert found == [Cluster(1, (2,)), Cluster(3, (2,))]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([2, 0, 1], [Cluster(2, (0,)), Cluster(2, (1,))]),
        ([0, 2, 1], [Cluster(0, (2,)), Cluster(1, (2,))]),
        ([0, 1, 2], [Cluster(0, (2,)), Cluster(1, (2,))]),
    ],
)
def test_a_third_copy_of_two_that_a_person_called_different(
    order: list[int], expected: list[Cluster]
) -> None:
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert coherent_clusters(order, pairs, different=[(0, 1)]) == expected


def test_linked_clusters_keep_the_best() -> None:
    assert linked_clusters([3, 1, 2, 0, 9], [(0, 1), (1, 2)]) == [
        Cluster(3, ()),
        Cluster(1, (2, 0)),
        Cluster(9, ()),
    ]


def test_a_large_star_is_quick() -> None:
    count = 100_000
    (found,) = coherent_clusters(range(count), [(0, copy) for copy in range(1, count)])
    assert len(found.members) == count
