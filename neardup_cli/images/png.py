"""PNG files whose words are broken or endless, and whose pixels are sound: other programs show them.

Pillow refuses a whole image for the sum of a chunk of text, for a text that unpacks to more than a megabyte
(a generator's workflow does), and for an entry that is too short. Here such a chunk is put right or left out,
and the rest stays what it is. What was wrong is not forgotten: `images.integrity` looks at the file itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

from PIL import PngImagePlugin

_SIGNATURE = 8
_LONGEST_TEXT = 1 << 20
_LONGEST_PROFILE = 16 << 20
_MOST_TEXT = 32 << 20  # of all of them together
_SHORTEST = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9}
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}


class PngImage(PngImagePlugin.PngImageFile):
    """A PNG as Pillow reads it; for the sake of what is not its pixels none is refused."""

    def _open(self) -> None:
        try:
            super()._open()
        except (ValueError, SyntaxError):
            assert self.fp is not None
            self.fp.seek(0)
            data = self.fp.read()
            self.fp = BytesIO(with_sound_words(data))
            super()._open()
            if profile := _long_profile(data):
                self.info["icc_profile"] = profile

    def load_end(self) -> None:
        """Read what stands behind the pixels, which are there by now."""
        try:
            super().load_end()
        except ValueError:
            if self.png is None or self.is_animated:
                raise
            self._text = self.png.im_text
            self.png.close()
            self.png = None


def with_sound_words(data: bytes) -> bytes:
    """Return a PNG whose chunks beside those of its pixels can be read: their sums agree, none is endless."""
    return data[:_SIGNATURE] + b"".join(_sound(data))


def _sound(data: bytes) -> Iterator[bytes]:
    room = _MOST_TEXT
    at, view = _SIGNATURE, memoryview(data)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if (
            not kind[0] & 0x20 or kind in (b"fcTL", b"fdAT", b"tRNS") or end > len(data)
        ):  # its pixels: as it is
            yield bytes(view[at:end])
        elif kind not in _TEXTS:
            if length >= _SHORTEST.get(kind, 0) and not (kind == b"iCCP" and _is_endless(view[at + 8 : end])):
                yield _chunk(kind, bytes(view[at + 8 : end - 4]))
        else:
            kind, body = _bounded(kind, bytes(view[at + 8 : end - 4]))
            room -= len(body)
            if room >= 0:
                yield _chunk(kind, body)
        at = end
    yield bytes(view[at:])


def _bounded(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Return a text unpacked, the first megabyte of it; one that is broken without its text."""
    name, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        return kind, body[:_LONGEST_TEXT]
    if kind == b"zTXt":
        return b"tEXt", name + b"\0" + _unpacked(rest[1:])
    parts = rest[2:].split(b"\0", 2)
    if rest[:1] != b"\1" or len(parts) < 3:
        return kind, body[:_LONGEST_TEXT]
    return kind, b"\0".join((name, b"\0", parts[0], parts[1], _unpacked(parts[2])))


def _is_endless(profile: memoryview) -> bool:
    body = bytes(profile).partition(b"\0")[2]
    return len(_unpacked(body[1:], _LONGEST_TEXT)) >= _LONGEST_TEXT


def _long_profile(data: bytes) -> bytes:
    """Return the colour profile that is longer than Pillow takes; empty for another one, and for none."""
    if (at := data.find(b"iCCP", 0, max(0, data.find(b"IDAT")))) < 0:
        return b""
    body = data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at])]
    profile = _unpacked(body.partition(b"\0")[2][1:], _LONGEST_PROFILE)
    return profile if _LONGEST_TEXT <= len(profile) < _LONGEST_PROFILE else b""


def _unpacked(packed: bytes, most: int = _LONGEST_TEXT) -> bytes:
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(packed, most)
    return b""


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
