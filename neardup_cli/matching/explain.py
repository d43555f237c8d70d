"""What happened between two matching pictures: the kind of edit, its numbers, and a sentence."""

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.agreement import AlignedPair, align
from neardup_cli.matching.features import Grey
from neardup_cli.matching.residual import measure_residual
from neardup_cli.matching.verify import Verdict

type Colours = NDArray[np.uint8]
"""RGB pixels, `[height, width, 3]`."""

# The edges of a 416-pixel picture are found to about three pixels: above this share of the area it is whole.
_WHOLE = 0.95
_LEAST_DEGREES = 1.0
_LEAST_RESIZE = 0.02
# Mean difference of the blurred colours in grey levels: 6 for JPEG at quality 10, 14 for print and scan.
_LEAST_COLOUR = 8.0
# Grey levels that no codec adds to a smooth place, and the share of the overlap that makes a caption of them.
_COVERED_LEVELS = 30.0
_LEAST_COVERED = 0.006
_COMPARED_BLUR = 1.5
# Share of cells that moved together: up to 0.04 in 99 of 100 copies and 0.10 under a tiled watermark, 0.18
# in half of the pairs in which five things moved by 2 to 4 pixels.
_LEAST_MOVED = 0.15
# Share of the area from which what lies around a picture is its frame: bands of text leave 0.73, phones'
# screens 0.3.
_LARGEST_EMBEDDED = 0.62


class Kind(StrEnum):
    """What was done, strongest first: a match is called by the first of its edits in this order."""

    EXACT = "exact"
    SAME_PIXELS = "same-pixels"
    SIMILAR_SHOT = "similar-shot"
    EMBEDDED = "embedded"
    OVERLAY = "overlay"
    CROPPED = "cropped"
    MIRRORED = "mirrored"
    ROTATED = "rotated"
    COLOUR = "colour"
    RESIZED = "resized"
    RE_ENCODED = "re-encoded"


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """One of the two pictures, as the explanation needs it.

    Attributes:
        pixels: `uint8 [height, width, 3]`, at exactly the size of the grey picture that was verified.
        size: width and height of the file's own picture.
    """

    pixels: Colours
    size: affine.Size


