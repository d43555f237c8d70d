"""Changes to inputs: of bytes, whatever they mean, and of the parts of the forms that images and models have.

What knows a form keeps its sums and lengths right, so that the change is read and not refused at the door.
"""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

type Mutator = Callable[[bytes, random.Random], bytes]

LARGEST_INPUT = 4 << 20
_EDGES = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 1000, 0x7FFF, 0x8000, 0xFFFF, 1 << 16, 1 << 24)
_WIDE_EDGES = (*_EDGES, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 1 << 32, (1 << 63) - 1, (1 << 64) - 1)


def mutated(pool: Sequence[bytes], mutators: Sequence[Mutator], chance: random.Random) -> bytes:
    """Return an input of the pool, changed once to four times."""
    data = chance.choice(pool)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        if chance.random() < 0.05:
            data = spliced(data, chance.choice(pool), chance)
        elif data and mutators and chance.random() < 0.6:
            data = chance.choice(mutators)(data, chance)
        else:
            data = changed_bytes(data, chance)
    return data[:LARGEST_INPUT]


# --- bytes ----------------------------------------------------------------------------------------------


def changed_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip, set, repeat, remove, insert or cut."""
    if not data:
        return chance.randbytes(chance.choice((1, 4, 100)))
    return chance.choice(_BYTES)(data, chance)


def spliced(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return the beginning of one input and the end of another."""
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def _place(data: bytes, chance: random.Random) -> int:
    """Return a place, in half of all cases near the beginning, where headers are."""
    return chance.randrange(min(len(data), 128) if chance.random() < 0.5 else len(data))


def _flip(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 30))):
        out[_place(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(out)


def _set(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 3))):
        out[_place(data, chance)] = chance.choice((0, 255, 127, 128, chance.randrange(256)))
    return bytes(out)


def _number(data: bytes, chance: random.Random) -> bytes:
    size = chance.choice((2, 4, 4, 8))
    number = chance.choice(_WIDE_EDGES) % (1 << 8 * size)
    at = _place(data, chance)
    return data[:at] + number.to_bytes(size, chance.choice(("little", "big"))) + data[at + size :]


