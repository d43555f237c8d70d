"""What stands in a JPEG file behind its first image: second images, gain maps, films."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from PIL import JpegImagePlugin

_AT_ONCE = 4 << 20
_HEAD = 64 << 10  # of a second image, in which its XMP says what it is
_TAIL = 4096
_THUMBNAILS = {"Large Thumbnail (VGA Equivalent)", "Large Thumbnail (Full HD Equivalent)"}
_MOST_IMAGES = 1000

_GAIN_MAP = re.compile(
    rb"hdrgm:|ns\.adobe\.com/hdr-gain-map|HDRGainMap|urn:iso:std:iso:ts:21496|Semantic\s*=\s*[\"']GainMap"
)
_IS_OF_A_GAIN_MAP = re.compile(rb"hdrgm:GainMapM|HDRGainMap|hdr-gain-map|hdrgainmap|urn:iso:std:iso:ts:21496")
_FILM = re.compile(rb"\0\0[\0-\3][\x08-\xff]ftyp[ -~]{4}", re.DOTALL)
_LONGEST_MATCH = 12


class Appended(NamedTuple):
    """Further images, a film's bytes, and whether one of the images is a gain map."""

    pictures: int = 0
    film_bytes: int = 0
    gain_map: bool = False


def read_appended(image: JpegImagePlugin.JpegImageFile, stream: BinaryIO, xmp: bytes) -> Appended:
    """Look behind the first image of a JPEG; what its header promises and is not there does not count."""
    size = stream.seek(0, os.SEEK_END)
    pictures, maps = 0, 0
    for start in further_images(image, size):
        stream.seek(start)
        head = stream.read(_HEAD)
        if head.startswith(b"\xff\xd8"):
            is_map = _IS_OF_A_GAIN_MAP.search(head) is not None
            pictures, maps = pictures + (not is_map), maps + is_map
    if pictures and not maps and _GAIN_MAP.search(xmp):  # the first image says that one of them is
        pictures, maps = pictures - 1, 1
    return Appended(pictures, _film_bytes(stream, size), maps > 0)


def further_images(image: JpegImagePlugin.JpegImageFile, size: int, *, thumbnails: bool = False) -> list[int]:
    """Return where the multi-picture index says that further images begin.

    Args:
        image: opened, not closed.
        size: of the file, in bytes.
        thumbnails: whether previews of the first image count as well.
    """
    with suppress(Exception):  # an index of any content; Pillow has no closed list of what it raises
        index = image._getmp()
        base = image.info["mpoffset"]
        if not index:
            return []
        found = [
            base + entry["DataOffset"]
            for entry in index[0xB002][:_MOST_IMAGES]
            if entry["DataOffset"] and (thumbnails or entry["Attribute"]["MPType"] not in _THUMBNAILS)
        ]
        return [start for start in found if 0 < start < size]
    return []


def _film_bytes(stream: BinaryIO, size: int) -> int:
    """Return how much there is from the beginning of a film on.

    Google, Samsung and others append an MP4 or MOV, whatever their XMP calls it, and a film never ends as a
    JPEG does: a file that ends so is not searched.
    """
    stream.seek(max(0, size - _TAIL))
    if stream.read(_TAIL).rstrip(b"\0").endswith(b"\xff\xd9"):
        return 0
    at, overlap = 0, b""
    stream.seek(0)
    while chunk := stream.read(_AT_ONCE):
        window = overlap + chunk
        if found := _film_in(window):
            return size - (at - len(overlap) + found.start())
        at += len(chunk)
        overlap = window[-_LONGEST_MATCH:]
    return 0


def _film_in(window: bytes) -> re.Match[bytes] | None:
    at = -1
    while (at := window.find(b"ftyp", at + 1)) >= 0:  # an order of magnitude faster than the expression
        if at >= 4 and (found := _FILM.match(window, at - 4)):
            return found
    return None