@dataclass(frozen=True, slots=True)
class EditNumbers:
    """What was measured between a and b.

    Attributes:
        scale: by how much lengths grew from a's file to b's.
        stretch: by how much the ratio of the longer to the shorter direction changed, at least 1.
        degrees: counter-clockwise turn from a to b, in (-180, 180], after the mirror if there is one.
        mirrored: whether one is the mirror image of the other.
        part_of_a: share of a's area that can be seen in b, in [0, 1].
        part_of_b: share of b's area that shows a.
        colour_difference: mean difference of the blurred colours, grey levels.
        covered: share of the overlap that is hidden by something drawn over it.
        moved: share of small cells that moved on their own: things that moved between two shots.
    """

    scale: float = 1.0
    stretch: float = 1.0
    degrees: float = 0.0
    mirrored: bool = False
    part_of_a: float = 1.0
    part_of_b: float = 1.0
    colour_difference: float = 0.0
    covered: float = 0.0
    moved: float = 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened between a and b: the edit that the match is called by, all edits, the same in words."""

    kind: Kind
    edits: tuple[Kind, ...]
    sentence: str
    numbers: EditNumbers = EditNumbers()


def explain_same_bytes() -> Explanation:
    """Explain two files with the same bytes, for which nothing needs to be decoded."""
    return Explanation(Kind.EXACT, (Kind.EXACT,), "The files are the same, byte for byte.")


def explain_match(a: Subject, b: Subject, verdict: Verdict) -> Explanation:
    """Explain a match that the geometric stage has aligned, about 10 ms.

    Raises:
        ValueError: the verdict has no transform, so there is nothing to compare.
    """
    if verdict.transform is None:
        raise ValueError("there is no alignment to explain")
    if a.size == b.size and np.array_equal(a.pixels, b.pixels):
        sentence = "The pixels are the same; the files differ in metadata or encoding."
        return Explanation(Kind.SAME_PIXELS, (Kind.SAME_PIXELS,), sentence)
    transform = np.array(verdict.transform)
    numbers = _measure(a, b, transform, verdict)
    edits = _edits(a, b, transform, numbers)
    return Explanation(edits[0], edits, _sentence(edits, numbers), numbers)


def _measure(a: Subject, b: Subject, transform: Affine, verdict: Verdict) -> EditNumbers:
    drawn = np.diag([b.size[0] / b.pixels.shape[1], b.size[1] / b.pixels.shape[0]]) @ transform[:, :2]
    drawn = drawn @ np.diag([a.pixels.shape[1] / a.size[0], a.pixels.shape[0] / a.size[1]])
    turn = drawn @ np.diag([-1.0, 1.0]) if verdict.mirrored else drawn
    degrees = math.degrees(math.atan2(turn[0, 1] - turn[1, 0], turn[0, 0] + turn[1, 1]))
    larger, smaller = np.linalg.svd(drawn, compute_uv=False)
    pair = align(a.pixels, b.pixels, transform)
    colour_difference, covered = (0.0, 0.0) if pair is None else _compare_colours(pair)
    return EditNumbers(
        scale=math.sqrt(float(larger * smaller)),
        stretch=float(larger / smaller),
        degrees=degrees if degrees > _LEAST_DEGREES - 180 else degrees + 360,
        mirrored=verdict.mirrored,
        part_of_a=verdict.coverage_a,
        part_of_b=verdict.coverage_b,
        colour_difference=colour_difference,
        covered=covered,
        moved=measure_residual(_grey(a), _grey(b), transform).moved,
    )


def _compare_colours(pair: AlignedPair) -> tuple[float, float]:
    """Give the mean difference of the colours, and the share that no change of tones explains."""
    inside = cv2.erode(pair.inside, np.ones((5, 5), np.uint8)) == 255
    if not inside.any():
        return 0.0, 0.0
    a, b = (cv2.GaussianBlur(side, (0, 0), _COMPARED_BLUR).astype(np.float32) for side in (pair.a, pair.b))
    difference = np.abs(a - b).max(axis=-1)
    expected = _retoned(a, b, inside)
    # Within what lies one pixel around, so that an edge half a pixel off is no difference.
    kernel = np.ones((3, 3), np.uint8)
    beyond = np.maximum(b - cv2.dilate(expected, kernel), cv2.erode(expected, kernel) - b).max(axis=-1)
    covered = (beyond > _COVERED_LEVELS) & inside
    clear = inside & ~covered
    colour = float(difference[clear].mean()) if clear.any() else 0.0
    return colour, float(covered.sum() / inside.sum())


def _retoned(
    a: NDArray[np.float32], b: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Fit b's colours by a quadratic of a's, one for each channel of b: filters, greys and gammas.

    Twice, the second time without the worst quarter, for what is drawn over a picture is no tone of it.
    """
    grey = a.mean(axis=-1, keepdims=True)
    terms = np.concatenate([a, a * a / 255, grey * grey * grey / 255**2, np.ones_like(grey)], axis=-1)
    rows, targets = terms[inside], b[inside]
    kept = np.ones(len(rows), dtype=bool)
    for _ in range(2):
        fit, *_ = np.linalg.lstsq(rows[kept], targets[kept], rcond=None)
        error = np.abs(targets - rows @ fit).max(axis=-1)
        kept = error <= np.quantile(error, 0.75)
    return np.asarray(np.clip(terms @ fit, 0, 255), dtype=np.float32)


def _edits(a: Subject, b: Subject, transform: Affine, numbers: EditNumbers) -> tuple[Kind, ...]:
    """List the edits, strongest first; there is always one."""
    surrounded = _surround(a, b, transform, numbers)
    whole = surrounded is None and min(numbers.part_of_a, numbers.part_of_b) >= _WHOLE
    turned = abs(numbers.degrees) > _LEAST_DEGREES
    # The corners of a canvas that grew with the turn are no frame.
    slanted = abs((numbers.degrees + 45) % 90 - 45) > _LEAST_DEGREES
    framed = surrounded is Kind.OVERLAY and not slanted
    found = {
        Kind.SIMILAR_SHOT: numbers.moved >= _LEAST_MOVED,
        Kind.EMBEDDED: surrounded is Kind.EMBEDDED,
        Kind.OVERLAY: framed or numbers.covered > _LEAST_COVERED,
        Kind.CROPPED: surrounded is None and not whole,
        Kind.MIRRORED: numbers.mirrored,
        Kind.ROTATED: turned,
        Kind.COLOUR: numbers.colour_difference > _LEAST_COLOUR,
        Kind.RESIZED: max(abs(numbers.scale - 1), numbers.stretch - 1) > _LEAST_RESIZE,
    }
    edits = tuple(kind for kind, present in found.items() if present)
    return edits or (Kind.RE_ENCODED,)


