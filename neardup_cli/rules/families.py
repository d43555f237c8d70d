"""Matches to families: an image, its copies, and what was made of it. Ids and matches in, families out.

A family grows by its surest matches, and two families become one only where enough of their members match:
one false match among many true ones joins nothing. What shows an image inside something else (a collage, a
screen with several pictures) belongs to an image's family if it shows that one alone, and is named beside
each of its families if it shows several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from neardup_cli.choices import Grouping, Kind
from neardup_cli.records.matches import PairMatch
from neardup_cli.rules.kinship import in_part, is_partial, is_plain, outer_of, sureness, surrounds

type IdPair = tuple[int, int]

# Share of the possible matches between two families that has to be there for them to be one. Of 80 families
# of 18 (17 edits each) 0.6 to 0.9 of the pairs match; of strangers one in some thousand does.
_LEAST_LINKED = 0.2
_LEAST_LINKED_ALONE = 0.1  # for a single one to join
# Share of what a collage shows of a family, against the family that it shows most of.
_LEAST_SHOWN = 0.34
# Times as many matches as other shots of the scene between two families: a blurred copy is taken for one.
_MOST_SHOTS = 0.2
# Of the matches in which something shows more than the other one: the rest are called crops of it.
_LEAST_SURROUNDING = 0.2


class Family(NamedTuple):
    """Contents of one image.

    Attributes:
        members: in the order that was given.
        seen_in: contents of other families, or of none, that show one of the members inside something else.
    """

    members: tuple[int, ...]
    seen_in: tuple[int, ...] = ()


def families(
    order: Sequence[int],
    pairs: Collection[PairMatch],
    *,
    grouping: Grouping = Grouping.COHERENT,
    different: Collection[IdPair] = (),
    series: Collection[IdPair] = (),
    unknown: Collection[IdPair] = (),
) -> list[Family]:
    """Part contents into families: each content is a member of exactly one, the only one if need be.

    Args:
        order: all contents; it decides between equals and gives the order of the answer.
        pairs: the matches between them, each pair of contents once.
        grouping: families, or whatever a chain of matches links.
        different: pairs of contents, the smaller id first, that never stand in one family.
        series: pairs that are two shots of one scene: their copies go to the shot that they match best.
        unknown: pairs, the smaller id first, that nobody has compared: they count neither for nor against.
    """
    apart = set(different)
    held = [pair for pair in pairs if (pair.a, pair.b) not in apart]
    place = {content: number for number, content in enumerate(order)}
    if grouping is Grouping.LINKED:
        return [Family(members) for members in linked(order, ((pair.a, pair.b) for pair in held))]
    called_different, shots, open_pairs = _adjacent(apart), _adjacent(series), _adjacent(unknown)
    found: list[Family] = []
    for members, matches in _with_matches(order, held):
        if len(members) < 3:
            found.append(Family(members))
        else:
            found += _Clusters(members, matches, called_different, shots, open_pairs, place).families()
    return sorted(found, key=lambda family: place[family.members[0]])


def linked(order: Sequence[int], pairs: Iterable[IdPair]) -> list[tuple[int, ...]]:
    """Return the connected components of a graph; members and components stand in `order`."""
    parent = {content: content for content in order}

    def find(content: int) -> int:
        while parent[content] != content:
            parent[content] = parent[parent[content]]  # halve the path for whoever comes next
            content = parent[content]
        return content

    for pair in pairs:
        a, b = map(find, pair)
        if a != b:
            parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for content in order:
        groups.setdefault(find(content), []).append(content)
    return [tuple(group) for group in groups.values()]


def _with_matches(
    order: Sequence[int], pairs: Sequence[PairMatch]
) -> Iterator[tuple[tuple[int, ...], list[PairMatch]]]:
    """Yield the components with the matches of each."""
    components = linked(order, ((pair.a, pair.b) for pair in pairs))
    of = {content: number for number, members in enumerate(components) for content in members}
    matches: dict[int, list[PairMatch]] = {}
    for pair in pairs:
        matches.setdefault(of[pair.a], []).append(pair)
    for number, members in enumerate(components):
        yield members, matches.get(number, [])


class _Clusters:
    """One connected component on its way to families."""

    def __init__(
        self,
        members: Sequence[int],
        pairs: Sequence[PairMatch],
        different: Mapping[int, set[int]],
        series: Mapping[int, set[int]],
        unknown: Mapping[int, set[int]],
        place: Mapping[int, int],
    ) -> None:
        self._pairs = sorted(pairs, key=lambda pair: self._turn(pair, place))
        self._different = different
        self._series = series
        self._unknown = unknown
        self._place = place
        self._root = {content: content for content in members}
        self._members = {content: [content] for content in members}
        self._centre = {content: content for content in members}
        self._degree = dict.fromkeys(members, 0)
        self._plain = _adjacent((pair.a, pair.b) for pair in pairs if is_plain(pair)) if series else {}
        self._near: dict[int, set[int]] = {content: set() for content in members}
        # How many matches lie between two clusters, by the root of each.
        self._between: dict[int, Counter[int]] = {content: Counter() for content in members}

    @staticmethod
    def _turn(pair: PairMatch, place: Mapping[int, int]) -> tuple[bool, float, int, int]:
        """Sort matches: plain ones before all others, then by how alike the two are."""
        first, second = sorted((place[pair.a], place[pair.b]))
        return not is_plain(pair), -sureness(pair), first, second

    def families(self) -> list[Family]:
        partial = [pair for pair in self._pairs if is_partial(pair)]
        self._join_all([pair for pair in self._pairs if not is_partial(pair)])
        seen_in: dict[int, set[int]] = {}
        if partial:
            shown = self._shown_among_others(partial)
            nested = {(pair.a, pair.b) for pair in partial if outer_of(pair) == shown.get((pair.a, pair.b))}
            self._join_all([pair for pair in partial if (pair.a, pair.b) not in shown])
            for (a, b), outer in shown.items():
                inner = b if outer == a else a
                if (a, b) in nested and self._root[outer] != self._root[inner]:
                    seen_in.setdefault(self._root[inner], set()).add(outer)
        return [
            Family(self._sorted(members), self._sorted(seen_in.get(root, ())))
            for root, members in self._members.items()
        ]

    def _sorted(self, contents: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(contents, key=self._place.__getitem__))

    def _join_all(self, pairs: Sequence[PairMatch]) -> None:
        """Take up matches, and join along them, the surest first, until nothing joins any more."""
        for pair in pairs:
            self._near[pair.a].add(pair.b)
            self._near[pair.b].add(pair.a)
            a, b = self._root[pair.a], self._root[pair.b]
            if a != b:
                self._between[a][b] += 1
                self._between[b][a] += 1
        waiting = list(pairs)
        while waiting:
            left = [pair for pair in waiting if not self._joined(pair)]
            waiting = left if len(left) < len(waiting) else []

    def _joined(self, pair: PairMatch) -> bool:
        """Join the clusters of a match if enough speaks for it; say whether the match is done with."""
        a, b = self._root[pair.a], self._root[pair.b]
        if a == b:
            return True
        if not self._are_linked(a, b) or self._are_apart(a, b):
            return False
        self._join(a, b)
        return True

    def _are_linked(self, a: int, b: int) -> bool:
        """Return True if enough of the members of two clusters match, or what all members of each match."""
        sizes = len(self._members[a]), len(self._members[b])
        count = self._between[a][b]
        least = _LEAST_LINKED if min(sizes) > 1 else _LEAST_LINKED_ALONE
        if count >= least * self._compared(a, b):
            return True
        return count >= min(2, *sizes) and self._centre[b] in self._near[self._centre[a]]

    def _compared(self, a: int, b: int) -> int:
        """Return how many pairs lie between two clusters, without those that nobody has compared."""
        sizes = len(self._members[a]), len(self._members[b])
        smaller, larger = (a, b) if sizes[0] < sizes[1] else (b, a)
        unknown = sum(self._root.get(other) == larger for other in self._others(smaller, self._unknown))
        return sizes[0] * sizes[1] - unknown

    def _are_apart(self, a: int, b: int) -> bool:
        """Return True if a person called any two different, or they are mostly other shots of a scene."""
        if len(self._members[a]) > len(self._members[b]):
            a, b = b, a
        if any(self._root.get(other) == b for other in self._others(a, self._different)):
            return True
        shots = sum(self._root.get(other) == b for other in self._others(a, self._series))
        if not shots:
            return False
        plain = sum(self._root[other] == b for other in self._others(a, self._plain))
        # What was turned, framed and captioned matches its original, and never plainly.
        return shots > _MOST_SHOTS * (plain or self._between[a][b])

    def _others(self, root: int, near: Mapping[int, set[int]]) -> Iterator[int]:
        """Yield what is near to the members of a cluster, once for each of them."""
        return (other for content in self._members[root] for other in near.get(content, ()))

    def _join(self, a: int, b: int) -> None:
        """Put the smaller of two clusters into the larger one."""
        if len(self._members[a]) < len(self._members[b]):
            a, b = b, a
        touched = {self._centre[a], self._centre[b]}
        for content in self._members[b]:
            for other in self._near[content]:
                if self._root[other] == a:
                    self._degree[content] += 1
                    self._degree[other] += 1
                    touched |= {content, other}
        for content in self._members[b]:
            self._root[content] = a
        self._centre[a] = min(touched, key=lambda one: (-self._degree[one], self._place[one]))
        self._members[a] += self._members.pop(b)
        for other, count in self._between.pop(b).items():
            del self._between[other][b]
            if other != a:
                self._between[a][other] += count
                self._between[other][a] += count

    def _shown_among_others(self, partial: Sequence[PairMatch]) -> dict[IdPair, int]:
        """Find the matches of collages with what they show: the pair, and which of the two is the collage.

        An image in which one family is seen belongs to it. One in which several are seen belongs to none of
        them, and one that is a member of another family already (something was pasted onto it) stays there.
        """
        showing: dict[int, list[PairMatch]] = {}
        for pair in partial:
            if (outer := outer_of(pair)) is not None:
                showing.setdefault(outer, []).append(pair)
        links = self._links(partial)
        collages: set[int] = set()
        foreign: dict[int, set[int]] = {}
        for content, pairs in showing.items():
            if sum(map(surrounds, pairs)) < _LEAST_SURROUNDING * len(pairs):
                continue
            inner = self._inner(content, pairs)
            if self._are_several(inner, links, self._inner(content, filter(surrounds, pairs))):
                collages.add(content)
            elif not self._mostly_show(self._root[content], inner, links, showing):
                foreign[content] = set(inner)
        found: dict[IdPair, int] = {}
        for pair in partial:
            showing_it = [
                content
                for content, other in ((pair.a, pair.b), (pair.b, pair.a))
                if (content in collages and in_part(pair, content))
                or self._root[other] in foreign.get(content, ())
            ]
            if showing_it:
                # Where each seems to show the other, what shows more does.
                outer = outer_of(pair)
                found[pair.a, pair.b] = (
                    outer if outer in showing_it else min(showing_it, key=self._place.__getitem__)
                )
        return found

    def _inner(self, content: int, pairs: Iterable[PairMatch]) -> dict[int, set[int]]:
        """Return what of other clusters a content shows, by their roots."""
        inner: dict[int, set[int]] = {}
        for pair in pairs:
            other = pair.b if pair.a == content else pair.a
            if self._root[other] != self._root[content]:
                inner.setdefault(self._root[other], set()).add(other)
        return inner

    def _are_several(
        self,
        inner: Mapping[int, set[int]],
        links: Counter[IdPair],
        surrounded: Mapping[int, set[int]],
    ) -> bool:
        """Return True if what something shows are images that have nothing to do with each other.

        Crops of it that have nothing in common are none: around them goes on what they show.
        """
        parts = [
            part
            for part in self._linked_parts(list(inner), links)
            if sum(len(surrounded.get(root, ())) for root in part)
            >= _LEAST_SURROUNDING * sum(len(inner[root]) for root in part)
        ]
        shares = [
            sum(len(inner[root]) for root in part) / sum(len(self._members[root]) for root in part)
            for part in parts
        ]
        return sum(share >= _LEAST_SHOWN * max(shares) for share in shares) > 1

    def _links(self, partial: Sequence[PairMatch]) -> Counter[IdPair]:
        """Count the matches between clusters, those that are partial too."""
        links: Counter[IdPair] = Counter()
        for root, others in self._between.items():
            links.update({(root, other): count for other, count in others.items()})
        for pair in partial:
            a, b = self._root[pair.a], self._root[pair.b]
            links[a, b] += 1
            links[b, a] += 1
        return links

    def _linked_parts(self, roots: Sequence[int], links: Counter[IdPair]) -> list[list[int]]:
        """Part clusters by what links them to each other."""
        parts: list[list[int]] = []
        for root in self._sorted(roots):
            near = [part for part in parts if any(self._dense(root, other, links) for other in part)]
            parts = [part for part in parts if part not in near]
            parts.append([root, *(other for part in near for other in part)])
        return parts

    def _dense(self, a: int, b: int, links: Counter[IdPair]) -> bool:
        return links[a, b] > 0 and links[a, b] >= _LEAST_LINKED_ALONE * self._compared(a, b)

    def _mostly_show(
        self,
        own: int,
        inner: Collection[int],
        links: Counter[IdPair],
        showing: Mapping[int, Sequence[PairMatch]],
    ) -> bool:
        """Return True if a cluster as a whole has to do with what one of its members shows.

        Of a captioned crop the original shows more too, and only some of its versions match that.
        """
        members = self._members[own]
        pairs = [pair for content in members for pair in showing.get(content, ())]
        shown = {
            outer_of(pair) for pair in pairs if self._root[pair.a] in inner or self._root[pair.b] in inner
        }
        if 2 * len(shown) > len(members):
            return True
        pasted = any(pair.alignment and pair.alignment.kind is Kind.EMBEDDED for pair in pairs)
        return not pasted and any(self._dense(own, other, links) for other in inner)


def _adjacent(pairs: Iterable[IdPair]) -> dict[int, set[int]]:
    neighbours: dict[int, set[int]] = {}
    for a, b in pairs:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    return neighbours
