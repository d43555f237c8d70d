"""What is said of two files beside the pixels that were compared."""

from __future__ import annotations

from dataclasses import replace

from neardup_cli.records.holdings import Holdings
from neardup_cli.rules.held import held_apart, same_pixels

STILL = Holdings()
FILM = Holdings(frames=8, duration_ms=800)


def test_what_holds_the_same_needs_no_word() -> None:
    assert same_pixels(STILL, STILL) is None
    assert list(held_apart(STILL, replace(STILL, rating=3))) == []


def test_frames_and_pages() -> None:
    assert same_pixels(FILM, STILL) == "the pixels of the first frame are the same"
    assert list(held_apart(FILM, STILL)) == ["the first file has 8 frames, the second one frame"]
    assert same_pixels(STILL, Holdings(frames=3)) == "the pixels of the first page are the same"
    assert same_pixels(STILL, replace(FILM, shown_frame=2)) == "the pixels of the shown frame are the same"
    views = tuple(bytes([level, 255 - level] * 288) for level in (0, 60, 120, 200))
    other = (*views[:3], bytes(576 // 2) + bytes([255]) * 288)
    one, two = (Holdings(frames=4, duration_ms=400, frame_views=held) for held in (views, other))
    assert list(held_apart(one, one)) == ["both files have 4 frames, which look alike"]
    assert list(held_apart(one, replace(two, duration_ms=900))) == [
        "both files have 4 frames, of which 75% look alike",
        "the first plays for 0.4 s, the second for 0.9 s",
    ]


def test_what_one_has_and_the_other_has_not() -> None:
    full = Holdings(
        film_bytes=2048,
        pictures=1,
        gain_map=True,
        has_alpha=True,
        depth=16,
        wide_gamut=True,
        damage="cut short",
    )
    assert list(held_apart(STILL, full)) == [
        "the second file holds a film of 2,048 bytes, the first does not",
        "the second file holds 1 further image, the first does not",
        "the second file has a gain map for HDR displays, the first does not",
        "the second file is transparent in places, the first is not",
        "the first file has 8 bits a channel, the second 16",
        "the second file has colours beyond sRGB, the first does not",
        "the second file is damaged: cut short",
    ]
    assert (
        same_pixels(STILL, replace(STILL, has_alpha=True)) == "the pixels are the same where they are opaque"
    )
    assert same_pixels(STILL, replace(STILL, depth=16)) == "the pixels are the same at 8 bits a channel"
