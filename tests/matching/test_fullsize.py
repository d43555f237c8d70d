"""What an image shows that another one does not: copies by every codec, and what only looks like one.

Rendered text and the photographs of scikit-image; what the limits were measured on is none of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from neardup_cli.choices import Loss
from tests.matching.codings import bill, encoded, losses, pixels, surplus, text_page

NAMES = ("astronaut", "coffee", "chelsea", "rocket")
KERNELS = [Image.Resampling(number) for number in (1, 2, 3, 4, 5)]


@cache
def photograph(name: str) -> Image.Image:
    return Image.fromarray(getattr(skimage.data, name)())


@cache
def saved(name: str, quality: int = 92) -> bytes:
    """A photograph as a camera's JPEG; `page` and `bill` are drawn."""
    image = {"page": lambda: text_page(3), "bill": lambda: bill("4410927")}.get(
        name, lambda: photograph(name)
    )()
    return encoded(image, quality=quality)


def resized(image: Image.Image, scale: float, kernel: Image.Resampling) -> Image.Image:
    return image.resize((round(image.width * scale), round(image.height * scale)), kernel)


def opened(data: bytes) -> Image.Image:
    return Image.fromarray(pixels(data))


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("JPEG", {"quality": 88}),
        ("JPEG", {"quality": 55}),
        ("JPEG", {"quality": 33, "subsampling": 0}),
        ("WEBP", {"quality": 70}),
        ("WEBP", {"quality": 45}),
        ("AVIF", {"quality": 55}),
        ("PNG", {}),
    ],
)
@pytest.mark.parametrize("name", [*NAMES, "page", "bill"])
def test_a_copy_by_any_codec_shows_nothing_of_its_own(name: str, kind: str, how: dict[str, Any]) -> None:
    kept = saved(name)
    assert losses(encoded(opened(kept), kind, **how), kept) == frozenset()


@pytest.mark.parametrize("scale", [0.3, 0.55, 0.8, 1.4])
@pytest.mark.parametrize("name", ["coffee", "chelsea", "bill"])
def test_a_copy_of_any_size_shows_nothing_of_its_own(name: str, scale: float) -> None:
    kept = saved(name)
    for number, kernel in enumerate(KERNELS if scale < 1 else [Image.Resampling.BICUBIC]):
        copy = resized(opened(kept), scale, kernel)
        assert losses(encoded(copy, quality=70 + 5 * number), kept) == frozenset(), kernel


def test_a_copy_that_was_sent_on_and_on_shows_nothing_of_its_own() -> None:
    kept = saved("coffee", 95)
    sent = opened(kept)
    for scale, quality in ((0.9, 74), (0.85, 68), (1.0, 60)):
        sent = opened(encoded(resized(sent, scale, Image.Resampling.BICUBIC), quality=quality))
        assert losses(encoded(sent, quality=quality), kept) == frozenset()


def written(image: Image.Image, text: str, place: tuple[int, int], height: int) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).text(place, text, font=ImageFont.load_default(height), fill="white")
    return image


@pytest.mark.parametrize("quality", [90, 60])
@pytest.mark.parametrize(
    ("name", "place"), [("coffee", (330, 40)), ("astronaut", (20, 300)), ("rocket", (60, 90))]
)
def test_a_label_is_content_in_both_directions(name: str, place: tuple[int, int], quality: int) -> None:
    image = photograph(name)
    one, other = (encoded(written(image, text, place, 18), quality=quality) for text in ("OPEN", "SHUT"))
    none = encoded(image, quality=92)
    for gone, kept in ((one, other), (other, one), (one, none), (none, one)):
        assert Loss.CONTENT in losses(gone, kept)


@pytest.mark.parametrize("changed", [0, 77, 150])
@pytest.mark.parametrize(("kind", "how"), [("JPEG", {"quality": 45}), ("PNG", {}), ("WEBP", {"quality": 60})])
def test_one_other_word_on_a_page_is_content(changed: int, kind: str, how: dict[str, Any]) -> None:
    other = encoded(text_page(3, changed), kind, **how)
    assert Loss.CONTENT in losses(other, saved("page", 90))


@pytest.mark.parametrize("number", ["4410928", "4410917", "5410927"])
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_one_other_digit_is_content(number: str, scale: float) -> None:
    other = encoded(resized(bill(number), scale, Image.Resampling.LANCZOS), quality=80)
    assert Loss.CONTENT in losses(other, saved("bill"))


@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_a_bent_place_is_content(name: str) -> None:
    levels = np.asarray(photograph(name))
    height, width = levels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(x - width * 0.45, y - height * 0.3) / (0.09 * height)
    pull = np.where(away < 1, (1 - away**2) ** 2 * 6, 0).astype(np.float32)
    bent = np.asarray(cv2.remap(levels, x + pull, y - pull, cv2.INTER_CUBIC))
    assert Loss.CONTENT in losses(encoded(Image.fromarray(bent), quality=88), saved(name))


