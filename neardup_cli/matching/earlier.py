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
from neardup_cli.matching.codec_noise import jpeg_noise
from neardup_cli.matching.features import Grey
from neardup_cli.matching.strips import Floats32

# Messengers keep the long side to 1,600 or 2,048 pixels at a quality of 70 to 80: two coarse ones in a row.
_MESSENGERS = 2
_QUALITY = 55
_LARGER = 1.25


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
    added = jpeg_noise(sent, _QUALITY)
    shrunk = np.asarray(Image.fromarray(added).resize(size, Image.Resampling.BILINEAR), np.float32)
    return shrunk * np.float32(math.sqrt(_MESSENGERS))
