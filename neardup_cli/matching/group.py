"""Matches to groups: ids and pairs of ids in, groups out, the same for any order of input."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

type IdPair = tuple[int, int]


class Cluster(NamedTuple):
    """Contents that are copies of the first of them."""

    keeper: int
    copies: tuple[int, ...]

    @property
    def members(self) -> tuple[int, ...]:
        """The keeper, then the copies."""
        return (self.keeper, *self.copies)


class Inset(NamedTuple):
    """A match in which one picture is seen in a part of the other, which shows something else around it.

    Attributes:
        outer: a collage, a screenshot, a picture with another one pasted onto it.
        inner: what is seen there.
        sharper: whether `inner` has more pixels of what both show.
    """

    outer: int
    inner: int
    sharper: bool

    @property
    def pair(self) -> IdPair:
        """The two, the smaller id first."""
        return min(self.outer, self.inner), max(self.outer, self.inner)


def linked_groups(pairs: Iterable[IdPair], alone: Iterable[int] = ()) -> list[list[int]]:
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


def linked_clusters(order: Sequence[int], pairs: Iterable[IdPair]) -> list[Cluster]:
    """Return the connected components as clusters; members and clusters stand in `order`, best first."""
    rank = {content: place for place, content in enumerate(order)}
    groups = (sorted(group, key=rank.__getitem__) for group in linked_groups(pairs, order))
    return [Cluster(first, tuple(rest)) for first, *rest in sorted(groups, key=lambda group: rank[group[0]])]


def coherent_clusters(
    order: Sequence[int],
    pairs: Collection[IdPair],
    *,
    partial: Collection[IdPair] = (),
    insets: Collection[Inset] = (),
    different: Collection[IdPair] = (),
) -> list[Cluster]:
    """Group contents around keepers, without chains: a copy of a copy of a copy may show something else.

    The stars of Aslam, Pelekhov, Rus, "The star clustering algorithm", 2004, in the order of keepers: the
    best content that is no copy yet keeps, and all that match it are its copies. What does not match it
    joins where it matches more than half of the star as wholes: a copy of which one match was missed. Who
    joins is decided at once and not one after the other, so that a group does not drift.

    A content can be a copy in several clusters (a collage), but a keeper is a copy in none: removing the
    copies of every cluster leaves, of each, a picture that it matches or most of whose copies it matches.

    What contains a sharper picture keeps only where that is a copy itself: a collage is a copy of each of its
    pictures, not the other way round. Where it keeps all the same, what is seen in it is put into a cluster
    for itself with whatever else shows that, for its pictures are no copies of each other.

    Args:
        order: all contents, the best to keep first.
        pairs: matches between them, smaller id first.
        partial: those of the pairs in which one picture is only a part of the other: they make copies of a
            keeper, and are no reason to join.
        insets: those of the partial ones in which a picture stands among something else.
        different: pairs that never stand in one cluster, whatever matches both.

    Returns:
        Clusters by the order of their keepers; each content is in one at least, alone where nothing matches.
        Of the matches only those between copies of different keepers lie in no cluster.
    """
    return list(_Stars(order, pairs, partial, insets, different).clusters())


class _Stars:
    """The state of `coherent_clusters`: who matches whom, and who is placed."""

    def __init__(
        self,
        order: Sequence[int],
        pairs: Collection[IdPair],
        partial: Collection[IdPair],
        insets: Collection[Inset],
        different: Collection[IdPair],
    ) -> None:
        self._order = order
        self._rank = {content: place for place, content in enumerate(order)}
        apart, in_part = set(different), set(partial)
        matches = [pair for pair in pairs if pair not in apart]
        self._matching = _adjacency(matches)
        whole = [pair for pair in matches if pair not in in_part]
        self._whole = self._matching if len(whole) == len(matches) else _adjacency(whole)
        self._different = _adjacency(apart)
        seen = [inset for inset in insets if inset.pair not in apart]
        self._insets = {(inset.outer, inset.inner) for inset in seen}
        self._outshone = {inset.outer for inset in seen if inset.sharper}
        self._placed: set[int] = set()

    def clusters(self) -> Iterator[Cluster]:
        for keeper in sorted(self._order, key=self._outshone.__contains__):
            if keeper in self._placed:
                continue
            self._placed.add(keeper)
            if not (copies := self._matching.get(keeper)):
                yield Cluster(keeper, ())
                continue
            self._placed |= copies
            for some in self._compatible(keeper, copies):
                joined = self._joining({keeper, *some})
                self._placed |= joined
                yield Cluster(keeper, tuple(self._sorted(some | joined)))

    def _compatible(self, keeper: int, copies: Collection[int]) -> list[set[int]]:
        """Split a keeper's copies so that none that are different stay together: one set as a rule."""
        if not self._different and not self._insets:
            return [set(copies)]
        sets: list[set[int]] = []
        for alike in self._alike(keeper, copies):
            own: list[set[int]] = []
            for copy in self._sorted(alike):
                apart = self._different.get(copy, set())
                fitting = next((members for members in own if not members & apart), None)
                if fitting is None:
                    own.append({copy})
                else:
                    fitting.add(copy)
            sets += own
        return sets

    def _alike(self, keeper: int, copies: Collection[int]) -> list[set[int]]:
        """Part what is seen in the keeper from its copies, and from what is seen elsewhere in it."""
        seen = [copy for copy in self._sorted(copies) if (keeper, copy) in self._insets]
        whole = set(copies) - set(seen)
        # A crop with a caption is seen among other things too, but in the keeper's other copies as well.
        inside = [copy for copy in seen if not whole or 2 * len(self._matching[copy] & whole) < len(whole)]
        sets = [set(copies) - set(inside)] if len(inside) < len(copies) else []
        while inside:
            first, *others = inside
            family = {first, *(other for other in others if other in self._matching[first])}
            sets.append(family)
            inside = [other for other in others if other not in family]
        return sets

    def _joining(self, star: set[int]) -> set[int]:
        """Find the contents without a place that match more than half of the star, and then of the group."""
        near = {other for member in star for other in self._whole.get(member, ())} - self._placed
        joined: set[int] = set()
        if not near:  # as a rule, and there may be a million stars
            return joined
        for content in self._sorted(near):
            apart = self._different.get(content, set())
            if self._is_at_home(content, star) and not apart & (star | joined):
                joined.add(content)
        while strangers := {one for one in joined if not self._is_at_home(one, star | joined - {one})}:
            joined -= strangers
        return joined

    def _is_at_home(self, content: int, others: set[int]) -> bool:
        return 2 * len(self._whole.get(content, set()) & others) > len(others)

    def _sorted(self, contents: Iterable[int]) -> list[int]:
        return sorted(contents, key=self._rank.__getitem__)


def _adjacency(pairs: Iterable[IdPair]) -> dict[int, set[int]]:
    neighbours: dict[int, set[int]] = {}
    for a, b in pairs:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    return neighbours
