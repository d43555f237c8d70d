"""An image at its full size, for proofs: every pixel of a frame, upright, in sRGB, nothing laid under it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.colours import transform_of
from neardup_cli.images.decode import opened_header, scaled_to_8_bits
from neardup_cli.images.formats import RAW_FORMATS
from neardup_cli.images.libjpeg import said_by_libjpeg
from neardup_cli.images.metadata import UPRIGHT, read_exif

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import ImageCms

_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


@dataclass(frozen=True, slots=True)
class JpegTables:
    """How a JPEG was quantised.

    Attributes:
        quantisation: as Pillow gives it: 64 steps in zigzag order, by the number of the table.
        subsampling: "4:4:4", "4:2:2", "4:2:0"; empty for another one, and for grey.
        grey: whether brightness alone is stored.
    """

    quantisation: dict[int, list[int]]
    subsampling: str
    grey: bool = False


@dataclass(frozen=True, slots=True)
class WholeImage:
    """One frame at its full size.

    Attributes:
        rgb: uint8 [height, width, 3], upright, sRGB; 0 where `alpha` is 0.
        alpha: uint8 [height, width]; None where every pixel is opaque.
        grey: whether the three channels are equal everywhere.
        tables: of a JPEG, else None.
        damage: what a JPEG's decoder complained of, as `damage_of` has it; it costs nothing here.
        as_stored: whether `rgb` is what a JPEG's decoder gives: not turned, no profile applied.
        profile: the ICC profile that was applied; empty where none was.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    grey: bool
    tables: JpegTables | None
    damage: str = ""
    as_stored: bool = False
    profile: bytes = b""

    def grey_levels(self) -> NDArray[np.uint8]:
        """Return the brightness of the image, uint8 [height, width]."""
        return np.array(Image.fromarray(self.rgb).convert("L"))


def decode_whole(
    data: bytes, *, frame: int = 0, max_pixels: int = DEFAULT_MAX_PIXELS, profile: bool = True
) -> WholeImage:
    """Decode one frame at its full size.

    The first frame is the first one of the file, which need not be the one that `decode` shows: that is
    `DecodedImage.frame`. 16 bits come down to 8 as they do there.

    Args:
        data: the file's content.
        frame: number of the frame or page, as `images.frames` counts them.
        max_pixels: refuse a frame with more of them, before it is decoded.
        profile: whether its colours are brought to sRGB; else they stay as numbers.

    Raises:
        ImageTooLarge: it has more pixels than allowed.
        UnreadableImage: for every defect of the content, and for a frame that it does not have.
    """
    with opened_header(BytesIO(data)) as image:
        if image.format in RAW_FORMATS:  # what is in it is more than any picture made of it
            raise UnreadableImage("a raw file: no image holds what it does, nor it an image")
        if frame:
            _seek(image, frame)
        if image.width * image.height > max_pixels:
            raise ImageTooLarge(f"too many pixels ({image.width} x {image.height})")
        if image.format == "JXL":
            image.load()  # only then its mode and its profile are known
        tables = _tables(image)
        found = image.info.get("icc_profile") if profile else None
        icc = found if isinstance(found, bytes) else b""
        decoded = tables is not None and image.mode in ("L", "RGB")
        if decoded:
            transform = transform_of(icc, image.mode)
            (pixels, damage), alpha, is_grey = _jpeg_pixels(data, transform), None, image.mode == "L"
        else:
            image.load()
            colours, layer = _parts(image)
            transform = transform_of(icc, colours.mode)
            (pixels, alpha, is_grey), damage = _pixels(colours, layer, transform), ""
        # Pillow turns a TIFF, and pillow-heif a HEIC, while it is loaded, and says so here.
        orientation = read_exif(image).orientation if frame == 0 else UPRIGHT
    rgb = turned(pixels, orientation)
    opacity = None if alpha is None else turned(alpha, orientation)
    if opacity is not None:
        rgb[opacity == 0] = 0
    as_stored = decoded and transform is None and orientation == UPRIGHT
    applied = b"" if transform is None else icc
    return WholeImage(rgb, opacity, is_grey or _is_grey(rgb), tables, damage, as_stored, applied)


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn rows and columns as an EXIF orientation (1 to 8) says; contiguous and writable."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _seek(image: ImageFile.ImageFile, frame: int) -> None:
    try:
        image.seek(frame)
    except EOFError as error:
        raise UnreadableImage(f"no frame {frame}") from error


def _tables(image: ImageFile.ImageFile) -> JpegTables | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    subsampling = ""
    if image.mode != "L":
        with suppress(Exception):  # of odd sampling factors
            subsampling = _SUBSAMPLING.get(JpegImagePlugin.get_sampling(image), "")
    steps = {number: list(table) for number, table in image.quantization.items()}
    return JpegTables(steps, subsampling, image.mode == "L")


def _jpeg_pixels(data: bytes, transform: ImageCms.ImageCmsTransform | None) -> tuple[NDArray[np.uint8], str]:
    """Decode by libjpeg-turbo's own interface: the same pixels as Pillow's, in half of the time."""
    import simplejpeg

    rgb: NDArray[np.uint8]
    damage = ""
    try:
        rgb = simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except ValueError as error:
        damage = said_by_libjpeg(str(error))
        rgb = simplejpeg.decode_jpeg(data, "RGB", strict=False)
    if transform is not None:
        return np.array(transform.apply(Image.fromarray(rgb))), damage
    return rgb, damage


def _pixels(
    colours: Image.Image, alpha: Image.Image | None, transform: ImageCms.ImageCmsTransform | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, bool]:
    """Return colours, alpha, and whether it is stored as grey, of a loaded image's parts."""
    if transform is not None:
        colours = transform.apply(colours)
    is_grey = colours.mode == "L"
    rgb = np.array(colours if colours.mode == "RGB" else colours.convert("RGB"))
    return rgb, None if alpha is None else np.array(alpha), is_grey


def _parts(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return colours ("L", "RGB", "CMYK" or "LAB") and alpha of a loaded image."""
    if image.mode.startswith(("I", "F")):
        image = scaled_to_8_bits(image)
    if not image.has_transparency_data:
        if image.mode in ("L", "RGB", "CMYK", "LAB"):
            return image, None
        return image.convert("L" if image.mode == "1" else "RGB"), None
    layered = "LA" if image.mode in ("1", "L", "LA", "La") else "RGBA"
    if image.mode != layered:
        image = image.convert(layered)
    alpha = image.getchannel("A")
    colours = image.getchannel("L") if layered == "LA" else image.convert("RGB")
    lowest: Any = alpha.getextrema()[0]
    return colours, alpha if lowest < 255 else None


def _is_grey(rgb: NDArray[np.uint8]) -> bool:
    red, green, blue = (rgb[..., channel] for channel in range(3))
    rows = max(1, len(rgb) // 16)
    sample = np.s_[::rows]  # nearly every colour image shows itself in a few rows
    if not (np.array_equal(red[sample], green[sample]) and np.array_equal(green[sample], blue[sample])):
        return False
    return np.array_equal(red, green) and np.array_equal(green, blue)
