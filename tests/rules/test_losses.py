"""What is lost, in words: pairs of what two files hold, written by hand."""

from __future__ import annotations

from datetime import datetime

import pytest

from neardup_cli.choices import SURE_KINDS, Kind, Loss
from neardup_cli.matching.fullsize import Surplus
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.rules.losses import kinds_meant, lost_facts, lost_pixels, proof_of, without_written

NOON = datetime(2024, 5, 1, 12)
LISBON = (38.7083, -9.1366)


@pytest.mark.parametrize(
    ("gone", "kept", "lost"),
    [
        (Holdings(), Holdings(), ()),
        (Holdings(), Holdings(damage="truncated"), (Loss.INTEGRITY,)),
        (Holdings(damage="truncated"), Holdings(), ()),
        (Holdings(depth=16), Holdings(), (Loss.COLOUR,)),
        (Holdings(), Holdings(depth=16), ()),
        (Holdings(wide_gamut=True), Holdings(), (Loss.COLOUR,)),
        (Holdings(wide_gamut=True), Holdings(wide_gamut=True), ()),
        (Holdings(gain_map=True), Holdings(), (Loss.COLOUR,)),
        (Holdings(gain_map=True), Holdings(gain_map=True), ()),
        (Holdings(frames=3), Holdings(frames=2), (Loss.FRAMES,)),
        (Holdings(frames=2), Holdings(frames=3), ()),
        (Holdings(frames=3, duration_ms=900), Holdings(frames=3, duration_ms=600), (Loss.FRAMES,)),
        (Holdings(frames=3, duration_ms=600), Holdings(frames=3, duration_ms=900), (Loss.FRAMES,)),
        (Holdings(frames=3, duration_ms=900), Holdings(frames=3, duration_ms=890), ()),
        (Holdings(film_bytes=5), Holdings(), (Loss.FRAMES,)),
        (Holdings(film_bytes=5), Holdings(film_bytes=9), (Loss.FRAMES,)),
        (Holdings(film_bytes=5), Holdings(film_bytes=5), ()),
        (Holdings(), Holdings(film_bytes=5), ()),
        (Holdings(pictures=2), Holdings(pictures=1), (Loss.FRAMES,)),
        (Holdings(has_alpha=True), Holdings(), (Loss.TRANSPARENCY,)),
        (Holdings(), Holdings(has_alpha=True), ()),
        (Holdings(captured_at=NOON), Holdings(), (Loss.TIME,)),
        (Holdings(captured_at=NOON), Holdings(captured_at=NOON.replace(minute=1)), (Loss.TIME,)),
        (Holdings(captured_at=NOON), Holdings(captured_at=NOON.replace(microsecond=900_000)), ()),
        (Holdings(), Holdings(captured_at=NOON), ()),
        (Holdings(place=LISBON), Holdings(), (Loss.PLACE,)),
        (Holdings(place=LISBON), Holdings(place=(38.71, -9.13)), ()),
        (Holdings(place=LISBON), Holdings(place=(38.6, -9.13)), (Loss.PLACE,)),
        (Holdings(rating=3), Holdings(), (Loss.RATING,)),
        (Holdings(rating=3), Holdings(rating=5), (Loss.RATING,)),
        (Holdings(rating=-1), Holdings(), ()),  # rejected: nobody misses that
        (Holdings(rating=4), Holdings(rating=-1), (Loss.RATING,)),
        (Holdings(rating=3), Holdings(rating=3), ()),
        (Holdings(words=frozenset({"sea"})), Holdings(), (Loss.WORDS,)),
        (Holdings(words=frozenset({"sea"})), Holdings(words=frozenset({"sea", "sun"})), ()),
        (Holdings(words=frozenset({"sea", "sun"})), Holdings(words=frozenset({"sea"})), (Loss.WORDS,)),
    ],
)
def test_what_is_lost_beside_the_pixels(gone: Holdings, kept: Holdings, lost: tuple[Loss, ...]) -> None:
    found = list(lost_facts(gone, kept))
    assert tuple(loss for loss, _ in found) == lost
    assert all(note for _, note in found)


