"""The bytes of an image file become upright pixels, once; any defect of theirs becomes `UnreadableImage`.

Pillow's plugins are called by class, not through `Image.open`, for three reasons:
- only the formats named in `_PLUGINS` can run, whatever the host program has registered, and pillow-heif
  (85 ms to import) is loaded by the first HEIC without being registered for the host;
- `Image.open` refuses by `Image.MAX_IMAGE_PIXELS`, a global that belongs to the host; ours is an argument;
- a phone's JPEG with a second picture inside (MPO) needs no parsing of that second picture.
"""

import ctypes
import logging
import os
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, reduce
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from PIL import Image, ImageChops, ImageFile, ImageStat, JpegImagePlugin, _imaging

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.extras import can_read_raw
from neardup_cli.images.formats import RAW_FORMATS, SNIFFED_BYTES, sniff
from neardup_cli.images.libjpeg import grey_and_damage
from neardup_cli.images.metadata import UPRIGHT, facts_of, read_exif

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from neardup_cli.images.raw import RawImage

CANONICAL_SHORT_SIDE = 640
"""A JPEG is DCT-scaled to the smallest size whose both sides are still at least this, in pixels: twice the
largest network input (320), so that whoever shrinks it further still averages."""


WHITE, BLACK = 255, 0


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright image. The pixels may be fewer than `width` x `height`: see `CANONICAL_SHORT_SIDE`."""

    luma: Image.Image
    """Mode "L": the canonical grey pixels that every fingerprint is computed from."""
    colour: Image.Image | None
    """Mode "YCbCr" of a JPEG stored so (resize it small, then convert), else "RGB"; None if not asked for."""
    width: int
    """Of the full image in pixels, after orientation."""
    height: int
    format: str
    """Pillow's name, one of those in `_PLUGINS`: "JPEG", "PNG", "WEBP", "HEIF" …"""
    captured_at: datetime | None
    """Naive local time, from EXIF."""
    frame: int = 0
    """Which frame it is: of an animation that begins flat, the first one that shows something."""
    damage: str | None = None
    """What its decoder complained of, see `images.integrity`, where that cost nothing to know; else None."""
    alpha: Image.Image | None = None
    """Mode "L": how opaque it is, of the size of the luma; None where all of it is."""
    ground: int = WHITE
    """The grey level that what is see-through was laid over: `WHITE` or `BLACK`."""
    profile: bytes = b""
    """The ICC profile that says what the colours mean; empty without one, and where they are grey."""
    pixels_digest: bytes = b""
    """Where the pixels are those of a preview: see `records.previews.Preview`."""


def decode(
    source: BinaryIO | bytes,
    *,
    colour: bool = True,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    short_side: int = CANONICAL_SHORT_SIDE,
) -> DecodedImage:
    """Decode the first frame of an image, upright, with transparency laid over white.

    What would vanish on white (a white drawing) is laid over black; of an animation that fades in from a flat
    frame, the first one that shows something is taken.

    The luma does not depend on `colour`, to the bit. The content alone, never a name, decides the format.

    Args:
        source: the file's content, or a seekable binary file, read from its start and left open.
        colour: also return colour pixels; without them a JPEG's chroma is never decoded, which saves a third.
        max_pixels: refuse, before any pixel is decoded, an image with more of them than this.
        short_side: a JPEG may be scaled down to this; another than the canonical one is for looking at, since
            fingerprints come from the canonical pixels alone.

    Raises:
        UnreadableImage: for every defect of the content; the message is one short line without a path.
    """
    stream = BytesIO(source) if isinstance(source, bytes) else source
    with _quiet_pillow():
        try:
            try:
                return _decode(stream, colour=colour, max_pixels=max_pixels, short_side=short_side)
            except Image.DecompressionBombError:  # from inside a plugin: a TIFF, WebP or GIF above 179 MP
                with _pillow_limit(max_pixels):
                    return _decode(stream, colour=colour, max_pixels=max_pixels, short_side=short_side)
        except UnreadableImage:
            raise
        except Exception as error:  # decoders raise nearly every class there is
            reason = _reason(error, max_pixels)
            # None says anything against the file: another limit, a larger machine or an extra may read it.
            passing = isinstance(error, Image.DecompressionBombError | MemoryError | ImportError)
            raise (ImageTooLarge if passing else UnreadableImage)(reason) from error


