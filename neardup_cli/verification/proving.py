"""One proof: two files in memory, and what the first holds that the second does not.

The pixels are compared at the full size of the file that goes, frame by frame, and all else that the two
hold. Nothing here guesses: what cannot be compared is a loss, or unproven.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from neardup_cli.choices import Loss
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.whole import WholeImage
from neardup_cli.matching import affine
from neardup_cli.matching.codec_noise import Coding
from neardup_cli.matching.fullsize import LARGER, measure_surplus
from neardup_cli.matching.origin import Enlarged, Traces, exact_share, grid_trace
from neardup_cli.matching.shots import are_two_exposures
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.rules.losses import PixelLosses, is_source, lost_facts, lost_pixels, proof_of
from neardup_cli.verification.opened import MOST_PIXELS, Opened, Unproven, opened, over
from neardup_cli.verification.turning import turned_alike

# Sides that differ by rounding alone: a pixel and a half, or half a hundredth.
_ROUNDED_PIXELS = 1.5
_ROUNDED_SHARE = 0.005
_GROUNDS = (255, 0, 128)
# Of 176 enlargements 173 are nearer to what their encoder makes of the small one; of 176 whose small version
# was made of them 4.
_CLEARLY_MADE = 0.72
_OF_NOISE = {Loss.SHOT, Loss.DETAIL}
# How much noise several encoders after one another may leave all over an image. What stands out from that in
# one place is somebody's work, and so are other hues: those of a warmer version differ as little.
_MOST_OF_MESSENGERS = 3.0
# Share of the bytes of a damaged file that are those of a sound one in the same places.
_SAME_BYTES = 0.9
_FEWEST_SAME = 1024
_FEW_PIXELS = 1 << 20
_GRID = 16
_BLOCK_PIXELS = 64


def prove(gone: CatalogedFile, kept: CatalogedFile) -> Proof:
    """Say what is lost if one file goes and the other stays; nothing is where both have the same bytes."""
    if gone.digest == kept.digest:
        return NOTHING_LOST
    try:
        first, second = opened(gone), opened(kept)
        return _proof(first, second)
    except (Unproven, UnreadableImage) as exc:
        return Proof(unproven=str(exc))
    except MemoryError:
        return Proof(unproven="not enough memory to compare it at full size")


def _proof(gone: Opened, kept: Opened) -> Proof:
    losses = list(_lost_beside(gone, kept))
    if gone.holdings.damage and not kept.holdings.damage and _is_damaged_copy(gone.data, kept.data):
        return proof_of(losses)
    if gone.holdings.frames > 1:
        return proof_of([*losses, *_lost_in_frames(gone, kept)])
    exact = _exact(gone, kept)
    if exact == 1:
        return replace(proof_of(losses), made=True, exact=exact)  # its encoder had these pixels and no others
    seen = _compare_still(gone, kept)
    found = proof_of([*losses, *((loss, "") for loss in seen.losses)])
    made = seen.made and not _is_rather_source(gone, kept, seen)
    return replace(found, made=made, source=_source(gone, kept, seen), exact=exact)


def _exact(gone: Opened, kept: Opened) -> float | None:
    """Return the share of the blocks of a JPEG that are what its encoder makes of the one that stays."""
    image, other = gone.frame(), kept.frame()
    if image.profile and image.profile == other.profile:
        image, other = gone.stored, kept.stored
    tables = image.tables
    if tables is None or not image.as_stored or other.alpha is not None:
        return None
    if _size(image.rgb) != _size(other.rgb):
        return None
    if tables.grey and not other.grey:
        return None  # a grey version is to the bit what is left of the colours, and somebody wanted it so
    return exact_share(image.rgb, other.rgb, tables)


def _is_rather_source(gone: Opened, kept: Opened, seen: PixelLosses) -> bool:
    """Return True if the one that stays, a smaller one, was rather made of the one that goes.

    A soft image may be no more than a smaller version of it enlarged, and its smaller version is that surely:
    where that is not clear, the one nearer to what its encoder would have written was made of the other.
    """
    large, small = gone.frame(), kept.frame()
    if seen.exact < _CLEARLY_MADE or large.rgb.size <= LARGER * small.rgb.size:
        return False
    return _compared(kept, small, large).exact < seen.exact


def _source(gone: Opened, kept: Opened, seen: PixelLosses) -> bool | None:
    """Return True if the one that stays, a larger one, was enlarged from the other; None if unknown."""
    small, large = gone.frame(), kept.frame()
    size, large_size = _size(small.rgb), _size(large.rgb)
    if large.rgb.size <= LARGER * small.rgb.size or Loss.AREA in seen.losses:
        return None

    def if_enlarged() -> Enlarged:
        return Enlarged(small.grey_levels(), large_size, gone.coding(small).luma, kept.coding(large))

    grey = np.asarray(cv2.cvtColor(large.rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    return is_source(
        Traces(seen.quantiser_left, grid_trace(grey, size), size[0] * size[1] // _BLOCK_PIXELS), if_enlarged
    )


def _lost_beside(gone: Opened, kept: Opened) -> Iterator[tuple[Loss, str]]:
    """Yield what is lost beside the pixels of the frames."""
    yield from lost_facts(gone.holdings, kept.holdings)
    if are_two_exposures(gone.holdings, kept.holdings):
        yield Loss.SHOT, "another exposure, says the camera"
    if gone.holdings.film_bytes and not _same_film(gone, kept):
        yield Loss.FRAMES, "its film is another one"
    behind = gone.behind()
    if behind and behind not in kept.data and not _is_held(gone, kept):
        yield Loss.FRAMES, f"{len(behind):,} bytes behind the image that nothing accounts for"
    if gone.holdings.pictures and gone.holdings.pictures == kept.holdings.pictures:
        yield Loss.FRAMES, "its further images were not compared"
    if _one_is_damaged(gone, kept):
        yield Loss.INTEGRITY, "nearly the same bytes and other pixels: one of the two is damaged"


def _one_is_damaged(gone: Opened, kept: Opened) -> bool:
    """Return True if two files differ in a few bytes and in their pixels: no encoder does that, a disk does.

    Where no decoder complains nobody can tell which of the two is the sound one.
    """
    if gone.file.format != kept.file.format or gone.holdings.damage or kept.holdings.damage:
        return False
    if not _is_damaged_copy(gone.data, kept.data):
        return False
    return not np.array_equal(gone.frame().rgb, kept.frame().rgb)


def _same_film(gone: Opened, kept: Opened) -> bool:
    size = gone.holdings.film_bytes
    return size == kept.holdings.film_bytes and gone.data[-size:] == kept.data[-size:]


def _is_held(damaged: Opened, kept: Opened) -> bool:
    """Return True if a file is damaged, and all of it but the damage stands in the one that stays."""
    if not damaged.holdings.damage or len(damaged.data) > len(kept.data):
        return False
    return _is_damaged_copy(damaged.data, kept.data)


def _is_damaged_copy(damaged: bytes, sound: bytes) -> bool:
    """Return True if nearly all bytes of a damaged file stand in a sound one, at the same places."""
    length = min(len(damaged), len(sound))
    if length < _FEWEST_SAME:
        return False
    a, b = (np.frombuffer(data, np.uint8, length) for data in (damaged, sound))
    return bool(np.count_nonzero(a == b) >= _SAME_BYTES * length)


def _compare_still(gone: Opened, kept: Opened) -> PixelLosses:
    """Compare a still with the frame that it shows: the first one, or the one that stands for all."""
    image = gone.frame()
    shown = dict.fromkeys((0, kept.holdings.shown_frame)) if kept.holdings.frames > 1 else (0,)
    found = [compared(gone, image, kept, kept.frame(number)) for number in shown]
    seen = min(found, key=lambda one: len(one.losses))
    if seen.losses and seen.losses <= _OF_NOISE and image.profile != kept.frame().profile:
        # Nobody sees what the profile changes; but an encoder that left it out was given the numbers.
        by_numbers = compared(gone, gone.stored, kept, kept.stored)
        return seen if by_numbers.losses else by_numbers
    return seen


def _lost_in_frames(gone: Opened, kept: Opened) -> Iterator[tuple[Loss, str]]:
    """Compare the frames of an animation, or the pages of a document, one by one."""
    held, number = gone.holdings, gone.holdings.frames
    if kept.holdings.frames != number:
        if kept.holdings.frames > number:
            yield Loss.FRAMES, f"{number} frames or pages, the file that stays has {kept.holdings.frames}"
        return
    if gone.file.format != kept.file.format:
        yield (
            Loss.FRAMES,
            f"frames or pages in another format ({gone.file.format}): loops and times may differ",
        )
    if number * gone.file.width * gone.file.height > 4 * MOST_PIXELS:
        raise Unproven(f"too large to compare its {number} frames at full size")
    lost: set[Loss] = set()
    different = 0
    for place in range(held.frames):
        found = compared(gone, gone.frame(place), kept, kept.frame(place)).losses
        different += bool(found & {Loss.CONTENT, Loss.AREA, Loss.SHOT})
        lost |= found
    if different:
        yield Loss.FRAMES, f"{different} of {number} frames or pages are other ones"
    yield from ((loss, "") for loss in lost)


@dataclass(frozen=True, eq=False, slots=True)
class _Sides:
    """The two images on one ground."""

    gone: NDArray[np.uint8]
    kept: NDArray[np.uint8]


def compared(gone: Opened, image: WholeImage, kept: Opened, other: WholeImage) -> PixelLosses:
    """Compare two frames at the full size of the first one."""
    seen = _compared(gone, image, other)
    if seen.losses and (alike := turned_alike(image, other)) is not None:
        return PixelLosses(frozenset({Loss.ORIENTATION}) | _compared(gone, image, alike).losses)
    if seen.losses == {Loss.SHOT} and _is_all_made(kept, other, image):
        # All of the one that stays can have been made from this one: then it is no other exposure, and what
        # is lost is what a coarser quantiser took.
        return replace(seen, losses=frozenset({Loss.DETAIL}))
    return seen


def _is_all_made(kept: Opened, image: WholeImage, other: WholeImage) -> bool:
    """Return True if an image shows nothing that another one does not; a few rows tell most that do."""
    if _size(image.rgb) == _size(other.rgb) and image.rgb.size > 3 * _FEW_PIXELS:
        some, others = (_few_rows(side) for side in (image, other))
        if _compared(kept, some, others).losses:
            return False
    return not _compared(kept, image, other).losses


def _few_rows(image: WholeImage) -> WholeImage:
    """Return the rows amid an image, on the grid of JPEG's blocks."""
    height, width = image.rgb.shape[:2]
    top = max(0, height - _FEW_PIXELS // width) // 2 // _GRID * _GRID
    rows = slice(top, top + max(_GRID, _FEW_PIXELS // width))
    return replace(image, rgb=image.rgb[rows], alpha=None if image.alpha is None else image.alpha[rows])


def _compared(gone: Opened, image: WholeImage, other: WholeImage) -> PixelLosses:
    if not _same_frame(_size(image.rgb), _size(other.rgb)):
        return PixelLosses(frozenset({Loss.AREA}))
    coding = gone.coding(image)
    judged = [_judged(sides, coding) for sides in _on_grounds(image, other)]
    if image.alpha is not None and other.alpha is not None:
        alphas = [np.repeat(side[..., None], 3, axis=2) for side in (image.alpha, other.alpha)]
        judged.append(lost_pixels(measure_surplus(alphas[0], alphas[1], coding)))
        return PixelLosses(frozenset().union(*(one.losses for one in judged)))
    # An opaque image may have been laid over any ground: the one that fits best is the one.
    return min(judged, key=lambda one: (len(one.losses), one.like))


def _judged(sides: _Sides, coding: Coding) -> PixelLosses:
    """Judge two images of one frame: what is smaller and shows a little more may have been sent on."""
    seen = lost_pixels(measure_surplus(sides.gone, sides.kept, coding))
    smaller = sides.gone.size * LARGER < sides.kept.size
    little = seen.losses <= _OF_NOISE and seen.like <= _MOST_OF_MESSENGERS
    if not (seen.losses and smaller and little) or coding.lossless:
        return seen
    sent_on = lost_pixels(measure_surplus(sides.gone, sides.kept, coding, sent_on=True))
    return seen if sent_on.losses else replace(sent_on, made=False)


def _on_grounds(image: WholeImage, other: WholeImage) -> Iterator[_Sides]:
    if other.alpha is None:
        yield _Sides(over(image, 255), other.rgb)
    elif image.alpha is not None:
        yield from (_Sides(over(image, ground), over(other, ground)) for ground in (255, 0))
    else:
        yield from (_Sides(image.rgb, over(other, ground)) for ground in _GROUNDS)


def _same_frame(a: affine.Size, b: affine.Size) -> bool:
    """Return True if one size is the other one scaled, but for rounding."""
    if a == b:
        return True
    smaller, larger = sorted((a, b))
    for side, other_side in ((0, 1), (1, 0)):
        expected = larger[side] * smaller[other_side] / larger[other_side]
        if abs(expected - smaller[side]) <= max(_ROUNDED_PIXELS, _ROUNDED_SHARE * smaller[side]):
            return True
    return False


def _size(pixels: NDArray[np.uint8]) -> affine.Size:
    return pixels.shape[1], pixels.shape[0]
