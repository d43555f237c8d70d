"""How many frames or pages a file has, how long it plays, and what it shows over its length."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageFile

from neardup_cli.images.decode import ANIMATED, first_that_shows, flattened

VIEW_SIDE = 24
"""Pixels of each side of a view; a view is this many rows of this many grey bytes."""

MOST_VIEWS = 12

_MOST_FRAMES = 100_000
_MOST_VIEWED_PIXELS = 2_000_000_000  # a GIF's frames are decoded one after the other: 20 s of a core
_REDUCED, _MASK = 1, 4  # bits of a TIFF's NewSubfileType: thumbnails and masks are no pages
_NEW_SUBFILE_TYPE = 254
_MOST_BLOCKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Frames:
    """Numbers of the frames or pages as Pillow seeks them, and how long one pass over them takes."""

    numbers: tuple[int, ...] = (0,)
    duration_ms: int = 0


ONE_FRAME = Frames()


def read_frames(image: ImageFile.ImageFile, stream: BinaryIO, format_name: str) -> Frames:
    """Count the frames and add up their times, as their headers give them."""
    if format_name == "TIFF":
        return Frames(tuple(_pages(image)) or (0,))
    walk = _WALKS.get(format_name)
    count = min(getattr(image, "n_frames", 1), _MOST_FRAMES) if format_name != "GIF" else _MOST_FRAMES
    if walk is None or count < 2:
        return ONE_FRAME
    position = stream.tell()
    times = list(walk(stream))
    stream.seek(position)
    if format_name == "GIF":
        count = min(len(times), count)
    return Frames(tuple(range(count)), sum(times)) if count > 1 else ONE_FRAME


def _pages(image: ImageFile.ImageFile) -> Iterator[int]:
    with suppress(Exception):  # a broken directory ends the document
        for number in range(_MOST_FRAMES):
            image.seek(number)
            kind = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)  # type: ignore[attr-defined]
            if not (isinstance(kind, int) and kind & (_REDUCED | _MASK)):
                yield number


# --- views ----------------------------------------------------------------------------------------------


def shown_frame(image: ImageFile.ImageFile, format_name: str, max_pixels: int) -> int:
    """Return the number of the frame by which `decode` shows an animation that is not loaded yet."""
    if format_name not in ANIMATED:
        return 0
    image.load()
    return first_that_shows(image, flattened(image), max_pixels)[0]


def views_of(image: ImageFile.ImageFile, frames: Frames, max_pixels: int) -> tuple[bytes, ...]:
    """Return up to 12 frames, spread evenly with the first and the last one, each as 24 x 24 grey bytes.

    A frame that cannot be decoded, or with more than `max_pixels`, ends them; so do, in an animation, more
    pixels than are worth the time.
    """
    views: list[bytes] = []
    budget = _MOST_VIEWED_PIXELS
    chosen = set(spread_over(len(frames.numbers)))
    with suppress(Exception):  # decoders raise nearly every class there is
        for place, number in enumerate(frames.numbers):
            if place not in chosen and image.format == "TIFF":
                continue  # a page stands for itself; a frame may need the ones before it
            image.seek(number)
            pixels = image.size[0] * image.size[1]
            budget -= pixels
            if pixels > max_pixels or budget < 0:
                break
            if place in chosen:
                image.load()
                views.append(_view(image))
    return tuple(views)


def spread_over(count: int) -> list[int]:
    """Return up to 12 positions among so many, evenly spread, first and last included."""
    if count <= MOST_VIEWS:
        return list(range(count))
    return [round(place * (count - 1) / (MOST_VIEWS - 1)) for place in range(MOST_VIEWS)]


def _view(image: Image.Image) -> bytes:
    grey = flattened(image).convert("L")
    return grey.resize((VIEW_SIDE, VIEW_SIDE), Image.Resampling.BOX).tobytes()


# --- times ----------------------------------------------------------------------------------------------


def _gif_times(stream: BinaryIO) -> Iterator[int]:
    """Yield how long each frame of a GIF stands, in milliseconds."""
    stream.seek(0)
    head = stream.read(13)
    if len(head) == 13 and head[10] & 0x80:
        stream.seek(3 << ((head[10] & 7) + 1), os.SEEK_CUR)
    delay = 0
    for _ in range(_MOST_BLOCKS):
        kind = stream.read(1)
        if kind == b"!":
            if stream.read(1) == b"\xf9":
                control = stream.read(6)
                delay = int.from_bytes(control[2:4], "little") * 10
                stream.seek(-1, os.SEEK_CUR)  # its last byte is the terminator, of which there may be none
            _skip_sub_blocks(stream)
        elif kind == b",":
            descriptor = stream.read(9)
            if len(descriptor) < 9:
                return
            if descriptor[8] & 0x80:
                stream.seek(3 << ((descriptor[8] & 7) + 1), os.SEEK_CUR)
            stream.seek(1, os.SEEK_CUR)
            _skip_sub_blocks(stream)
            yield delay
            delay = 0
        elif kind != b"\0":  # the end, or what is none of a GIF
            return


def _skip_sub_blocks(stream: BinaryIO) -> None:
    for _ in range(_MOST_BLOCKS):
        length = stream.read(1)
        if length in (b"", b"\0"):
            return
        stream.seek(length[0], os.SEEK_CUR)


def _png_times(stream: BinaryIO) -> Iterator[int]:
    at = 8
    for _ in range(_MOST_BLOCKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        if head[4:] == b"fcTL":
            control = stream.read(26)
            part, whole = int.from_bytes(control[20:22]), int.from_bytes(control[22:24]) or 100
            yield round(part * 1000 / whole)
        at += int.from_bytes(head[:4]) + 12


def _webp_times(stream: BinaryIO) -> Iterator[int]:
    at = 12
    for _ in range(_MOST_BLOCKS):
        stream.seek(at)
        head = stream.read(24)
        if len(head) < 8:
            return
        if head[:4] == b"ANMF":
            yield int.from_bytes(head[20:23], "little")
        length = int.from_bytes(head[4:8], "little")
        at += 8 + length + length % 2


_WALKS = {"GIF": _gif_times, "PNG": _png_times, "WEBP": _webp_times}