@contextmanager
def opened_header(stream: BinaryIO) -> Iterator[ImageFile.ImageFile]:
    """Open an image for what stands before its pixels: they are not decoded.

    Raises:
        UnreadableImage: for every defect that is met inside the block, too.
    """
    with _quiet_pillow():
        try:
            yield _opened(stream)[0]
        except UnreadableImage:
            raise
        except Exception as error:  # as in `decode`
            raise UnreadableImage(_reason(error, DEFAULT_MAX_PIXELS)) from error


def _opened(stream: BinaryIO) -> tuple[ImageFile.ImageFile, str]:
    stream.seek(0)
    format_name = _sniff(stream.read(SNIFFED_BYTES))
    if format_name == "TIFF" and can_read_raw():
        from neardup_cli.images.raw import raw_format

        format_name = raw_format(stream) or format_name
    stream.seek(0)
    return _plugin(format_name)(stream, ""), format_name


def _decode(stream: BinaryIO, *, colour: bool, max_pixels: int, short_side: int) -> DecodedImage:
    image, format_name = _opened(stream)
    _check_size(image.size, max_pixels)
    if format_name in RAW_FORMATS:
        return _of_raw(cast("RawImage", image), colour=colour, max_pixels=max_pixels, short_side=short_side)
    if format_name == "JXL":
        image.load()
        if jpeg := getattr(image, "jpeg", b""):  # it is that file, packed: the same pixels, to the bit
            inner = _decode(BytesIO(jpeg), colour=colour, max_pixels=max_pixels, short_side=short_side)
            return replace(inner, format=format_name)
    grey, damage = None, None
    full_size = image.size
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        _scale_while_decoding(image, colour=colour, short_side=short_side)
        image.decodermaxblock = _JPEG_AT_ONCE
        grey, damage = _grey_jpeg(image, stream, full_size) if not colour else (None, None)
        if grey is None:
            image.load()
    else:
        image.load()
        full_size = image.size  # a HEIF may learn its true size only here
    exif = read_exif(image)
    as_stored = image.mode == "YCbCr" and format_name == "JPEG"
    opaque = grey if grey is not None else image if as_stored else None
    shown, flat = 0, laid_flat(image) if opaque is None else Flat(opaque)
    pixels = flat.pixels
    if format_name in ANIMATED:
        shown, pixels = first_that_shows(image, pixels, max_pixels)
    alpha = flat.alpha if shown == 0 else None
    icc = image.info.get("icc_profile") if pixels.mode != "L" else None
    # The picture is upright from here on: metadata that came along would have a later reader turn it again.
    pixels.info = {}
    pixels = _upright(pixels, exif.orientation)
    if exif.orientation >= _FIRST_SIDEWAYS:
        full_size = full_size[1], full_size[0]
    return DecodedImage(
        luma=_luma(pixels),
        colour=_colour(pixels) if colour else None,
        width=full_size[0],
        height=full_size[1],
        format=format_name,
        captured_at=exif.captured_at,
        frame=shown,
        damage=damage,
        alpha=None if alpha is None else _upright(alpha, exif.orientation),
        ground=flat.ground,
        profile=icc if isinstance(icc, bytes) else b"",
    )


