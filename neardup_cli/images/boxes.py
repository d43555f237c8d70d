"""The boxes of an ISO-BMFF file (HEIC, AVIF): which images, sequences and films it holds; no pixels."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

_MOST_BOXES = 10_000
_LARGEST_DIRECTORY = 16 << 20  # of a "meta" or "moov" box; those of thousands of tiles are below 1 MB
_PARENTS = {b"iprp", b"ipco", b"trak", b"mdia", b"minf", b"stbl"}
_CODED = {b"hvc1", b"av01", b"avc1", b"jpeg", b"j2k1", b"vvc1", b"unci", b"grid", b"iovl", b"iden"}
_HIDDEN = 1
_GAIN_MAPS = (b"urn:com:apple:photo:2020:aux:hdrgainmap", b"urn:iso:std:iso:ts:21496:-1")
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_WIDE_PRIMARIES = {9, 11, 12}  # Rec. 2020, DCI-P3, Display P3, by ITU-T H.273


class Box(NamedTuple):
    """A box's type and what it holds."""

    kind: bytes
    body: bytes


@dataclass(slots=True)
class Container:
    """What the boxes say.

    Attributes:
        pictures: full images beside the primary one.
        frames: samples of the longest sequence of images; 0 without one.
        duration_ms: of that sequence.
        film_bytes: of a motion photo's film.
        depth: bits of a channel of the primary image; 0 where it is not said.
        icc: its colour profile; empty without one.
    """

    pictures: int = 0
    frames: int = 0
    duration_ms: int = 0
    film_bytes: int = 0
    gain_map: bool = False
    has_alpha: bool = False
    depth: int = 0
    wide_primaries: bool = False
    icc: bytes = b""


@dataclass(slots=True)
class _Items:
    """The items of a "meta" box, and which of them are no image of their own."""

    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    parts: set[int] = field(default_factory=set)  # thumbnails, auxiliary images, tiles
    primary: int = 0
    properties: list[Box] = field(default_factory=list)
    assigned: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


def read_container(stream: BinaryIO) -> Container:
    """Read the boxes of a file; what is broken in them counts as not there."""
    found = Container()
    for kind, start, length, _ in top_level(stream):
        if kind == b"mpvd":
            found.film_bytes = length
        elif kind in (b"meta", b"moov") and length <= _LARGEST_DIRECTORY:
            stream.seek(start)
            body = stream.read(length)
            if kind == b"meta":
                _read_meta(body[4:], found)
            else:
                _read_movie(body, found)
    return found


def top_level(stream: BinaryIO) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield type, start and length of the content of each box of a file, and the length that it promises."""
    end = stream.seek(0, os.SEEK_END)
    at = 0
    for _ in range(_MOST_BOXES):
        stream.seek(at)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, header = int.from_bytes(head[:4]), 8
        if length == 1:
            length, header = int.from_bytes(head[8:16]), 16
        elif length == 0:
            length = end - at
        if length < header:
            return
        yield head[4:8], at + header, min(length, end - at) - header, length - header
        at += length


def boxes_in(body: bytes) -> Iterator[Box]:
    """Yield the boxes inside another one's content."""
    at = 0
    for _ in range(_MOST_BOXES):
        length, kind = int.from_bytes(body[at : at + 4]), body[at + 4 : at + 8]
        header = 8
        if length == 1:
            length, header = int.from_bytes(body[at + 8 : at + 16]), 16
        elif length == 0:
            length = len(body) - at
        if length < header or len(kind) < 4:
            return
        yield Box(kind, body[at + header : at + length])
        at += length


def _read_meta(body: bytes, found: Container) -> None:
    items = _Items()
    for box in boxes_in(body):
        if box.kind == b"pitm":
            items.primary = int.from_bytes(box.body[4:8] if box.body[:1] > b"\0" else box.body[4:6])
        elif box.kind == b"iinf":
            _read_infos(box.body, items)
        elif box.kind == b"iref":
            _read_references(box.body, items)
        elif box.kind == b"iprp":
            for inner in boxes_in(box.body):
                if inner.kind == b"ipco":
                    items.properties = list(boxes_in(inner.body))
                elif inner.kind == b"ipma":
                    _read_assignments(inner.body, items)
    images = {item for item, kind in items.kinds.items() if kind in _CODED}
    found.pictures = len(images - items.hidden - items.parts - {items.primary})
    auxiliary = [box.body for box in items.properties if box.kind == b"auxC"]
    found.gain_map = b"tmap" in items.kinds.values() or any(
        name in body for body in auxiliary for name in _GAIN_MAPS
    )
    found.has_alpha = any(name in body for body in auxiliary for name in _ALPHA)
    _read_properties(items, found)


