"""`explain`: what happened between two image files, with every number and where they agree."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from PIL import Image

from neardup_cli.choices import Kind
from neardup_cli.errors import UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.matching import affine
from neardup_cli.matching.explain import Explanation, explain_same_bytes
from neardup_cli.matching.features import LocalFeatures
from neardup_cli.matching.verify import match_keypoints
from neardup_cli.pipeline.compare import Rules, SideBySide
from neardup_cli.pipeline.laying import Laying
from neardup_cli.pipeline.picture import decode_named
from neardup_cli.pipeline.probe import Probe, Source
from neardup_cli.records.answers import Comparison, ExplainedPair, Point
from neardup_cli.records.matches import Alignment, Stage
from neardup_cli.rules.held import held_apart, same_pixels

_LINK_PIXELS = 6.0  # of 416: how far a link may end from where the transform says
_LINKS = 40


def explain(
    a: Source | Probe, b: Source | Probe, rules: Rules, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> ExplainedPair:
    """Compare two images as `compare` does, and say what happened between them.

    Raises:
        PathNotFound, UnreadableImage: one of them is not there or cannot be read; the message names it.
    """
    sides = SideBySide(a, b, rules, max_pixels)
    comparison = sides.compare()
    # Asked even where the funnel needed no geometry: the explanation lives on the alignment.
    laying = sides.laying
    explanation = None
    if comparison.stage is Stage.EXACT:
        explanation = explain_same_bytes()
    elif comparison.is_match or comparison.kind is Kind.SIMILAR_SHOT:
        explanation = laying.laid.explanation
    numbers = {} if explanation is None else asdict(explanation.numbers)
    alignment = laying.laid.alignment
    return ExplainedPair(
        comparison=comparison,
        kind=None if explanation is None else explanation.kind,
        edits=() if explanation is None else explanation.edits,
        sentence=_sentence(explanation, sides, comparison),
        numbers={**numbers, "agreement": alignment.agreement, "inliers": alignment.inliers},
        outline=_outline(laying.a.whole, laying.b.whole, alignment),
        outline_in_a=_outline(laying.b.whole, laying.a.whole, alignment.turned_round()),
        links=_links(laying),
    )


def upright(given: bytes | Probe, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image.Image:
    """Return the pixels of an image file, oriented, in RGB; of one that is away those of its preview.

    Raises:
        UnreadableImage: it cannot be read or decoded; the message names it.
    """
    image = decode_named(given, max_pixels) if isinstance(given, bytes) else given.picture.largest()[0]
    return (image.colour or image.luma).convert("RGB")


def _sentence(explanation: Explanation | None, sides: SideBySide, comparison: Comparison) -> str:
    if not comparison.is_match and explanation is None:
        return f"Not copies: {comparison.reason}."
    if comparison.stage is Stage.EXACT:
        return explain_same_bytes().sentence
    said = "Called copies by their fingerprints; the pixels could not be aligned."
    if explanation is not None:
        said = explanation.sentence
    try:
        a, b = sides.holdings
    except UnreadableImage:  # their previews were compared: the files are away
        return f"{said.rstrip('.')}; what else is in the files cannot be read now."
    if explanation is not None and explanation.kind is Kind.SAME_PIXELS:
        which = same_pixels(a, b)
        said = said if which is None else which.capitalize()
    return "; ".join([said.rstrip("."), *held_apart(a, b)]) + "."


def _outline(a: LocalFeatures, b: LocalFeatures, alignment: Alignment) -> tuple[Point, ...]:
    if not alignment.transform or not alignment.matched:
        return ()
    corners = affine.apply(np.array(alignment.transform), affine.corners(a.size))
    return tuple((float(x), float(y)) for x, y in corners / b.size)


def _links(laying: Laying) -> tuple[tuple[Point, Point], ...]:
    """Pair the keypoints that the transform brings together, spread over the picture."""
    a, b, alignment = laying.a, laying.b, laying.laid.alignment
    if not alignment.transform or not alignment.matched:
        return ()
    other = b.features.mirrored_keypoints if alignment.mirrored else b.features.keypoints
    rows_a, rows_b = match_keypoints(a.features.keypoints, other)
    points_a = a.features.keypoints.points[rows_a].astype(np.float64)
    points_b = other.points[rows_b].astype(np.float64)
    if alignment.mirrored:
        points_b[:, 0] = b.features.size[0] - 1 - points_b[:, 0]
    # Within what was compared, where lengths mean the same whether that was a whole picture or a part.
    seen = affine.compose(
        affine.invert(b.to_whole), affine.compose(np.array(alignment.transform), a.to_whole)
    )
    near = np.flatnonzero(np.hypot(*(affine.apply(seen, points_a) - points_b).T) <= _LINK_PIXELS)
    chosen = near[:: max(1, len(near) // _LINKS)]
    starts, ends = (
        (affine.apply(side.to_whole, points[chosen]) / side.whole.size).tolist()
        for side, points in ((a, points_a), (b, points_b))
    )
    return tuple(((xa, ya), (xb, yb)) for (xa, ya), (xb, yb) in zip(starts, ends, strict=True))
