"""What two files hold beside the pixels that were compared, in words: so that a sentence about them is true.

The first frame alone is laid on the other one. Of a film, further pages, transparency or a damage nothing is
seen there, and "the pixels are the same" would be too much to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from neardup_cli.matching.shots import frames_agree
from neardup_cli.records.holdings import Holdings


def same_pixels(a: Holdings, b: Holdings) -> str | None:
    """Say which pixels of two files are the same; None where it is all that they hold."""
    if max(a.frames, b.frames) > 1:
        several = a if a.frames >= b.frames else b
        which = "shown" if max(a.shown_frame, b.shown_frame) else "first"
        return f"the pixels of the {which} {_noun(several)} are the same"
    if a.has_alpha != b.has_alpha:
        return "the pixels are the same where they are opaque"
    if a.depth != b.depth:
        return f"the pixels are the same at {min(a.depth, b.depth)} bits a channel"
    return "the pixels are the same" if list(held_apart(a, b)) else None


def held_apart(a: Holdings, b: Holdings) -> Iterator[str]:
    """Yield what one of two files holds and the other does not, beside the first frame and what is written.

    Args:
        a: called the first file.
        b: called the second.
    """
    yield from _frames(a, b)
    if a.film_bytes != b.film_bytes:
        yield _each(
            *(f"holds a film of {one.film_bytes:,} bytes" if one.film_bytes else "" for one in (a, b))
        )
    if a.pictures != b.pictures:
        yield _each(*(_further(one.pictures) for one in (a, b)))
    if a.gain_map != b.gain_map:
        yield _each(*("has a gain map for HDR displays" if one.gain_map else "" for one in (a, b)))
    if a.has_alpha != b.has_alpha:
        first, second = ("is transparent in places" if one.has_alpha else "" for one in (a, b))
        yield _each(first, second, lacks="is not")
    if a.depth != b.depth:
        yield f"the first file has {a.depth} bits a channel, the second {b.depth}"
    if a.wide_gamut != b.wide_gamut:
        yield _each(*("has colours beyond sRGB" if one.wide_gamut else "" for one in (a, b)))
    for name, one in (("first", a), ("second", b)):
        if one.damage:
            yield f"the {name} file is damaged: {one.damage}"


def _frames(a: Holdings, b: Holdings) -> Iterator[str]:
    if max(a.frames, b.frames) == 1:
        return
    if a.frames != b.frames:
        counts = [_count(one.frames, _noun(a if a.frames > b.frames else b)) for one in (a, b)]
        yield f"the first file has {counts[0]}, the second {counts[1]}"
        return
    share = frames_agree(a, b)
    alike = "which look alike" if share == 1 else f"of which {share:.0%} look alike"
    yield f"both files have {a.frames} {_noun(a)}s, {alike}"
    if a.duration_ms != b.duration_ms:
        yield f"the first plays for {a.duration_ms / 1000:g} s, the second for {b.duration_ms / 1000:g} s"


def _noun(held: Holdings) -> str:
    return "frame" if held.duration_ms else "page"


def _count(number: int, noun: str) -> str:
    return f"one {noun}" if number == 1 else f"{number} {noun}s"


def _further(number: int) -> str:
    return "" if not number else f"holds {number} further {'image' if number == 1 else 'images'}"


def _each(a: str, b: str, *, lacks: str = "does not") -> str:
    """Say what each of two files has; what is empty it lacks."""
    if a and b:
        return f"the first file {a}, the second {b}"
    return f"the first file {a}, the second {lacks}" if a else f"the second file {b}, the first {lacks}"
