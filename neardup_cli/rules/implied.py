"""What two matches with a third image say of two images that nobody has compared.

Both were laid on the third, so each lies on the other; what lies between them is what happened on the way.
"""

from __future__ import annotations

from neardup_cli.choices import Kind
from neardup_cli.records.matches import Alignment
from neardup_cli.rules.kinship import PLAIN, is_stretched

REASON = "both match a third one"

type Transform = tuple[tuple[float, ...], ...]

_ORDER = {kind: place for place, kind in enumerate(Kind)}


def implied(a_on_w: Alignment, w_on_b: Alignment, *, same_size: bool) -> Alignment:
    """Return how image a lies on image b, by way of an image w; at most one of the two ways may be partial.

    Args:
        a_on_w: the match of a and w.
        w_on_b: the match of w and b.
        same_size: whether the files of a and b have as many pixels, in either direction.
    """
    kind = _kind(a_on_w, w_on_b, same_size=same_size)
    content_a = min(a_on_w.content_a, w_on_b.content_a)
    content_b = min(a_on_w.content_b, w_on_b.content_b)
    if not (_is_plain(a_on_w) or _is_plain(w_on_b)):
        # Which of two edits was made of the other is not known: neither is to seem the original.
        content_a = content_b = min(content_a, content_b)
    return Alignment(
        matched=True,
        reason=REASON,
        inliers=0,
        transform=_composed(w_on_b.transform, a_on_w.transform),
        mirrored=a_on_w.mirrored != w_on_b.mirrored,
        agreement=min(a_on_w.agreement, w_on_b.agreement),
        content_a=content_a,
        content_b=content_b,
        coverage_a=min(a_on_w.coverage_a, w_on_b.coverage_a),
        coverage_b=min(a_on_w.coverage_b, w_on_b.coverage_b),
        tone=min(a_on_w.tone, w_on_b.tone),
        spread=min(a_on_w.spread, w_on_b.spread),
        evidence=min(a_on_w.evidence, w_on_b.evidence),
        kind=kind,
    )


def _is_plain(found: Alignment) -> bool:
    return found.kind in PLAIN and not is_stretched(found)


def _kind(one: Alignment, other: Alignment, *, same_size: bool) -> Kind | None:
    if not (_is_plain(one) and _is_plain(other)):
        if _is_plain(one) or _is_plain(other):
            return other.kind if _is_plain(one) else one.kind
        return min((one.kind, other.kind), key=lambda kind: -1 if kind is None else _ORDER[kind])
    if one.kind is other.kind is Kind.SAME_PIXELS:
        return Kind.SAME_PIXELS
    return Kind.RE_ENCODED if same_size else Kind.RESIZED


def _composed(outer: Transform, inner: Transform) -> Transform:
    """Apply `inner`, then `outer`; plain numbers, for there are many of these."""
    if not outer or not inner:
        return ()
    (a, b, x), (c, d, y) = outer
    (e, f, u), (g, h, v) = inner
    return (
        (a * e + b * g, a * f + b * h, a * u + b * v + x),
        (c * e + d * g, c * f + d * h, c * u + d * v + y),
    )
