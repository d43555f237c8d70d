"""What is gone for good if one file goes and another one stays: one rule, for whoever asks.

Directed, from the file that goes to the one that stays. Pixels were compared by `matching.fullsize`; what the
files hold beside them is in `Holdings`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import hypot
from typing import TYPE_CHECKING

from neardup_cli.choices import Kind, Loss
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.proofs import Proof

if TYPE_CHECKING:  # what carries a plan out asks for places alone, and need not wait for OpenCV
    from neardup_cli.matching.fullsize import Surplus
    from neardup_cli.matching.origin import Enlarged, Traces

# Measured on copies of dev-photos and rendered pages (JPEG 95 to 30, WebP, AVIF, HEIC, resized by five
# kernels, sent on two or three times): `place` reaches 1.3 × `common` + 0.35 and 1.3, `mean` 1.7 ×
# `common_mean` + 0.3 and 1.5, `everywhere` 1.07 (1.2 for codecs that do not say how coarse they were), `calm`
# 1.4, `common` 1.7, hues 1.3. Exchanged words reach 7 and more, digits 10, a bent mouth 2, a second exposure
# 1.8 `everywhere`.
_LEAST_PLACE, _PLACE_TO_COMMON, _PLACE_ABOVE = 1.5, 1.3, 0.4
_LEAST_MEAN, _MEAN_TO_COMMON, _MEAN_ABOVE = 1.7, 1.8, 0.4
_MOST_EVERYWHERE = 1.25
_MOST_CALM = 1.5
_MOST_COMMON = 1.9
_MOST_COMMON_MEAN = 2.5
_EXACT = 0.5
# How far from what the encoder would have written exactly: enlargements of the file that stays reach 0.5, and
# 0.91 if they were sharpened; two sizes made of a third file 1.04 and more.
_MADE = 0.95
# What a larger image bears of a small one, see `matching.origin`. Quantiser: in 192 that were shrunk 0.93 to
# 1.03; in enlargements by 1.25 to 3, half of them sharpened, 0.2 to 0.92 at qualities up to 92. Grid: in 780
# that were shrunk 0 to 2.5, and up to 5.6 in one picture; in enlargements at quality 92 by 1.5 4.3 and more,
# by 2 2.0 and more, by 1.2 or 2.7 2.4 and more, but for one in ten.
# Of few blocks the share scatters: in images that were shrunk to 30 blocks it is 0.78 and more, to 260 0.89.
_QUANTISER_SEEN, _NO_QUANTISER, _WOULD_SHOW = 0.91, 0.955, 0.88
_OF_FEW_BLOCKS = 1.0
# Twice as large as their smaller versions, with grain of their own: 7 to 10 in four that bear no quantiser of
# these; in four enlargements of what a JPEG was made of, which bear none either, 72 and more.
_GRID_SEEN, _NO_GRID, _GRID_WOULD_SHOW, _GRID_CLEAR = 6.0, 2.5, 5.0, 20.0
_MOST_COLOUR = 1.5
_MOST_TINT = 3.0
_MOST_TONE = 4.0
_MOST_GAIN = 0.06
# Pixels. 1,770 copies of other sizes (OpenCV's kernels, Pillow's, libjpeg's own) move by 1.4 at most, 360 of
# the same size by 0.0; by hand nobody holds a camera so still.
_MOST_MOVED, _MOST_MOVED_AS_IS = 2.5, 0.5
_SHARPER = 1.1
# How much steeper slopes may become: of 128 plain enlargements they reach 1.00, sharpened by 80 % 1.08 and
# more, by 120 % 1.24.
_SHARPENED = 1.1
# How much less steep: of 650 that were saved once or twice 0.93 and more, blurred by 0.6 pixels up to 0.91.
_SOFTENED = 0.925

_MEANT = {
    Loss.COLOUR: (Kind.COLOUR,),
    Loss.AREA: (Kind.CROPPED,),
    Loss.CONTENT: (Kind.OVERLAY, Kind.EMBEDDED),
    Loss.ORIENTATION: (Kind.MIRRORED, Kind.ROTATED),
    Loss.SHOT: (Kind.SIMILAR_SHOT,),
}

_WRITTEN = (Loss.TIME, Loss.PLACE, Loss.RATING, Loss.WORDS)
"""What a person can write down beside an image."""

_SAME_PLACE = 0.01  # degrees, a kilometre: programs round
_SAME_DURATION = 0.1  # share: formats count in hundredths and thousandths of a second
_SAME_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class PixelLosses:
    """What the pixels of one frame say.

    Attributes:
        losses: in no order.
        like: how near the two are: 0 for the same pixels, above 1 something is lost.
        made: whether its encoder was given these very pixels, or an enlargement of them.
        quantiser_left: see `Surplus`.
        exact: see `Surplus`.
    """

    losses: frozenset[Loss]
    like: float = 0.0
    made: bool = False
    quantiser_left: float | None = None
    exact: float = math.inf


def lost_pixels(seen: Surplus) -> PixelLosses:
    """Judge what an image shows beyond the one that stays."""
    local = max(
        seen.place / max(_LEAST_PLACE, _PLACE_TO_COMMON * seen.common + _PLACE_ABOVE),
        seen.mean / max(_LEAST_MEAN, _MEAN_TO_COMMON * seen.common_mean + _MEAN_ABOVE),
    )
    at_large = max(seen.everywhere / _MOST_EVERYWHERE, seen.calm / _MOST_CALM)
    if seen.exact < _EXACT:  # the very bits that the codec makes of these pixels: no noise of its own
        at_large = 0.0
    # What differs nearly everywhere is no measure for what differs in one place, whatever the median says.
    at_large = max(at_large, seen.common / _MOST_COMMON, seen.common_mean / _MOST_COMMON_MEAN)
    colour = max(
        seen.colour / _MOST_COLOUR,
        seen.small_colour / _MOST_COLOUR,
        seen.tint / _MOST_TINT,
        seen.tone / _MOST_TONE,
        abs(seen.gain - 1) / _MOST_GAIN,
    )
    moved = seen.moved / (_MOST_MOVED if seen.resized else _MOST_MOVED_AS_IS)
    found: set[Loss] = set()
    if local > 1:
        found.add(Loss.CONTENT)
    if at_large > 1:
        found.add(Loss.DETAIL if seen.sharpness > _SHARPER else Loss.SHOT)
    if seen.softness < _SOFTENED:  # somebody has softened it, or the other one was noisy before
        found.add(Loss.SHOT)
    if seen.sharpened > _SHARPENED:  # an enlargement that somebody has worked on
        found.add(Loss.DETAIL)
    if colour > 1:
        found.add(Loss.COLOUR)
    if moved > 1:
        found.add(Loss.AREA)
    like = max(local, at_large, colour, moved, _SOFTENED / max(seen.softness, 0.01))
    return PixelLosses(frozenset(found), like, seen.exact < _MADE, seen.quantiser_left, seen.exact)


def is_source(found: Traces, if_enlarged: Callable[[], Enlarged]) -> bool | None:
    """Return True if a larger image was enlarged from a small one, False if not; None if nobody can tell.

    Args:
        found: what the larger one bears of the small one.
        if_enlarged: what it would bear if it had been enlarged; asked for where that matters.
    """
    seen = _QUANTISER_SEEN - _OF_FEW_BLOCKS / math.sqrt(max(1, found.blocks))
    if found.quantiser is not None and found.quantiser < seen:
        return True
    if found.grid > _GRID_SEEN:
        return None if _is_contradicted(found, if_enlarged) else True
    if found.grid > _NO_GRID or (found.quantiser is not None and found.quantiser < _NO_QUANTISER):
        return None
    expected = if_enlarged()
    if expected.grid > _GRID_WOULD_SHOW:
        return False
    would_show = expected.quantiser is not None and expected.quantiser < _WOULD_SHOW
    return False if would_show else None


def _is_contradicted(found: Traces, if_enlarged: Callable[[], Enlarged]) -> bool:
    """Return True if a larger image does not bear the quantiser of a small one, and else would.

    Then a faint grid comes from elsewhere, as from its own blocks at twice the size; a clear one is that of
    an enlargement, though not of this very file.
    """
    if found.grid > _GRID_CLEAR or found.quantiser is None or found.quantiser < _NO_QUANTISER:
        return False
    expected = if_enlarged().quantiser
    return expected is not None and expected < _WOULD_SHOW


def lost_facts(gone: Holdings, kept: Holdings) -> Iterator[tuple[Loss, str]]:
    """Yield what is lost beside the pixels of the first frame, each with a note."""
    if kept.damage:
        yield Loss.INTEGRITY, f"the file that stays is damaged: {kept.damage}"
    yield from _lost_depth(gone, kept)
    yield from _lost_frames(gone, kept)
    if gone.has_alpha and not kept.has_alpha:
        yield Loss.TRANSPARENCY, "transparency"
    yield from _lost_words(gone, kept)


def _lost_depth(gone: Holdings, kept: Holdings) -> Iterator[tuple[Loss, str]]:
    if gone.depth > kept.depth:
        yield Loss.COLOUR, f"{gone.depth} bits a channel, {kept.depth} stay"
    if gone.wide_gamut and not kept.wide_gamut:
        yield Loss.COLOUR, "a wide gamut"
    if gone.gain_map and not kept.gain_map:
        yield Loss.COLOUR, "a gain map for HDR displays"


def _lost_frames(gone: Holdings, kept: Holdings) -> Iterator[tuple[Loss, str]]:
    if gone.frames > kept.frames:
        yield Loss.FRAMES, f"{gone.frames} frames or pages, {kept.frames} stay"
    elif gone.frames > 1:
        longer = gone.duration_ms - kept.duration_ms
        if abs(longer) > _SAME_DURATION * max(gone.duration_ms, 1):
            yield Loss.FRAMES, f"plays for {gone.duration_ms} ms, {kept.duration_ms} stay"
    if gone.film_bytes and gone.film_bytes != kept.film_bytes:
        yield Loss.FRAMES, f"a film of {gone.film_bytes:,} bytes"
    if gone.pictures > kept.pictures:
        yield Loss.FRAMES, f"{gone.pictures} more images in the file"


def _lost_words(gone: Holdings, kept: Holdings) -> Iterator[tuple[Loss, str]]:
    if (loss := lost_time(gone, kept)) is not None:
        yield loss
    if gone.place is not None and not is_same_place(gone.place, kept.place):
        yield Loss.PLACE, "place: {:.5f}, {:.5f}".format(*gone.place)
    if gone.rating > 0 and gone.rating != kept.rating:  # nobody misses that an image was rejected
        yield Loss.RATING, f"rating: {gone.rating}"
    if missing := sorted(gone.words - kept.words):
        yield Loss.WORDS, f"words: {'; '.join(missing)}"


def lost_time(gone: Holdings, kept: Holdings) -> tuple[Loss, str] | None:
    """Return what differs in the time of capture: the time itself, or the exposure."""
    if gone.captured_at is None:
        return None
    note = f"time: {gone.captured_at:%Y-%m-%d %H:%M:%S}"
    if kept.captured_at is None:
        return Loss.TIME, note
    if not is_same_time(gone.captured_at, kept.captured_at):
        return Loss.TIME, f"{note} (the file that stays says {kept.captured_at:%Y-%m-%d %H:%M:%S})"
    return None


def kinds_meant(accepted: Iterable[Loss]) -> frozenset[Kind]:
    """Return the kinds of copies that a person means who accepts some losses, beside the sure ones."""
    return frozenset(kind for loss in accepted for kind in _MEANT.get(loss, ()))


def proof_of(losses: Sequence[tuple[Loss, str]]) -> Proof:
    """Put losses into their order, each once, with their notes."""
    order = list(Loss)
    ordered = sorted(losses, key=lambda found: order.index(found[0]))
    return Proof(
        losses=tuple(dict.fromkeys(loss for loss, _ in ordered)),
        notes=tuple(dict.fromkeys(note for _, note in ordered if note)),
    )


def without_written(proof: Proof, gone: Holdings, beside: Holdings) -> Proof:
    """Leave out of a proof what is written beside the file that stays: time, place, rating, words.

    Args:
        proof: of the contents.
        gone: what the file that goes holds.
        beside: what the sidecars of the file that stays say.
    """
    still = {loss for loss, _ in _lost_words(gone, beside)}
    covered = {loss for loss in _WRITTEN if loss not in still}
    losses = tuple(loss for loss in proof.losses if loss not in covered)
    notes = tuple(
        note for note in proof.notes if not any(note.startswith(f"{loss.value}:") for loss in covered)
    )
    return replace(proof, losses=losses, notes=notes)


def is_same_time(time: datetime, other: datetime | None) -> bool:
    """Return True if two times of capture are one to the second: not all that is written has fractions."""
    return other is not None and abs((time - other).total_seconds()) < _SAME_SECOND


def is_same_place(place: tuple[float, float], other: tuple[float, float] | None) -> bool:
    """Return True if two places, in degrees, are one as far as programs write them."""
    return other is not None and hypot(place[0] - other[0], place[1] - other[1]) <= _SAME_PLACE
