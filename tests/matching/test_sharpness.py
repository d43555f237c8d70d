"""Two images are brought to the same sharpness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import ImageFilter

from neardup_cli.matching.sharpness import blur_between, equally_soft
from neardup_cli.matching.verify import verify_pair

if TYPE_CHECKING:
    from tests.matching.conftest import Gallery


@pytest.mark.parametrize("sigma", [1.5, 3.3, 5.0])
def test_the_blur_between_two_is_found(gallery: Gallery, sigma: float) -> None:
    sharp = gallery.features_of("coffee").grey.astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(sharp, (0, 0), sigma), np.float32)
    everywhere = np.arange(sharp.size)
    assert blur_between(sharp, soft, everywhere) == pytest.approx(sigma)
    assert blur_between(soft, sharp, everywhere) == pytest.approx(-sigma)
    a, b = equally_soft(sharp, soft, sigma)
    assert np.abs(a - b).mean() < 0.1


def test_equally_sharp_images_stay_as_they_are(gallery: Gallery) -> None:
    sharp = gallery.features_of("coffee").grey.astype(np.float32)
    assert blur_between(sharp, sharp * 0.5, np.arange(sharp.size)) == 0


@pytest.mark.parametrize("part", [60, 30])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_a_strongly_blurred_photograph_is_a_copy_and_another_is_not(
    gallery: Gallery, name: str, part: int
) -> None:
    photo = gallery.picture(name)
    blurred = gallery.features(photo.filter(ImageFilter.GaussianBlur(photo.height / part)))
    assert verify_pair(gallery.features(photo), blurred).matched
    for other in gallery.photographs:
        if other != name:
            assert not verify_pair(gallery.features_of(other), blurred).matched
