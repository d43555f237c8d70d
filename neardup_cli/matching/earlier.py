"""What messengers added to an image before its last encoder: each makes it smaller and saves it anew.

Only the last encoder says how coarse it was. Those before it were given the image larger, and what they added
was shrunk with it: it lies where that image has edges, not in the calm, as the noise of an exposure does.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from PIL import Image

from neardup_cli.matching import affine
from neardup_cli.matching.codec_noise import CodecNoise, Coding
from neardup_cli.matching.features import Grey
from neardup_cli.matching.strips import Floats32

_COARSENESS = 0.9
_MESSENGERS = 2
# As messengers do: they keep the long side to 1,600 or 2,048 pixels at a quality of 70 to 80; a coarse one.
_LARGER = 1.25
_LUMA = tuple(
    round(step * _COARSENESS)
    for step in (
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    )
)
"""The luma quantiser that JPEG's standard proposes (annex K), for a quality of 65; row by row."""
CHROMA_STEP = 17 * _COARSENESS * math.sqrt(_MESSENGERS)
"""The first step of the chroma quantiser of the same quality."""


def noise_of_messenger(kept: Grey, size: affine.Size) -> Floats32:
    """Return what a messenger would have added to an image that was larger then.

    Args:
        kept: the image, `uint8 [height, width]`, of any size.
        size: width and height of the result.

    Returns:
        Grey levels, `float32 [height, width]`.
    """
    larger = tuple(
        min(round(side * _LARGER), most) for side, most in zip(size, kept.shape[::-1], strict=True)
    )
    sent = np.asarray(cv2.resize(kept, larger, interpolation=cv2.INTER_AREA), np.uint8)
    added = CodecNoise(Coding(luma=_LUMA), lambda _: sent, sent.size).of(sent)
    shrunk = np.asarray(Image.fromarray(added).resize(size, Image.Resampling.BILINEAR), np.float32)
    return shrunk * np.float32(math.sqrt(_MESSENGERS))