def _of_raw(image: "RawImage", *, colour: bool, max_pixels: int, short_side: int) -> DecodedImage:
    """Decode the picture that a camera has put into its raw file, or what LibRaw makes of it."""
    from neardup_cli.images.raw import says_orientation

    preview, own = image.preview(max_pixels), image.getexif()
    if preview.pixels is not None:
        inner = DecodedImage(_luma(preview.pixels), _colour(preview.pixels), 0, 0, "", None)
    else:
        stream = BytesIO(preview.jpeg)
        inner = _decode(stream, colour=colour, max_pixels=max_pixels, short_side=short_side)
        with opened_header(stream) as jpeg:  # one that says how it lies has been turned by that
            turn = UPRIGHT if says_orientation(jpeg.getexif()) else facts_of(own).orientation
        luma, coloured = _upright(inner.luma, turn), inner.colour and _upright(inner.colour, turn)
        inner = replace(inner, luma=luma, colour=coloured)
    width, height = _as_shown(inner.luma.size, image.upright_size)
    return replace(
        inner,
        colour=inner.colour if colour else None,
        width=width,
        height=height,
        format=image.format or "RAW",
        captured_at=facts_of(own).captured_at or inner.captured_at,
        damage="",
    )


def _as_shown(shown: tuple[int, int], whole: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the part of an image that its preview shows: cameras crop it, or add a margin."""
    scale = min(whole[0] / shown[0], whole[1] / shown[1])
    return max(1, round(shown[0] * scale)), max(1, round(shown[1] * scale))


# --- which format ---------------------------------------------------------------------------------------

_PLUGINS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("neardup_cli.images.png", "PngImage"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile"),  # and PGM, PBM, PNM, PFM
    "TGA": ("PIL.TgaImagePlugin", "TgaImageFile"),
    "ICO": ("PIL.IcoImagePlugin", "IcoImageFile"),
    "PCX": ("PIL.PcxImagePlugin", "PcxImageFile"),
    "QOI": ("PIL.QoiImagePlugin", "QoiImageFile"),
    "DIB": ("PIL.BmpImagePlugin", "DibImageFile"),
    "JXL": ("neardup_cli.images.jxl", "JxlImage"),
    **dict.fromkeys(RAW_FORMATS, ("neardup_cli.images.raw", "RawImage")),
}


def _sniff(head: bytes) -> str:
    """Name the format of a file that begins with `head`, or raise UnreadableImage."""
    if not head:
        raise UnreadableImage("empty file")
    if (format_name := sniff(head)) is None:
        raise UnreadableImage("not an image")
    return format_name


@cache
def _plugin(format_name: str) -> Callable[[BinaryIO, str], ImageFile.ImageFile]:
    if format_name == "TIFF":
        _silence_libtiff()
    module, name = _PLUGINS[format_name]
    return cast(Callable[[BinaryIO, str], ImageFile.ImageFile], getattr(import_module(module), name))


# --- which frame ----------------------------------------------------------------------------------------

ANIMATED = {"GIF", "WEBP", "PNG", "AVIF"}

_FLAT = 4.0  # standard deviation of grey levels over the cells; an icon on a page has more
_CELLS = (32, 32)
_MOST_FRAMES = 64
_MOST_SEARCHED_PIXELS = 64_000_000


def first_that_shows(
    image: ImageFile.ImageFile, first: Image.Image, max_pixels: int
) -> tuple[int, Image.Image]:
    """Return number and pixels of the frame that stands for an animation: its first, unless that is flat.

    Otherwise, the first with half the contrast of the strongest one among the next 63 (fewer of large
    frames). A frame that cannot be decoded ends the search.

    Args:
        image: an animation of which nothing but its first frame has been loaded.
        first: that frame, flattened.
        max_pixels: a frame with more of them ends the search.
    """
    frames: int = getattr(image, "n_frames", 1)
    if frames < 2 or (contrast := _contrast(first)) >= _FLAT:
        return 0, first
    first = first.copy() if first is image else first  # or the next frame would be decoded into it
    seen = [(contrast, 0, first)]
    most = min(frames, _MOST_FRAMES, 1 + _MOST_SEARCHED_PIXELS // max(1, first.width * first.height))
    with suppress(Exception):  # decoders raise nearly every class there is
        for number in range(1, most):
            image.seek(number)
            _check_size(image.size, max_pixels)
            image.load()
            frame = flattened(image)
            frame = frame.copy() if frame is image else frame
            if (contrast := _contrast(frame)) > max(entry[0] for entry in seen):
                seen.append((contrast, number, frame))  # a weaker one than an earlier one is never taken
    strongest = seen[-1][0]
    if strongest < _FLAT:
        return 0, first
    return next((number, frame) for contrast, number, frame in seen if contrast >= strongest / 2)


def _contrast(pixels: Image.Image) -> float:
    return float(ImageStat.Stat(_luma(pixels).resize(_CELLS, Image.Resampling.BOX)).stddev[0])


# --- pixels ---------------------------------------------------------------------------------------------

_VALUES_AT_ONCE = 1 << 22

# Whenever libjpeg has used up what it was given, it goes back to where the block of pixels began, and the
# thread waits for its turn to give it more: with Pillow's 64 kB, a photograph takes a twentieth longer.
_JPEG_AT_ONCE = 1 << 20

_FIRST_SIDEWAYS = 5  # EXIF orientations 5 to 8 swap width and height
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(pixels: Image.Image, orientation: int) -> Image.Image:
    """Turn pixels as an EXIF orientation (1 to 8) says."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else pixels.transpose(turn)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        total, limit = width * height / 1e6, max_pixels / 1e6
        raise ImageTooLarge(f"too many pixels ({width} x {height} = {total:.1f} MP, limit {limit:g} MP)")


def _scale_while_decoding(image: JpegImagePlugin.JpegImageFile, *, colour: bool, short_side: int) -> None:
    """Have libjpeg decode at 1/1, 1/2, 1/4 or 1/8, and leave out the colour conversion where possible."""
    mode = None
    if image.mode == "RGB" and _stores_ycc(image):
        # The Y plane is the same in both: libjpeg leaves out the chroma for "L" and copies the luma.
        mode = "YCbCr" if colour else "L"
    image.draft(mode, (short_side, short_side))


def _grey_jpeg(
    image: JpegImagePlugin.JpegImageFile, stream: BinaryIO, full_size: tuple[int, int]
) -> tuple[Image.Image | None, str | None]:
    """Decode grey pixels and look for damage at once, of a JPEG whose luma can be had; see `libjpeg`."""
    if image.mode != "L" or not isinstance(stream, BytesIO):
        return None, None
    grey, damage = grey_and_damage(stream.getvalue(), full_size, image.size)
    return grey, damage


def _stores_ycc(image: JpegImagePlugin.JpegImageFile) -> bool:
    """Tell whether three components are YCbCr, by libjpeg's own rule (jdapimin.c, default_decompress_parms).

    It must agree with libjpeg, which cannot turn a JPEG stored as RGB into YCbCr.
    """
    if "jfif" in image.info:
        return True
    if "adobe_transform" in image.info:
        return bool(image.info["adobe_transform"] != 0)
    return bytes(component[0] for component in image.layer) != b"RGB"


class Flat(NamedTuple):
    """An opaque image; of one that was not, how opaque it was, and over which grey level it was laid."""

    pixels: Image.Image
    alpha: Image.Image | None = None
    ground: int = WHITE


def flattened(image: Image.Image) -> Image.Image:
    """Bring a loaded image of any mode to opaque "L" or "RGB"."""
    return laid_flat(image).pixels


def laid_flat(image: Image.Image) -> Flat:
    """Bring a loaded image of any mode to opaque "L" or "RGB", and keep what is known of its transparency."""
    if image.mode.startswith(("I", "F")):
        return _over_ground(scaled_to_8_bits(image))
    if image.has_transparency_data:
        return _over_ground(image)
    if image.mode in ("L", "RGB"):
        return Flat(image)
    return Flat(image.convert("L" if image.mode == "1" else "RGB"))


def _over_ground(image: Image.Image) -> Flat:
    """Lay transparency over white, or over black where what is visible would vanish on white."""
    if not image.has_transparency_data:
        return Flat(image)
    opaque, layered = ("L", "LA") if image.mode in ("1", "L", "LA", "La") else ("RGB", "RGBA")
    if image.mode != layered:
        image = image.convert(layered)  # a palette's or a single colour's transparency becomes alpha
    ground = BLACK if _vanishes_on_white(image) else WHITE
    background = Image.new(opaque, image.size, "black" if ground == BLACK else "white")
    background.paste(image, mask=image)
    alpha = image.getchannel("A")
    least, _ = cast(tuple[int, int], alpha.getextrema())
    return Flat(background, alpha if least < _OPAQUE else None, ground)


_OPAQUE = 255
_BARELY_OFF_WHITE = 32  # levels of the darkest channel: what is lighter does not stand out on a white page
_STANDS_OUT = 0.01  # of the visible pixels: enough to see what it is


def _vanishes_on_white(image: Image.Image) -> bool:
    """Return True if hardly a visible pixel of an image with alpha differs from white.

    Visible are the pixels that are more than half opaque, or, where there are none, all that are not quite
    transparent. What lies under transparent pixels has no say.
    """
    *channels, alpha = image.split()
    visible = alpha.point(_OPAQUE_HALF)
    if not visible.getbbox():
        visible = alpha
    darkest = reduce(ImageChops.darker, channels)
    levels = darkest.histogram(visible)
    total = sum(levels)
    return total > 0 and sum(levels[: 256 - _BARELY_OFF_WHITE]) < _STANDS_OUT * total


_OPAQUE_HALF = [255 if alpha > 127 else 0 for alpha in range(256)]
_WIDEST_OF_A_SENSOR = 14  # bits; more is what a picture that fills its 16 bits may use when it is dark


def scaled_to_8_bits(image: Image.Image) -> Image.Image:
    """Bring grey of 16 or 32 bits ("I;16", "I") or floats ("F") to "L"; to "LA" where a value is see-through.

    16 bits keep their high byte, as Pillow does with 16-bit colour; where their values use no more than 14
    bits, as those of sensors do (X-rays, microscopes), they keep the highest 8 of these. 32-bit integers are
    read as 8 or 16 bits where every value fits. Otherwise they are, like floats, stretched: the smallest
    finite value becomes 0 and the largest 255 (a flat picture becomes 0, and so do NaN and -inf; +inf
    becomes 255).
    """
    import numpy as np  # few collections hold such an image, and this module loads faster without

    values = np.asarray(image)
    low, high = _finite_range(values)
    span = high - low
    stretch = 255 / span if span else 0.0
    fits_8 = image.mode == "I" and low >= 0 and high <= 255
    fits_16 = image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and high <= 65_535)
    used = max(8, int(high).bit_length()) if fits_16 else 16
    shift = used - 8 if used <= _WIDEST_OF_A_SENSOR else 8
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, _VALUES_AT_ONCE // max(1, values.shape[1]))
    for top in range(0, len(values), rows):  # in bands: in float64 a large one would take ten times its size
        band = values[top : top + rows]
        if fits_8:
            grey[top : top + rows] = band
        elif fits_16:
            grey[top : top + rows] = band >> shift
        else:
            with np.errstate(all="ignore"):  # of a file's own infinities numpy would tell on stderr
                scaled = (band.astype(np.float64) - low) * stretch
            levels = np.rint(np.nan_to_num(scaled, nan=0, posinf=255, neginf=0))
            grey[top : top + rows] = np.clip(levels, 0, 255)
    scaled_image = Image.fromarray(grey)
    if isinstance(key := image.info.get("transparency"), int):  # PNG: this one value is see-through
        alpha = Image.fromarray(np.where(values == key, np.uint8(0), np.uint8(255)))
        scaled_image = Image.merge("LA", (scaled_image, alpha))
    return scaled_image


