"""The photographs inside scikit-image's wheel, and edits of them, as the geometric stage sees them."""

from functools import cache

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.evaluation.attacks import all_attacks, companions
from neardup_cli.matching.features import FEATURE_SIDE, LocalFeatures, extract_features

SIDE = 512


class Gallery:
    """Pictures by their names in `skimage.data`, edits of them, and their features."""

    photographs = ("astronaut", "coffee", "chelsea", "rocket", "retina", "hubble_deep_field")
    textures = ("brick", "grass", "gravel", "page", "text", "coins", "cell", "moon", "camera")

    def __init__(self) -> None:
        self._attacks = {attack.name: attack for attack in all_attacks()}
        self.picture = cache(self._picture)
        self.features_of = cache(self._features_of)

    def attacked(self, name: str, attack: str) -> Image.Image:
        """A picture after one of the named attacks, with other photographs as companions."""
        others = companions([self.picture(other) for other in ("chelsea", "rocket") if other != name])
        return self._attacks[attack].run(self.picture(name), name, supplier=others)

    def small(self, image: Image.Image) -> NDArray[np.uint8]:
        """RGB pixels at the size of the geometric stage."""
        scale = min(1.0, FEATURE_SIDE / max(image.size))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX))

    def features(self, image: Image.Image) -> LocalFeatures:
        """The features of a picture of any size."""
        grey = cv2.cvtColor(self.small(image), cv2.COLOR_RGB2GRAY)
        return extract_features(np.asarray(grey, dtype=np.uint8))

    def _picture(self, name: str) -> Image.Image:
        image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        return image

    def _features_of(self, name: str) -> LocalFeatures:
        return self.features(self.picture(name))


@pytest.fixture(scope="session")
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(scope="session")
def shaken(gallery: Gallery) -> tuple[Image.Image, Image.Image]:
    """A photograph and a second shot: the camera moved a little, and so did three things in the scene."""
    first = gallery.picture("coffee")
    pixels = np.asarray(first)
    y, x = np.mgrid[0 : first.height, 0 : first.width].astype(np.float32)
    across, down = np.full_like(x, 3.0), np.full_like(x, -2.0)
    for centre_x, centre_y, shift in ((0.35, 0.5, 6.0), (0.75, 0.35, -5.0), (0.7, 0.8, 5.0)):
        distance = ((x / first.width - centre_x) ** 2 + (y / first.height - centre_y) ** 2) / 0.16**2
        across += shift * np.exp(-(distance**2))
        down += 0.6 * shift * np.exp(-(distance**2))
    moved = cv2.remap(pixels, x + across, y + down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(3).normal(0, 3, moved.shape)
    second = np.clip(moved + noise, 0, 255).astype(np.uint8)
    return first, Image.fromarray(second)
