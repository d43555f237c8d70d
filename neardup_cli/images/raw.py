"""Camera raw files, read by the extra `raw`: the picture that the camera has put into them, and their EXIF.

What is compared is the embedded preview: what the camera made of the shot, and nearly always at full size.
Where there is none worth the name, LibRaw develops the sensor's data at half their size. The content tells
the format: most raw files are TIFFs, and what makes them raw is that one of their images is a sensor's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.formats import RAW_FORMATS, sniff

SMALLEST_PREVIEW = 320
"""Pixels of the shorter side: what is smaller is a thumbnail, and the sensor's data are developed instead."""

_ORIENTATION, _SUB_IFDS, _PHOTOMETRIC = 0x0112, 0x014A, 0x0106
_MAKE, _SUBFILE, _DNG_VERSION = 0x010F, 0x00FE, 0xC612
_SENSOR = {32803, 34892}  # photometric interpretations: a colour filter array, linear raw
_BY_MAKE = (("NIKON", "NEF"), ("SONY", "ARW"), ("PENTAX", "PEF"), ("RICOH", "PEF"), ("SAMSUNG", "SRW"))
_TIFF_ORDERS = {b"II": "<", b"MM": ">"}
_MOST_IFDS, _MOST_ENTRIES = 32, 512
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4}
_RAF_PREVIEW = 84  # where a RAF says where its JPEG is
_CR3_SEARCHED = 1 << 20
_FLIPPED_ON_SIDE = {5, 6}  # LibRaw's: a quarter turn


class Preview(NamedTuple):
    """The picture in a raw file.

    Attributes:
        jpeg: it as a file; empty where LibRaw has developed it.
        pixels: developed pixels, upright; None where there is a JPEG.
    """

    jpeg: bytes
    pixels: Image.Image | None


class RawImage(ImageFile.ImageFile):
    """A raw file as Pillow shows an image: as large as it would be developed, its pixels the preview's.

    Attributes:
        upright_size: width and height of the developed image, as it is to be looked at.
        depth: bits of a channel, as many as a sensor's may have: counting them costs as much as developing.
    """

    format = "RAW"
    depth = 16
    format_description = "camera raw file"

    def _open(self) -> None:
        assert self.fp is not None
        self._content = self.fp.read()
        self.format = raw_format(BytesIO(self._content)) or "RAW"
        self.upright_size = _measured(self._content)
        self._size, self._mode = self.upright_size, "RGB"
        self._shown = False

    def preview(self, max_pixels: int = DEFAULT_MAX_PIXELS) -> Preview:
        """Return its picture.

        Raises:
            ImageTooLarge: it has to be developed, and has more pixels than allowed.
            UnreadableImage: LibRaw cannot read it.
        """
        return _preview(self._content, max_pixels)

    def getexif(self) -> Image.Exif:
        """Return the raw file's own EXIF, empty where there is none that can be read."""
        if not hasattr(self, "_own_exif"):
            self._own_exif = read_raw_exif(self._content)
        return self._own_exif

    def load(self) -> Any:  # noqa: ANN401 (Pillow's own pixels)
        """Load the pixels of the preview, upright, in RGB."""
        if not self._shown:
            self._shown, self.tile = True, []
            found = self.preview()
            pixels = found.pixels
            if pixels is None:
                pixels = JpegImagePlugin.JpegImageFile(BytesIO(found.jpeg), "").convert("RGB")
            self._size, self._mode, self.im = pixels.size, pixels.mode, pixels.im
        return super().load()


def says_orientation(exif: Image.Exif) -> bool:
    """Return True if EXIF says which way up its image is."""
    found = exif.get(_ORIENTATION)
    return isinstance(found, int) and 1 <= found <= 8


# --- what LibRaw says -----------------------------------------------------------------------------------


def _opened(content: bytes) -> Any:  # noqa: ANN401 (the package is an extra)
    import rawpy

    raw = rawpy.RawPy()
    try:
        raw.open_buffer(BytesIO(content))
    except rawpy.LibRawError as error:
        raise _unreadable(error) from error
    return raw


def _unreadable(error: Exception) -> UnreadableImage:
    import rawpy

    if isinstance(error, rawpy.LibRawFileUnsupportedError):
        return UnreadableImage("unsupported: LibRaw does not know this raw file")
    if isinstance(error, rawpy.LibRawUnsufficientMemoryError):
        return ImageTooLarge("no memory")
    return UnreadableImage("corrupt: broken raw file")


def _measured(content: bytes) -> tuple[int, int]:
    """Return the upright size in pixels."""
    with _opened(content) as raw:
        sizes = raw.sizes
        size = (sizes.width, sizes.height)
        return size[::-1] if sizes.flip in _FLIPPED_ON_SIDE else size


def _preview(content: bytes, max_pixels: int) -> Preview:
    import rawpy

    with _opened(content) as raw:
        try:
            thumbnail = raw.extract_thumb()
        except rawpy.LibRawError:  # none, or one of an unknown kind
            thumbnail = None
        if thumbnail is not None and thumbnail.format == rawpy.ThumbFormat.JPEG:
            jpeg = bytes(thumbnail.data)
            if _short_side(jpeg) >= min(SMALLEST_PREVIEW, raw.sizes.width, raw.sizes.height):
                return Preview(jpeg, None)
        if raw.sizes.width * raw.sizes.height > max_pixels:
            raise ImageTooLarge("too many pixels to be developed")
        try:
            raw.unpack()
            developed = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
        except rawpy.LibRawError as error:
            raise _unreadable(error) from error
        return Preview(b"", Image.fromarray(developed))


