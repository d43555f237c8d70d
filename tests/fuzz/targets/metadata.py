"""EXIF, XMP, IPTC and colour profiles, put into an image that is sound: its pixels stay what they are.

The first byte of an input says which block it is and into which format it goes; the rest is the block.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Sequence
from functools import cache

from PIL import ExifTags, Image, ImageCms

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.holdings import read_holdings
from tests.e2e.test_mutated import picture, saved
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.mutate import changed_bytes, changed_directory
from tests.fuzz.told import check_holdings

_EXIF, _XMP, _IPTC, _ICC, _MPO = range(5)
_KINDS = 5
_JPEG, _PNG, _WEBP = range(3)
_HEADS = {
    _EXIF: b"Exif\0\0",
    _XMP: b"http://ns.adobe.com/xap/1.0/\0",
    _IPTC: b"Photoshop 3.0\x008BIM\x04\x04\0\0",
    _ICC: b"ICC_PROFILE\0\1\1",
    _MPO: b"MPF\0",
}
_MARKERS = {_EXIF: 0xE1, _XMP: 0xE1, _IPTC: 0xED, _ICC: 0xE2, _MPO: 0xE2}
_CHUNKS = {_EXIF: b"eXIf", _XMP: b"iTXt", _IPTC: b"tEXt", _ICC: b"iCCP", _MPO: b"zTXt"}
_RIFFS = {_EXIF: b"EXIF", _XMP: b"XMP ", _IPTC: b"IPTC", _ICC: b"ICCP", _MPO: b"MPF "}
_TURNS = [None, *Image.Transpose]

PACKET = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" xmp:Rating="4"
 exif:DateTimeOriginal="2021-05-06T07:08:09" exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17.4W"
 tiff:Orientation="6" photoshop:Headline="A head" hdrgm:Version="1.0"><dc:subject><rdf:Bag>
 <rdf:li>one</rdf:li><rdf:li xml:lang="x-default">two &amp; &#x41;</rdf:li></rdf:Bag></dc:subject>
 <dc:title><rdf:Alt><rdf:li>title</rdf:li></rdf:Alt></dc:title><xmp:CreatorTool>tool</xmp:CreatorTool>
 <exif:DateTimeOriginal>2001-02-03T04:05:06</exif:DateTimeOriginal></rdf:Description></rdf:RDF></x:xmpmeta>"""


def _exif() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Maker", "Model"
    exif[ExifTags.Base.ImageDescription] = "a description"
    exif[0x4746], exif[0x9C9E] = 3, "one;two".encode("utf-16-le")
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2021:05:06 07:08:09"
    details[0x9291], details[0x9011] = "123", "+02:00"
    details[ExifTags.Base.ExposureTime] = (1, 60)
    details[ExifTags.Base.UserComment] = b"ASCII\0\0\0a comment"
    details[ExifTags.Base.MakerNote] = b"Nikon\0" + bytes(40)
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[1], gps[2], gps[3], gps[4] = "N", (48.0, 51.0, 30.0), "W", (2.0, 17.0, 24.0)
    return exif.tobytes().removeprefix(b"Exif\0\0")


def _iptc() -> bytes:
    entries = ((5, b"title"), (25, b"keyword"), (25, b"another"), (120, b"caption \xc3\xa9"))
    block = b"".join(struct.pack(">BBBH", 0x1C, 2, kind, len(text)) + text for kind, text in entries)
    return struct.pack(">I", len(block)) + block


def _multi_picture() -> bytes:
    data = saved(picture("RGB"), "MPO", save_all=True, append_images=[picture("RGB")])
    start = data.find(b"MPF\0") + 4
    return data[start : start + 200]


@cache
def _carriers() -> tuple[bytes, bytes, bytes]:
    image = picture("RGB")
    return (
        saved(image, "JPEG"),
        saved(image, "PNG"),
        saved(image, "WEBP", exif=b"Exif\0\0" + _exif(), icc_profile=b"x"),
    )


def carried(data: bytes) -> bytes:
    """The image that an input stands for."""
    kind, carrier, block = data[0] % _KINDS, data[0] // _KINDS % 3, data[1:]
    image = _carriers()[carrier]
    if carrier == _JPEG:
        body = (_HEADS[kind] + block)[:0xFFFD]
        return image[:2] + bytes((0xFF, _MARKERS[kind])) + struct.pack(">H", len(body) + 2) + body + image[2:]
    if carrier == _PNG:
        if kind != _EXIF:
            named = {
                _XMP: b"XML:com.adobe.xmp\0\0\0\0\0",
                _IPTC: b"Title\0",
                _ICC: b"icc\0\0",
                _MPO: b"Comment\0\0",
            }
            packed = kind in (_ICC, _MPO)
            block = named[kind] + (zlib.compress(block, 1) if packed else block)
        name = _CHUNKS[kind]
        chunk = struct.pack(">I", len(block)) + name + block + struct.pack(">I", zlib.crc32(name + block))
        return image[:33] + chunk + image[33:]
    name = _RIFFS[kind]
    at = image.find(b"EXIF" if kind != _ICC else b"ICCP")
    chunk = name + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
    length = 8 + int.from_bytes(image[at + 4 : at + 8], "little")
    whole = image[:at] + chunk + image[at + length + length % 2 :]
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


@cache
def _upright() -> list[set[bytes]]:
    """The lumas of each carrier in all eight orientations."""
    found = []
    for data in _carriers():
        luma = decode(data).luma
        turns = [luma if turn is None else luma.transpose(turn) for turn in _TURNS]
        found.append({bytes(f"{one.size}", "ascii") + one.tobytes() for one in turns})
    return found


def _in_its_block(data: bytes, chance: random.Random) -> bytes:
    """Change the block and leave the first byte."""
    change = changed_directory if data[0] % _KINDS in (_EXIF, _MPO) else changed_bytes
    return data[:1] + change(data[1:], chance)


def _elsewhere(data: bytes, chance: random.Random) -> bytes:
    """Put the block into another format, or call it another one."""
    return bytes((chance.randrange(_KINDS * 3),)) + data[1:]


class Metadata:
    """See above."""

    name = "metadata"
    seconds = 4.0
    inputs_a_child = 2_000

    def seeds(self) -> Sequence[bytes]:
        """Return each block in each format."""
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        blocks = {_EXIF: _exif(), _XMP: PACKET, _IPTC: _iptc(), _ICC: srgb, _MPO: _multi_picture()}
        return [
            bytes((kind + _KINDS * place,)) + block for kind, block in blocks.items() for place in range(3)
        ]

    def mutators(self) -> Sequence[Mutator]:
        """Return those that keep to the block."""
        return (_in_its_block, _in_its_block, _in_its_block, _elsewhere)

    def prepare(self) -> None:
        """Decode what the images show without the blocks."""
        _upright()

    def check(self, data: bytes) -> str:
        """Look into an image; what is written in it must neither change nor spoil its pixels."""
        data = data or b"\0"
        image = carried(data)
        try:
            decoded = decode(image)
        except UnreadableImage as exc:
            raise WrongAnswer(f"metadata makes a sound image unreadable: {exc}") from exc
        shown = bytes(f"{decoded.luma.size}", "ascii") + decoded.luma.tobytes()
        if shown not in _upright()[data[0] // _KINDS % 3]:
            raise WrongAnswer("metadata changes the pixels of an image")
        held = read_holdings(io.BytesIO(image))
        check_holdings(held)
        return "read" if held.words or held.captured_at or held.place or held.rating else "nothing in it"


TARGET = Metadata()
