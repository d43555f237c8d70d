"""Sidecars: XMP packets, Takeout's JSON, and other programs' edits, read where their image may go."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence

from neardup_cli.images.sidecars import read_sidecar
from neardup_cli.images.xmp import values_of
from tests.fuzz.engine import Mutator
from tests.fuzz.mutate import LARGEST_INPUT
from tests.fuzz.targets.metadata import PACKET
from tests.fuzz.told import check_place, check_texts
from tests.fuzz.trees import changed_json

_TAKEOUT = {
    "title": "IMG_1.jpg",
    "description": "a day",
    "photoTakenTime": {"timestamp": "1600000000", "formatted": "x"},
    "geoData": {"latitude": 48.5, "longitude": 2.25, "altitude": 1.0},
    "people": [{"name": "somebody"}],
    "favorited": True,
}
_EDITED = b'<x:xmpmeta><rdf:Description crs:Exposure2012="+0.5" darktable:history_end="3"/></x:xmpmeta>'
_ENDINGS = (".xmp", ".json", ".thm", ".pp3")


class Sidecars:
    """See above. The last byte of an input says which ending the file has."""

    name = "sidecar"
    seconds = 4.0
    inputs_a_child = 2_000

    def seeds(self) -> Sequence[bytes]:
        """Return a sidecar of each kind, and long ones in which nothing ends."""
        takeout = json.dumps(_TAKEOUT).encode()
        endless = [
            start * (300_000 // len(start))
            for start in (b"<dc:subject ", b"<rdf:li>", b"<rdf:li ", b"exif:GPSLatitude=")
        ]
        spaces = b"<dc:subject><rdf:li>" + b" " * 300_000 + b"</dc:subject>"
        xmp = [PACKET, _EDITED, spaces, *endless]
        return [*(data + b"\0" for data in xmp), takeout + b"\1", b"[General]\nRank=1\n\3"]

    def mutators(self) -> Sequence[Mutator]:
        """Return one that knows JSON."""
        return (lambda data, chance: changed_json(data[:-1], chance) + data[-1:],)

    def prepare(self) -> None:
        """Make place for the file."""
        self._folder = tempfile.mkdtemp()

    def check(self, data: bytes) -> str:
        """Read a sidecar, and the packet as it stands in an image."""
        data = data or b"\0"
        path = os.fsencode(os.path.join(self._folder, "a" + _ENDINGS[data[-1] % len(_ENDINGS)]))
        with open(path, "wb") as stream:
            stream.write(data[:-1][:LARGEST_INPUT])
        facts = read_sidecar(path)
        check_place(facts.place)
        assert -1 <= facts.rating <= 9
        check_texts([])
        for name in ("dc:subject", "exif:DateTimeOriginal", "xmp:Rating"):
            values_of(data[: 1 << 20], name)
        return "an edit" if facts.edit else "facts" if facts.words or facts.captured_at else "nothing in it"


TARGET = Sidecars()
