"""The last word of the pixels on a pair whose textures agree: is what differs something that an edit does?

A copy has something of its own on one side at most: a caption, a sticker, a frame. Where both images have,
in the same places, they are one template with two contents: two invoices, two memes, two positions of one
game, a face before and after. Plain images (icons, pages, charts) are steady: their copies differ nowhere, so
that any small place counts, and so does any colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neardup_cli.matching.affine import Affine
from neardup_cli.matching.contents import have_two_contents
from neardup_cli.matching.difference import Difference, is_steady, measure_difference, refined
from neardup_cli.matching.explain import Subject, grey_of
from neardup_cli.matching.shades import SMALL
from neardup_cli.matching.tiny import are_alike_when_tiny
from neardup_cli.records.matches import Alignment

OTHER_CONTENTS = "the same design with other contents"
OTHER_COLOURS = "the same shape in other colours"
OTHER_WAY = "a plain shape turned or mirrored"
LOCAL_CHANGE = "both show something of their own in one place"

# Of two photographs those are asked that show the same part: what is laid into something else, or framed, is
# no form that was filled in twice.
_WHOLE = 0.95
_PLAIN_COLOURS = 12
_REPAINTED_CHROMA = 40.0
# Of 48 photographs with stickers the most alike have 0.74; plates of dots have 0.98, of six test
# strips five have 0.83 or more and one 0.71.
_SAME_OUTLINES = 0.8
# Grey levels that the worst place of a plain copy reaches above what a hundredth of its pixels do, unless it
# is the same line drawn thinner: of 339 copies of 60 kinds of pages, signs and charts (half, double and
# quarter size, JPEG 50 and 20, turned by 0.6°) 333 stay below.
_STEADY_SPOT = 3.0
_SPOT_TO_NOISE = 2.5
_LARGEST_SPOT = 45.0
# A line that was drawn thinner is so everywhere: two words in two fonts differ in a place or two.
_ALIKE, _THINNER_SPOT, _THINNER_TO_NOISE = 0.9, 12.0, 12.0
# Of 2,044 copies of pages, signs and charts at other sizes and qualities none has more than 4.9 unless its
# worst place is sharper lines alone (0.96 and more); of 21 pairs of letters with one other line 20 have.
_SMALL_SPOT, _ALONE, _SHARPENED = 2.0, 6.0, 0.95
# Two files of one size without any grain between them: nobody has saved either anew.
_PRISTINE_NOISE, _PRISTINE_SPOT = 0.02, 1.5
_STEADY_CHROMA = 7.0
_CHROMA_TO_NOISE = 2.5
_LARGEST_CHROMA = 14.0
# Of the same copies one in a hundred has 4, of JPEGs at quality 20; shirts of neighbouring hues 5.3 and more.
_LARGEST_PAINT = 5.0
# Copies of icons, faces and clocks of 12 pixels have 0.97 to 0.99, of 32 pixels 0.99 and more; the most alike
# of their strangers 0.978.
_LEAST_ICON = 0.98
# A codec stores the colours of an icon of 12 pixels in six: they bleed all over it.
_SMALL_CHROMA, _SMALL_PAINT = 32.0, 12.0
_NOTHING_OWN = 0.05
# Photographs: the worst place of a copy without anything over it has 22 levels at most, of 959.
_STILL_SPOT = 25.0
_STILL_NOISE = 3.0
_CHANGED_LIKENESS = 0.7
_STILL_DIVIDED = 0.12
_ONE_SIDED = 0.1
# So flat and of so few colours are arrows, letters and signs, whose direction is what they say.
_SIGN_BLANK = 0.7
_UPRIGHT_DEGREES = 30.0


def look_again(a: Subject, b: Subject, alignment: Alignment) -> str | None:
    """Say why a pair that the geometric stage matched is none; None where the second look confirms it."""
    if not alignment.transform or a.equals(b):
        return None
    transform = np.array(alignment.transform)
    natural = shows_photograph(a, b)
    if natural and (
        min(alignment.coverage_a, alignment.coverage_b) < _WHOLE
        or is_steady(a, b, transform, _STILL_SPOT, _REPAINTED_CHROMA)
    ):
        return None
    refusal = None
    for difference in _measured(a, b, transform):
        refusal = (
            _refusal_of_natural(difference) if natural else _refusal_of_plain(difference, transform, a, b)
        )
        if refusal is None:
            return None
    return refusal


def shows_photograph(a: Subject, b: Subject) -> bool:
    """Return True if a pair shows a photograph; beside a thumbnail the larger one tells."""
    smaller, larger = sorted((a, b), key=lambda one: max(one.size))
    if max(smaller.size) < min(SMALL, max(larger.size)):
        return larger.is_natural
    return a.is_natural or b.is_natural


def has_thumbnail(a: Subject, b: Subject) -> bool:
    """Return True if one of two images is so small that it is compared in the pixels that it has."""
    return min(max(a.size), max(b.size)) < SMALL


def _measured(a: Subject, b: Subject, transform: Affine) -> Iterator[Difference]:
    """Measure under the alignment as it is, and if that does not convince under a better one."""
    difference = measure_difference(a.pixels, b.pixels, transform)
    if difference is None:
        return
    yield difference
    better = refined(grey_of(a), grey_of(b), transform)
    if better is not transform:
        again = measure_difference(a.pixels, b.pixels, better)
        if again is not None and again.mean < difference.mean:
            yield again


def _refusal_of_natural(found: Difference) -> str | None:
    """Look at photographs: what is alike and yet differs, or differs on both sides, is no edit's work."""
    if found.untouched and found.chroma > _REPAINTED_CHROMA and found.repainted > _SAME_OUTLINES:
        return OTHER_COLOURS
    if found.spot <= _STILL_SPOT:
        return None
    # A mark looks like nothing that was there before; what is alike and yet differs has moved or changed.
    changed = found.likeness > _CHANGED_LIKENESS or (
        found.divided > _STILL_DIVIDED and min(found.own) > _NOTHING_OWN
    )
    if found.noise < _STILL_NOISE and changed:
        return LOCAL_CHANGE
    return LOCAL_CHANGE if have_two_contents(found) else None


