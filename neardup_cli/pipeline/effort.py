"""What reading a file costs, beside others: for the time that is left, and for nothing else.

In milliseconds of a core at 12 megapixels, by which only the ratios matter: a JPEG is decoded at the scale
that is needed, a HEIC whole, of a raw file its preview is taken. What all of it comes to on this machine is
learnt from what is behind.
"""

from __future__ import annotations

from collections.abc import Iterable

from neardup_cli.images.formats import RAW_EXTENSIONS, extension_of
from neardup_cli.pipeline.work import ToRead

_EACH = 5.0  # opening, hashes, preview, the catalog
_EMBEDDING = 14.0
_REGIONS = 2.4  # how often as much five regions cost
_MEGABYTE = 1_000_000
_A_MEGABYTE = 9.0  # of a JPEG
_OTHERS = {
    b"heic": 300.0,
    b"heif": 300.0,
    b"avif": 300.0,
    b"jxl": 120.0,
    b"webp": 80.0,
    b"gif": 60.0,
    b"jp2": 150.0,
    b"png": 30.0,
    b"tif": 6.0,
    b"tiff": 6.0,
    b"bmp": 4.0,
    **dict.fromkeys(RAW_EXTENSIONS, 3.0),
}


def effort(files: Iterable[ToRead], *, embeds: bool, thorough: bool) -> float:
    """Return what some files cost."""
    each = _EACH + (_EMBEDDING * (_REGIONS if thorough else 1.0) if embeds else 0.0)
    return sum(
        each + file.size / _MEGABYTE * _OTHERS.get(extension_of(file.path), _A_MEGABYTE) for file in files
    )
