"""Small versions of images: made once, when a scan has the pixels in hand, and what is compared from then on.

A photograph is kept as a JPEG. Where a codec would show, it is a PNG: an image of a few pixels, at its own
size, and what is plain (a page, an icon, a chart), of which any small difference counts.

Its colours are what they are meant to be: a profile is applied here, to the few pixels that there are. The
fingerprints are made of the numbers: those of an sRGB and of a ProPhoto copy are a few bits apart.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, PngImagePlugin

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.colours import in_srgb
from neardup_cli.images.decode import DecodedImage
from neardup_cli.records.previews import DIGEST_BYTES, Preview

PREVIEW_SIDE = 416
"""Longest side of a preview, pixels: the size that geometry is tuned for."""

# Of 3,900 pairs as many are decided otherwise at 45, 60 and 75: 0.5 %, all of alignments that are a matter of
# luck. What is plain is another matter: at 92 three times as many as without loss.
_QUALITY = 45
_PLAIN_QUALITY = 92
_SAMPLED_EVERY = 23  # odd, so that it walks over the columns
_FEWEST_LOSSY = 128  # pixels of the longer side
_MOST_LOSSLESS = 64_000
_JPEG = b"\xff\xd8"


def shrunk(image: Image.Image) -> Image.Image:
    """Bring an image down to `PREVIEW_SIDE`; a smaller one stays as it is.

    Averaged by a whole number first and then drawn with two neighbours each way: a third of the time of an
    average over fractions of pixels.
    """
    longest = max(image.size)
    if longest <= PREVIEW_SIDE:
        return image
    import cv2  # late: a scan that finds nothing new needs none of it

    width, height = (max(1, round(side * PREVIEW_SIDE / longest)) for side in image.size)
    whole = longest // PREVIEW_SIDE
    averaged = np.asarray(image.reduce(whole) if whole > 1 else image)
    if image.width % whole == 0 and image.height % whole == 0:
        drawn = cv2.resize(averaged, (width, height), interpolation=cv2.INTER_LINEAR)
    else:  # its last pixels are averages of fewer ones, which must not stretch it
        across, down = image.width / width / whole, image.height / height / whole
        drawn = cv2.warpAffine(
            averaged,
            np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]]),
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return Image.frombytes(image.mode, (width, height), drawn.tobytes())


def make_preview(image: DecodedImage, are_natural: Callable[[NDArray[np.uint8]], bool]) -> Preview:
    """Make the preview of an image that was decoded in colour: about a millisecond for a photograph.

    Args:
        image: the image.
        are_natural: says of RGB pixels, `[n, 3]`, whether they are those of a photograph. Of what is none
            every difference is kept.
    """
    whole = image.colour or image.luma
    pixels = in_srgb(shrunk(whole), image.profile)
    some = np.frombuffer(pixels.tobytes(), np.uint8).reshape(-1, len(pixels.getbands()))[::_SAMPLED_EVERY]
    sample = Image.frombytes(pixels.mode, (len(some), 1), some.tobytes()).convert("RGB")
    plain = not are_natural(np.asarray(sample)[0])
    if plain and pixels.size != whole.size:
        # A digit on a page is a few pixels here: averaged over what each covers, and over nothing else.
        pixels = in_srgb(whole.resize(pixels.size, Image.Resampling.BOX), image.profile)
    return Preview(
        _coded(pixels, plain=plain),
        blake3(pixels.tobytes()).digest(DIGEST_BYTES),
        None if image.alpha is None else _png(shrunk(image.alpha)),
        image.ground,
    )


def open_preview(
    preview: Preview,
    size: tuple[int, int],
    format_name: str,
    captured_at: datetime | None,
    *,
    colour: bool = True,
) -> DecodedImage:
    """Return an image as it was decoded, but that its pixels are those of its preview.

    Args:
        preview: of the image.
        size: width and height of the image itself.
        format_name: that of its file.
        captured_at: from its EXIF.
        colour: also return colour pixels; without them a JPEG's chroma is not decoded.

    Raises:
        UnreadableImage: the preview is damaged.
    """
    pixels = _opened(preview.pixels, colour=colour)
    in_ycc = pixels.mode == "YCbCr"
    in_colour = pixels if in_ycc else pixels.convert("RGB")
    return DecodedImage(
        luma=pixels.getchannel(0) if in_ycc else pixels.convert("L"),
        colour=in_colour if colour else None,
        width=size[0],
        height=size[1],
        format=format_name,
        captured_at=captured_at,
        alpha=None if preview.alpha is None else _opened(preview.alpha),
        ground=preview.ground,
        pixels_digest=preview.pixels_digest,
    )


def check_preview(preview: Preview, *, whole: bool) -> None:
    """Look whether a preview is one; `whole` decodes all of its pixels.

    Raises:
        UnreadableImage: it is damaged.
    """
    for data in (preview.pixels, preview.alpha):
        if data is not None:
            _opened(data, load=whole)


def preview_pixels(preview: Preview) -> Image.Image:
    """Return a preview in RGB.

    Raises:
        UnreadableImage: it is damaged.
    """
    return _opened(preview.pixels).convert("RGB")


def _coded(pixels: Image.Image, *, plain: bool) -> bytes:
    small = max(pixels.size) < _FEWEST_LOSSY
    if small or plain:
        lossless = _png(pixels.convert("RGB"))
        if small or len(lossless) <= _MOST_LOSSLESS:
            return lossless
    sampling: dict[str, Any] = {"quality": _QUALITY}
    if plain:
        sampling = {"quality": _PLAIN_QUALITY, "subsampling": 0}
    out = BytesIO()
    pixels.save(out, "JPEG", **sampling)  # the colours of a JPEG go into another one as they are
    return out.getvalue()


def _png(pixels: Image.Image) -> bytes:
    out = BytesIO()
    pixels.save(out, "PNG", compress_level=3)
    return out.getvalue()


def _opened(data: bytes, *, colour: bool = True, load: bool = True) -> Image.Image:
    """Decode what `_coded` has made: by these two decoders, whatever else a database may hold."""
    damaged = UnreadableImage("its preview is damaged")
    try:
        image = _header(data, colour=colour)
        sound = max(image.size) <= PREVIEW_SIDE and image.mode in ("L", "RGB", "YCbCr")
        if sound and load:
            image.load()
    except Exception as exc:  # decoders raise nearly every class there is
        raise damaged from exc
    if not sound:
        raise damaged
    image.info = {}
    return image


def _header(data: bytes, *, colour: bool) -> Image.Image:
    if not data.startswith(_JPEG):
        return PngImagePlugin.PngImageFile(BytesIO(data), "")
    jpeg = JpegImagePlugin.JpegImageFile(BytesIO(data), "")
    if jpeg.mode == "RGB":
        jpeg.draft("YCbCr" if colour else "L", jpeg.size)
    return jpeg