def _refusal_of_plain(found: Difference, transform: Affine, a: Subject, b: Subject) -> str | None:
    if found.blank > _SIGN_BLANK and found.colours <= _PLAIN_COLOURS and not _is_upright(transform):
        return OTHER_WAY
    thinner = found.likeness > _ALIKE and found.spot <= _THINNER_SPOT + _THINNER_TO_NOISE * found.noise
    steady = found.spot <= _STEADY_SPOT + _SPOT_TO_NOISE * found.noise or thinner
    edited = a.size == b.size and found.noise < _PRISTINE_NOISE and found.spot > _PRISTINE_SPOT
    if found.spot > _LARGEST_SPOT or edited or not steady:
        return None if _is_written_over(found) else OTHER_CONTENTS
    small = has_thumbnail(a, b)
    if _is_one_line(found) or (small and not _are_one_icon(a, b, transform)):
        return OTHER_CONTENTS
    if found.grey:
        return None
    largest, most = (_SMALL_CHROMA, _SMALL_PAINT) if small else (_LARGEST_CHROMA, _LARGEST_PAINT)
    coloured = found.chroma > min(largest, _STEADY_CHROMA + _CHROMA_TO_NOISE * found.noise)
    return OTHER_COLOURS if coloured or found.paint > most else None


def _are_one_icon(a: Subject, b: Subject, transform: Affine) -> bool:
    """Return True if two images are alike in the pixels that the smaller one has."""
    return are_alike_when_tiny((grey_of(a), a.size), (grey_of(b), b.size), transform, _LEAST_ICON)


def _is_one_line(found: Difference) -> bool:
    """Return True if of a page one place was changed, though it is small: the others nearly agree."""
    return found.spot > _SMALL_SPOT and found.alone > _ALONE and found.likeness < _SHARPENED


def _is_written_over(found: Difference) -> bool:
    """Whether all that differs was laid over one of the two, an object on plain ground with many shades."""
    one_sided = found.divided < _ONE_SIDED and min(found.own) < _NOTHING_OWN
    return one_sided and found.colours > _PLAIN_COLOURS


def _is_upright(transform: Affine) -> bool:
    (a, b), (c, d) = transform[:, :2].tolist()
    mirrored = a * d - b * c < 0
    return not mirrored and abs(math.degrees(math.atan2(b - c, a + d))) < _UPRIGHT_DEGREES
