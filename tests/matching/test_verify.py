"""The geometric stage finds edits of photographs, and tells them from pictures that only look alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from neardup_cli.evaluation.attacks import standard_attacks
from neardup_cli.matching import affine
from neardup_cli.matching.features import extract_features
from neardup_cli.matching.verify import NORMAL, match_keypoints, verify_pair

if TYPE_CHECKING:
    from tests.matching.conftest import Gallery

# Random chains are drawn for each key; what they draw for one picture may leave nothing of it.
SURE_ATTACKS = [attack.name for attack in standard_attacks() if attack.name != "random-chain"]
SURE_ATTACKS.append("stretch-200")  # the largest change of the aspect ratio that is an edit


@pytest.mark.parametrize("attack", SURE_ATTACKS)
def test_an_attacked_photograph_matches(gallery: Gallery, attack: str) -> None:
    copy = gallery.features(gallery.attacked("astronaut", attack))
    verdict = verify_pair(gallery.features_of("astronaut"), copy)
    assert verdict.matched, verdict
    assert verdict.transform


def test_different_pictures_do_not_match(gallery: Gallery) -> None:
    names = gallery.photographs + gallery.textures
    for a, b in combinations(names, 2):
        verdict = verify_pair(gallery.features_of(a), gallery.features_of(b))
        assert not verdict.matched, (a, b, verdict)


@pytest.mark.parametrize("name", ["brick", "grass", "gravel", "page", "text"])
def test_two_parts_of_one_texture_do_not_match(gallery: Gallery, name: str) -> None:
    whole = gallery.picture(name)
    left = whole.crop((0, 0, whole.width // 2, whole.height))
    right = whole.crop((whole.width // 2, 0, whole.width, whole.height))
    verdict = verify_pair(gallery.features(left), gallery.features(right))
    assert not verdict.matched, verdict


@pytest.mark.parametrize("name", ["brick", "gravel", "page", "text", "coins"])
def test_a_texture_matches_its_own_copy(gallery: Gallery, name: str) -> None:
    copy = gallery.attacked(name, "jpeg-10")
    assert verify_pair(gallery.features_of(name), gallery.features(copy)).matched


def test_inliers_alone_do_not_convict(gallery: Gallery) -> None:
    """Two photographs under one large caption: dozens of inliers, and two different pictures."""
    memes = []
    for name in ("coffee", "chelsea"):
        canvas = Image.new("RGB", (480, 480), "white")
        canvas.paste(ImageOps.fit(gallery.picture(name), (480, 300)), (0, 180))
        pen = ImageDraw.Draw(canvas)
        for row, line in enumerate(("BREAKING NEWS TODAY", "nobody saw it coming", "read more on page 8")):
            pen.text((16, 12 + 54 * row), line, fill="black", font_size=44)
        memes.append(gallery.features(canvas))
    verdict = verify_pair(memes[0], memes[1])
    assert len(match_keypoints(memes[0].keypoints, memes[1].keypoints)[0]) > 20
    assert not verdict.matched, verdict


def tiled(seed: int) -> Image.Image:
    """A wall of tiles of random shades: the rough joints are the same for every seed."""
    shades = np.random.default_rng(seed).integers(90, 230, (10, 12))
    wall = np.kron(shades, np.ones((40, 40))).astype(np.uint8)
    rough = np.random.default_rng(0).integers(0, 90, wall.shape, dtype=np.uint8)
    y, x = np.mgrid[0 : wall.shape[0], 0 : wall.shape[1]]
    return Image.fromarray(np.where((y % 40 < 10) | (x % 40 < 10), rough, wall).astype(np.uint8))


def framed(seed: int) -> Image.Image:
    """Two blobs of light in the same rough frame."""
    y, x = np.mgrid[0:300, 0:400]
    places = np.random.default_rng(seed).uniform((60, 80), (240, 320), (2, 2))
    inner = sum(np.exp(-((y - down) ** 2 + (x - right) ** 2) / 2500) for down, right in places)
    rough = np.random.default_rng(0).integers(0, 256, (300, 400))
    border = (y < 40) | (y >= 260) | (x < 40) | (x >= 360)
    return Image.fromarray(np.where(border, rough, 60 + 90 * np.asarray(inner)).astype(np.uint8))


@pytest.mark.parametrize(("draw", "reason"), [(tiled, "only the pattern"), (framed, "only a frame")])
def test_what_pictures_share_may_be_only_their_pattern_or_frame(
    gallery: Gallery, draw: Callable[[int], Image.Image], reason: str
) -> None:
    pictures = [gallery.features(draw(seed)) for seed in (1, 2)]
    verdict = verify_pair(pictures[0], pictures[1])
    assert verdict.agreement > NORMAL.agreement
    assert verdict.reason.startswith(reason), verdict
    assert not verdict.matched


def test_a_blurred_copy_matches_without_keypoints(gallery: Gallery) -> None:
    blurred = gallery.picture("astronaut").filter(ImageFilter.GaussianBlur(5))
    verdict = verify_pair(gallery.features_of("astronaut"), gallery.features(ImageOps.mirror(blurred)))
    assert verdict.matched, verdict
    assert verdict.inliers == 0  # the whole frames were laid on each other
    assert verdict.mirrored


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures_do_not_match(value: int) -> None:
    rng = np.random.default_rng(value)
    flat = extract_features(np.full((300, 400), value, np.uint8))
    noise = np.clip(value + rng.normal(0, 2, (300, 400)), 0, 255).astype(np.uint8)
    assert not verify_pair(flat, flat).matched
    assert not verify_pair(flat, extract_features(noise)).matched


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (5, 3), (16, 16), (31, 200)])
def test_tiny_pictures_give_an_answer(gallery: Gallery, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    tiny = extract_features(rng.integers(0, 256, shape, dtype=np.uint8))
    for other in (tiny, gallery.features_of("coffee")):
        verify_pair(tiny, other)
        assert not verify_pair(other, gallery.features_of("rocket")).matched


def test_the_transform_takes_pixels_of_a_to_b(gallery: Gallery) -> None:
    whole = gallery.picture("astronaut").crop((0, 0, 400, 400))  # below the feature size: nothing is resized
    part = whole.crop((90, 60, 340, 330))
    verdict = verify_pair(gallery.features(whole), gallery.features(part))
    assert verdict.matched
    assert np.allclose(np.array(verdict.transform), [[1, 0, -90], [0, 1, -60]], atol=0.02 * 90)
    assert verdict.coverage_a == pytest.approx(250 * 270 / 400**2, rel=0.03)
    assert verdict.coverage_b == pytest.approx(1.0, abs=0.01)
    assert verdict.content_b > verdict.content_a


@pytest.mark.parametrize("attack", ["rotate-90", "mirror", "mirror-vertical"])
def test_turns_and_mirrors_take_corners_to_corners(gallery: Gallery, attack: str) -> None:
    a, b = gallery.features_of("coffee"), gallery.features(gallery.attacked("coffee", attack))
    verdict = verify_pair(a, b)
    assert verdict.mirrored == attack.startswith("mirror")
    corners = affine.apply(np.array(verdict.transform), affine.corners(a.size))
    assert np.allclose(np.sort(corners, axis=0), np.sort(affine.corners(b.size), axis=0), atol=3)


@pytest.mark.parametrize("attack", ["crop-25", "overlay-20", "mirror", "rotate-25"])
def test_the_order_of_the_two_does_not_matter(gallery: Gallery, attack: str) -> None:
    a, b = gallery.features_of("coffee"), gallery.features(gallery.attacked("coffee", attack))
    there, back = verify_pair(a, b), verify_pair(b, a)
    assert there.matched
    assert back.matched
    assert there.mirrored == back.mirrored
    both = affine.compose(np.array(back.transform), np.array(there.transform))
    middle = np.array([[a.size[0] / 2, a.size[1] / 2]])
    assert np.allclose(affine.apply(both, middle), middle, atol=6)


def test_a_verdict_is_the_same_every_time(gallery: Gallery) -> None:
    copy = gallery.attacked("rocket", "rotate-25")
    first = verify_pair(gallery.features_of("rocket"), gallery.features(copy))
    assert first == verify_pair(gallery.features_of("rocket"), gallery.features(copy))


def test_keypoints_are_paired_as_by_brute_force(gallery: Gallery) -> None:
    a, b = gallery.features_of("coffee").keypoints, gallery.features_of("chelsea").keypoints
    bits_a, bits_b = (np.unpackbits(side.descriptors, axis=1) for side in (a, b))
    expected = []
    for place, bits in enumerate(bits_a):
        distances = (bits != bits_b).sum(axis=1)
        first, second = np.sort(distances)[:2]
        if first <= 80 and first < 0.8 * second:
            expected.append((place, int(distances.argmin())))
    rows, columns = match_keypoints(a, b)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected


def test_keypoints_spread_over_the_picture(gallery: Gallery) -> None:
    """A caption's letters are the strongest corners; they must not be the only ones."""
    picture = gallery.picture("chelsea").copy()
    pen = ImageDraw.Draw(picture)
    for row in range(3):
        pen.text((4, 20 * row), "the quick brown fox jumps over the lazy dog", fill="white", font_size=20)
    features = gallery.features(picture)
    strongest = cv2.KeyPoint.convert(cv2.ORB.create(nfeatures=400).detect(features.grey))
    below = (features.keypoints.points[:, 1] > 70).mean()
    assert below > 1.5 * (np.asarray(strongest)[:, 1] > 70).mean()
    assert below > 0.5
