"""Which contents are one family: the properties, and the cases that have a story."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.choices import Grouping, Kind
from neardup_cli.records.matches import PairMatch
from neardup_cli.rules.families import Family, families, linked
from tests.rules.matches import aligned, match

type Edges = list[tuple[int, int]]

members = st.integers(-5, 30)
edges = st.lists(st.tuples(members, members), max_size=40)


def closure(pairs: Edges) -> list[tuple[int, ...]]:
    """Connected components: each edge melts the sets that it touches into one."""
    groups: list[set[int]] = []
    for edge in ({a, b} for a, b in pairs):
        touched = [group for group in groups if group & edge]
        groups = [group for group in groups if not group & edge] + [edge.union(*touched)]
    return sorted(tuple(sorted(group)) for group in groups)


@given(edges)
def test_linked_equals_a_closure(pairs: Edges) -> None:
    assert linked(sorted({content for pair in pairs for content in pair}), pairs) == closure(pairs)


def test_a_long_chain_needs_no_recursion() -> None:
    count = 50_000
    chain = [(number, number + 1) for number in range(count, 0, -1)]
    assert linked(range(1, count + 2), chain) == [tuple(range(1, count + 2))]


# --- what holds for any matches -------------------------------------------------------------------------


@dataclass(frozen=True)
class Graph:
    """Random matches: contents in their order, and two kinds of exceptions."""

    order: list[int]
    pairs: list[PairMatch]
    different: Edges
    series: Edges

    def families(self) -> list[Family]:
        return families(self.order, self.pairs, different=self.different, series=self.series)


KINDS = [kind for kind in Kind if kind not in (Kind.EXACT, Kind.SIMILAR_SHOT)]
SHARES = st.sampled_from([0.2, 0.5, 0.7, 1.0])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    contents = list(range(draw(st.integers(2, 10))))
    possible = [(a, b) for a in contents for b in contents if a < b]
    found = draw(st.lists(st.sampled_from(possible), unique=True))
    pairs = [
        match(
            a, b, draw(st.sampled_from(KINDS)), shares=(draw(SHARES), draw(SHARES)), similarity=number / 100
        )
        for number, (a, b) in enumerate(found)
    ]
    some = st.lists(st.sampled_from(possible), unique=True, max_size=4)
    return Graph(draw(st.permutations(contents)), pairs, draw(some), draw(some))


@given(graphs())
def test_each_content_is_a_member_once(graph: Graph) -> None:
    found = [content for family in graph.families() for content in family.members]
    assert sorted(found) == sorted(graph.order)


@given(graphs())
def test_families_are_connected_and_what_a_person_called_different_is_apart(graph: Graph) -> None:
    joined = {(pair.a, pair.b) for pair in graph.pairs} - set(graph.different)
    for family in graph.families():
        held = set(family.members)
        inside = [pair for pair in joined if set(pair) <= held]
        assert len(linked(family.members, inside)) == 1
        assert not [pair for pair in graph.different if set(pair) <= held]
        assert not held & set(family.seen_in)


@given(st.data(), graphs())
def test_the_order_of_the_matches_does_not_matter(data: st.DataObject, graph: Graph) -> None:
    shuffled = Graph(
        graph.order,
        data.draw(st.permutations(graph.pairs)),
        data.draw(st.permutations(graph.different)),
        data.draw(st.permutations(graph.series)),
    )
    assert shuffled.families() == graph.families()


@given(graphs(), st.randoms(use_true_random=False))
def test_names_do_not_matter(graph: Graph, random: Random) -> None:
    """Other ids in the same order: the same families under other names."""
    names = list(range(100, 100 + len(graph.order)))
    random.shuffle(names)

    def renamed(pairs: Edges) -> Edges:
        return [(min(names[a], names[b]), max(names[a], names[b])) for a, b in pairs]

    def turned(pair: PairMatch) -> PairMatch:
        a, b, found = names[pair.a], names[pair.b], pair.alignment
        if b < a and found is not None:
            a, b, found = b, a, found.turned_round()
        return PairMatch(a, b, pair.stage, pair.similarity, pair.hamming, found)

    other = Graph(
        [names[content] for content in graph.order],
        [turned(pair) for pair in graph.pairs],
        renamed(graph.different),
        renamed(graph.series),
    )
    expected = [
        Family(tuple(names[one] for one in members), tuple(names[one] for one in seen_in))
        for members, seen_in in graph.families()
    ]
    assert other.families() == expected


@given(graphs())
def test_families_refine_what_is_linked(graph: Graph) -> None:
    every = families(graph.order, graph.pairs, grouping=Grouping.LINKED, different=graph.different)
    component = {content: number for number, family in enumerate(every) for content in family.members}
    for family in graph.families():
        assert len({component[content] for content in family.members}) == 1


# --- by hand --------------------------------------------------------------------------------------------


def members_of(
    order: Sequence[int],
    pairs: list[PairMatch],
    *,
    different: Sequence[tuple[int, int]] = (),
    series: Sequence[tuple[int, int]] = (),
) -> list[tuple[int, ...]]:
    return [family.members for family in families(order, pairs, different=different, series=series)]


def whole(first: int, last: int) -> list[PairMatch]:
    """Return a family in which all match."""
    numbers = range(first, last + 1)
    return [match(a, b, Kind.RE_ENCODED) for a in numbers for b in numbers if a < b]


def test_one_false_match_joins_no_families() -> None:
    pairs = [*whole(1, 6), *whole(11, 16), match(3, 13, Kind.RE_ENCODED, similarity=0.6)]
    order = [*range(1, 7), *range(11, 17)]
    assert members_of(order, pairs) == [tuple(range(1, 7)), tuple(range(11, 17))]


def test_a_member_that_most_others_miss_is_a_member() -> None:
    assert members_of([1, 2, 3, 4, 5], [*whole(1, 4), match(4, 5, Kind.MIRRORED)]) == [(1, 2, 3, 4, 5)]


def test_crops_of_both_halves_and_what_was_made_of_them_are_one_family() -> None:
    left, right = (1.0, 0.5), (1.0, 0.5)
    pairs = [
        match(1, 2, Kind.CROPPED, shares=left[::-1]),
        match(1, 3, Kind.CROPPED, shares=right[::-1]),
        match(2, 4, Kind.RE_ENCODED),
    ]
    assert members_of([1, 2, 3, 4], pairs) == [(1, 2, 3, 4)]


@pytest.mark.parametrize("kind", [Kind.EMBEDDED, Kind.OVERLAY])
@pytest.mark.parametrize("copies", [0, 3])
def test_a_collage_is_named_beside_each_of_its_images(kind: Kind, copies: int) -> None:
    """Image 10 and its copies, image 20 and its copies, and 1, which shows both."""
    one, two = range(10, 11 + copies), range(20, 21 + copies)
    inside = [match(1, inner, kind, shares=(0.4, 1.0), similarity=0.4) for inner in (*one, *two)]
    pairs = [*whole(10, 10 + copies), *whole(20, 20 + copies), *inside]
    found = families([1, *one, *two], pairs)
    assert [family.members for family in found] == [(1,), tuple(one), tuple(two)]
    assert [family.seen_in for family in found] == [(), (1,), (1,)]


def test_a_screenshot_of_one_image_is_of_its_family() -> None:
    pairs = [*whole(1, 3), *(match(n, 9, Kind.EMBEDDED, shares=(1.0, 0.3)) for n in (1, 2, 3))]
    assert families([1, 2, 3, 9], pairs) == [Family((1, 2, 3, 9))]


def test_what_is_pasted_onto_a_photograph_stays_apart() -> None:
    """3 is photograph 1 with image 7 on it: of the family of 1, and named beside 7."""
    pairs = [*whole(1, 2), match(1, 3, Kind.OVERLAY), match(2, 3, Kind.OVERLAY)]
    pairs.append(match(3, 7, Kind.EMBEDDED, shares=(0.2, 1.0), similarity=0.3))
    assert families([1, 2, 3, 7], pairs) == [Family((1, 2, 3)), Family((7,), (3,))]


def test_copies_of_two_shots_go_to_the_shot_that_they_match_best() -> None:
    """1 and 2 are two shots; 11 was made of 1 and 12 of 2, and each looks like both."""
    pairs = [
        match(1, 11, Kind.RE_ENCODED, similarity=0.99),
        match(2, 12, Kind.RE_ENCODED, similarity=0.98),
        match(1, 12, Kind.RE_ENCODED, similarity=0.95),
        match(2, 11, Kind.RE_ENCODED, similarity=0.95),
    ]
    assert members_of([1, 2, 11, 12], pairs, series=[(1, 2)]) == [(1, 11), (2, 12)]


def test_one_blurred_copy_taken_for_another_shot_is_a_copy_all_the_same() -> None:
    pairs = [pair for pair in whole(1, 9) if (pair.a, pair.b) != (8, 9)]
    assert members_of(list(range(1, 10)), pairs, series=[(8, 9)]) == [tuple(range(1, 10))]


def test_a_third_copy_of_two_that_a_person_called_different_goes_to_the_more_similar() -> None:
    pairs = [match(1, 3, Kind.RESIZED, similarity=0.9), match(2, 3, Kind.RESIZED, similarity=0.95)]
    assert members_of([1, 2, 3], pairs, different=[(1, 2)]) == [(1,), (2, 3)]


def test_edits_among_themselves_join_their_original_though_one_looks_like_another_shot() -> None:
    """A turned, a framed and a captioned version match the copies, never plainly."""
    copies, edits = (1, 2, 3, 4), (11, 12, 13)
    pairs = [match(a, b, Kind.RE_ENCODED) for a, b in combinations(copies, 2)]
    pairs += [match(a, b, Kind.OVERLAY) for a, b in combinations(edits, 2)]
    pairs += [match(a, b, Kind.ROTATED, similarity=0.6) for a in copies for b in edits if (a, b) != (4, 13)]
    assert members_of([*copies, *edits], pairs, series=[(4, 13)]) == [(*copies, *edits)]


def test_a_match_without_pixels_joins() -> None:
    assert members_of([1, 2], [PairMatch(1, 2, match(1, 2, Kind.COLOUR).stage, None, 3)]) == [(1, 2)]
    assert aligned(Kind.COLOUR).kind is Kind.COLOUR


# --- how long it takes ----------------------------------------------------------------------------------


def _seconds(count: int, pairs: Sequence[PairMatch]) -> float:
    """CPU time, for the machine may be busy."""
    started = time.process_time()
    families(range(count), pairs)
    return time.process_time() - started


@pytest.mark.parametrize("shape", ["star", "pairs"])
def test_ten_times_as_many_contents_take_about_ten_times_as_long(shape: str) -> None:
    def pairs_of(count: int) -> list[PairMatch]:
        if shape == "star":
            return [match(0, copy, Kind.RE_ENCODED) for copy in range(1, count)]
        return [match(a, a + 1, Kind.RE_ENCODED) for a in range(0, count, 2)]

    few, many = (_seconds(count, pairs_of(count)) for count in (10_000, 100_000))
    assert many < 40 * few


# --- pairs that nobody has compared ------------------------------------------------------------------------


def test_what_nobody_has_compared_counts_neither_for_nor_against() -> None:
    """A hard copy matches one of thirty, and not the one in the middle."""
    pairs = [match(0, other, Kind.RE_ENCODED, similarity=0.95) for other in range(1, 30)]
    pairs.append(match(7, 30, Kind.COLOUR, similarity=0.4))
    order = list(range(31))
    assert sorted(len(family.members) for family in families(order, pairs)) == [1, 30]
    unknown = [(other, 30) for other in range(1, 29) if other != 7]
    (family,) = families(order, pairs, unknown=unknown)
    assert len(family.members) == 31


def test_an_image_is_no_collage_of_its_own_crops() -> None:
    """Two crops that have nothing in common, one of them with a caption: the image shows both."""
    versions = range(4)
    pairs = [match(a, b, Kind.RE_ENCODED, similarity=0.95) for a in versions for b in versions if a < b]
    for version in versions:
        pairs.append(match(version, 4, Kind.CROPPED, shares=(0.3, 1.0), similarity=0.5))
        pairs.append(match(version, 5, Kind.CROPPED, shares=(0.3, 1.0), similarity=0.5))
        pairs.append(match(version, 6, Kind.OVERLAY, shares=(0.3, 1.0), similarity=0.45))
    (family,) = families(list(range(7)), pairs)
    assert len(family.members) == 7
