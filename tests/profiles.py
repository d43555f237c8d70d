"""Colour profiles as a test can make them: three primaries, a curve, and images in them."""

from __future__ import annotations

import struct
from io import BytesIO

from PIL import Image, ImageCms

type Triple = tuple[float, float, float]

_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(name: str, red: Triple, green: Triple, blue: Triple, gamma: float | None) -> bytes:
    """Return an ICC profile of a display.

    Args:
        name: its description.
        red, green, blue: the primaries, XYZ under D50.
        gamma: of its curve; None for that of sRGB.
    """
    if gamma is None:
        curve = b"para\0\0\0\0\0\3\0\0" + b"".join(_fixed(value) for value in _SRGB_CURVE)
    else:
        curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = {b"desc": _text(name), b"cprt": _text("none"), b"wtpt": _xyz((0.9642, 1.0, 0.8249))}
    tags |= {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    start = 128 + 4 + 12 * len(tags)
    table, body = b"", b""
    for tag, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += padded
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: Triple) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _text(text: str) -> bytes:
    wide = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(wide), 28) + wide


DISPLAY_P3 = profile(
    "Display P3", (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407), None
)
ADOBE_RGB = profile(
    "Adobe RGB (1998)",
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
    2.2,
)
PROPHOTO = profile(
    "ProPhoto RGB", (0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491), 1.8
)
WIDE = {"p3": DISPLAY_P3, "adobe": ADOBE_RGB, "prophoto": PROPHOTO}


def exported(image: Image.Image, icc: bytes) -> Image.Image:
    """Return an sRGB image in the colours of a profile: other numbers, the same to be seen."""
    found = ImageCms.profileToProfile(
        image,
        ImageCms.createProfile("sRGB"),
        ImageCms.ImageCmsProfile(BytesIO(icc)),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
    )
    assert found is not None
    return found
