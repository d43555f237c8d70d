"""The geometric stage for a part of a picture, at the part's own resolution.

A picture that was pasted on a fifth of another one is 180 pixels long where that is shrunk to 416, too few
for ORB now and then. Cut out and brought to 416 pixels, the part around it is verified like any picture; what
is found is told in the coordinates of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.features import LocalFeatures
from neardup_cli.matching.verify import as_tuples, verify_pair
from neardup_cli.records.matches import Alignment

PART_VERSION = 3
"""Raised whenever an alignment, or the kind that goes with it, may change; see `ALGORITHM_VERSION`."""

LEAST_FOUND = 0.35
"""Share of the other picture's detail that has to be found in the part. What is pasted somewhere is a
picture, or most of it: of 94 true pairs in which a region matches, 88 have more (those with less match whole
too). A caption, a logo or a tile fills a region as well: it is at most 0.21 of the other picture in the 26
false matches among 16 families of 40 hard negatives and 1,773 pairs of unrelated copies."""


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """A part of a picture, ready to be verified.

    Attributes:
        features: of the part alone, its longest side about `FEATURE_SIDE`.
        whole: the features of the whole picture.
        to_whole: from the part's pixels to the whole's.
    """

    features: LocalFeatures
    whole: LocalFeatures
    to_whole: Affine

    @classmethod
    def all_of(cls, whole: LocalFeatures) -> Self:
        """Take a whole picture for a part of itself."""
        return cls(whole, whole, np.eye(2, 3))


def verify_part(a: Part, b: LocalFeatures) -> Alignment:
    """Decide whether a part of a shows b, or most of b.

    Returns:
        The alignment on the whole of a and b: the transform takes the pixels of `a.whole` to b's, and content
        and coverage are shares of the whole of a. Agreement, tone and spread were measured in the part.
    """
    found = verify_pair(a.features, b)
    if not found.transform:
        return found
    transform = affine.compose(np.array(found.transform), affine.invert(a.to_whole))
    coverage_a, coverage_b = affine.coverage(a.whole.size, b.size, transform)
    alignment = replace(
        found,
        transform=as_tuples(transform),
        coverage_a=coverage_a,
        coverage_b=coverage_b,
        content_a=found.content_a * _share_of_detail(a),
    )
    if found.matched and found.content_b < LEAST_FOUND:
        return replace(alignment, matched=False, reason="only a small part is shared")
    return alignment


def _share_of_detail(part: Part) -> float:
    """Give the share of the whole picture's detailed blocks that lie in the part."""
    places = part.whole.content
    if not len(places):
        return 0.0
    width, height = part.features.size
    within = affine.apply(affine.invert(part.to_whole), places)
    inside = (within >= -0.5).all(axis=1) & (within[:, 0] < width - 0.5) & (within[:, 1] < height - 0.5)
    return float(np.count_nonzero(inside) / len(places))
