"""What happened between two matching pictures: the kind of edit, its numbers, and a sentence."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.choices import Kind
from neardup_cli.matching import affine
from neardup_cli.matching.affine import Affine
from neardup_cli.matching.agreement import AlignedPair, align
from neardup_cli.matching.blocks import deviation, split_blocks
from neardup_cli.matching.features import Grey
from neardup_cli.matching.residual import measure_residual
from neardup_cli.matching.shades import is_natural
from neardup_cli.matching.sharpness import blur_between
from neardup_cli.records.matches import Alignment

type Colours = NDArray[np.uint8]
"""RGB pixels, `[height, width, 3]`."""
type Colours32 = NDArray[np.float32]

# The edges of a 416-pixel picture are found to about three pixels: above this share of the area it is whole.
_WHOLE = 0.95
_LEAST_DEGREES = 1.0
_LEAST_RESIZE = 0.02
# Mean difference of the blurred colours in grey levels: 6 for JPEG at quality 10, 14 for print and scan.
_LEAST_COLOUR = 8.0
# Grey levels that no codec adds to a smooth place, and the share of the overlap that makes a caption of them:
# of 40 photographs each, 0.0008 at most in JPEGs at quality 10, 0.0015 in nine of ten with the strongest
# filters; 0.006 in nine of ten with a caption, 0.0029 under a tiled watermark.
_COVERED_LEVELS = 30
_LEAST_COVERED = 0.0025
# A small line of text or a sticker is less than that; but its pixels stand together, and differ by far more
# than whole pictures do on average (a crop may be laid off by a pixel, which looks the same). Of 929 copies
# with such marks this sees 848, the share alone 410; of 1,171 without it accuses 1, as does the share alone
# (`benchmarks/small_marks.py`).
_SPOT = 9
_LEAST_IN_SPOT = 10
_LEAST_SPOT_LEVELS = 15.0
_SPOT_TO_MEAN = 8.0
# Two pictures that nowhere differ by more, but for this share of the overlap, have nothing drawn over them
# and nothing moved: such are JPEGs at quality 50, resized, turned and mirrored pictures and most crops.
_STEADY_LEVELS = 20
_MOST_UNSTEADY = 0.001
_COMPARED_BLUR = 1.5
_FITTED_EVERY = 4
_FLAT_DEVIATION = 1.5
_RIDGE = 1e-3
# Share of cells that moved together: up to 0.04 in 99 of 100 copies and 0.10 under a tiled watermark, 0.18
# in half of the pairs in which five things moved by 2 to 4 pixels.
_LEAST_MOVED = 0.15
_LEAST_MOVED_SAID = 0.005
# What moves differs somewhere, by this many grey levels, in each of its cells, which are half as large here.
_MOVED_LEVELS = 10
_MOVED_CELL = 16
# An edit keeps the time of capture. Two times that differ by no more than this are two shots of a burst, or
# of an exposure series, though nothing may have moved; what differs by more may have had its clock set.
_LARGEST_BURST = 60.0
_MOST_DEGREES_BY_HAND = 5.0
# Share of the area from which what lies around a picture is its frame: bands of text leave 0.73, phones'
# screens 0.3.
_LARGEST_EMBEDDED = 0.62


@dataclass(frozen=True, eq=False)
class Subject:
    """One of the two pictures, as the explanation needs it; what is asked of it in each pair is kept.

    Attributes:
        pixels: `uint8 [height, width, 3]`, at exactly the size of the grey picture that was verified.
        size: width and height of the file's own picture.
        captured_at: when the camera says it was taken, to the second.
        format: of the file, as `DecodedImage` names it; empty where there is none.
        pixels_digest: where the pixels are those of a preview, see `records.previews.Preview`.
    """

    pixels: Colours
    size: affine.Size
    captured_at: datetime | None = None
    format: str = ""
    pixels_digest: bytes = b""

    @cached_property
    def grey(self) -> Grey:
        """`uint8 [height, width]`."""
        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    @cached_property
    def is_natural(self) -> bool:
        """Whether it is a photograph, and no page, icon, chart, drawing or sign."""
        return is_natural(self.pixels, max(self.size))

    def equals(self, other: Self) -> bool:
        """Return True if both have the same pixels, as they were before a preview was made of them."""
        if self.pixels.shape != other.pixels.shape:
            return False
        if self.pixels_digest and other.pixels_digest:
            return self.pixels_digest == other.pixels_digest
        return np.array_equal(self.pixels, other.pixels)

    @cached_property
    def flatness(self) -> float:
        """Share of the image's blocks that are flat, as paper is, in [0, 1]."""
        blocks = split_blocks(self.grey)
        return float((deviation(blocks - blocks.mean(axis=-1, keepdims=True)) < _FLAT_DEVIATION).mean())


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
        covered: share of the overlap that is hidden by something drawn over it; 0 where nothing is.
        moved: share of small cells that moved on their own: things that moved between two shots.
        seconds_apart: between the times of capture; 0 where one of them is unknown.
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
    seconds_apart: float = 0.0

    def turned_round(self) -> Self:
        """Say the same between b and a."""
        # Mirrored and then turned, a picture is brought back by the very same mirror and turn.
        degrees = self.degrees if self.mirrored else _normal(-self.degrees)
        return replace(
            self, scale=1 / self.scale, degrees=degrees, part_of_a=self.part_of_b, part_of_b=self.part_of_a
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened between a and b: all edits, strongest first, and what was measured."""

    edits: tuple[Kind, ...]
    numbers: EditNumbers = EditNumbers()

    @property
    def kind(self) -> Kind:
        """The edit that the match is called by."""
        return self.edits[0]

    @property
    def sentence(self) -> str:
        """The edits in words."""
        return _sentence(self.edits, self.numbers)

    def turned_round(self) -> Self:
        """Say the same of b and a."""
        return replace(self, numbers=self.numbers.turned_round())

    def as_similar_shot(self) -> Self:
        """Say that it was another shot, in the first place."""
        others = tuple(kind for kind in self.edits if kind not in (Kind.SIMILAR_SHOT, Kind.RE_ENCODED))
        return replace(self, edits=(Kind.SIMILAR_SHOT, *others))


def explain_same_bytes() -> Explanation:
    """Explain two files with the same bytes, for which nothing needs to be decoded."""
    return Explanation((Kind.EXACT,))


def explain_match(a: Subject, b: Subject, alignment: Alignment) -> Explanation:
    """Explain a match that the geometric stage has aligned: in 1 ms where it is steady, else in 8.

    Raises:
        ValueError: the alignment has no transform, so there is nothing to compare.
    """
    if not alignment.transform:
        raise ValueError("there is no alignment to explain")
    if a.size == b.size and a.equals(b):
        return Explanation((Kind.SAME_PIXELS,))
    transform = np.array(alignment.transform)
    numbers = _measure(a, b, transform, alignment)
    return Explanation(_edits(a, b, transform, numbers), numbers)


def _measure(a: Subject, b: Subject, transform: Affine, alignment: Alignment) -> EditNumbers:
    drawn = np.diag([b.size[0] / b.pixels.shape[1], b.size[1] / b.pixels.shape[0]]) @ transform[:, :2]
    drawn = drawn @ np.diag([a.pixels.shape[1] / a.size[0], a.pixels.shape[0] / a.size[1]])
    turn = drawn @ np.diag([-1.0, 1.0]) if alignment.mirrored else drawn
    degrees = math.degrees(math.atan2(turn[0, 1] - turn[1, 0], turn[0, 0] + turn[1, 1]))
    larger, smaller = np.linalg.svd(drawn, compute_uv=False)
    pair = align(a.pixels, b.pixels, transform)
    differences = _Differences()
    if pair is not None:
        whole = min(alignment.coverage_a, alignment.coverage_b) >= _WHOLE
        differences = _differences(
            pair, lambda: measure_residual(grey_of(a), grey_of(b), transform).moved, whole=whole
        )
    return EditNumbers(
        scale=math.sqrt(float(larger * smaller)),
        stretch=float(larger / smaller),
        degrees=_normal(degrees),
        mirrored=alignment.mirrored,
        part_of_a=alignment.coverage_a,
        part_of_b=alignment.coverage_b,
        colour_difference=differences.colour,
        covered=differences.covered,
        moved=differences.moved,
        seconds_apart=_seconds_apart(a, b),
    )


def _normal(degrees: float) -> float:
    """Give an angle near to half a turn as a positive one, whichever side of it was measured."""
    return degrees if degrees > _LEAST_DEGREES - 180 else degrees + 360


def _seconds_apart(a: Subject, b: Subject) -> float:
    if a.captured_at is None or b.captured_at is None:
        return 0.0
    return abs((a.captured_at - b.captured_at).total_seconds())


@dataclass(frozen=True, slots=True)
class _Differences:
    """Where two aligned pictures differ; the numbers of `EditNumbers`."""

    colour: float = 0.0
    covered: float = 0.0
    moved: float = 0.0


def _differences(pair: AlignedPair, moved: Callable[[], float], *, whole: bool) -> _Differences:
    """Compare the colours of two aligned pictures, and ask what moved only where something may have.

    Most copies are the same picture again. To see that takes a tenth of the time of the other questions.
    """
    inside = cv2.erode(pair.inside, np.ones((5, 5), np.uint8)) == 255
    if not inside.any():
        return _Differences()
    a, b, apart = _compared(pair.a, pair.b)
    if _is_steady(apart, inside):
        return _Differences(colour=float(apart[inside].mean()))
    if (blur := _blur_of(pair, inside)) != 0:
        a, b, apart = _compared(*_equally_sharp(pair, blur))
        if _is_steady(apart, inside):
            return _Differences(colour=float(apart[inside].mean()))
    spot = max(_LEAST_SPOT_LEVELS, _SPOT_TO_MEAN * float(apart[inside].mean())) if whole else math.inf
    drawn = _drawn_over(a.astype(np.float32), b.astype(np.float32), inside, spot)
    clear = inside & ~drawn
    return _Differences(
        colour=float(apart[clear].mean()) if clear.any() else 0.0,
        covered=float(drawn.sum() / inside.sum()),
        moved=moved() if _may_have_moved(apart, inside) else 0.0,
    )


def _compared(a: Colours, b: Colours) -> tuple[Colours, Colours, Colours]:
    """Blur the grain away, and say how far the two are apart."""
    a, b = (np.asarray(cv2.GaussianBlur(side, (0, 0), _COMPARED_BLUR), np.uint8) for side in (a, b))
    return a, b, _largest(np.asarray(cv2.absdiff(a, b), np.uint8))


def _is_steady(apart: Colours, inside: NDArray[np.bool_]) -> bool:
    unsteady = np.count_nonzero(inside & (apart > _STEADY_LEVELS))
    return bool(unsteady <= _MOST_UNSTEADY * np.count_nonzero(inside))


def _may_have_moved(apart: Colours, inside: NDArray[np.bool_]) -> bool:
    """Return True unless too few cells differ for as many to have moved; the answer takes far longer."""
    cells = np.ones((_MOVED_CELL, _MOVED_CELL), np.uint8)
    places = slice(_MOVED_CELL // 2, None, _MOVED_CELL)
    worst = cv2.dilate(np.where(inside, apart, np.uint8(0)), cells)[places, places]
    within = int(np.count_nonzero(inside[places, places]))
    return int(np.count_nonzero(worst > _MOVED_LEVELS)) >= _LEAST_MOVED * within


def _blur_of(pair: AlignedPair, inside: NDArray[np.bool_]) -> float:
    grey_a, grey_b = (cv2.cvtColor(side, cv2.COLOR_RGB2GRAY).astype(np.float32) for side in (pair.a, pair.b))
    return blur_between(np.asarray(grey_a), np.asarray(grey_b), np.flatnonzero(inside)[::_FITTED_EVERY])


def _equally_sharp(pair: AlignedPair, blur: float) -> tuple[Colours, Colours]:
    """Blur the sharper of two aligned images: what a blur took away is neither a mark nor a colour."""
    softened = np.asarray(cv2.GaussianBlur(pair.a if blur > 0 else pair.b, (0, 0), abs(blur)), np.uint8)
    return (softened, pair.b) if blur > 0 else (pair.a, softened)


def _drawn_over(a: Colours32, b: Colours32, inside: NDArray[np.bool_], spot: float) -> NDArray[np.bool_]:
    """Mark what was drawn over one of two pictures; nothing where a codec or a filter may have done it."""
    drawn = _marks(_unexplained(a, b, inside), inside, spot)
    if drawn.any():
        # A grey copy follows from the colours, and the colours not from the grey: asked the other way round.
        drawn = min(drawn, _marks(_unexplained(b, a, inside), inside, spot), key=np.count_nonzero)
    return drawn


def _marks(unexplained: NDArray[np.float32], inside: NDArray[np.bool_], spot: float) -> NDArray[np.bool_]:
    """Mark what no change of tones explains: if it is much, or stands together and is above `spot` levels."""
    covered = unexplained > _COVERED_LEVELS
    if np.count_nonzero(covered) > _LEAST_COVERED * np.count_nonzero(inside):
        return covered
    spots = unexplained > spot
    together = cv2.boxFilter(spots.astype(np.float32), -1, (_SPOT, _SPOT), normalize=False)
    return spots if together.max() > _LEAST_IN_SPOT else np.zeros_like(spots)


def _unexplained(a: Colours32, b: Colours32, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Say by how many grey levels b differs from what any change of a's tones explains; 0 outside."""
    expected = _retoned(a, b, inside)
    # Within what lies one pixel around, so that an edge half a pixel off is no difference.
    kernel = np.ones((3, 3), np.uint8)
    beyond = _largest(np.maximum(b - cv2.dilate(expected, kernel), cv2.erode(expected, kernel) - b))
    return np.where(inside, beyond, np.float32(0))


def _retoned(a: Colours32, b: Colours32, inside: NDArray[np.bool_]) -> Colours32:
    """Fit b's colours by a polynomial of a's, one for each channel of b: filters, greys and gammas.

    Twice, the second time without the worst quarter, for what is drawn over a picture is no tone of it. By
    the normal equations, on a quarter of the pixels: a thirtieth of the time of a least-squares solver.
    """
    places = np.flatnonzero(inside)[::_FITTED_EVERY]
    some, targets = (side.reshape(-1, 3).take(places, axis=0) for side in (a, b))
    linear, squared, cubed = _tones(some)
    rows = np.column_stack([linear, np.ones(len(some), np.float32), squared, cubed])
    exact, wanted = rows.astype(np.float64), targets.astype(np.float64)
    fit = _fitted(exact, wanted)
    error = _largest(np.abs(targets - rows @ fit))
    kept = np.flatnonzero(error <= np.quantile(error, 0.75))
    fit = _fitted(exact.take(kept, axis=0), wanted.take(kept, axis=0))
    # OpenCV's transform applies a small matrix to every pixel: row by row of the fit, as `_tones` has them.
    whole = zip(_tones(a), (fit[:4], fit[4:7], fit[7:]), strict=True)
    expected = sum(np.asarray(cv2.transform(terms, part.T), np.float32) for terms, part in whole)
    return np.asarray(np.clip(expected, 0, 255), dtype=np.float32)


def _fitted(rows: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float32]:
    """Solve the normal equations."""
    # A picture of one colour leaves the terms dependent: any solution does, and the ridge makes one.
    squares = rows.T @ rows + np.diag(np.full(rows.shape[1], _RIDGE * len(rows)))
    return np.asarray(np.linalg.solve(squares, rows.T @ targets), np.float32)


def _tones(colours: Colours32) -> tuple[Colours32, Colours32, Colours32]:
    """Give the colours, their squares, and the cube of their mean, all about as large as the colours."""
    grey = (colours[..., 0] + colours[..., 1] + colours[..., 2]) * np.float32(1 / 3)
    cubed = grey * grey * grey * np.float32(1 / 255**2)
    return colours, colours * colours * np.float32(1 / 255), cubed[..., None]


def _largest[Number: np.generic](colours: NDArray[Number]) -> NDArray[Number]:
    """Take the largest of the three channels; NumPy's `max` along so short an axis is ten times slower."""
    return np.asarray(np.maximum(np.maximum(colours[..., 0], colours[..., 1]), colours[..., 2]))


def _edits(a: Subject, b: Subject, transform: Affine, numbers: EditNumbers) -> tuple[Kind, ...]:
    """List the edits, strongest first; there is always one."""
    surrounded = _surround(a, b, transform, numbers)
    whole = surrounded is None and min(numbers.part_of_a, numbers.part_of_b) >= _WHOLE
    turned = abs(numbers.degrees) > _LEAST_DEGREES
    # The corners of a canvas that grew with the turn are no frame.
    slanted = abs((numbers.degrees + 45) % 90 - 45) > _LEAST_DEGREES
    framed = surrounded is Kind.OVERLAY and not slanted
    found = {
        Kind.SIMILAR_SHOT: numbers.moved >= _LEAST_MOVED or (whole and _is_burst(numbers)),
        Kind.EMBEDDED: surrounded is Kind.EMBEDDED,
        Kind.OVERLAY: framed or numbers.covered > 0,
        Kind.CROPPED: surrounded is None and not whole,
        Kind.MIRRORED: numbers.mirrored,
        Kind.ROTATED: turned,
        Kind.COLOUR: numbers.colour_difference > _LEAST_COLOUR,
        Kind.RESIZED: max(abs(numbers.scale - 1), numbers.stretch - 1) > _LEAST_RESIZE,
    }
    edits = tuple(kind for kind, present in found.items() if present)
    return edits or (Kind.RE_ENCODED,)


def _is_burst(numbers: EditNumbers) -> bool:
    """Whether two whole pictures were taken one shortly after the other, the camera held the same way."""
    steady = not numbers.mirrored and abs(numbers.degrees) < _MOST_DEGREES_BY_HAND
    return steady and 0 < numbers.seconds_apart <= _LARGEST_BURST


def _surround(a: Subject, b: Subject, transform: Affine, numbers: EditNumbers) -> Kind | None:
    """Say what lies around the smaller picture: more of the same (None), a border, or another picture."""
    if numbers.part_of_a >= _WHOLE > numbers.part_of_b:
        inner, outer, to_outer = a, b, transform
    elif numbers.part_of_b >= _WHOLE > numbers.part_of_a:
        inner, outer, to_outer = b, a, affine.invert(transform)
    else:
        return None
    width, height = inner.pixels.shape[1], inner.pixels.shape[0]
    if not has_seam(grey_of(outer), affine.apply(to_outer, affine.corners((width, height)))):
        return None
    # A canvas that grew just enough for a turned picture holds nothing else.
    extent = np.ptp(affine.apply(to_outer, affine.corners((width, height))), axis=0)
    fitted = float(extent.prod()) > _WHOLE * outer.pixels.shape[0] * outer.pixels.shape[1]
    small = min(numbers.part_of_a, numbers.part_of_b) < _LARGEST_EMBEDDED
    return Kind.EMBEDDED if small and not fitted else Kind.OVERLAY


def has_seam(grey: Grey, quad: affine.Points) -> bool:
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


def grey_of(subject: Subject) -> Grey:
    """Return the grey pixels of a subject."""
    return subject.grey


def _sentence(edits: tuple[Kind, ...], numbers: EditNumbers) -> str:
    """Say the edits in one sentence."""
    smaller = min(numbers.part_of_a, numbers.part_of_b)
    nested = max(numbers.part_of_a, numbers.part_of_b) >= _WHOLE
    stretched = ", stretched" if numbers.stretch - 1 > _LEAST_RESIZE else ""
    covered = f"{numbers.covered:.1%}" if numbers.covered >= 0.001 else "less than 0.1%"
    added = f"covering {covered}" if numbers.covered else f"{1 - smaller:.0%} around it"
    words = {
        Kind.EXACT: "the files are the same, byte for byte",
        Kind.SAME_PIXELS: "the pixels are the same; the files differ in metadata or encoding",
        Kind.SIMILAR_SHOT: f"the same scene in another shot ({_between_shots(numbers)})",
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


def _between_shots(numbers: EditNumbers) -> str:
    moved = f"{numbers.moved:.0%} of it moved" if numbers.moved >= _LEAST_MOVED_SAID else ""
    apart = f"{numbers.seconds_apart:.0f} s apart" if numbers.seconds_apart else ""
    return ", ".join(part for part in (moved, apart) if part) or "another exposure"
