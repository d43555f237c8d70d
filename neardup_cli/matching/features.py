"""What the geometric stage needs to know of one picture: its grey pixels and its ORB features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching.affine import Size
from neardup_cli.matching.blocks import detailed_centres

type Grey = NDArray[np.uint8]
"""Grey pixels, `[height, width]`."""

FEATURE_SIDE = 416
"""The longest side, in pixels, of the small pictures that this stage is tuned for."""

SMALLEST_SIDE = 128
"""The longest side, in pixels, to which smaller images are enlarged."""

# Measured on 420 copies of 30 photographs whose alignment is hard (memes, collages, screenshots, crops to
# 25 %): the 400 strongest corners align 373 of them, because a caption's letters are the strongest corners
# there are; 400 spread over a grid of cells align 394, a coarser and shorter pyramid 402, an edge of 20
# pixels 404.
_KEYPOINTS = 400
_DETECTED = 1500
_CELLS = 8
_PYRAMID_STEP = 1.3
_PYRAMID_LEVELS = 6
_EDGE = 20
_FAST_THRESHOLD = 15  # with 10 it detects for 1 ms longer, and aligns no more
_SMALLEST = 2 * _EDGE + 1  # no keypoint is as near to an edge, and OpenCV fails on a pyramid of no pixels

_THUMBNAIL_SIDE = 32
_CONTENT_DETAIL = 4.0  # grey levels: above the blocks that sensor noise and JPEG make, below any drawn line
_FLAT_DEVIATION = 1.0  # grey levels: a thumbnail below this is rounding and sensor noise


def _positions() -> NDArray[np.intp]:
    """Number the pixels of a thumbnail as they come in each of its eight positions: `[8, 1024]`."""
    places = np.arange(_THUMBNAIL_SIDE**2).reshape(_THUMBNAIL_SIDE, _THUMBNAIL_SIDE)
    turned = [np.rot90(side, turns) for side in (places, places[:, ::-1]) for turns in range(4)]
    return np.stack([position.ravel() for position in turned])


_POSITIONS = _positions()


@dataclass(frozen=True, eq=False)
class KeypointSet:
    """ORB keypoints: where they are, and 256 bits about each.

    Attributes:
        points: `float32 [n, 2]`, x and y in pixels.
        descriptors: `uint8 [n, 32]`, compared by Hamming distance.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """One small grey picture, with its keypoints upright and mirrored and its thumbnail.

    The parts beside the pixels are computed when first asked for and kept: most candidates never need the
    mirror.

    Attributes:
        grey: `uint8 [height, width]`, the longest side about `FEATURE_SIDE`.
        own: width and height of the image itself; None where nobody has said it.
    """

    grey: Grey
    own: Size | None = None

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        height, width = self.grey.shape
        return width, height

    @cached_property
    def keypoints(self) -> KeypointSet:
        """The keypoints of the picture as it is."""
        return _describe(self.grey, self._detected)

    @cached_property
    def mirrored_keypoints(self) -> KeypointSet:
        """The keypoints of the picture in its left-right mirror image, in the coordinates of that.

        Only positions and angles are mirrored; the descriptors are computed anew, for ORB's sampling
        pattern is not symmetric.
        """
        width = self.grey.shape[1]
        mirrored = [
            cv2.KeyPoint(width - 1 - k.pt[0], k.pt[1], k.size, (180 - k.angle) % 360, k.response, k.octave)
            for k in self._detected
        ]
        return _describe(np.ascontiguousarray(self.grey[:, ::-1]), mirrored)

    @cached_property
    def thumbnail(self) -> NDArray[np.float32]:
        """The picture squeezed to `float32 [32, 32]`, zero mean and unit length; zeros where it is flat."""
        side = (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE)
        values = cv2.resize(self.grey, side, interpolation=cv2.INTER_AREA).astype(np.float32)
        values -= values.mean()
        length = float(np.linalg.norm(values))
        if length < _FLAT_DEVIATION * _THUMBNAIL_SIDE:
            return np.zeros_like(values)
        return np.asarray(values / length, dtype=np.float32)

    @cached_property
    def turned_thumbnails(self) -> NDArray[np.float32]:
        """The thumbnail in its eight positions, `float32 [8, 1024]`: four turns, then mirrored ones."""
        return np.asarray(self.thumbnail.ravel()[_POSITIONS])

    @cached_property
    def content(self) -> NDArray[np.float64]:
        """Where the picture shows something: centres of its detailed 8×8 blocks, `[n, 2]` x and y."""
        return detailed_centres(self.grey, _CONTENT_DETAIL)

    @cached_property
    def _detected(self) -> list[cv2.KeyPoint]:
        if min(self.size) < _SMALLEST:
            return []
        return _spread(_orb().detect(self.grey), self.size)


def extract_features(grey: Grey) -> LocalFeatures:
    """Compute the features of a small grey picture (`uint8 [height, width]`), about 5 ms at 416 pixels.

    ORB: Rublee, Rabaud, Konolige, Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.
    """
    features = LocalFeatures(np.ascontiguousarray(grey))
    _ = (
        features.keypoints,
        features.thumbnail,
        features.content,
    )  # now, on the caller's thread, and not within the first pair
    return features


def _orb() -> cv2.ORB:
    """Make a detector: 10 µs, and threads must not share one."""
    return cv2.ORB.create(
        nfeatures=_DETECTED,
        scaleFactor=_PYRAMID_STEP,
        nlevels=_PYRAMID_LEVELS,
        edgeThreshold=_EDGE,
        fastThreshold=_FAST_THRESHOLD,
    )


def _describe(grey: Grey, keypoints: Sequence[cv2.KeyPoint]) -> KeypointSet:
    if not keypoints:
        return KeypointSet(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8))
    described, descriptors = _orb().compute(grey, keypoints)
    return KeypointSet(np.asarray(cv2.KeyPoint.convert(described)), np.asarray(descriptors, dtype=np.uint8))


def _spread(keypoints: Sequence[cv2.KeyPoint], size: Size) -> list[cv2.KeyPoint]:
    """Keep the strongest keypoint of every cell, then the second strongest of every cell, and so on."""
    if len(keypoints) <= _KEYPOINTS:
        return list(keypoints)
    columns, rows = (np.asarray(cv2.KeyPoint.convert(keypoints)) * _CELLS / size).astype(int).T
    cells = rows * _CELLS + columns
    strength = np.array([keypoint.response for keypoint in keypoints])
    order = np.lexsort((-strength, cells))
    _, first, counts = np.unique(cells[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, counts)
    return [keypoints[place] for place in order[np.argsort(rank, kind="stable")[:_KEYPOINTS]]]
