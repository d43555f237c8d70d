"""ICC profiles: from what the numbers of an image mean to sRGB, relative colorimetric."""

from __future__ import annotations

from functools import cache, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

_KNOWN = 16  # a library has a few profiles, each of which takes 5 ms to be understood; threads may share one
_SRGB_NAMES = ("srgb", "iec61966")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=_KNOWN)
def transform_of(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way of colours to sRGB, relative colorimetric; None where there is nothing to do.

    That is where the profile is sRGB's, is broken, belongs to other channels, or is one of grey, which
    differs by its tones alone and is heeded by few viewers.
    """
    if not icc or mode == "L":
        return None
    from PIL import ImageCms  # most images have no profile

    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        name = (ImageCms.getProfileDescription(profile) or "").lower()
        if any(word in name for word in _SRGB_NAMES):
            return None
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        return ImageCms.buildTransform(profile, _srgb(), mode, "RGB", renderingIntent=intent)
    except Exception:  # a profile of any content; Pillow has no closed list of what it raises
        return None


def in_srgb(pixels: Image.Image, icc: bytes) -> Image.Image:
    """Return pixels ("RGB", "YCbCr" or "L") as they are meant to be seen."""
    transform = transform_of(icc, "L" if pixels.mode == "L" else "RGB")
    if transform is None:
        return pixels
    return transform.apply(pixels if pixels.mode == "RGB" else pixels.convert("RGB"))
