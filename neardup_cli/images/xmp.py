"""An XMP packet, read as text: one that no XML parser would take still counts, and none costs much.

Every search goes forward only, so that the time is proportional to the packet whatever it holds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from PIL import Image

_TAG = 700  # TIFF
_LONGEST_PACKET = 1 << 20
_MOST_VALUES = 1000
_ITEM = b"<rdf:li"
_MARKUP = re.compile(r"<[^<>]*>")


def packet_of(image: Image.Image, exif: Image.Exif) -> bytes:
    """Return the XMP packet of an image, up to a megabyte of it; empty without one."""
    candidates = [image.info.get("xmp"), image.info.get("XML:com.adobe.xmp")]
    try:
        candidates.append(exif.get(_TAG))
    except Exception:  # entries are parsed when they are asked for, from bytes of any content
        candidates.append(None)
    for found in candidates:
        if isinstance(found, bytes):
            return found[:_LONGEST_PACKET]
        if isinstance(found, str):
            return found[:_LONGEST_PACKET].encode("utf-8", "replace")
    return b""


def values_of(packet: bytes, name: str) -> list[str]:
    """Return the values of a property ("dc:subject"): of attributes, elements, and the items of lists."""
    values = [*_attributes(packet, name.encode()), *_elements(packet, name.encode())]
    return [value for value in values[:_MOST_VALUES] if value]


def value_of(packet: bytes, name: str) -> str:
    """Return the first value of a property, empty without one."""
    return next(iter(values_of(packet, name)), "")


def _attributes(packet: bytes, name: bytes) -> Iterator[str]:
    for place in re.finditer(rb"\s" + re.escape(name) + rb"\s{0,9}=\s{0,9}([\"'])", packet):
        end = packet.find(place[1], place.end())
        if end < 0:
            return
        yield _text(packet[place.end() : end])


def _elements(packet: bytes, name: bytes) -> Iterator[str]:
    at = 0
    while (start := packet.find(b"<" + name, at)) >= 0:
        opened = packet.find(b">", start)
        end = packet.find(b"</" + name, opened)
        if opened < 0 or end < 0:
            return
        at = end
        follows = packet[start + 1 + len(name) : start + 2 + len(name)]
        if follows not in (b">", b" ", b"\n", b"\r", b"\t"):  # another property that begins so, or <name/>
            continue
        inside = packet[opened + 1 : end]
        yield from _items(inside) if _ITEM in inside else (_text(inside),)


def _items(inside: bytes) -> Iterator[str]:
    for item in inside.split(_ITEM)[1 : _MOST_VALUES + 1]:
        yield _text(item.partition(b">")[2].partition(b"</rdf:li")[0])


def _text(value: bytes) -> str:
    return html.unescape(_MARKUP.sub(" ", value.decode("utf-8", "replace"))).strip(" \t\r\n\0")