def _short_side(jpeg: bytes) -> int:
    try:
        return min(JpegImagePlugin.JpegImageFile(BytesIO(jpeg), "").size)
    except Exception:  # Pillow has no closed list of what it raises
        return 0


# --- what a content is ----------------------------------------------------------------------------------


def raw_format(stream: BinaryIO) -> str | None:
    """Name the raw format of a content by what is in it; None if it is no raw file. Its place is kept."""
    position = stream.tell()
    try:
        stream.seek(0)
        head = stream.read(16)
        if head[8:10] == b"CR" and head[:4] == b"II*\0":
            return "CR2"
        if head[8:12] == b"IIII" and head[:4] == b"II*\0":
            return "RAW"  # Phase One's
        found = _by_signature(head)
        return found or (_of_tiff(stream) if head[:4] in (b"II*\0", b"MM\0*") else None)
    except (struct.error, OSError, ValueError):
        return None
    finally:
        stream.seek(position)


def _by_signature(head: bytes) -> str | None:
    name = sniff(head.ljust(64, b"\0"))
    return name if name in RAW_FORMATS else None


def _of_tiff(stream: BinaryIO) -> str | None:
    """Look through the directories of a TIFF for a sensor's image."""
    first: dict[int, bytes] = {}
    is_raw = False
    for place, entries in enumerate(_directories(stream)):
        first = first or entries
        is_raw = is_raw or _number(entries.get(_PHOTOMETRIC, b"")) in _SENSOR
        # A camera's thumbnail in front of its other images.
        reduced = place == 0 and _number(entries.get(_SUBFILE, b"")) & 1 and _SUB_IFDS in entries
        is_raw = is_raw or bool(reduced and _MAKE in entries)
    if not is_raw:
        return None
    if _DNG_VERSION in first:
        return "DNG"
    make = first.get(_MAKE, b"").upper()
    return next((name for begins, name in _BY_MAKE if make.startswith(begins.encode())), "RAW")


def _directories(stream: BinaryIO) -> Iterator[dict[int, bytes]]:
    """Yield the entries of each directory of a TIFF, by tag; numbers in little endian, most of them short."""
    stream.seek(0)
    head = stream.read(8)
    order = _TIFF_ORDERS[head[:2]]
    pending = [struct.unpack(order + "I", head[4:])[0]]
    seen: set[int] = set()
    while pending and len(seen) < _MOST_IFDS:
        at = pending.pop(0)
        if not at or at in seen:
            continue
        seen.add(at)
        stream.seek(at)
        count = min(struct.unpack(order + "H", stream.read(2))[0], _MOST_ENTRIES)
        table = stream.read(12 * count + 4)
        entries = {}
        for number in range(count):
            tag, kind, length, value = struct.unpack(order + "HHI4s", table[12 * number : 12 * number + 12])
            entries[tag] = _value(stream, order, kind, length, value)
        subs = entries.get(_SUB_IFDS, b"")
        pending += [int.from_bytes(subs[at : at + 4], "little") for at in range(0, len(subs), 4)]
        pending.append(struct.unpack(order + "I", table[12 * count :])[0])
        yield entries


def _value(stream: BinaryIO, order: str, kind: int, length: int, value: bytes) -> bytes:
    """Return the bytes of an entry, a few at most; of numbers each in little endian."""
    size = _SIZES.get(kind, 0)
    wanted = min(size * length, 64)
    if size * length > 4:
        stream.seek(struct.unpack(order + "I", value)[0])
        value = stream.read(wanted)
    value = value[:wanted]
    if order == "<" or size < 2:
        return value
    return b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))


def _number(value: bytes) -> int:
    return int.from_bytes(value[:4], "little")


# --- EXIF -----------------------------------------------------------------------------------------------


def read_raw_exif(content: bytes) -> Image.Exif:
    """Return the EXIF of a raw file; of what is broken, nothing."""
    for part in _with_exif(content):
        try:
            exif = Image.Exif()
            exif.load(part)
            if len(exif):
                return _with_details_of_cr3(exif, content)
        except Exception:  # the parser meets bytes from anywhere and has no closed list of what it raises
            continue
    return Image.Exif()


def _with_exif(content: bytes) -> Iterator[bytes]:
    """Yield what may be a TIFF with the EXIF in it, in a TIFF's own dress."""
    if content.startswith(b"FUJIFILM"):
        at = int.from_bytes(content[_RAF_PREVIEW : _RAF_PREVIEW + 4])
        start = content.find(b"Exif\0\0", at, at + (64 << 10)) if at else -1
        if start >= 0:
            yield content[start : start + (1 << 20)]
    elif content[4:12] == b"ftypcrx ":
        yield _cr3_part(content, b"CMT1")
    elif content[:4] in (b"II*\0", b"MM\0*"):
        yield content
    elif content[:2] in _TIFF_ORDERS:  # Olympus and Panasonic write another number for 42
        yield content[:2] + (b"*\0" if content[:2] == b"II" else b"\0*") + content[4:]


def _cr3_part(content: bytes, name: bytes) -> bytes:
    at = content.find(name, 0, _CR3_SEARCHED)
    return b"" if at < 4 else content[at + 4 : at - 4 + int.from_bytes(content[at - 4 : at])]


def _with_details_of_cr3(exif: Image.Exif, content: bytes) -> Image.Exif:
    """Add the exposure and the place, which a CR3 keeps in boxes of their own."""
    if content[4:12] != b"ftypcrx ":
        return exif
    for name, which in ((b"CMT2", ExifTags.IFD.Exif), (b"CMT4", ExifTags.IFD.GPSInfo)):
        if part := _cr3_part(content, name):
            details = Image.Exif()
            details.load(part)
            exif._ifds[which] = dict(details)
    return exif
