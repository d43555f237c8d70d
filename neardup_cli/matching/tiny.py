"""Is an image of a few pixels what a larger one becomes when it is drawn as small?

What was made very small has no texture that blocks could compare, and enlarging it brings none back. So the
larger one is made as small, by each way in which programs do it, and enlarged again: the two have to be alike
in all pixels. Strangers of a few pixels are never as much alike as that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.matching.affine import Affine, Size
from neardup_cli.matching.agreement import align
from neardup_cli.matching.features import Grey

_FILTERS: Sequence[Image.Resampling] = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def likeness_when_tiny(a: Grey, b: Grey, transform: Affine, own: Size) -> float:
    """Return the correlation of two images, both drawn in `own` pixels and enlarged again, in [-1, 1].

    Args:
        a: `uint8 [height, width]`; what is smaller is enlarged already.
        b: the other one.
        transform: from a's pixels to b's, of the whole frame.
        own: width and height of the smaller one before it was enlarged.
    """
    pair = align(a, b, transform)
    if pair is None:
        return 0.0
    one, other = (np.asarray(side, np.uint8) for side in (pair.a, pair.b))
    turned = abs(transform[0, 1]) > abs(transform[0, 0])
    size = own[::-1] if turned and pair.a.shape[0] != pair.a.shape[1] else own
    return max(
        max(_correlation(_redrawn(one, size, by), other), _correlation(one, _redrawn(other, size, by)))
        for by in _FILTERS
    )


def _redrawn(grey: NDArray[np.uint8], size: Size, by: Image.Resampling) -> NDArray[np.uint8]:
    small = Image.fromarray(grey).resize(size, by)
    return np.asarray(small.resize((grey.shape[1], grey.shape[0]), Image.Resampling.BICUBIC), np.uint8)


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    x, y = (side.astype(np.float32) - np.float32(side.mean()) for side in (a, b))
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float((x * y).sum()) / lengths if lengths > 0 else 0.0
