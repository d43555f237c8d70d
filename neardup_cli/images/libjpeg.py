"""libjpeg-turbo by its own interface (simplejpeg), which tells of its warnings; Pillow drops them."""

from __future__ import annotations

import re

from PIL import Image

TRUNCATED = "truncated"

_DAMAGE = re.compile(
    r"premature end|bad huffman|bad arithmetic|extraneous bytes before marker|found marker 0x\w+ instead"
    r"|inconsistent progression",
    re.IGNORECASE,
)
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x(\w\w)", re.IGNORECASE)
_HARMLESS_BYTES = 2  # that some encoders leave between the last block and the end
_END_OF_IMAGE, _RESTARTS = "d9", re.compile("d[0-7]")


def grey_and_damage(
    data: bytes, size: tuple[int, int], scaled: tuple[int, int]
) -> tuple[Image.Image | None, str]:
    """Decode the Y plane of a JPEG, the same as Pillow's to the bit, and return what was wrong with it.

    No image is returned of one that the decoder complains of, damaged or only unusual.

    Args:
        data: a JPEG of grey or YCbCr, from its first byte on.
        size: its width and height.
        scaled: those that libjpeg gives at 1/1, 1/2, 1/4 or 1/8.
    """
    import simplejpeg  # late, as numpy: most scans decode colours, and this module loads faster without

    least = (0, 0) if scaled == size else scaled  # the smallest eighths that reach it are the wanted ones
    try:
        grey = simplejpeg.decode_jpeg(data, "GRAY", min_width=least[0], min_height=least[1], min_factor=1)
    except ValueError as error:
        return None, said_by_libjpeg(str(error))
    if grey.shape[:2] != scaled[::-1]:
        return None, ""
    return Image.fromarray(grey[..., 0]), ""


def said_by_libjpeg(message: str) -> str:
    """Return the damage that a message of libjpeg-turbo means; what is only unusual is none."""
    if not _DAMAGE.search(message):
        return ""  # a kind of JPEG that Pillow decodes and this decoder does not
    if extraneous := _EXTRANEOUS.search(message):
        many = int(extraneous[1]) > _HARMLESS_BYTES
        in_the_data = extraneous[2].lower() == _END_OF_IMAGE or _RESTARTS.match(extraneous[2].lower())
        return "corrupt data" if many and in_the_data else ""
    return TRUNCATED if "premature end of jpeg file" in message.lower() else "corrupt data"