def test_a_small_thing_is_content() -> None:
    image = photograph("chelsea").copy()
    ImageDraw.Draw(image).ellipse((300, 60, 312, 72), fill=(230, 230, 120))
    assert Loss.CONTENT in losses(
        encoded(image.filter(ImageFilter.GaussianBlur(0.5)), quality=80), saved("chelsea")
    )


def exposure(name: str, seed: int) -> bytes:
    """A scene with the noise of a sensor, which no two exposures share."""
    scene = np.asarray(photograph(name).resize((960, 640), Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(seed).normal(0, 3.5, scene.shape)
    return encoded(Image.fromarray(np.clip(scene + noise, 0, 255).astype(np.uint8)), quality=94)


@pytest.mark.parametrize("name", ["coffee", "astronaut"])
def test_a_second_exposure_is_another_shot_and_its_copy_is_none(name: str) -> None:
    first, second = exposure(name, 1), exposure(name, 2)
    assert losses(first, second) == {Loss.SHOT}
    assert losses(encoded(opened(first), quality=85), first) == frozenset()


def test_another_focus_is_seen() -> None:
    sharp = photograph("coffee")
    soft = sharp.filter(ImageFilter.GaussianBlur(3))
    mask = Image.linear_gradient("L").resize(sharp.size)
    near, far = Image.composite(sharp, soft, mask), Image.composite(soft, sharp, mask)
    for gone, kept in ((near, far), (far, near)):
        assert losses(encoded(gone, quality=92), encoded(kept, quality=92))


def test_detail_of_the_larger_and_colour_of_the_coloured() -> None:
    whole = saved("chelsea")
    small = encoded(resized(opened(whole), 0.4, Image.Resampling.LANCZOS), quality=92)
    assert Loss.DETAIL in losses(whole, small)
    grey = encoded(ImageOps.grayscale(opened(whole)), quality=92)
    assert Loss.COLOUR in losses(whole, grey)
    assert losses(encoded(ImageOps.grayscale(opened(whole)), quality=75), grey) == frozenset()


@pytest.mark.parametrize("across", [1.2, 2.0])
def test_a_shot_by_hand_is_another_frame_though_a_coarse_quantiser_hides_its_noise(across: float) -> None:
    """Found by `benchmarks.removals`: two shots of a burst, the one that goes sent by a messenger."""
    whole = opened(saved("coffee"))
    size = (whole.width - 12, whole.height - 12)
    first, second = (
        whole.transform(size, Image.Transform.AFFINE, (1, 0, 6 + x, 0, 1, 6), Image.Resampling.BICUBIC)
        for x in (0, across)
    )
    assert Loss.AREA in losses(encoded(first, quality=30), encoded(second, "PNG"))


@pytest.mark.parametrize("size", [(40, 30), (12, 9), (3, 3), (1, 1), (300, 2)])
def test_images_of_any_size_are_compared(size: tuple[int, int]) -> None:
    image = photograph("coffee").resize(size)
    data = encoded(image, "PNG")
    assert losses(data, data) == frozenset()
    assert surplus(encoded(image, quality=80), data).moved >= 0


@settings(max_examples=25, derandomize=True)  # a rate: `benchmarks.removals` measures it
@given(
    name=st.sampled_from(NAMES),
    quality=st.integers(40, 95),
    scale=st.floats(0.4, 1.0),
    kernel=st.sampled_from(KERNELS[:3]),
)
def test_every_jpeg_of_a_photograph_is_a_copy(
    name: str, quality: int, scale: float, kernel: Image.Resampling
) -> None:
    kept = saved(name, 94)
    copy = encoded(resized(opened(kept), scale, kernel), quality=quality)
    assert losses(copy, kept) == frozenset(), (name, quality, scale, kernel, surplus(copy, kept))


@settings(max_examples=25, derandomize=True)  # a rate: `benchmarks.removals` measures it
@given(
    name=st.sampled_from(NAMES),
    quality=st.integers(55, 95),
    across=st.floats(0, 1),
    down=st.floats(0, 1),
    up=st.booleans(),
    contrast=st.integers(60, 120),
)
def test_a_changed_patch_is_always_seen(
    name: str, quality: int, across: float, down: float, up: bool, contrast: int
) -> None:
    """24 × 24 pixels that are lighter or darker by 60 levels and more."""
    levels = np.array(photograph(name)).astype(np.int16)
    top, left = round(down * (levels.shape[0] - 24)), round(across * (levels.shape[1] - 24))
    patch = levels[top : top + 24, left : left + 24]
    lighter = up if contrast <= patch.mean() <= 255 - contrast else patch.mean() < 128
    patch += contrast if lighter else -contrast
    changed = np.clip(levels, 0, 255).astype(np.uint8)
    if np.abs(changed.astype(np.int16) - np.asarray(photograph(name))).sum() < 24 * 24 * 3 * 45:
        return  # it was white or black already
    edited = encoded(Image.fromarray(changed), quality=quality)
    assert losses(edited, saved(name))
    assert losses(saved(name), edited)
