"""Which pairs are looked at, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from neardup_cli.choices import Kind
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import Alignment, PairMatch, Stage
from neardup_cli.rules.implied import implied
from neardup_cli.rules.looking import Looking
from tests.rules.matches import aligned, file

type Pairs = dict[tuple[int, int], PairMatch]
type Seen = Callable[[PairMatch], Alignment]

REFUSED = replace(aligned(Kind.RE_ENCODED), matched=False, kind=None, reason="the pixels disagree")


def every_pair(contents: Iterable[int], likeness: Callable[[int, int], float]) -> Pairs:
    held = sorted(contents)
    return {(a, b): PairMatch(a, b, Stage.GEOMETRY, likeness(a, b), 9) for a in held for b in held if a < b}


def files_of(
    contents: Iterable[int], sizes: Mapping[int, tuple[int, int]] | None = None
) -> dict[int, CatalogedFile]:
    given = sizes or {}
    return {one: file(b"/%d" % one, one, given.get(one, (400 + one, 300))) for one in contents}


def looked(pairs: Pairs, files: Mapping[int, CatalogedFile], seen: Seen) -> Looking:
    """Look at all that is wanted."""
    looking = Looking(pairs.values(), files)
    while wanted := looking.wanted():
        looking.learn(wanted, {(pair.a, pair.b): seen(pair) for pair in wanted})
    return looking


def likeness(pair: PairMatch) -> float:
    assert pair.similarity is not None
    return pair.similarity


def star(a: int, b: int) -> float:
    """Everything is most like 0."""
    return 0.9 - 0.01 * max(a, b) if min(a, b) == 0 else 0.7 - 0.001 * (a + b)


# --- what is left out ------------------------------------------------------------------------------------


def test_of_a_family_each_member_is_looked_at_once() -> None:
    pairs, files = every_pair(range(10), star), files_of(range(10))
    kinds = {1: Kind.COLOUR, 2: Kind.OVERLAY, 3: Kind.CROPPED, 4: Kind.MIRRORED}

    def seen(pair: PairMatch) -> Alignment:
        assert pair.a == 0
        kind = kinds.get(pair.b, Kind.RESIZED)
        return aligned(kind, (0.5, 1.0) if kind is Kind.CROPPED else (1.0, 1.0))

    looking = looked(pairs, files, seen)
    assert set(looking.looked_at) == {(0, other) for other in range(1, 10)}
    following = {(pair.a, pair.b): pair for pair in looking.following()}
    assert following.keys() == pairs.keys() - set(looking.looked_at)
    assert all(pair.implied and pair.similarity == pairs[key].similarity for key, pair in following.items())
    found = {key: pair.alignment.kind for key, pair in following.items() if pair.alignment is not None}
    assert [found[1, 9], found[2, 9], found[3, 9], found[5, 9]] == [
        Kind.COLOUR, Kind.OVERLAY, Kind.CROPPED, Kind.RESIZED,
    ]  # fmt: skip
    assert not looking.unknown()


def test_of_strangers_the_most_similar_are_looked_at() -> None:
    random = Random(1)
    pairs = every_pair(range(60), lambda *_: 0.6 + 0.2 * random.random())
    looking = looked(pairs, files_of(range(60)), lambda _: REFUSED)
    assert 60 < len(looking.looked_at) <= 3 * 60
    for content in range(60):
        own = sorted((pair for key, pair in pairs.items() if content in key), key=lambda one: -likeness(one))
        assert all((pair.a, pair.b) in looking.looked_at for pair in own[:3])
    assert not looking.following()
    assert not looking.unknown()  # the rest is refused


def test_a_copy_among_strangers_is_found_from_either_side() -> None:
    """For 0 there are many that are more like it than 1 is; for 1 there is nothing else."""
    pairs = every_pair(range(40), lambda a, b: 0.35 if (a, b) == (0, 1) else 0.3 if a == 1 else 0.5)
    looking = looked(
        pairs,
        files_of(range(40)),
        lambda pair: aligned(Kind.CROPPED) if (pair.a, pair.b) == (0, 1) else REFUSED,
    )
    assert (0, 1) in looking.looked_at


def test_what_cannot_be_read_refuses_nothing() -> None:
    """The files of 1 to 6 are away, and they are more like 0 than 7 is."""
    pairs = every_pair(range(12), lambda a, b: 0.9 - 0.05 * b if a == 0 else 0.3)
    looking = Looking(pairs.values(), files_of(range(12)))
    while wanted := looking.wanted():
        there = [pair for pair in wanted if pair.a not in range(1, 7) and pair.b not in range(1, 7)]
        looking.learn(wanted, dict.fromkeys(((pair.a, pair.b) for pair in there), REFUSED))
    assert (0, 7) in looking.looked_at


def test_large_families_do_not_hide_each_other() -> None:
    """A hundred copies are more alike than anything else: each is looked at, and then three strangers."""

    def alike(a: int, b: int) -> float:
        if b >= 100:
            return 0.3 - 0.001 * (b - a)
        return 0.95 - 0.001 * b if a == 0 else 0.7 - 0.0005 * (a + b)

    pairs = every_pair(range(110), alike)
    sizes = {content: (400 + content, 300) for content in range(110)}

    def seen(pair: PairMatch) -> Alignment:
        return aligned(Kind.COLOUR) if pair.b < 100 else REFUSED

    looking = looked(pairs, files_of(range(110), sizes), seen)
    assert {(0, other) for other in range(1, 100)} <= set(looking.looked_at)
    assert len(looking.looked_at) < 110 + 4 * 110
    assert len(looking.following()) == 99 * 98 / 2


def test_what_another_stage_decided_is_looked_at_in_any_case() -> None:
    pairs = every_pair(range(12), lambda *_: 0.5)
    pairs[3, 9] = PairMatch(3, 9, Stage.SIEVE, None, 2)
    assert (3, 9) in looked(pairs, files_of(range(12)), lambda _: REFUSED).looked_at


def test_two_that_are_more_alike_than_like_the_pivot_are_looked_at() -> None:
    pairs = every_pair(range(6), lambda a, b: 0.97 if (a, b) == (1, 2) else star(a, b))
    looking = looked(pairs, files_of(range(6)), lambda _: aligned(Kind.OVERLAY))
    assert set(looking.looked_at) == {(1, 2), *((0, other) for other in range(1, 6))}


def test_the_same_image_at_one_size_may_be_a_burst() -> None:
    sizes = dict.fromkeys(range(5), (400, 300))
    pairs = every_pair(range(5), star)
    looking = looked(pairs, files_of(range(5), sizes), lambda _: aligned(Kind.RE_ENCODED))
    assert set(looking.looked_at) == pairs.keys()
    sizes[4] = (200, 150)
    looking = looked(pairs, files_of(range(5), sizes), lambda _: aligned(Kind.RE_ENCODED))
    assert pairs.keys() - set(looking.looked_at) == {(1, 4), (2, 4), (3, 4)}


def test_two_times_of_capture_are_looked_at() -> None:
    files = files_of(range(5))
    for content, year in ((1, 2001), (2, 2002), (3, 2001)):
        files[content] = file(b"/%d" % content, content, (400 + content, 300), year=year)
    looking = looked(every_pair(range(5), lambda *_: 0.8), files, lambda _: aligned(Kind.RESIZED))
    assert {(1, 2), (2, 3)} <= set(looking.looked_at)
    assert (1, 3) not in looking.looked_at or (0, 4) not in looking.looked_at


def test_what_is_unsure_proves_nothing() -> None:
    pairs = every_pair(range(6), star)
    weak = replace(aligned(Kind.RESIZED), agreement=0.6)
    looking = looked(pairs, files_of(range(6)), lambda _: weak)
    assert set(looking.looked_at) == pairs.keys()


def test_of_two_parts_of_one_image_nothing_is_known() -> None:
    pairs = every_pair(range(5), star)
    looking = looked(pairs, files_of(range(5)), lambda _: aligned(Kind.CROPPED, (1.0, 0.4)))
    assert set(looking.looked_at) == {(0, other) for other in range(1, 5)}
    assert not looking.following()
    assert looking.unknown() == pairs.keys() - set(looking.looked_at)


# --- series ----------------------------------------------------------------------------------------------


def test_a_copy_of_a_frame_is_compared_with_all_frames() -> None:
    """0 and 1 are two shots, 2 and 3 copies of 1 that are taken for copies of 0 as well."""

    def alike(a: int, b: int) -> float:
        return {(0, 1): 0.9, (0, 2): 0.88, (0, 3): 0.87, (1, 2): 0.95, (1, 3): 0.94}.get((a, b), 0.8)

    def seen(pair: PairMatch) -> Alignment:
        return aligned(Kind.SIMILAR_SHOT if (pair.a, pair.b) == (0, 1) else Kind.RESIZED)

    pairs = every_pair(range(6), alike)
    files = files_of(range(6), dict.fromkeys(range(2), (400, 300)) | dict.fromkeys(range(2, 6), (200, 150)))
    assert {(0, 1), (0, 2), (1, 2), (0, 3), (1, 3)} <= set(looked(pairs, files, seen).looked_at)


def test_two_shots_of_one_scene_cannot_both_be_the_pivot() -> None:
    def seen(pair: PairMatch) -> Alignment:
        return aligned(Kind.SIMILAR_SHOT if (pair.a, pair.b) == (1, 2) else Kind.RESIZED)

    pairs = every_pair(range(5), star)
    files = files_of(range(5), dict.fromkeys((1, 2), (400, 300)))
    assert set(looked(pairs, files, seen).looked_at) == pairs.keys()


# --- order -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_neither_ids_nor_their_order_decide(seed: int) -> None:
    random = Random(seed)
    count = 14
    likeness = {
        (a, b): 0.95 - 0.05 * (b % 7) - 0.02 * a / count for a in range(count) for b in range(count) if a < b
    }

    def seen_of(name: Mapping[int, int]) -> Seen:
        def seen(pair: PairMatch) -> Alignment:
            a, b = name[pair.a], name[pair.b]
            if (a + b) % 5 == 0:
                return REFUSED
            return aligned(Kind.OVERLAY if (a + b) % 3 else Kind.RESIZED)

        return seen

    def pairs_looked_at(order: list[int]) -> set[tuple[int, int]]:
        name = dict(enumerate(order))
        pairs = every_pair(name, lambda a, b: likeness[min(name[a], name[b]), max(name[a], name[b])])
        shuffled = list(pairs.items())
        random.shuffle(shuffled)
        files = {new: replace(file(b"/%d" % old, old), content_id=new) for new, old in name.items()}
        found = looked(dict(shuffled), files, seen_of(name)).looked_at
        return {(min(name[a], name[b]), max(name[a], name[b])) for a, b in found}

    expected = pairs_looked_at(list(range(count)))
    order = list(range(count))
    random.shuffle(order)
    assert pairs_looked_at(order) == expected
    assert len(expected) < len(likeness)


def test_the_star_of_the_file_that_stays_can_be_asked_for() -> None:
    pairs, files = every_pair(range(6), star), files_of(range(6))
    looking = looked(pairs, files, lambda _: aligned(Kind.RESIZED))
    wanted = looking.open_between(5, range(5))
    assert {(pair.a, pair.b) for pair in wanted} == {(other, 5) for other in range(1, 5)}
    looking.learn(wanted, {(pair.a, pair.b): aligned(Kind.OVERLAY) for pair in wanted})
    assert not looking.open_between(5, range(5))
    assert not looking.wanted()


# --- what follows ----------------------------------------------------------------------------------------


def test_two_alignments_make_one() -> None:
    on_pivot = replace(
        aligned(Kind.CROPPED, (1.0, 0.25)), transform=((0.5, 0.0, 10.0), (0.0, 0.5, 20.0)), agreement=0.8
    )
    from_pivot = replace(
        aligned(Kind.MIRRORED, mirrored=True), transform=((-1.0, 0.0, 400.0), (0.0, 1.0, 0.0)), agreement=0.9
    )
    found = implied(on_pivot, from_pivot, same_size=False)
    both = np.vstack([np.array(from_pivot.transform), (0, 0, 1)]) @ np.vstack(
        [np.array(on_pivot.transform), (0, 0, 1)]
    )
    assert np.allclose(np.array(found.transform), both[:2])
    assert (found.coverage_a, found.coverage_b, found.agreement) == (1.0, 0.25, 0.8)
    assert (found.kind, found.mirrored, found.matched) == (Kind.CROPPED, True, True)


@pytest.mark.parametrize(
    ("one", "other", "same_size", "kind"),
    [
        (Kind.RE_ENCODED, Kind.RE_ENCODED, True, Kind.RE_ENCODED),
        (Kind.RESIZED, Kind.RESIZED, True, Kind.RE_ENCODED),
        (Kind.RE_ENCODED, Kind.RESIZED, False, Kind.RESIZED),
        (Kind.SAME_PIXELS, Kind.SAME_PIXELS, True, Kind.SAME_PIXELS),
        (Kind.SAME_PIXELS, Kind.COLOUR, True, Kind.COLOUR),
        (Kind.COLOUR, Kind.OVERLAY, True, Kind.OVERLAY),
    ],
)
def test_what_lies_between_two_is_what_happened_on_the_way(
    one: Kind, other: Kind, same_size: bool, kind: Kind
) -> None:
    for first, second in ((one, other), (other, one)):
        assert implied(aligned(first), aligned(second), same_size=same_size).kind is kind