def _read_infos(body: bytes, items: _Items) -> None:
    for box in boxes_in(body[6:] if body[:1] == b"\0" else body[8:]):
        version = box.body[0] if box.body else 0
        if box.kind != b"infe" or version < 2:
            continue
        wide = 4 if version > 2 else 2
        item = int.from_bytes(box.body[4 : 4 + wide])
        items.kinds[item] = box.body[6 + wide : 10 + wide]
        if box.body[3] & _HIDDEN:
            items.hidden.add(item)


def _read_references(body: bytes, items: _Items) -> None:
    wide = 4 if body[:1] > b"\0" else 2
    for box in boxes_in(body[4:]):
        numbers = [int.from_bytes(box.body[:wide])]
        rest = box.body[wide + 2 :]
        numbers += [int.from_bytes(rest[at : at + wide]) for at in range(0, len(rest), wide)]
        if box.kind in (b"thmb", b"auxl"):
            items.parts.add(numbers[0])
        elif box.kind == b"dimg":  # made of others: a grid of its tiles, a tone map of image and gain map
            items.parts.update(numbers[1:])


def _read_assignments(body: bytes, items: _Items) -> None:
    wide_item, wide_index = body[:1] > b"\0", bool(body[3] & 1) if len(body) > 3 else False
    at = 8
    for _ in range(min(int.from_bytes(body[4:8]), _MOST_BOXES)):
        size = 4 if wide_item else 2
        item, count = int.from_bytes(body[at : at + size]), int.from_bytes(body[at + size : at + size + 1])
        at += size + 1
        step = 2 if wide_index else 1
        for _ in range(count):
            index = int.from_bytes(body[at : at + step]) & (0x7FFF if wide_index else 0x7F)
            items.assigned[item].append(index)
            at += step
        if at >= len(body):
            return


def _read_properties(items: _Items, found: Container) -> None:
    indices = items.assigned.get(items.primary, [])
    own = [items.properties[i - 1] for i in indices if 0 < i <= len(items.properties)]
    for box in [*own, *items.properties]:  # a grid may leave its depth to its tiles
        body = box.body
        if found.depth == 0:
            found.depth = _depth(box)
        if box.kind == b"colr" and box in own:
            if body[:4] in (b"prof", b"rICC"):
                found.icc = body[4:]
            elif body[:4] == b"nclx":
                found.wide_primaries = int.from_bytes(body[4:6]) in _WIDE_PRIMARIES


def _depth(box: Box) -> int:
    body = box.body
    if box.kind == b"pixi" and len(body) > 5:
        return max(body[5 : 5 + body[4]], default=0)
    if box.kind == b"hvcC" and len(body) > 17:
        return (body[17] & 7) + 8
    if box.kind == b"av1C" and len(body) > 2:
        return (12 if body[2] & 0x20 else 10) if body[2] & 0x40 else 8
    return 0


def _read_movie(body: bytes, found: Container) -> None:
    for track in boxes_in(body):
        if track.kind != b"trak":
            continue
        inside = _flat(track.body)
        if inside.get(b"hdlr", b"")[8:12] not in (b"pict", b"vide"):
            continue
        samples = int.from_bytes(inside.get(b"stsz", b"")[8:12])
        if samples > found.frames:
            found.frames = samples
            found.duration_ms = _duration(inside.get(b"mdhd", b""))


def _flat(body: bytes, depth: int = 0) -> dict[bytes, bytes]:
    """Return the boxes of a track by type, whatever holds them."""
    found: dict[bytes, bytes] = {}
    for box in boxes_in(body):
        found.setdefault(box.kind, box.body)
        if box.kind in _PARENTS and depth < len(_PARENTS):
            found = _flat(box.body, depth + 1) | found
    return found


def _duration(header: bytes) -> int:
    at, wide = (20, 8) if header[:1] == b"\1" else (12, 4)
    scale = int.from_bytes(header[at : at + 4])
    length = int.from_bytes(header[at + 4 : at + 4 + wide])
    unknown = length == (1 << 8 * wide) - 1
    return 0 if not scale or unknown else min(round(length * 1000 / scale), 1 << 40)
