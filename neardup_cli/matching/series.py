"""Two shots of one scene, by their pixels alone: what no edit does to an image, and a camera does.

- Held by hand, the camera moves: neither frame holds the other, though both are of one size. A crop lies
  within its original.
- Focused elsewhere, each frame is sharper in other places. A blur takes sharpness away everywhere.
- Turned further, each frame shows what the other does not, and nothing ends where they meet.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.agreement import AlignedPair, align
from neardup_cli.matching.blocks import deviation, split_blocks
from neardup_cli.matching.explain import Subject, grey_of, has_seam
from neardup_cli.matching.features import FEATURE_SIDE, Grey
from neardup_cli.matching.sharpness import blur_between
from neardup_cli.records.matches import Alignment

type Floats = NDArray[np.float32]

_SIDE = 416
_WHOLE = 0.95
# Of 24 bursts, turned by up to 0.6° and moved by 0.3 to 1.2 % of the width, the centres of 23 lie more than
# this many pixels of 416 apart; of 400 whole copies at most 0.3.
_LEAST_SHIFT = 0.75
_MOST_GROWN = 0.006
_MOST_TURNED = 0.05  # sine of three degrees
# A page that was scanned twice moves, too.
_FLAT_DEVIATION = 1.5
_MOST_FLAT = 0.35
_EQUALLY_SHARP = 1.0
# Cells of the overlap that are sharper in one of the two by a quarter than their coarser texture is. Of 48
# pairs of focus stacks 44 have more than this share of them on either side, of 500 copies none has any.
_CELL = 32
_FINE, _COARSE = 1.0, 2.5
_COARSER = math.sqrt(_COARSE**2 - _FINE**2)
_SHARPER = 1.25
_LEAST_SHARPER = 0.03
_FEWEST_CELLS = 12
_LEAST_ENERGY = 4.0
_LEAST_SHARED = 0.8
_CODEC_ENERGY = 0.3
_SAMPLED_EVERY = 7


def only_overlap(a: Subject, b: Subject, alignment: Alignment) -> bool:
    """Return True if both images go on where the other one ends: frames of a panorama, tiles of a map."""
    if not alignment.transform or max(alignment.coverage_a, alignment.coverage_b) >= _WHOLE:
        return False
    transform = np.array(alignment.transform)
    on_b = affine.apply(transform, affine.corners(_size(a)))
    on_a = affine.apply(affine.invert(transform), affine.corners(_size(b)))
    grey_a, grey_b = grey_of(a), grey_of(b)
    if has_seam(grey_a, on_a) or has_seam(grey_b, on_b):
        return False
    return _shows_more(grey_a, on_a) and _shows_more(grey_b, on_b)


def is_another_shot(a: Subject, b: Subject, alignment: Alignment) -> bool:
    """Return True if two whole images of one scene cannot be edits of one exposure; about 4 ms."""
    if not alignment.transform or min(alignment.coverage_a, alignment.coverage_b) < _WHOLE:
        return False
    if min(max(a.size), max(b.size)) < FEATURE_SIDE or _is_plain(a):
        return False
    transform = np.array(alignment.transform)
    pair = align(grey_of(a), grey_of(b), transform, _SIDE)
    if pair is None:
        return False
    smooth = _blurred(pair.a.astype(np.float32), _FINE), _blurred(pair.b.astype(np.float32), _FINE)
    return _was_moved(pair, smooth, transform, a, b) or _is_focused_elsewhere(pair, smooth)


def _size(subject: Subject) -> affine.Size:
    return subject.pixels.shape[1], subject.pixels.shape[0]


def _shows_more(grey: Grey, other: affine.Points) -> bool:
    """Whether an image has texture where the other one does not lie: corners of a turned canvas have none."""
    outside = np.full(grey.shape, 255, np.uint8)
    cv2.fillConvexPoly(outside, np.round(other).astype(np.int32), 0)
    blocks, free = split_blocks(grey), split_blocks(outside).min(axis=-1) == 255
    if not free.any():
        return False
    centred = blocks - blocks.mean(axis=-1, keepdims=True)
    return float((deviation(centred)[free] > _FLAT_DEVIATION).mean()) > 0.5


def _is_plain(subject: Subject) -> bool:
    return not subject.is_natural or subject.flatness > _MOST_FLAT


def _was_moved(
    pair: AlignedPair, smooth: tuple[Floats, Floats], transform: Affine, a: Subject, b: Subject
) -> bool:
    (width_a, height_a), (width_b, height_b) = _size(a), _size(b)
    grown = affine.scale_of(transform) * np.sqrt(width_a * height_a / (width_b * height_b))
    turned = abs(transform[0, 1]) / affine.scale_of(transform)
    if abs(grown - 1) > _MOST_GROWN or turned > _MOST_TURNED or affine.determinant(transform) < 0:
        return False
    if min(transform[0, 0], transform[1, 1]) < 0:
        return False
    centre = affine.apply(transform, np.array([[(width_a - 1) / 2, (height_a - 1) / 2]]))[0]
    off = (centre - [(width_b - 1) / 2, (height_b - 1) / 2]) * affine.scale_of(pair.b_to_frame)
    # At half the size first, in a fifth of the time: most copies lie where they should.
    roughly = 2 * _shift(*(_halved(side) for side in smooth))
    if np.abs(off + roughly).max() < _LEAST_SHIFT / 2:
        return False
    if np.abs(off + _shift(*smooth)).max() <= _LEAST_SHIFT:
        return False
    # Where one is blurred, nothing is left by which it could be placed to a pixel.
    return abs(blur_between(*smooth, np.flatnonzero(pair.inside)[::_SAMPLED_EVERY])) <= _EQUALLY_SHARP


def _halved(grey: Floats) -> Floats:
    size = (grey.shape[1] // 2, grey.shape[0] // 2)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _shift(a: Floats, b: Floats) -> NDArray[np.float64]:
    shift, _ = cv2.phaseCorrelate(a, b, cv2.createHanningWindow((a.shape[1], a.shape[0]), cv2.CV_32F))
    return np.array(shift)


def _is_focused_elsewhere(pair: AlignedPair, smooth: tuple[Floats, Floats]) -> bool:
    fine, coarse = zip(*map(_bands, (pair.a, pair.b), smooth), strict=True)
    _, of_a, of_b = energies = _energies(*fine)
    coarse_shared, coarse_a, coarse_b = _energies(*coarse)
    textured = (_cells(pair.inside.astype(np.float32)) > 0.95 * 255) & (
        np.minimum(coarse_a, coarse_b) > _LEAST_ENERGY
    )
    textured &= coarse_shared > _LEAST_SHARED * np.sqrt(coarse_a * coarse_b)
    if np.count_nonzero(textured) < _FEWEST_CELLS:
        return False
    # What one of the two has as noise, or a codec took, is not shared: neither counts as sharpness.
    shared, of_coarse = energies[0][textured], coarse_shared[textured] + 1e-6
    sharper = [
        shared / (own[textured] + _CODEC_ENERGY) * coarse_own[textured] > _SHARPER * of_coarse
        for own, coarse_own in ((of_a, coarse_a), (of_b, coarse_b))
    ]
    return min(float(cells.mean()) for cells in sharper) >= _LEAST_SHARPER


def _bands(grey: Grey, smooth: Floats) -> tuple[Floats, Floats]:
    return grey - smooth, smooth - _blurred(smooth, _COARSER)


def _energies(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    return _cells(a * b), _cells(a * a), _cells(b * b)


def _cells(values: Floats) -> Floats:
    """Average over cells of 32×32 pixels; a remainder is dropped."""
    rows, columns = values.shape[0] // _CELL, values.shape[1] // _CELL
    cut = values[: rows * _CELL, : columns * _CELL]
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _blurred(grey: Floats, sigma: float) -> Floats:
    reach = 2 * math.ceil(3 * sigma) + 1  # OpenCV's own is a third longer, for nothing that can be seen
    return np.asarray(cv2.GaussianBlur(grey, (reach, reach), sigma), np.float32)
