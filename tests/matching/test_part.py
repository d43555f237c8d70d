"""A part of a picture, verified at its own resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from neardup_cli.embedders.regions import region_box
from neardup_cli.images.decode import DecodedImage
from neardup_cli.matching import affine
from neardup_cli.matching.part import LEAST_FOUND, Part, verify_part
from neardup_cli.matching.verify import verify_pair
from neardup_cli.pipeline.region_geometry import part_of

if TYPE_CHECKING:
    from tests.matching.conftest import Gallery


def decoded(image: Image.Image) -> DecodedImage:
    return DecodedImage(image.convert("L"), None, image.width, image.height, "PNG", None)


def pasted(small: Image.Image, ground: Image.Image, place: tuple[int, int]) -> Image.Image:
    whole = ground.copy()
    whole.paste(small, place)
    return whole


@pytest.fixture(scope="module")
def scene(gallery: Gallery) -> tuple[Part, Image.Image]:
    """The cat, 200 pixels wide, in the lower right of a large coffee; seen through that quarter."""
    cat = gallery.picture("chelsea").resize((200, 134), Image.Resampling.LANCZOS)
    ground = gallery.picture("coffee").resize((1200, 800), Image.Resampling.LANCZOS)
    whole = pasted(cat, ground, (800, 520))
    return part_of(decoded(whole), 3), whole


def test_a_part_knows_its_place_in_the_whole(scene: tuple[Part, Image.Image]) -> None:
    part, whole = scene
    left, top, right, bottom = region_box(3, whole.size)
    shrink = np.array(part.whole.size) / whole.size
    corners = np.array([[-0.5, -0.5], np.array(part.features.size) - 0.5])
    expected = np.array([[left, top], [right, bottom]]) * shrink - 0.5
    assert np.abs(affine.apply(part.to_whole, corners) - expected).max() < 0.01
    assert max(part.features.size) == 416


def test_a_picture_too_small_in_the_whole_is_found_in_the_part(
    gallery: Gallery, scene: tuple[Part, Image.Image]
) -> None:
    part = scene[0]
    cat = gallery.features_of("chelsea")
    assert not verify_pair(part.whole, cat).matched
    verdict = verify_part(part, cat)
    assert verdict.matched, verdict
    assert verdict.content_b > 0.8
    assert verdict.content_a < 0.3
    # It covers 200 × 134 of 1,200 × 800 pixels.
    assert verdict.coverage_a == pytest.approx(200 * 134 / (1200 * 800), rel=0.1)
    assert verdict.coverage_b == pytest.approx(1, abs=0.05)


def test_the_transform_is_that_of_the_whole_pictures(
    gallery: Gallery, scene: tuple[Part, Image.Image]
) -> None:
    part, whole = scene
    cat = gallery.features_of("chelsea")
    verdict = verify_part(part, cat)
    assert verdict.transform
    shrink = part.whole.size[0] / whole.width
    corners = np.array([[800, 520], [1000, 520], [1000, 654], [800, 654]], np.float64) * shrink
    width, height = cat.size
    expected = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    assert np.abs(affine.apply(np.array(verdict.transform), corners) - expected).max() < 8


def test_turned_round_it_tells_the_same_of_both(gallery: Gallery, scene: tuple[Part, Image.Image]) -> None:
    verdict = verify_part(scene[0], gallery.features_of("chelsea"))
    turned = verdict.turned_round()
    assert (turned.content_a, turned.content_b) == (verdict.content_b, verdict.content_a)
    assert (turned.coverage_a, turned.coverage_b) == (verdict.coverage_b, verdict.coverage_a)
    assert verdict.transform
    assert turned.transform is not None
    both = affine.compose(np.array(turned.transform), np.array(verdict.transform))
    assert np.allclose(both, np.eye(2, 3), atol=1e-6)
    again = turned.turned_round().transform
    assert again is not None
    assert np.allclose(np.array(again), np.array(verdict.transform))


def test_another_picture_is_not_found(gallery: Gallery, scene: tuple[Part, Image.Image]) -> None:
    for name in ("astronaut", "rocket", "page", "brick"):
        verdict = verify_part(scene[0], gallery.features_of(name))
        assert not verdict.matched, (name, verdict)


def test_a_caption_fills_a_region_and_is_no_picture(gallery: Gallery) -> None:
    """The same letters over two photographs: most of one's quarter, and little of the other picture."""
    captioned = []
    for name in ("astronaut", "coffee"):
        image = gallery.picture(name).resize((800, 600))
        draw = ImageDraw.Draw(image)
        draw.rectangle((400, 0, 800, 300), fill="white")
        for row, words in enumerate(("when you find", "the very same", "caption twice", "over and over")):
            draw.text((415, 10 + 70 * row), words, fill="black", font=ImageFont.load_default(50))
        captioned.append(image)
    part = part_of(decoded(captioned[0]), 1)
    other = gallery.features(captioned[1])
    alone = verify_pair(part.features, other)
    assert alone.matched, "the letters have to be what a match by pixels alone would fall for"
    verdict = verify_part(part, other)
    assert not verdict.matched
    assert verdict.content_b < LEAST_FOUND
    assert verdict.reason == "only a small part is shared"
