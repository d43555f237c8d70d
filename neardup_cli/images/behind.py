"""Bytes behind the end of an image that nothing in the file accounts for: whatever somebody keeps there."""

from __future__ import annotations

import re
from io import BytesIO

from PIL import JpegImagePlugin

from neardup_cli.images.appended import further_images
from neardup_cli.images.decode import opened_header

_PADDING = b"\0\xff \r\n\t"
# In the data of a scan 0xff is followed by 0 (a byte of data), by D0 to D7 (a restart), or by itself (fill).
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def unaccounted(data: bytes, format: str, film_bytes: int) -> bytes:  # noqa: A002 (the record's word for it)
    """Return what stands behind an image and is no film, no further image, and no padding.

    Args:
        data: the whole content.
        format: JPEG, PNG or WEBP; of others nothing is known, and nothing is returned.
        film_bytes: of the film at the end of the content, as `Holdings` has it.
    """
    rest = data[: len(data) - film_bytes]
    match format:
        case "JPEG":
            return _behind_jpegs(data, len(rest)).strip(_PADDING)
        case "PNG":
            end = rest.find(_PNG_END)
            return b"" if end < 0 else rest[end + len(_PNG_END) :].strip(_PADDING)
        case "WEBP":
            length = 8 + int.from_bytes(data[4:8], "little")
            return rest[length + length % 2 :].strip(_PADDING)
    return b""


def _behind_jpegs(data: bytes, size: int) -> bytes:
    """Return what lies between and behind the first image and those that its index lists."""
    parts, at = [], 0
    for start in sorted({0, *_listed(data, size)}):
        if start < at:
            continue  # an index that points into an image
        parts.append(data[at:start])
        at = min(size, end_of_jpeg(data, start))
    return b"".join([*parts, data[at:size]])


def _listed(data: bytes, size: int) -> list[int]:
    with opened_header(BytesIO(data)) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return []
        return further_images(image, size, thumbnails=True)


def end_of_jpeg(data: bytes, start: int) -> int:
    """Return the place behind a JPEG image that begins somewhere; the end of the data if it has no end."""
    at = start + 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return len(data)  # broken: nobody can say where it ends
        marker = data[at + 1]
        if marker == _END_OF_IMAGE:
            return at + 2
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == _START_OF_SCAN:
            found = _MARKER.search(data, at)
            if found is None:
                return len(data)
            at = found.start()
    return at + 2 if data[at : at + 2] == b"\xff\xd9" else len(data)