def _remove(data: bytes, chance: random.Random) -> bytes:
    at, length = _place(data, chance), chance.choice((1, 2, 4, 16, 200))
    return data[:at] + data[at + length :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    at, length = _place(data, chance), chance.choice((1, 4, 12, 64, 500))
    times = chance.choice((1, 1, 2, 2, 2, 10, 10, 100, 1000, 100_000))
    part = data[at : at + length]
    return data[:at] + part * min(times, (LARGEST_INPUT - len(data)) // max(1, len(part))) + data[at:]


def _insert(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    part = chance.choice((b"\0" * 8, b"\xff" * 8, b" " * 5_000, b"<" * 1000, b"9" * 400, chance.randbytes(9)))
    return data[:at] + part + data[at:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _zeros(data: bytes, chance: random.Random) -> bytes:
    begin, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:begin] + bytes(end - begin) + data[end:]


_BYTES: tuple[Mutator, ...] = (
    _flip,
    _flip,
    _set,
    _set,
    _number,
    _number,
    _remove,
    _repeat,
    _insert,
    _cut,
    _zeros,
)


# --- parts with a length: PNG, JPEG, RIFF, ISO boxes -----------------------------------------------------


def changed_part(data: bytes, chance: random.Random) -> bytes:
    """Change the content of a chunk, segment or box, drop, repeat or move it; lengths and sums agree."""
    form = next((form for magic, form in _FORMS if magic(data)), None)
    if form is None:
        return changed_bytes(data, chance)
    split, join = form
    head, parts, tail = split(data)
    if not parts:
        return changed_bytes(data, chance)
    at = chance.randrange(len(parts))
    kind, body = parts[at]
    what = chance.randrange(8)
    if what == 0:
        del parts[at]
    elif what == 1:
        parts.insert(chance.randrange(len(parts)), (kind, body))
    elif what == 2:
        parts.append(parts.pop(at))
    elif what == 3:
        parts[at] = parts[chance.randrange(len(parts))][0], body
    elif kind in _NESTED and chance.random() < 0.8:
        parts[at] = kind, _changed_nested(kind, body, chance)
    else:
        parts[at] = kind, changed_bytes(body, chance)
    return head + b"".join(join(kind, body) for kind, body in parts) + tail


type _Parts = list[tuple[bytes, bytes]]

_NESTED = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}


def _changed_nested(kind: bytes, body: bytes, chance: random.Random) -> bytes:
    skipped = _NESTED[kind]
    _, parts, tail = _split_boxes(body[skipped:])
    if not parts:
        return changed_bytes(body, chance)
    at = chance.randrange(len(parts))
    inner, content = parts[at]
    nested = inner in _NESTED and chance.random() < 0.8
    parts[at] = inner, _changed_nested(inner, content, chance) if nested else changed_bytes(content, chance)
    return body[:skipped] + b"".join(_join_box(*part) for part in parts) + tail


def _split_png(data: bytes) -> tuple[bytes, _Parts, bytes]:
    parts, at = [], 8
    while at + 12 <= len(data) and at + 12 + (length := int.from_bytes(data[at : at + 4])) <= len(data):
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return data[:8], parts, data[at:]


def _join_png(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _split_jpeg(data: bytes) -> tuple[bytes, _Parts, bytes]:
    parts, at = [], 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data) and data[at + 1] not in (0xDA, 0xD9):
        length = int.from_bytes(data[at + 2 : at + 4])
        parts.append((data[at + 1 : at + 2], data[at + 4 : at + 2 + length]))
        at += 2 + max(2, length)
    return data[:2], parts, data[at:]


def _join_jpeg(kind: bytes, body: bytes) -> bytes:
    return b"\xff" + kind + struct.pack(">H", min(0xFFFF, len(body) + 2)) + body[:0xFFFD]


def _split_riff(data: bytes) -> tuple[bytes, _Parts, bytes]:
    parts, at = [], 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        parts.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return data[:12], parts, b""


def _join_riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _split_boxes(data: bytes) -> tuple[bytes, _Parts, bytes]:
    parts, at = [], 0
    while at + 8 <= len(data) and 8 <= (length := int.from_bytes(data[at : at + 4])) <= len(data) - at:
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + length]))
        at += length
    return b"", parts, data[at:]


def _join_box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


type _Split = Callable[[bytes], tuple[bytes, _Parts, bytes]]
type _Join = Callable[[bytes, bytes], bytes]
_FORMS: tuple[tuple[Callable[[bytes], bool], tuple[_Split, _Join]], ...] = (
    (lambda data: data.startswith(b"\x89PNG"), (_split_png, _join_png)),
    (lambda data: data.startswith(b"\xff\xd8"), (_split_jpeg, _join_jpeg)),
    (lambda data: data.startswith(b"RIFF"), (_split_riff, _join_riff)),
    (lambda data: data[4:8] in (b"ftyp", b"jP  "), (_split_boxes, _join_box)),
)


# --- TIFF, and EXIF, which is one -----------------------------------------------------------------------


def changed_directory(data: bytes, chance: random.Random) -> bytes:
    """Change tag, type, count or value of an entry of a TIFF's directory, wherever in the data it begins."""
    start = next((at for at in map(data.find, (b"II*\0", b"MM\0*")) if at >= 0), -1)
    if start < 0:
        return changed_bytes(data, chance)
    order = "<" if data[start : start + 1] == b"I" else ">"
    entries = list(_entries(data, start, order))
    if not entries:
        return changed_bytes(data, chance)
    at = chance.choice(entries)
    out = bytearray(data)
    what = chance.randrange(4)
    if what == 0:
        out[at : at + 2] = struct.pack(order + "H", chance.choice(_TAGS))
    elif what == 1:
        out[at + 2 : at + 4] = struct.pack(order + "H", chance.choice((*range(15), 255, 65535)))
    else:
        place = at + (4 if what == 2 else 8)
        number = chance.choice((*_WIDE_EDGES, len(data) - start, at - start)) % (1 << 32)
        out[place : place + 4] = struct.pack(order + "I", number)
    return bytes(out)


