"""Whether a file's decoder believes it: damage that leaves an image, and that most programs say nothing of.

What cannot be decoded at all is an `UnreadableImage`; here are the files that still show something. A decoder
notices broken data by its grammar alone, so that some damage (two of five changed places in a JPEG's data)
goes unnoticed: what is named here is damaged, what is not may be.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO

from neardup_cli.images.boxes import top_level
from neardup_cli.images.decode import opened_header
from neardup_cli.images.libjpeg import TRUNCATED, said_by_libjpeg


def damage_of(data: bytes, format: str) -> str:  # noqa: A002 (the record's word for it)
    """Return why the decoder does not believe a file that can be decoded, in a few words; "" if it does.

    Args:
        data: the whole content.
        format: as `DecodedImage.format` names it; of one that is not known here nothing is said.
    """
    check = _CHECKS.get(format)
    return "" if check is None else check(data)


# --- JPEG -----------------------------------------------------------------------------------------------


def _damage_of_jpeg(data: bytes) -> str:
    """Decode at an eighth of the size, in grey: every coefficient is still read, for half of the time."""
    import simplejpeg  # late: a scan that finds nothing new needs no decoder

    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        return said_by_libjpeg(str(error))
    return ""


# --- PNG ------------------------------------------------------------------------------------------------

_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"fdAT", b"fcTL"}


def _damage_of_png(data: bytes) -> str:
    """Check the sum of each chunk: it covers every byte, so that zlib's own would say nothing more."""
    at, view = 8, memoryview(data)
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            return TRUNCATED
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            name = "data" if kind in _CRITICAL else "metadata"
            return f"wrong checksum of the {name}"
        if kind == b"IEND":
            return ""
        at = end
    return TRUNCATED


# --- containers of chunks and boxes: does what they promise lie inside the file? ------------------------


def _damage_of_webp(data: bytes) -> str:
    return TRUNCATED if 8 + int.from_bytes(data[4:8], "little") > len(data) + 1 else ""


def _damage_of_gif(data: bytes) -> str:
    """Walk the blocks to the last one; a missing trailer behind a whole frame is common and harmless."""
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while at < len(data):
        kind = data[at]
        if kind == 0x21:
            at = _behind_sub_blocks(data, at + 2)
        elif kind == 0x2C:
            flags = data[at + 9] if at + 9 < len(data) else 0
            at = _behind_sub_blocks(data, at + 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0))
        else:
            return "" if kind in (0x3B, 0) else "corrupt data"
        if at < 0:
            return TRUNCATED
    return ""


def _behind_sub_blocks(data: bytes, at: int) -> int:
    """Return the place behind some sub-blocks and their terminator; -1 if the file ends before."""
    while at < len(data):
        length = data[at]
        at += 1 + length
        if length == 0:
            return at
    return -1


def _damage_of_boxes(data: bytes, *, codestream: bytes = b"") -> str:
    """Compare the boxes of HEIC, AVIF and JPEG 2000 with the file's length."""
    if codestream and not data.startswith(b"\0\0\0\x0c"):  # JPEG 2000 without boxes
        return _damage_of_codestream(data)
    for kind, start, length, promised in top_level(BytesIO(data)):
        if promised > length:
            return TRUNCATED
        if codestream and kind == codestream:
            return _damage_of_codestream(data[start : start + length])
    return ""


def _damage_of_codestream(data: bytes) -> str:
    return "" if data.rstrip(b"\0").endswith(b"\xff\xd9") else TRUNCATED


# --- TIFF -----------------------------------------------------------------------------------------------

_PLACES, _LENGTHS = (273, 324), (279, 325)  # of strips, of tiles
_MOST_PAGES = 10_000


def _damage_of_tiff(data: bytes) -> str:
    """Ask of every page whether its strips or tiles lie inside the file."""
    for places, lengths in _strips(data):
        if any(place + length > len(data) for place, length in zip(places, lengths, strict=False)):
            return TRUNCATED
    return ""


def _strips(data: bytes) -> Iterator[tuple[list[int], list[int]]]:
    with suppress(Exception), opened_header(BytesIO(data)) as image:  # a broken directory ends the document
        for page in range(min(getattr(image, "n_frames", 1), _MOST_PAGES)):
            image.seek(page)
            tags = image.tag_v2  # type: ignore[attr-defined]
            for at, size in zip(_PLACES, _LENGTHS, strict=True):
                if at in tags and size in tags:
                    yield _numbers(tags[at]), _numbers(tags[size])


def _numbers(value: object) -> list[int]:
    values = value if isinstance(value, tuple) else (value,)
    return [number for number in values if isinstance(number, int)]


_CHECKS: dict[str, Callable[[bytes], str]] = {
    "JPEG": _damage_of_jpeg,
    "PNG": _damage_of_png,
    "WEBP": _damage_of_webp,
    "GIF": _damage_of_gif,
    "TIFF": _damage_of_tiff,
    "HEIF": _damage_of_boxes,
    "AVIF": _damage_of_boxes,
    "JPEG2000": partial(_damage_of_boxes, codestream=b"jp2c"),
}