def _surround(a: Subject, b: Subject, transform: Affine, numbers: EditNumbers) -> Kind | None:
    """Say what lies around the smaller picture: more of the same (None), a border, or another picture."""
    if numbers.part_of_a >= _WHOLE > numbers.part_of_b:
        inner, outer, to_outer = a, b, transform
    elif numbers.part_of_b >= _WHOLE > numbers.part_of_a:
        inner, outer, to_outer = b, a, affine.invert(transform)
    else:
        return None
    width, height = inner.pixels.shape[1], inner.pixels.shape[0]
    if not _has_seam(_grey(outer), affine.apply(to_outer, affine.corners((width, height)))):
        return None
    # A canvas that grew just enough for a turned picture holds nothing else.
    extent = np.ptp(affine.apply(to_outer, affine.corners((width, height))), axis=0)
    fitted = float(extent.prod()) > _WHOLE * outer.pixels.shape[0] * outer.pixels.shape[1]
    small = min(numbers.part_of_a, numbers.part_of_b) < _LARGEST_EMBEDDED
    return Kind.EMBEDDED if small and not fitted else Kind.OVERLAY


def _has_seam(grey: Grey, quad: affine.Points) -> bool:
    """Whether the picture changes across the sides of a quadrilateral more than it does beside them.

    Around a crop the picture goes on; around a pasted picture something else begins.
    """
    centre = quad.mean(axis=0)
    seams = []
    for start, end in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        along = start + np.linspace(0.05, 0.95, 60)[:, None] * (end - start)
        normal = np.array([start[1] - end[1], end[0] - start[0]])
        normal = normal / max(1e-6, float(np.linalg.norm(normal)))
        outward = normal if float(normal @ ((start + end) / 2 - centre)) > 0 else -normal
        values = [_sample(grey, along + distance * outward) for distance in (-6.0, -2.0, 2.0, 6.0)]
        if np.isfinite(values[-1]).mean() < 0.9:
            continue  # this side is the larger picture's own edge
        within, across, without = (float(np.nanmedian(np.abs(step))) for step in np.diff(values, axis=0))
        seams.append(across > 1.5 * max(within, without) + 6.0)
    return len(seams) > 0 and sum(seams) >= len(seams) / 2


def _sample(grey: Grey, points: affine.Points) -> NDArray[np.float64]:
    """Read the nearest pixels; NaN outside the picture."""
    columns, rows = np.round(points).astype(int).T
    height, width = grey.shape
    within = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    values = np.full(len(points), np.nan)
    values[within] = grey[rows[within], columns[within]]
    return values


def _grey(subject: Subject) -> Grey:
    return np.asarray(cv2.cvtColor(subject.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _sentence(edits: tuple[Kind, ...], numbers: EditNumbers) -> str:
    """Say the edits in one sentence."""
    smaller = min(numbers.part_of_a, numbers.part_of_b)
    nested = max(numbers.part_of_a, numbers.part_of_b) >= _WHOLE
    stretched = ", stretched" if numbers.stretch - 1 > _LEAST_RESIZE else ""
    added = (
        f"covering {numbers.covered:.1%}"
        if numbers.covered > _LEAST_COVERED
        else f"{1 - smaller:.0%} around it"
    )
    words = {
        Kind.SIMILAR_SHOT: f"the same scene in another shot ({numbers.moved:.0%} of it moved)",
        Kind.EMBEDDED: f"shown inside another picture, on {smaller:.0%} of its area",
        Kind.OVERLAY: f"text, a frame or something else added ({added})",
        Kind.CROPPED: f"cut to {smaller:.0%} of the area"
        if nested
        else f"cut, {smaller:.0%} of the area in common",
        Kind.MIRRORED: "mirrored",
        Kind.ROTATED: f"turned by {numbers.degrees:.0f}°",
        Kind.COLOUR: f"recoloured by {numbers.colour_difference:.0f} grey levels",
        Kind.RESIZED: f"resized to {numbers.scale:.0%}{stretched}",
        Kind.RE_ENCODED: "encoded again",
    }
    return "; ".join(words[kind] for kind in edits).capitalize() + "."
