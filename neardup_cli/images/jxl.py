"""JPEG XL, read by the extra `jxl`: its header here, its pixels by libjxl through `pillow_jxl`.

The package's own Pillow plugin decodes all pixels before it says how many there are, and shows an animation
as an image of one frame. What a header says of both is read here, before libjxl is asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image, ImageFile, JpegImagePlugin

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.boxes import Box, boxes_in

_CODESTREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_INDEX = 4  # bytes of a box that holds a part of the codestream, before the part
_HEADER = 64
_OFFSET = 4  # bytes of the box with EXIF, before the EXIF
_GAIN_MAP, _PARTS, _WHOLE, _JPEG_DATA = b"jhgm", b"jxlp", b"jxlc", b"jbrd"
_ORIENTATION = 0x0112
_TIFF_HEADS = (b"II*\0", b"MM\0*")


class Header(NamedTuple):
    """What a codestream says of itself; the sides are as stored, before any turn."""

    width: int
    height: int
    animated: bool
    depth: int


class JxlImage(ImageFile.ImageFile):
    """A JPEG XL as Pillow shows an image: its size is known when it is opened, its pixels when it is loaded.

    Attributes:
        is_animated: whether it has several frames, of which the first one is shown.
        depth: bits of a channel.
        has_gain_map: whether it holds one beside its image.
        jpeg: the file that it was made of without loss, where it was and is loaded; else empty.
    """

    format = "JXL"
    format_description = "JPEG XL"

    def _open(self) -> None:
        assert self.fp is not None
        self._content = self.fp.read()
        boxes = [] if self._content.startswith(_CODESTREAM) else list(boxes_in(self._content))
        header = read_header(_codestream(self._content, boxes))
        self.is_animated, self.depth = header.animated, header.depth
        self.has_gain_map = any(box.kind == _GAIN_MAP for box in boxes)
        self.jpeg, self._was_jpeg = b"", any(box.kind == _JPEG_DATA for box in boxes)
        self._size, self._mode = (header.width, header.height), "RGB"
        self._loaded = False
        self._take_words(boxes)

    def load(self) -> Any:  # noqa: ANN401 (Pillow's own pixels)
        """Decode it, once: libjxl turns it upright, but for what it was made of without loss."""
        if not self._loaded:
            self._loaded, self.tile = True, []
            self._decode_all()
        return super().load()

    def getexif(self) -> Image.Exif:
        """Return its EXIF; it says upright where the pixels have been turned, or will be.

        Of a packed one (Brotli) nothing is known before the pixels are loaded.
        """
        exif = super().getexif()
        if not self._was_jpeg:
            exif.pop(_ORIENTATION, None)
        return exif

    def _decode_all(self) -> None:
        is_jpeg, info, pixels, icc, boxes = _decoded(self._content)
        self._exif = None
        if is_jpeg:
            self.jpeg = bytes(pixels)
            inner = JpegImagePlugin.JpegImageFile(BytesIO(self.jpeg), "")
            inner.load()
            self.info = dict(inner.info)
            self._size, self._mode, self.im = inner.size, inner.mode, inner.im
            return
        image = Image.frombytes("F" if info.mode == "F;16" else info.mode, (info.width, info.height), pixels)
        self._size, self._mode, self.im = image.size, image.mode, image.im
        self.info = {"icc_profile": bytes(icc)} if icc else {}
        self._take_words((box.box_type, bytes(box.data)) for box in boxes)

    def _take_words(self, boxes: Iterable[tuple[bytes, bytes]]) -> None:
        for kind, content in boxes:
            if kind == b"Exif":
                self.info["exif"] = content[_OFFSET:] if content[4:8] in _TIFF_HEADS else content
            elif kind == b"xml ":
                self.info["xmp"] = content


def _decoded(content: bytes) -> Any:  # noqa: ANN401 (the package has no types)
    """Return what libjxl makes of a file, without threads of its own: the files are many.

    Raises:
        ImportError: the extra is not installed.
        UnreadableImage: the content is broken.
    """
    from pillow_jxl import Decoder

    try:
        return Decoder(num_threads=0)(content)
    except RuntimeError as error:  # it names no reason, and proposes to build libjxl anew
        raise UnreadableImage("corrupt: broken data stream") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of Rust, which is no Exception
            raise UnreadableImage("corrupt: its decoder gave up") from error
        raise


def _codestream(content: bytes, boxes: Sequence[Box]) -> bytes:
    """Return where the codestream begins, as far as its header may reach."""
    if content.startswith(_CODESTREAM):
        return content[:_HEADER]
    parts = [box.body[_INDEX:] for box in boxes if box.kind == _PARTS]
    parts += [box.body for box in boxes if box.kind == _WHOLE]
    return b"".join(part[:_HEADER] for part in parts)[:_HEADER]


def read_header(codestream: bytes) -> Header:
    """Read the first bits of a codestream: the lowest of a byte first.

    Raises:
        UnreadableImage: it is none.
    """
    if not codestream.startswith(_CODESTREAM):
        raise UnreadableImage("corrupt: incomplete header")
    bits = _Bits(codestream[2:])
    width, height = _size(bits)
    if bits.take(1):  # all else as it is by default
        return Header(width, height, animated=False, depth=8)
    animated = False
    if bits.take(1):
        bits.take(3)  # the orientation, which libjxl heeds
        if bits.take(1):
            _size(bits)
        has_preview = bits.take(1)
        # What stands behind a preview is not looked at; nobody writes one.
        animated = bool(bits.take(1)) or bool(has_preview)
    if animated:
        return Header(width, height, animated=True, depth=8)
    is_float = bits.take(1)
    depth = (32, 16, 24, 0)[bits.take(2)] if is_float else (8, 10, 12, 0)[bits.take(2)]
    return Header(width, height, animated=False, depth=depth or 1 + bits.take(6))


def _size(bits: _Bits) -> tuple[int, int]:
    """Return width and height in pixels."""
    in_eights = bits.take(1)

    def side() -> int:
        return 8 * (1 + bits.take(5)) if in_eights else 1 + bits.take((9, 13, 18, 30)[bits.take(2)])

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    part, whole = _RATIOS[ratio - 1]
    return height * part // whole, height


class _Bits:
    """Numbers of some bits each, the lowest first; zeros behind the end."""

    def __init__(self, content: bytes) -> None:
        self._number = int.from_bytes(content, "little")

    def take(self, count: int) -> int:
        """Return the number that the next bits are."""
        found = self._number & ((1 << count) - 1)
        self._number >>= count
        return found