@pytest.mark.parametrize(
    ("seen", "losses"),
    [
        (Surplus(), set()),
        (Surplus(everywhere=1.0, calm=1.0, common=1.2, place=1.4, mean=1.0, colour=1.0), set()),
        (Surplus(place=7.0), {Loss.CONTENT}),
        (Surplus(mean=7.0), {Loss.CONTENT}),
        (Surplus(place=1.8, common=1.3), set()),
        (Surplus(everywhere=1.8), {Loss.SHOT}),
        (Surplus(calm=1.8), {Loss.SHOT}),
        (Surplus(everywhere=1.8, sharpness=1.4), {Loss.DETAIL}),
        (Surplus(softness=0.95), set()),
        (Surplus(softness=0.88), {Loss.SHOT}),
        (Surplus(colour=4.0), {Loss.COLOUR}),
        (Surplus(small_colour=4.0), {Loss.COLOUR}),
        (Surplus(tint=9.0), {Loss.COLOUR}),
        (Surplus(tone=12.0), {Loss.COLOUR}),
        (Surplus(gain=1.2), {Loss.COLOUR}),
        (Surplus(gain=0.8), {Loss.COLOUR}),
        (Surplus(moved=9.0, resized=True), {Loss.AREA}),
        (Surplus(moved=1.4, resized=True), set()),
        (Surplus(moved=1.4), {Loss.AREA}),
        (Surplus(place=7.0, tint=9.0), {Loss.CONTENT, Loss.COLOUR}),
    ],
)
def test_what_is_lost_with_pixels(seen: Surplus, losses: set[Loss]) -> None:
    found = lost_pixels(seen)
    assert found.losses == losses
    assert (found.like > 1) == bool(losses)


def test_a_proof_has_each_loss_once_and_in_order() -> None:
    assert proof_of([]) == NOTHING_LOST
    found = [(Loss.WORDS, "words: sea"), (Loss.COLOUR, "16 bits"), (Loss.COLOUR, ""), (Loss.DETAIL, "")]
    assert proof_of(found) == Proof((Loss.DETAIL, Loss.COLOUR, Loss.WORDS), ("16 bits", "words: sea"))
    assert proof_of([(loss, "") for loss in reversed(Loss)]).losses == tuple(Loss)


def test_what_a_sidecar_of_the_file_that_stays_says_is_not_lost() -> None:
    gone = Holdings(captured_at=NOON, place=LISBON, rating=4, words=frozenset({"sea"}))
    proof = proof_of([(Loss.COLOUR, "16 bits"), *lost_facts(gone, Holdings())])
    assert proof.losses == (Loss.COLOUR, Loss.TIME, Loss.PLACE, Loss.RATING, Loss.WORDS)
    assert without_written(proof, gone, Holdings()) == proof
    assert without_written(proof, gone, gone) == Proof((Loss.COLOUR,), ("16 bits",))
    some = without_written(proof, gone, Holdings(captured_at=NOON, rating=4))
    assert some.losses == (Loss.COLOUR, Loss.PLACE, Loss.WORDS)
    assert some.notes == ("16 bits", "place: 38.70830, -9.13660", "words: sea")
    other = without_written(
        proof, gone, Holdings(captured_at=NOON.replace(year=2020), words=frozenset({"x"}))
    )
    assert other == proof, "what it says is another thing"


def test_which_kinds_a_person_means_who_gives_something_up() -> None:
    assert kinds_meant([]) == frozenset()
    assert kinds_meant([Loss.COLOUR, Loss.TIME]) == {Kind.COLOUR}
    assert kinds_meant([Loss.AREA]) == {Kind.CROPPED}
    assert SURE_KINDS | kinds_meant(Loss) == set(Kind)


def test_an_unproven_one_is_never_empty() -> None:
    assert not Proof(unproven="its disk is away").is_empty
    assert NOTHING_LOST.is_empty
