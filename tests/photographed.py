"""The photographs that come with scikit-image, at their full size."""

from __future__ import annotations

import skimage.data
from PIL import Image


def photographed(name: str) -> Image.Image:
    """A photograph by its name in `skimage.data`, as large as it comes."""
    return Image.fromarray(getattr(skimage.data, name)())
