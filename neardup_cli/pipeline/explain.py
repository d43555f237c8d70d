"""`explain`: what happened between two image files, with every number and where they agree."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from PIL import Image

from neardup_cli.choices import Kind
from neardup_cli.errors import UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.matching import affine
from neardup_cli.matching.explain import Explanation, explain_match, explain_same_bytes
from neardup_cli.matching.features import LocalFeatures
from neardup_cli.matching.verify import PRESETS, Verdict, match_keypoints, verify_pair
from neardup_cli.pipeline.compare import Rules, compare_probes, probe_both
from neardup_cli.pipeline.picture import decode_file
from neardup_cli.pipeline.probe import Source
from neardup_cli.records import ExplainedPair, Point, Stage

_LINK_PIXELS = 6.0  # of 416: how far a link may end from where the transform says
_LINKS = 40


def explain(a: Source, b: Source, rules: Rules, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> ExplainedPair:
    """Compare two images as `dups` would, and say what happened between them.

    Raises:
        PathNotFound, UnreadableImage: one of them is not there or cannot be read; the message names it.
    """
    probes = probe_both(a, b, rules, max_pixels)
    comparison = compare_probes(*probes, rules)
    (features_a, subject_a), (features_b, subject_b) = (probe.picture.small for probe in probes)
    # Asked even where the funnel needed no geometry: the explanation lives on the alignment.
    verdict = verify_pair(features_a, features_b, PRESETS[rules.limits.preset or "normal"])
    explanation = None
    if comparison.stage is Stage.EXACT:
        explanation = explain_same_bytes()
    elif verdict.matched and (comparison.is_match or comparison.kind is Kind.SIMILAR_SHOT):
        explanation = explain_match(subject_a, subject_b, verdict)
    numbers = {} if explanation is None else asdict(explanation.numbers)
    return ExplainedPair(
        comparison=comparison,
        kind=None if explanation is None else explanation.kind,
        edits=() if explanation is None else explanation.edits,
        sentence=_sentence(explanation, matched=comparison.is_match, reason=comparison.reason),
        numbers={**numbers, "agreement": verdict.agreement, "inliers": verdict.inliers},
        outline=_outline(features_a, features_b, verdict),
        links=_links(features_a, features_b, verdict),
    )


def upright(path: bytes, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image.Image:
    """Return an image file's pixels, oriented, in RGB.

    Raises:
        UnreadableImage: it cannot be read or decoded.
    """
    try:
        image = decode_file(path, max_pixels)
    except UnreadableImage as exc:
        raise UnreadableImage(f"{path.decode('utf-8', 'backslashreplace')}: {exc}") from exc
    return (image.colour or image.luma).convert("RGB")


def _sentence(explanation: Explanation | None, *, matched: bool, reason: str) -> str:
    if explanation is not None:
        return explanation.sentence
    if matched:
        return "Called copies by their fingerprints; the pixels could not be aligned."
    return f"Not copies: {reason}."


def _outline(a: LocalFeatures, b: LocalFeatures, verdict: Verdict) -> tuple[Point, ...]:
    if verdict.transform is None or not verdict.matched:
        return ()
    corners = affine.apply(np.array(verdict.transform), affine.corners(a.size))
    return tuple((float(x), float(y)) for x, y in corners / b.size)


def _links(a: LocalFeatures, b: LocalFeatures, verdict: Verdict) -> tuple[tuple[Point, Point], ...]:
    """Pair the keypoints that the transform brings together, spread over the picture."""
    if verdict.transform is None or not verdict.matched:
        return ()
    other = b.mirrored_keypoints if verdict.mirrored else b.keypoints
    rows_a, rows_b = match_keypoints(a.keypoints, other)
    points_a, points_b = a.keypoints.points[rows_a], other.points[rows_b].copy()
    if verdict.mirrored:
        points_b[:, 0] = b.size[0] - 1 - points_b[:, 0]
    expected = affine.apply(np.array(verdict.transform), points_a.astype(np.float64))
    near = np.flatnonzero(np.hypot(*(expected - points_b).T) <= _LINK_PIXELS)
    chosen = near[:: max(1, len(near) // _LINKS)]
    ends = zip((points_a[chosen] / a.size).tolist(), (points_b[chosen] / b.size).tolist(), strict=True)
    return tuple(((xa, ya), (xb, yb)) for (xa, ya), (xb, yb) in ends)
