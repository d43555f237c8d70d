"""The small version of an image that the catalog keeps, so that its file is decoded once in its life."""

from __future__ import annotations

from dataclasses import dataclass

PREVIEW_VERSION = 2
"""Raised whenever another preview would be made of a file; a scan makes those of other versions anew."""

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Preview:
    """The small version of an image, as files: what is compared of it, and what is shown.

    Attributes:
        pixels: upright and opaque, a JPEG or, where that shows, a PNG.
        pixels_digest: `DIGEST_BYTES` of the BLAKE3 of its pixels before they were coded: images of one size
            are the same where these are, and not where JPEG has made them so.
        alpha: how opaque they are, a grey PNG; None where all of the image is.
        ground: the grey level that what is see-through was laid over, 0 or 255.
    """

    pixels: bytes
    pixels_digest: bytes
    alpha: bytes | None = None
    ground: int = 255

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return len(self.pixels) + len(self.alpha or b"")
