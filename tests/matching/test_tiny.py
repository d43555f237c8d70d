"""Thumbnails and icons are compared in the pixels that they have."""

from __future__ import annotations

import io
import itertools

import pytest
from PIL import Image, ImageDraw

from neardup_cli.images.decode import decode
from neardup_cli.matching.explain import Subject
from neardup_cli.matching.features import LocalFeatures
from neardup_cli.matching.second_look import look_again, shows_photograph
from neardup_cli.matching.verify import verify_pair
from neardup_cli.pipeline.geometry import features_of, subject_of
from neardup_cli.pipeline.picture import as_preview
from tests.matching.conftest import Gallery

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "retina")

type Seen = tuple[LocalFeatures, Subject]


def _seen(image: Image.Image, quality: int | None = None) -> Seen:
    stream = io.BytesIO()
    if quality is None:
        image.save(stream, "PNG")
    else:
        image.save(stream, "JPEG", quality=quality)
    preview = as_preview(decode(stream.getvalue()))
    return features_of(preview), subject_of(preview)


def _is_copy(a: Seen, b: Seen) -> bool:
    alignment = verify_pair(a[0], b[0])
    return alignment.matched and look_again(a[1], b[1], alignment) is None


def _square(gallery: Gallery, name: str, side: int) -> Image.Image:
    photo = gallery.picture(name)
    least = min(photo.size)
    return photo.crop((0, 0, least, least)).resize((side, side), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("by", [Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BOX])
@pytest.mark.parametrize("side", [32, 48, 64, 96])
def test_a_quarter_of_a_small_photograph_is_a_copy_of_it(
    gallery: Gallery, side: int, by: Image.Resampling
) -> None:
    photos = [_square(gallery, name, side) for name in PHOTOGRAPHS]
    originals = [_seen(photo) for photo in photos]
    quarters = [_seen(photo.resize((side // 4, side // 4), by), 75) for photo in photos]
    assert all(_is_copy(*pair) for pair in zip(originals, quarters, strict=True))
    others = [_is_copy(originals[i], quarters[j]) for i, j in itertools.permutations(range(len(photos)), 2)]
    assert not any(others)


def test_a_turned_thumbnail_is_laid_as_it_is(gallery: Gallery) -> None:
    photo = gallery.picture("coffee").resize((96, 64))
    small = photo.resize((24, 16), Image.Resampling.LANCZOS).transpose(Image.Transpose.ROTATE_90)
    assert _is_copy(_seen(photo), _seen(small, 80))


def _icon(points: list[tuple[int, int]]) -> Image.Image:
    icon = Image.new("RGB", (128, 128), (252, 252, 248))
    draw = ImageDraw.Draw(icon)
    draw.ellipse((4, 4, 124, 124), fill=(90, 215, 205))
    draw.polygon(points, fill="white")
    return icon


def test_icons_of_one_outline_are_different_and_their_small_versions_are_not() -> None:
    icons = [
        _icon([(40, 40), (90, 52), (70, 92)]),
        _icon([(36, 60), (64, 34), (96, 64), (64, 90)]),
        _icon([(48, 44), (88, 44), (94, 84), (60, 90)]),
        _icon([(34, 44), (96, 50), (58, 72), (60, 100)]),
    ]
    sizes = [(128, None), (48, None), (48, 50), (32, 75)]
    of_icon = [
        [_seen(icon.resize((side, side), Image.Resampling.LANCZOS), quality) for side, quality in sizes]
        for icon in icons
    ]
    for versions in of_icon:
        assert not shows_photograph(versions[0][1], versions[3][1])
        assert all(_is_copy(versions[0], other) for other in versions[1:])
    for one, other in itertools.combinations(of_icon, 2):
        assert not any(_is_copy(a, b) for a in one for b in other)
