"""An explanation names the edit, measures it and says it in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from neardup_cli.choices import Kind
from neardup_cli.evaluation.attacks import Attack
from neardup_cli.evaluation.edits.base import Edit
from neardup_cli.evaluation.edits.codecs import Jpeg
from neardup_cli.evaluation.edits.composition import Stickers
from neardup_cli.evaluation.edits.geometry import Resize
from neardup_cli.evaluation.edits.lettering import Caption
from neardup_cli.matching.explain import Explanation, Subject, explain_match, explain_same_bytes
from neardup_cli.matching.features import extract_features
from neardup_cli.matching.residual import measure_residual
from neardup_cli.matching.verify import verify_pair
from neardup_cli.records.matches import Alignment

if TYPE_CHECKING:
    from tests.matching.conftest import Gallery


def explain(gallery: Gallery, a: Image.Image, b: Image.Image) -> Explanation:
    verdict = verify_pair(gallery.features(a), gallery.features(b))
    assert verdict.matched, verdict
    return explain_match(Subject(gallery.small(a), a.size), Subject(gallery.small(b), b.size), verdict)


@pytest.mark.parametrize(
    ("attack", "edits"),
    [
        ("jpeg-10", {Kind.RE_ENCODED}),
        ("resize-25", {Kind.RESIZED}),
        ("upscale-150", {Kind.RESIZED}),
        ("stretch-130", {Kind.RESIZED}),
        ("stretch-200", {Kind.RESIZED}),
        ("crop-centre-50", {Kind.CROPPED}),
        ("crop-50", {Kind.CROPPED}),
        ("rotate-10", {Kind.ROTATED}),
        ("rotate-25", {Kind.ROTATED}),
        ("rotate-90", {Kind.ROTATED}),
        ("mirror", {Kind.MIRRORED}),
        ("colours", {Kind.COLOUR}),
        ("grey", {Kind.COLOUR}),
        ("stickers", {Kind.OVERLAY}),
        ("frame", {Kind.OVERLAY}),
        ("screenshot", {Kind.EMBEDDED}),
        ("overlay-20", {Kind.EMBEDDED}),
    ],
)
def test_the_edit_is_named(gallery: Gallery, attack: str, edits: set[Kind]) -> None:
    found = explain(gallery, gallery.picture("astronaut"), gallery.attacked("astronaut", attack))
    # To show a picture inside another one it is nearly always resized.
    assert set(found.edits) - {Kind.RESIZED} == edits - {Kind.RESIZED}, found
    assert edits <= set(found.edits)
    assert found.kind is found.edits[0]
    assert found.sentence.endswith(".")


SAVED: tuple[tuple[Edit, ...], ...] = ((Jpeg(30),), (Jpeg(60),), (Jpeg(90),), (Resize(0.5), Jpeg(60)))


def saved(gallery: Gallery, name: str, *edits: Edit) -> Image.Image:
    return Attack("edited", edits).run(gallery.picture(name), name)


@pytest.mark.parametrize("mark", [Caption(0.06), Caption(0.04), Stickers(1, 0.08)], ids=repr)
@pytest.mark.parametrize("how", SAVED, ids=repr)
def test_a_small_mark_is_seen_whatever_the_codec(gallery: Gallery, mark: Edit, how: tuple[Edit, ...]) -> None:
    for name in ("astronaut", "coffee", "chelsea"):
        found = explain(gallery, gallery.picture(name), saved(gallery, name, mark, *how))
        assert found.kind is Kind.OVERLAY, (name, found)
        assert 0 < found.numbers.covered < 0.03
        assert "covering" in found.sentence


@pytest.mark.parametrize("how", SAVED, ids=repr)
def test_a_codec_makes_no_marks(gallery: Gallery, how: tuple[Edit, ...]) -> None:
    for name in gallery.photographs:
        found = explain(gallery, gallery.picture(name), saved(gallery, name, *how))
        assert found.kind in (Kind.RE_ENCODED, Kind.RESIZED), (name, found)
        assert found.numbers.covered == 0


def test_numbers_of_a_turned_crop(gallery: Gallery) -> None:
    whole = gallery.picture("astronaut")
    part = whole.crop((100, 50, 400, 450)).transpose(Image.Transpose.ROTATE_90).resize((800, 600))
    found = explain(gallery, whole, part)
    assert {Kind.CROPPED, Kind.ROTATED, Kind.RESIZED} == set(found.edits)
    assert found.kind is Kind.CROPPED
    assert found.numbers.degrees == pytest.approx(90, abs=1)
    assert found.numbers.scale == pytest.approx(2, rel=0.02)
    assert found.numbers.part_of_a == pytest.approx(300 * 400 / 512**2, rel=0.03)
    assert f"{found.numbers.part_of_a:.0%}" in found.sentence
    assert "90°" in found.sentence


def test_the_same_from_the_other_side(gallery: Gallery) -> None:
    whole = gallery.picture("astronaut")
    part = whole.crop((100, 50, 400, 450))
    found = explain(gallery, part, whole)
    assert found.edits == (Kind.CROPPED,)
    assert found.numbers.part_of_a == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_round_it_says_what_the_other_side_measures(
    gallery: Gallery, degrees: int, *, mirrored: bool
) -> None:
    whole = gallery.picture("astronaut")
    part = whole.crop((100, 50, 400, 450))
    part = (ImageOps.mirror(part) if mirrored else part).rotate(degrees, expand=True).resize((800, 600))
    there, back = explain(gallery, whole, part).turned_round(), explain(gallery, part, whole)
    assert there.edits == back.edits
    for name in ("scale", "stretch", "part_of_a", "part_of_b"):
        assert getattr(there.numbers, name) == pytest.approx(getattr(back.numbers, name), rel=0.02), name
    assert there.numbers.degrees == pytest.approx(back.numbers.degrees, abs=0.5)
    assert there.numbers.mirrored == back.numbers.mirrored == mirrored


def test_a_mirror_and_a_half_turn(gallery: Gallery) -> None:
    whole = gallery.picture("coffee")
    found = explain(gallery, whole, ImageOps.flip(whole))
    assert found.numbers.mirrored
    assert found.numbers.degrees == pytest.approx(180, abs=0.5)
    assert found.edits == (Kind.MIRRORED, Kind.ROTATED)


def test_the_same_pixels_and_the_same_bytes(gallery: Gallery) -> None:
    picture = gallery.picture("chelsea")
    assert explain(gallery, picture, picture.copy()).kind is Kind.SAME_PIXELS
    assert explain_same_bytes().kind is Kind.EXACT


@pytest.mark.parametrize(("attack", "kind"), [("grey", Kind.COLOUR), ("colours", Kind.COLOUR)])
def test_tones_are_explained_from_either_side(gallery: Gallery, attack: str, kind: Kind) -> None:
    """Colours do not follow from grey, and nothing was drawn over it all the same."""
    original, edited = gallery.picture("astronaut"), gallery.attacked("astronaut", attack)
    assert explain(gallery, original, edited).kind is explain(gallery, edited, original).kind is kind


@pytest.mark.parametrize(
    ("seconds", "kind"), [(0, Kind.RE_ENCODED), (3, Kind.SIMILAR_SHOT), (86_400, Kind.RE_ENCODED)]
)
def test_times_of_capture_tell_two_shots_of_a_still_scene(gallery: Gallery, seconds: int, kind: Kind) -> None:
    """A day apart, somebody has set a clock: a burst is over in a minute."""
    first, second = gallery.picture("coffee"), gallery.attacked("coffee", "noise")
    verdict = verify_pair(gallery.features(first), gallery.features(second))
    taken = datetime(2024, 5, 1, 10)
    a = Subject(gallery.small(first), first.size, taken)
    b = Subject(gallery.small(second), second.size, taken + timedelta(seconds=seconds))
    found = explain_match(a, b, verdict)
    assert found.kind is kind
    assert ("3 s apart" in found.sentence) == (seconds == 3)
    assert explain_match(a, replace(b, captured_at=None), verdict).kind is Kind.RE_ENCODED


def test_a_crop_with_another_time_is_a_crop(gallery: Gallery) -> None:
    whole, part = gallery.picture("coffee"), gallery.picture("coffee").crop((0, 0, 300, 250))
    verdict = verify_pair(gallery.features(whole), gallery.features(part))
    a = Subject(gallery.small(whole), whole.size, datetime(2024, 5, 1))
    b = Subject(gallery.small(part), part.size, datetime(2024, 5, 1, 0, 0, 5))
    assert explain_match(a, b, verdict).kind is Kind.CROPPED


def test_a_second_shot_is_no_copy(gallery: Gallery, shaken: tuple[Image.Image, Image.Image]) -> None:
    found = explain(gallery, *shaken)
    assert found.kind is Kind.SIMILAR_SHOT, found
    assert "another shot" in found.sentence


@pytest.mark.parametrize("attack", ["jpeg-10", "blur", "noise", "print-scan", "watermark", "crop-25", "meme"])
def test_nothing_moves_in_a_copy(gallery: Gallery, attack: str) -> None:
    for name in ("astronaut", "coffee"):
        found = explain(gallery, gallery.picture(name), gallery.attacked(name, attack))
        assert found.numbers.moved < 0.1, (name, found)


def test_a_moved_part_is_measured(gallery: Gallery, shaken: tuple[Image.Image, Image.Image]) -> None:
    grey = [cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2GRAY).astype(np.uint8) for picture in shaken]
    still = measure_residual(grey[0], grey[0], np.eye(2, 3))
    moved = measure_residual(grey[0], grey[1], np.eye(2, 3))
    assert still.moved == 0
    assert still.pixels < 0.1
    assert moved.moved > 0.12
    assert moved.pixels > 2


def test_without_an_alignment_there_is_nothing_to_explain(gallery: Gallery) -> None:
    picture = gallery.picture("coffee")
    subject = Subject(gallery.small(picture), picture.size)
    with pytest.raises(ValueError, match="alignment"):
        explain_match(subject, subject, Alignment(matched=False, reason="no alignment fits"))


def test_a_flat_picture_has_no_residual() -> None:
    flat = extract_features(np.full((200, 300), 90, np.uint8)).grey
    assert measure_residual(flat, flat, np.eye(2, 3)).cells == 0
