"""Camera raw files as a test can write them: a DNG with a sensor's data, and the preview of a camera."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
from PIL import Image

BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
_UNITS = {BYTE: "B", SHORT: "H", LONG: "I"}

type Entry = tuple[int, int, bytes]
"""Type, count and bytes of a TIFF's entry."""


def dng(
    image: Image.Image,
    *,
    preview: Image.Image | None = None,
    orientation: int = 1,
    taken: str = "2024:05:31 18:02:59",
    make: str = "Testcam",
    quality: int = 92,
) -> bytes:
    """Return a DNG of what a sensor sees: RGGB, 16 bits, uncompressed; with a JPEG preview if one is given.

    Args:
        image: upright as the sensor lies; even sides.
        preview: as the camera would make it of this, not turned either.
        orientation: how both have to be turned.
        taken: DateTimeOriginal and DateTime.
        make: of the camera.
        quality: of the preview.
    """
    sensor = _mosaic(image)
    sensor_ifd = {
        0x00FE: _numbers(LONG, 0),
        0x0100: _numbers(LONG, image.width),
        0x0101: _numbers(LONG, image.height),
        0x0102: _numbers(SHORT, 16),
        0x0103: _numbers(SHORT, 1),
        0x0106: _numbers(SHORT, 32803),
        0x0111: _numbers(LONG, 0),  # where its data are
        0x0115: _numbers(SHORT, 1),
        0x0116: _numbers(LONG, image.height),
        0x0117: _numbers(LONG, len(sensor)),
        0x828D: _numbers(SHORT, 2, 2),
        0x828E: _numbers(BYTE, 0, 1, 1, 2),
        0xC61A: _numbers(SHORT, 0),
        0xC61D: _numbers(LONG, 65535),
    }
    exif = {
        0x829A: (RATIONAL, 1, struct.pack("<II", 1, 250)),
        0x8827: _numbers(SHORT, 200),
        0x9003: _text(taken),
        0x927C: (7, 16, b"Testcam notes 01"),
    }
    first: dict[int, Entry] = {
        0x010F: _text(make),
        0x0110: _text(f"{make} One"),
        0x0112: _numbers(SHORT, orientation),
        0x0132: _text(taken),
        0x8769: _numbers(LONG, 0),
        0xC612: _numbers(BYTE, 1, 4, 0, 0),
        0xC614: _text(f"{make} One"),
        0xC621: (SRATIONAL, 9, struct.pack("<18i", *(n for row in np.eye(3, dtype=int) for n in _over(row)))),
        0xC628: (RATIONAL, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
    }
    if preview is None:
        first |= sensor_ifd
        return _tiff([first, exif], {0: sensor}, links={(0, 0x8769): 1})
    jpeg = BytesIO()
    preview.save(jpeg, "JPEG", quality=quality)
    first |= {
        0x00FE: _numbers(LONG, 1),
        0x0100: _numbers(LONG, preview.width),
        0x0101: _numbers(LONG, preview.height),
        0x0102: _numbers(SHORT, 8, 8, 8),
        0x0103: _numbers(SHORT, 7),
        0x0106: _numbers(SHORT, 6),
        0x0111: _numbers(LONG, 0),
        0x0115: _numbers(SHORT, 3),
        0x0116: _numbers(LONG, preview.height),
        0x0117: _numbers(LONG, len(jpeg.getvalue())),
        0x014A: _numbers(LONG, 0),
    }
    links = {(0, 0x8769): 1, (0, 0x014A): 2}
    return _tiff([first, exif, sensor_ifd], {0: jpeg.getvalue(), 2: sensor}, links)


def _mosaic(image: Image.Image) -> bytes:
    """Return what a sensor behind red, green, green and blue filters counts: linear light."""
    levels = np.asarray(image.convert("RGB"), np.float64) / 255
    light = (levels**2.2 * 65535).astype("<u2")
    sensor = light[..., 1].copy()
    sensor[::2, ::2], sensor[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    return sensor.tobytes()


def _over(row: np.ndarray) -> list[int]:
    return [part for number in row for part in (int(number), 1)]


def _numbers(kind: int, *values: int) -> Entry:
    return kind, len(values), struct.pack(f"<{len(values)}{_UNITS[kind]}", *values)


def _text(value: str) -> Entry:
    return ASCII, len(value) + 1, value.encode() + b"\0"


def _tiff(ifds: list[dict[int, Entry]], data: dict[int, bytes], links: dict[tuple[int, int], int]) -> bytes:
    """Lay directories out one behind the other, what is longer than four bytes behind them, data last."""
    places, at = [], 8
    for ifd in ifds:
        places.append(at)
        at += 2 + 12 * len(ifd) + 4 + sum(len(entry[2]) + 1 for entry in ifd.values() if len(entry[2]) > 4)
        at += at % 2
    out = bytearray(struct.pack("<2sHI", b"II", 42, 8))
    starts = {}
    for number, content in data.items():
        starts[number], at = at, at + len(content)
    for number, ifd in enumerate(ifds):
        assert len(out) <= places[number]
        out += bytes(places[number] - len(out))
        rest = places[number] + 2 + 12 * len(ifd) + 4
        table, behind = bytearray(struct.pack("<H", len(ifd))), bytearray()
        for tag, (kind, count, stated) in sorted(ifd.items()):
            content = stated
            if tag == 0x0111:
                content = struct.pack("<I", starts[number])
            elif (number, tag) in links:
                content = struct.pack("<I", places[links[number, tag]])
            if len(content) > 4:
                place, content = rest + len(behind), content + bytes(len(content) % 2)
                behind += content
                content = struct.pack("<I", place)
            table += struct.pack("<HHI", tag, kind, count) + content.ljust(4, b"\0")
        out += table + bytes(4) + behind
    for content, start in zip(data.values(), starts.values(), strict=True):
        out += bytes(start - len(out)) + content
    return bytes(out)
