"""Everything that a file holds beside the pixels of its first image, read once: `records.holdings`."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from PIL import ImageFile, JpegImagePlugin

from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.appended import Appended, read_appended
from neardup_cli.images.boxes import Container, read_container
from neardup_cli.images.decode import opened_header
from neardup_cli.images.depths import data_depth, shows_through, stores_16_bit_colour, with_low_bytes
from neardup_cli.images.formats import RAW_FORMATS
from neardup_cli.images.frames import ONE_FRAME, Frames, read_frames, shown_frame, views_of
from neardup_cli.images.gamut import reaches_beyond_srgb
from neardup_cli.images.written import read_written
from neardup_cli.records.holdings import Holdings

if TYPE_CHECKING:
    from neardup_cli.images.jxl import JxlImage
    from neardup_cli.images.raw import RawImage

_LOSSLESS = {"PNG", "GIF", "BMP"}
_LOSSY_TIFF = {6, 7, 33003, 33005, 34712, 34892, 34927, 50001, 50002}
_COMPRESSION = 259
_STEPS = 64
_LOW_FREQUENCIES = 15  # of the zigzag: up to four waves over a block
_CODING_STYLE = b"\xff\x52\x00"  # of JPEG 2000, with a length below 256
_SEARCHED = 64 << 10
_WIDE_PRIMARIES = {9, 11, 12}


def read_holdings(
    source: BinaryIO | bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS, alpha: bool | None = None
) -> Holdings:
    """Read what a file holds beside its first image.

    Headers suffice for a JPEG, HEIC or AVIF without alpha; alpha, depths above 8 and the views of several
    frames need pixels. What is broken counts as not there. `damage` is left empty: see `images.integrity`.

    Args:
        source: the file's content, or a seekable binary file, read from its start and left open.
        max_pixels: images with more pixels are not decoded: they count as see-through and as deep as their
            header says.
        alpha: whether any pixel is not opaque, where that is known: it need not be decoded for that.

    Raises:
        UnreadableImage: for every defect of the content that keeps it from being opened.
    """
    stream = BytesIO(source) if isinstance(source, bytes) else source
    with opened_header(stream) as image:
        name = image.format or ""
        if name == "JXL" and image.width * image.height <= max_pixels:
            image.load()  # its words may be packed
        written = read_written(image)
        container = read_container(stream) if name in ("HEIF", "AVIF") else Container()
        appended = Appended()
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            appended = read_appended(image, stream, written.packet)
        frames = _frames(image, stream, name, container)
        lossless, table = _is_lossless(image, stream, name), _luma_table(image)
        icc, wide = _profile(image, name, container)
        film = container.film_bytes or appended.film_bytes
        gain_map = container.gain_map or appended.gain_map or bool(getattr(image, "has_gain_map", False))
    pixels = _Pixels() if name == "JPEG" else _pixels(stream, name, container, max_pixels, alpha)
    shown, views = _shown(stream, name, frames, max_pixels)
    return Holdings(
        frames=len(frames.numbers),
        duration_ms=frames.duration_ms,
        film_bytes=film,
        pictures=container.pictures or appended.pictures,
        gain_map=gain_map,
        has_alpha=pixels.has_alpha,
        depth=pixels.depth,
        wide_gamut=wide or reaches_beyond_srgb(icc) or (written.adobe_rgb and not icc),
        lossless=lossless,
        quality=_quality(name, table),
        table=table,
        # Of a raw file, a preview's detail is not the sensor's: all that its size promises is there.
        detail=1.0 if name in RAW_FORMATS else 0.0,
        shown_frame=shown,
        frame_views=views,
        captured_at=written.captured_at,
        offset=written.offset,
        exposure=written.exposure,
        place=written.place,
        rating=written.rating,
        words=written.words,
        make=written.make,
        model=written.model,
        software=written.software,
        maker_note=written.maker_note,
    )


# --- frames ---------------------------------------------------------------------------------------------


def _frames(image: ImageFile.ImageFile, stream: BinaryIO, name: str, container: Container) -> Frames:
    if name in ("HEIF", "AVIF"):
        if container.frames < 2:
            return ONE_FRAME
        return Frames(tuple(range(container.frames)), container.duration_ms)
    if name == "JXL":  # its decoder gives the first frame alone: at least one more is known to be there
        return Frames((0, 1)) if getattr(image, "is_animated", False) else ONE_FRAME
    return ONE_FRAME if name in RAW_FORMATS else read_frames(image, stream, name)


def _shown(stream: BinaryIO, name: str, frames: Frames, max_pixels: int) -> tuple[int, tuple[bytes, ...]]:
    if len(frames.numbers) < 2:
        return 0, ()
    with opened_header(stream) as image:
        views = views_of(image, frames, max_pixels)
    with opened_header(stream) as image:
        return shown_frame(image, name, max_pixels), views


# --- pixels ---------------------------------------------------------------------------------------------


class _Pixels(NamedTuple):
    has_alpha: bool = False
    depth: int = 8


def _pixels(
    stream: BinaryIO, name: str, container: Container, max_pixels: int, alpha: bool | None
) -> _Pixels:
    """Look at the pixels of the first frame, where the header leaves a question."""
    with opened_header(stream) as image:
        if name == "JXL" or name in RAW_FORMATS:
            return _of_extras(cast("JxlImage | RawImage", image), max_pixels)
        depth = container.depth or _stated_depth(image)
        may_show_through = container.has_alpha or (name != "HEIF" and image.has_transparency_data)
        if name in ("HEIF", "AVIF") and not may_show_through:
            return _Pixels(False, depth)
        if image.width * image.height > max_pixels:
            return _Pixels(may_show_through, depth)
        if depth == 8 and (alpha is not None or not may_show_through):
            return _Pixels(bool(alpha))
        deep_colour = stores_16_bit_colour(image)
        image.load()
        has_alpha = shows_through(image)
        if name in ("HEIF", "AVIF"):
            return _Pixels(has_alpha, depth)
        low = _low_bytes(stream) if deep_colour else None
        return _Pixels(has_alpha, data_depth(image, low))


def _of_extras(image: JxlImage | RawImage, max_pixels: int) -> _Pixels:
    """Return what a JPEG XL's pixels and a raw file's header say; no raw file is see-through."""
    if image.format in RAW_FORMATS:
        return _Pixels(False, image.depth)
    if image.width * image.height > max_pixels:
        return _Pixels(True, image.depth)
    image.load()
    return _Pixels(shows_through(image), image.depth)


def _stated_depth(image: ImageFile.ImageFile) -> int:
    if image.mode.startswith("I") or stores_16_bit_colour(image):
        return 16
    return 32 if image.mode == "F" else 8


def _low_bytes(stream: BinaryIO) -> ImageFile.ImageFile | None:
    with opened_header(stream) as image:
        if not with_low_bytes(image):
            return None
        image.load()
        return image


# --- how they are stored --------------------------------------------------------------------------------


def _is_lossless(image: ImageFile.ImageFile, stream: BinaryIO, name: str) -> bool:
    if name == "TIFF":
        return image.tag_v2.get(_COMPRESSION, 1) not in _LOSSY_TIFF  # type: ignore[attr-defined]
    if name not in ("WEBP", "JPEG2000"):
        return name in _LOSSLESS
    stream.seek(0)
    head = stream.read(_SEARCHED)
    if name == "JPEG2000":
        at = head.find(_CODING_STYLE)
        return at >= 0 and head[at + 13 : at + 14] == b"\1"  # the reversible wavelet
    return _first_webp_chunk(stream) == b"VP8L"


def _first_webp_chunk(stream: BinaryIO) -> bytes:
    """Return which of its two codecs a WebP's first image is made with."""
    at = 12
    for _ in range(1000):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or head[:4] in (b"VP8 ", b"VP8L"):
            return head[:4]
        if head[:4] == b"ANMF":
            at += 24
            continue
        length = int.from_bytes(head[4:], "little")
        at += 8 + length + length % 2
    return b""


def _luma_table(image: ImageFile.ImageFile) -> tuple[int, ...]:
    """Return the 64 steps of a JPEG's first quantiser; none of another format, or of a broken one."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or not image.layer:
        return ()
    table = tuple(image.quantization.get(image.layer[0][3]) or ())
    return table if len(table) == _STEPS else ()


def _quality(name: str, table: tuple[int, ...]) -> float:
    """Return the step of a quantiser over low frequencies; a raw file counts as never quantised: 1."""
    if name in RAW_FORMATS:
        return 1.0
    return round(sum(table[:_LOW_FREQUENCIES]) / _LOW_FREQUENCIES, 3) if table else 0.0


def _profile(image: ImageFile.ImageFile, name: str, container: Container) -> tuple[bytes, bool]:
    """Return the ICC profile, and whether wide primaries are stated without one."""
    icc = image.info.get("icc_profile") or container.icc
    wide = container.wide_primaries
    if name == "PNG":
        primaries = image.info.get("cicp")
        wide = isinstance(primaries, tuple | bytes) and bool(primaries) and primaries[0] in _WIDE_PRIMARIES
    return icc if isinstance(icc, bytes) else b"", wide