_TAGS = (
    254, 256, 257, 258, 259, 262, 270, 273, 274, 277, 279, 282, 284, 305, 306, 320, 324, 330, 339, 700,
    0x4746, 0x8769, 0x8825, 0x829A, 0x9003, 0x9291, 0x927C, 0x9286, 0x9C9E, 0xA005, 0xA420, 1, 2, 3, 4,
)  # fmt: skip


def _entries(data: bytes, start: int, order: str) -> Iterator[int]:
    """Yield where the entries of the first directories stand, those of EXIF and GPS included."""
    places = [start + int.from_bytes(data[start + 4 : start + 8], _ORDERS[order])]
    seen: set[int] = set()
    while places and len(seen) < 8:
        place = places.pop()
        if place in seen or place + 2 > len(data):
            continue
        seen.add(place)
        count = int.from_bytes(data[place : place + 2], _ORDERS[order])
        for number in range(min(count, 64)):
            at = place + 2 + 12 * number
            if at + 12 > len(data):
                break
            yield at
            if int.from_bytes(data[at : at + 2], _ORDERS[order]) in (0x8769, 0x8825, 0xA005):
                places.append(start + int.from_bytes(data[at + 8 : at + 12], _ORDERS[order]))


_ORDERS: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


# --- protocol buffers (ONNX) and ZIP (TorchScript) -------------------------------------------------------


def changed_message(data: bytes, chance: random.Random) -> bytes:
    """Change one field of a protocol buffer, at any depth; the lengths around it are made right again."""
    fields = list(_fields(data))
    if not fields or b"".join(raw for raw, *_ in fields) != data:
        return changed_bytes(data, chance)
    at = chance.randrange(len(fields))
    raw, key, value = fields[at]
    what = chance.randrange(10)
    if what == 0:
        raw = b""
    elif what == 1:
        raw *= chance.choice((2, 2, 50))
    elif isinstance(value, int):
        raw = _varint(key) + _varint(chance.choice((*_WIDE_EDGES, value + 1, 20, 99)))
    elif value:
        inner = changed_message(value, chance) if chance.random() < 0.9 else changed_bytes(value, chance)
        raw = _varint(key) + _varint(len(inner)) + inner
    return b"".join(one if number != at else raw for number, (one, *_) in enumerate(fields))


def _fields(data: bytes) -> Iterator[tuple[bytes, int, int | bytes]]:
    """Yield each field's bytes, key, and content: a number, or the bytes of text or of another message."""
    at = 0
    while at < len(data):
        start = at
        key, at = _read_varint(data, at)
        wire = key & 7
        value: int | bytes
        if wire == 0:
            value, at = _read_varint(data, at)
        elif wire == 2:
            length, at = _read_varint(data, at)
            value, at = data[at : at + length], at + length
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = data[at : at + size], at + size
        else:
            return
        if at > len(data):
            return
        yield data[start:at], key, value if wire in (0, 2) else b""


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while at < len(data):
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return number, at


def _varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def changed_member(data: bytes, chance: random.Random) -> bytes:
    """Change one member of a ZIP archive, drop it, double it or give it another name."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return changed_bytes(data, chance)
    if not members:
        return changed_bytes(data, chance)
    at = chance.randrange(len(members))
    name, content = members[at]
    what = chance.randrange(8)
    if what == 0:
        del members[at]
    elif what == 1:
        members[at] = chance.choice(("../../evil", "/etc/passwd", name.upper(), members[0][0])), content
    elif what == 2:
        members[at] = name, members[chance.randrange(len(members))][1]
    else:
        members[at] = name, changed_bytes(content, chance)
    out = io.BytesIO()
    packed = zipfile.ZIP_DEFLATED if chance.random() < 0.1 else zipfile.ZIP_STORED
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", packed) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()
