"""Which folders hold the same images: byte for byte, one within the other, by family, or for the most part.

Two folders are candidates where some image lies in both, and so are the folders above them at one height: a
backup has the tree of what it is a backup of. Of pairs in each other the outer one is told; but where it has
images in common for the most part only, the inner ones are, and the outer one if it says more.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from neardup_cli.images.walk import is_below
from neardup_cli.records.folders import FolderPair, HeldImage, Relation

# What lies in more folders than these (a logo, an empty page) says nothing about any two of them.
_MOST_PLACES = 24
# Of the smaller folder: with less in common they are no copies of each other.
_LEAST_SHARE = 0.5
_LEAST_SHARED = 2
_ORDER = list(Relation)


@dataclass(frozen=True, slots=True)
class _Told:
    """A pair, and which files of either side it is about."""

    pair: FolderPair
    files: frozenset[bytes]


def alike_folders(images: Iterable[HeldImage]) -> list[FolderPair]:
    """Return the pairs of folders that hold the same images, the largest first."""
    tree = _Tree(images)
    found = [told for pair in tree.candidates() if (told := tree.compared(*pair)) is not None]
    found.sort(key=_strength)
    whole = [told for told in found if told.pair.relation is not Relation.OVERLAP]
    kept = [told for told in whole if not any(_lies_in(told, one) for one in whole)]
    for told in found[len(whole) :]:
        if not _is_told_already(told, kept):
            kept.append(told)
    return sorted((told.pair for told in kept), key=lambda one: (-one.shared_bytes, one.folder, one.other))


class _Tree:
    """All images in the order of their paths, so that what lies below a folder is a range."""

    def __init__(self, images: Iterable[HeldImage]) -> None:
        self._images = sorted(images)
        self._paths = [image.path for image in self._images]

    def candidates(self) -> list[tuple[bytes, bytes]]:
        """Return the pairs of folders that are worth a look."""
        places: dict[int, set[bytes]] = defaultdict(set)
        for image in self._images:
            places[image.family].add(os.path.dirname(image.path))
        common: Counter[tuple[bytes, bytes]] = Counter()
        for folders in places.values():
            if len(folders) <= _MOST_PLACES:
                common.update(combinations(sorted(folders), 2))
        return sorted({pair for one in common for pair in _lifted(*one)})

    def below(self, folder: bytes) -> Sequence[HeldImage]:
        """Return the images below a folder."""
        stem = folder.rstrip(b"/")
        return self._images[bisect_left(self._paths, stem + b"/") : bisect_left(self._paths, stem + b"0")]

    def compared(self, a: bytes, b: bytes) -> _Told | None:
        """Say what two folders are to each other; None where that is not worth telling."""
        sides = (self.below(a), self.below(b))
        alone = _alone(*([image.content for image in side] for side in sides))
        relation = Relation.CONTAINED if any(alone) else Relation.SAME
        first = int(len(alone[1]) < len(alone[0]))
        if alone[first]:
            alone = _alone(*([image.family for image in side] for side in sides))
            first = int(len(alone[1]) < len(alone[0]))
            relation = Relation.OVERLAP if alone[first] else Relation.FAMILY
        if len(alone[0]) == len(alone[1]):
            first = int(_place(b, sides[1]) > _place(a, sides[0]))
        second = 1 - first
        missing = {sides[first][at].path for at in alone[first]}
        shared = [one for one in sides[first] if one.path not in missing]
        if len(shared) < max(_LEAST_SHARED, _LEAST_SHARE * len(sides[first])):
            return None
        others = {sides[second][at].path for at in alone[second]}
        pair = FolderPair(
            folder=(a, b)[first],
            other=(a, b)[second],
            relation=relation,
            shared=len(shared),
            shared_bytes=sum(one.size for one in shared),
            alone=tuple(sorted(missing)),
            other_alone=tuple(sorted(others)),
        )
        files = {one.path for one in shared} | {one.path for one in sides[second] if one.path not in others}
        return _Told(pair, frozenset(files))


def _place(folder: bytes, images: Sequence[HeldImage]) -> tuple[int, int, int, bytes]:
    """Sort equals: of two the one with less in it, or deeper down, is the copy."""
    return -len(images), -sum(image.size for image in images), folder.count(b"/"), folder


def _alone(ours: Sequence[int], theirs: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the places on either side of what the other side does not have."""
    mine, others = set(ours), set(theirs)
    return (
        [at for at, one in enumerate(ours) if one not in others],
        [at for at, one in enumerate(theirs) if one not in mine],
    )


def _lifted(a: bytes, b: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield two folders, and those above them at the same height as long as neither lies in the other."""
    while a != b and not is_below(a, b) and not is_below(b, a):
        yield (a, b) if a < b else (b, a)
        a, b = os.path.dirname(a), os.path.dirname(b)


def _strength(told: _Told) -> tuple[int, int, bytes, bytes]:
    pair = told.pair
    return _ORDER.index(pair.relation), -pair.shared, pair.folder, pair.other


def _is_told_already(told: _Told, kept: Sequence[_Told]) -> bool:
    """Return True if a pair around this one is told, or pairs in it say all of it."""
    if any(_lies_in(told, one) for one in kept):
        return True
    return told.files <= {path for one in kept if _lies_in(one, told) for path in one.files}


def _lies_in(inner: _Told, outer: _Told) -> bool:
    """Return True if each folder of a pair lies in, or is, another one of another pair."""
    a, b = inner.pair.folder, inner.pair.other
    c, d = outer.pair.folder, outer.pair.other
    if {a, b} == {c, d}:
        return False
    return (is_below(a, c) and is_below(b, d)) or (is_below(a, d) and is_below(b, c))