def _finite_range(values: "NDArray[Any]") -> tuple[float, float]:
    """Return the smallest and the largest finite value, (0, 0) if there is none."""
    import numpy as np

    low, high = np.inf, -np.inf
    rows = max(1, _VALUES_AT_ONCE // max(1, values.shape[1]))
    for top in range(0, len(values), rows):
        band = values[top : top + rows]
        finite = band[np.isfinite(band)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _luma(pixels: Image.Image) -> Image.Image:
    return pixels.getchannel(0) if pixels.mode == "YCbCr" else _in_mode(pixels, "L")


def _colour(pixels: Image.Image) -> Image.Image:
    return pixels if pixels.mode == "YCbCr" else _in_mode(pixels, "RGB")


def _in_mode(pixels: Image.Image, mode: str) -> Image.Image:
    return pixels if pixels.mode == mode else pixels.convert(mode)


# --- what goes wrong ------------------------------------------------------------------------------------

# Without a handler of its own, Pillow's rare `logger.error` would reach stderr through logging's last resort.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_SILENCE = ("ignore", None, Warning, re.compile(r"(PIL|pillow_heif)(\.|$)"), 0)


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Keep the decoders' warnings (odd EXIF, palettes, sizes) to themselves.

    Not `warnings.catch_warnings`: that swaps the whole filter list, so that two threads can undo each other's
    and Python forgets, image after image, which of the host's warnings it has shown already. Here one entry
    that names only the decoders' modules is put in and taken out; overlapping threads each have their own.
    """
    filters = cast(list[Any], warnings.filters)
    filters.insert(0, _SILENCE)
    try:
        yield
    finally:
        with suppress(ValueError):  # somebody emptied the list meanwhile
            filters.remove(_SILENCE)


def _silence_libtiff() -> None:
    """Stop libtiff from printing to the process's stderr what Pillow raises as an exception anyway.

    Pillow leaves libtiff's default handlers in place. They are reached through the extension module that is
    linked to it; where that does not export them (a static build, as on Windows) libtiff keeps talking.
    It happens once and for the whole process, at the first TIFF: the host too still gets every exception.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            set_handler = getattr(library, name)
            set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            set_handler(None)


_one_giant_at_a_time = threading.Lock()


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Raise Pillow's limit to ours for a moment.

    Three plugins consult it deep inside and take no argument. It is a global, hence the lock, which costs
    nothing: two such giants at once would hardly fit into memory.
    """
    with _one_giant_at_a_time:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max_pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


# Reasons are stored and counted, so the many wordings of the decoders come down to a few.
_REASONS_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (MemoryError, "no memory"),
    (ImportError, "unsupported: the decoder of this format cannot be loaded here"),
    (EOFError, "truncated"),
    (struct.error, "truncated"),
    (zlib.error, "corrupt: broken data stream"),
)
_REASONS_BY_WORDING = (
    (r"truncat|end of (file|data)|insufficient|not enough|but only got|requires a buffer", "truncated"),
    (r"decoder error|data stream|decoder object|read next frame", "corrupt: broken data stream"),
    (r"not identified|missing dimensions", "corrupt: incomplete header"),
)
_UNSUPPORTED = re.compile(r"unsupported|not (yet )?supported|cannot handle|not installed", re.IGNORECASE)
_NOTHING_SAID = "inconsistent structure"  # for "KeyError: 42" and the like
_REASON_LENGTH = 80


def _reason(error: Exception, max_pixels: int) -> str:
    """Say in one short line what was wrong, whatever Pillow or a decoder under it has raised."""
    if isinstance(error, Image.DecompressionBombError):
        return f"too many pixels (limit {max_pixels / 1e6:g} MP)"
    if isinstance(error, OSError) and error.errno:
        return f"cannot be read: {os.strerror(error.errno).lower()}"
    for kind, reason in _REASONS_BY_CLASS:
        if isinstance(error, kind):
            return reason
    message = _one_line(str(error))
    for wording, reason in _REASONS_BY_WORDING:
        if re.search(wording, message, re.IGNORECASE):
            return reason
    verdict = "unsupported" if _UNSUPPORTED.search(message) else "corrupt"
    message = message.rpartition(": ")[2].removeprefix("Unsupported ")[:_REASON_LENGTH].rstrip()
    if isinstance(error, LookupError | TypeError | AttributeError) or not re.search("[a-z]", message):
        message = _NOTHING_SAID
    return f"{verdict}: {message}"


def _one_line(message: str) -> str:
    """Reduce a message to its words: no objects' addresses, no details in brackets, one line."""
    message = re.sub(r"<[^>]*>|\(.*", "", message, flags=re.DOTALL)
    words = "".join(character if character.isprintable() else " " for character in message).split()
    return " ".join(words).removesuffix(" when reading image file").rstrip(" .:,")
