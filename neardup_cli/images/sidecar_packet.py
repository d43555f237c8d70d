"""Writing an XMP sidecar: time, place, rating and words of an image, to be read by other programs and by us.

The packet is what darktable, digiKam and exiftool read: `exif:DateTimeOriginal` and `photoshop:DateCreated`,
`exif:GPSLatitude` and `exif:GPSLongitude`, `xmp:Rating`, and words as keywords. Which of them was a title, a
caption or a person's name is not known any more; in `dc:subject` there is room for all of them.

It is called after its image in full, `IMG_1.jpg.xmp`, as darktable and digiKam do. Adobe's `IMG_1.xmp` is for
raw files (into a JPEG its programs write), and beside `IMG_1.jpg` and `IMG_1.heic` it would say nothing of
which it means.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from neardup_cli.plans import Carried

_MINUTE = 10**8  # parts of a minute of arc that are written: a fifth of a millimetre at most
_OFFSET = re.compile(r"Z|[+-]\d\d:\d\d", re.ASCII)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AT_THE_EDGE = re.compile(r"\A[ \t\n]+|[ \t\n]+\Z")

_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="neardup">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"{properties}>{words}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def sidecar_path(image: bytes) -> bytes:
    """Return where the sidecar of an image is written."""
    return image + b".xmp"


def is_writable(word: str) -> bool:
    """Return True if XML can hold a word: not every control character, and no half of a character."""
    return _NOT_IN_XML.search(word) is None


def sidecar_packet(facts: Carried) -> bytes:
    """Return the whole sidecar, UTF-8; the same bytes for the same facts.

    Raises:
        ValueError: a word is not `is_writable`, or the place is none on Earth.
    """
    properties = "".join(
        f"\n    {name}={quoteattr(value)}" for name, value in _properties(facts).items() if value
    )
    words = "".join(f"\n     <rdf:li>{_element(word)}</rdf:li>" for word in facts.words)
    if words:
        words = f"\n   <dc:subject>\n    <rdf:Bag>{words}\n    </rdf:Bag>\n   </dc:subject>"
    return _PACKET.format(properties=properties, words=words).encode()


def _properties(facts: Carried) -> dict[str, str]:
    time = ""
    if facts.captured_at is not None:
        offset = facts.offset if _OFFSET.fullmatch(facts.offset) else ""
        time = facts.captured_at.isoformat() + offset
    latitude, longitude = ("", "") if facts.place is None else _place(*facts.place)
    return {
        "exif:DateTimeOriginal": time,
        "photoshop:DateCreated": time,
        "exif:GPSLatitude": latitude,
        "exif:GPSLongitude": longitude,
        "xmp:Rating": str(facts.rating) if facts.rating else "",
    }


def _place(latitude: float, longitude: float) -> tuple[str, str]:
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError("no place on Earth")
    return _coordinate(latitude, "NS"), _coordinate(longitude, "EW")


def _coordinate(degrees: float, sides: str) -> str:
    """Write degrees as XMP does, "48,51.50000000N": whole degrees, and minutes with their fraction."""
    whole, parts = divmod(round(abs(degrees) * 60 * _MINUTE), 60 * _MINUTE)
    minutes, fraction = divmod(parts, _MINUTE)
    return f"{whole},{minutes}.{fraction:08}{sides[degrees < 0]}"


def _element(word: str) -> str:
    """Escape a word, and what a reader would take for something else: layout at its edges, and "xmp:Rating".

    Packets are searched as text by many, by `sidecars.py` for one.
    """
    if not is_writable(word):
        raise ValueError("XML has no such characters")
    escaped = escape(word, {"\r": "&#13;", ":": "&#58;"})
    return _AT_THE_EDGE.sub(lambda edge: "".join(f"&#{ord(one)};" for one in edge[0]), escaped)
