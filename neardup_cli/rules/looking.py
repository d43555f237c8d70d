"""Which pairs of images have to be looked at, and in which order: what follows from others is left out.

In a family of n images there are n² pairs, and nearly all of them say the same. So the images in the middle
of their likeness, the pivots, are compared with all that resembles them; two images that both match a pivot
are not compared any more, unless there is something to learn from it:

- they are more like each other than like the pivot, so that they may share what it lacks, a caption perhaps;
- they seem to be the same image at one size, as the frames of a burst do, their cameras say two times, or the
  pivot was found beside other shots of its scene: what is one image and what a series, all pairs decide.

Where both show only a part of the pivot, or it of them, nothing follows: what is left out is not known then.

Strangers are looked at from the most similar on. How similar two strangers are depends on the collection
(0.04 among animals, 0.7 among faces), so no number says where copies end: of an image several candidates in a
row have to be refused, and the rest is refused with them, unless the other one of a pair still wants to know,
or the pair has other evidence for it.

The order depends on what the images are and never on their names, ids or the order of scans; what was looked
at in earlier runs is no argument either.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from neardup_cli.choices import Kind
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import Alignment, PairMatch, Stage
from neardup_cli.rules.implied import implied
from neardup_cli.rules.kinship import is_partial, is_plain

type IdPair = tuple[int, int]

# What follows from a match has to be sure of it: this is where the strict preset begins.
_SURE_AGREEMENT = 0.65
# Images nearly as like the others as the one in the middle: among those the best file is the pivot.
_BANDS = 8.0
# Share of its best similarity from which an image counts as near: the strangers of a uniform collection are
# as like each other as copies are elsewhere.
_NEAR = 0.8
# So many candidates in a row, the most similar first, have to be refused for the rest to be refused as well.
# Among 4,512 pieces of other photographs, 1 of 749 pairs (photograph, attack) has three strangers or more
# before it on both sides, and of 525 pairs of 24 further photographs none; of the pieces 1.95 pairs each are
# looked at then, and not 12.5.
_PATIENCE = 3
# Families have one to three pivots, and seldom four. What is open then is strangers.
_MOST_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class _Link:
    """A sure match of a content with a pivot.

    Attributes:
        similarity: of the two.
        on_pivot: the content laid on the pivot.
        plain: whether they are the same image.
        partial: whether one of them shows clearly more.
    """

    similarity: float
    on_pivot: Alignment
    plain: bool
    partial: bool


class Looking:
    """The pairs of a collection, those that were looked at and what follows from them."""

    def __init__(
        self,
        pairs: Iterable[PairMatch],
        files: Mapping[int, CatalogedFile],
        anyway: Collection[IdPair] = (),
    ) -> None:
        """Take the candidates.

        Args:
            pairs: each once; what a stage has decided already is looked at to know what happened.
            files: one of each of their contents; those without one have no order.
            anyway: pairs that something else proposes, too: none of them is refused with others.
        """
        self._files = files
        self._pairs = {(pair.a, pair.b): pair for pair in self._sorted(pairs)}
        self._anyway = {
            key for key, pair in self._pairs.items() if key in anyway or pair.stage is not Stage.GEOMETRY
        }
        self._near: dict[int, list[PairMatch]] = {}
        for pair in self._pairs.values():
            self._near.setdefault(pair.a, []).append(pair)
            self._near.setdefault(pair.b, []).append(pair)
        self._rank = {content: self._ranked(content, near) for content, near in self._near.items()}
        self._looked: set[IdPair] = set()
        self._links: dict[int, dict[int, _Link]] = {content: {} for content in self._near}
        self._pivots: set[int] = set()
        self._covered: set[int] = set()
        self._matched: dict[int, dict[int, float]] = {content: {} for content in self._near}
        self._shots: dict[int, set[int]] = {}
        self._contradicted: set[int] | None = None
        self._conclusion: tuple[list[PairMatch], set[IdPair]] | None = None
        self._satisfied: set[int] = set()
        self._unread: set[IdPair] = set()
        self.rounds = 0
        """How often pivots were chosen."""

    @property
    def looked_at(self) -> Collection[IdPair]:
        """The pairs that were looked at so far."""
        return self._looked

    def wanted(self) -> list[PairMatch]:
        """Return the pairs to look at next; none when all others follow from those that were."""
        while self.rounds <= _MOST_ROUNDS:
            if found := self._wanted_by(self._pivots):
                return found
            self.rounds += 1
            self._choose_pivots()
        if found := self._wanted_by(self._near):
            return found
        left = (pair for key, pair in self._pairs.items() if key in self._anyway and key not in self._looked)
        return [pair for pair in left if not self._spared(pair)]

    def learn(self, pairs: Iterable[PairMatch], found: Mapping[IdPair, Alignment]) -> None:
        """Take what was seen; pairs without an alignment could not be looked at, and refuse nothing."""
        self._contradicted = self._conclusion = None
        for pair in pairs:
            key = pair.a, pair.b
            self._looked.add(key)
            self._satisfied -= set(key)
            alignment = found.get(key)
            if alignment is None:
                self._unread.add(key)
            if alignment is None or not alignment.matched:
                continue
            if alignment.kind is Kind.SIMILAR_SHOT:
                self._shots.setdefault(pair.a, set()).add(pair.b)
                self._shots.setdefault(pair.b, set()).add(pair.a)
                self._satisfied.clear()  # what followed may not follow any more
                continue
            self._matched[pair.a][pair.b] = self._matched[pair.b][pair.a] = _similarity(pair)
            if alignment.agreement >= _SURE_AGREEMENT and alignment.transform:
                self._link(replace(pair, alignment=alignment), alignment)

    def spared(self, keys: Iterable[IdPair]) -> int:
        """Return how many of some pairs need not be looked at, as far as it is known."""
        return sum(key not in self._looked and self._spared(self._pairs[key]) for key in keys)

    def unknown(self) -> Collection[IdPair]:
        """Return the pairs of which nothing is known: they were left out, and nothing follows for them."""
        return self._concluded()[1]

    def following(self) -> Sequence[PairMatch]:
        """Return the matches that follow from others; of the rest that was left out nothing is known."""
        return self._concluded()[0]

    def open_between(self, content: int, others: Iterable[int]) -> list[PairMatch]:
        """Return the candidates of a content with some others that nobody has looked at."""
        keys = ((min(content, other), max(content, other)) for other in others)
        return self._sorted(
            self._pairs[key] for key in keys if key in self._pairs and key not in self._looked
        )

    # --- the order --------------------------------------------------------------------------------------

    def _ranked(self, content: int, near: Sequence[PairMatch]) -> tuple[int, bool, int, bytes]:
        """Sort contents: those that are most like most others first, among them the best files."""
        total = sum(max(0.0, _similarity(pair)) for pair in near)
        band = round(_BANDS * math.log(total)) if total > 0 else -1000
        file = self._files.get(content)
        if file is None:
            return -band, True, 0, b""
        return -band, file.captured_at is None, -file.width * file.height, file.digest

    def _choose_pivots(self) -> None:
        """Choose the next pivots, at once those that are far from each other."""
        waiting = self._near.keys() - self._covered - self._pivots
        self._pivots.update([content for content in waiting if self._is_foremost(content, waiting)])

    def _wanted_by(self, contents: Iterable[int]) -> list[PairMatch]:
        """Return the next pairs that some contents want to be looked at."""
        wanted: dict[IdPair, PairMatch] = {}
        for content in contents:
            if content not in self._satisfied:
                found = self._next_of(content)
                wanted |= {(pair.a, pair.b): pair for pair in found}
                if not found:
                    self._satisfied.add(content)
        return self._sorted(wanted.values())

    def _next_of(self, content: int) -> list[PairMatch]:
        """Return the next candidates of a content, from the most similar on, until too many were refused.

        Some more where many match: they are asked at once.
        """
        refused, found = 0, list[PairMatch]()
        patience = _PATIENCE + len(self._matched[content]) // 2
        for pair in self._near[content]:
            key = pair.a, pair.b
            if key in self._unread:
                continue  # of what cannot be looked at nobody knows that it is a stranger
            if key in self._looked:
                other = pair.b if pair.a == content else pair.a
                is_match = other in self._matched[content] or other in self._shots.get(content, ())
                refused = 0 if is_match else refused + 1
            elif self._spared(pair):
                refused = 0
            elif refused < _PATIENCE and refused + len(found) < patience:
                found.append(pair)
        return found

    def _is_foremost(self, content: int, waiting: Collection[int]) -> bool:
        """Return True if nothing near comes first that waits, too."""
        near, rank = self._near[content], self._rank[content]
        least = _NEAR * max(map(_similarity, near))
        return all(
            rank <= self._rank[other]
            for pair in near
            if _similarity(pair) >= least and (other := pair.b if pair.a == content else pair.a) in waiting
        )

    def _sorted(self, pairs: Iterable[PairMatch]) -> list[PairMatch]:
        """Sort pairs, the most similar first; those of one content follow from the digests."""
        return sorted(
            pairs,
            key=lambda pair: (-_similarity(pair), *sorted((self._digest(pair.a), self._digest(pair.b)))),
        )

    def _digest(self, content: int) -> bytes:
        file = self._files.get(content)
        return b"" if file is None else file.digest

    # --- what follows -----------------------------------------------------------------------------------

    def _concluded(self) -> tuple[list[PairMatch], set[IdPair]]:
        """Return what follows from what was seen by now, and the pairs of which nothing does."""
        if self._conclusion is not None:
            return self._conclusion
        following, unknown = list[PairMatch](), set[IdPair]()
        for key, pair in self._pairs.items():
            if key in self._looked or (witness := self._witness(pair)) is None:
                continue
            one, other = (self._links[content][witness] for content in key)
            if one.partial and other.partial:
                unknown.add(key)
            else:
                following.append(replace(pair, alignment=self._implied(pair, one, other), implied=True))
        self._conclusion = following, unknown
        return self._conclusion

    def _link(self, pair: PairMatch, alignment: Alignment) -> None:
        plain, partial, similarity = is_plain(pair), is_partial(pair), _similarity(pair)
        turned = alignment.turned_round()
        for content, pivot, on_pivot in ((pair.a, pair.b, alignment), (pair.b, pair.a, turned)):
            if pivot in self._pivots:
                self._links[content][pivot] = _Link(similarity, on_pivot, plain, partial)
                self._covered.add(content)

    def _spared(self, pair: PairMatch) -> bool:
        return self._witness(pair) is not None

    def _witness(self, pair: PairMatch) -> int | None:
        """Return the pivot by which a pair need not be looked at, the surest one."""
        of_a, of_b = self._links[pair.a], self._links[pair.b]
        if not of_a or not of_b:
            return None
        common = of_a.keys() & of_b.keys()
        if not common or self._are_two_times(pair):
            return None
        speaking = [
            pivot
            for pivot in common
            if self._follows(pair, of_a[pivot], of_b[pivot])
            and not (self._shots and self._is_doubted(pivot, pair))
        ]
        if not speaking:
            return None
        return min(
            speaking,
            key=lambda pivot: (
                of_a[pivot].partial and of_b[pivot].partial,
                -(of_a[pivot].plain + of_b[pivot].plain),
                -min(of_a[pivot].similarity, of_b[pivot].similarity),
                self._rank[pivot],
            ),
        )

    def _follows(self, pair: PairMatch, one: _Link, other: _Link) -> bool:
        similarity = _similarity(pair)
        if one.plain and other.plain:
            return not self._same_size(pair)
        return one.plain or other.plain or similarity < min(one.similarity, other.similarity)

    def _is_doubted(self, pivot: int, pair: PairMatch) -> bool:
        """Return True if a pivot stands among shots of a scene: what matches it may be a copy of another."""
        for shot in self._shots.get(pivot, ()):
            for content in (pair.a, pair.b):
                if self._matched[content].get(shot, -1.0) >= self._links[content][pivot].similarity:
                    return True
        return pivot in self._among_shots()

    def _among_shots(self) -> set[int]:
        """Return the pivots that are the same image as two shots of one scene: they cannot be both."""
        if self._contradicted is None:
            self._contradicted = {
                pivot
                for one, others in self._shots.items()
                for other in others
                for pivot in self._links[one].keys() & self._links[other].keys()
                if self._links[one][pivot].plain and self._links[other][pivot].plain
            }
        return self._contradicted

    def _are_two_times(self, pair: PairMatch) -> bool:
        first, second = (self._files.get(content) for content in (pair.a, pair.b))
        if first is None or second is None or first.captured_at is None or second.captured_at is None:
            return False
        return first.captured_at != second.captured_at

    def _same_size(self, pair: PairMatch) -> bool:
        first, second = (self._files.get(content) for content in (pair.a, pair.b))
        if first is None or second is None:
            return True
        return sorted((first.width, first.height)) == sorted((second.width, second.height))

    def _implied(self, pair: PairMatch, one: _Link, other: _Link) -> Alignment:
        return implied(one.on_pivot, other.on_pivot.turned_round(), same_size=self._same_size(pair))


def _similarity(pair: PairMatch) -> float:
    return -1.0 if pair.similarity is None else pair.similarity
