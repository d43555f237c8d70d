"""A file opened for a proof: its bytes as they were scanned, its frames at full size, and what it holds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neardup_cli.errors import UnreadableImage
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.images.behind import unaccounted
from neardup_cli.images.files import open_image
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.integrity import damage_of
from neardup_cli.images.walk import os_reason
from neardup_cli.images.whole import WholeImage, decode_whole
from neardup_cli.matching.codec_noise import Coding
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings

MOST_BYTES = 1 << 30
MOST_PIXELS = 200_000_000
_FEW_BYTES = 32


class Unproven(Exception):
    """Nothing can be said of a file; the message says why."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A file in memory, found to be what was scanned."""

    file: CatalogedFile
    data: bytes

    @cached_property
    def holdings(self) -> Holdings:
        """What it holds beside the pixels of its first frame, and whether its decoder believes it."""
        held = read_holdings(self.data)
        return replace(held, damage=self.file.damage or self._damage())

    def behind(self) -> bytes:
        """Return what stands behind the image and is neither film nor image; a few bytes do not count."""
        found = unaccounted(self.data, self.file.format, self.holdings.film_bytes)
        return found if len(found) > _FEW_BYTES else b""

    def _damage(self) -> str:
        """Return why its decoder does not believe it: of a JPEG it said so while it decoded it whole."""
        if self.file.format == "JPEG":
            with suppress(UnreadableImage):
                return self._first.damage
        return damage_of(self.data, self.file.format)

    def frame(self, number: int = 0) -> WholeImage:
        """Decode a frame at full size.

        Raises:
            UnreadableImage: it cannot be decoded, or is too large.
        """
        return self._decoded(number) if number else self._first

    @cached_property
    def _first(self) -> WholeImage:
        return self._decoded(0)

    @cached_property
    def stored(self) -> WholeImage:
        """The first frame with its colours as numbers, whatever profile says what they mean."""
        return decode_whole(self.data, max_pixels=MOST_PIXELS, profile=False)

    def _decoded(self, number: int) -> WholeImage:
        return decode_whole(self.data, frame=number, max_pixels=MOST_PIXELS)

    def coding(self, image: WholeImage) -> Coding:
        """Say how a frame was encoded, as far as its noise depends on it."""
        size = max(1, (len(self.data) - self.holdings.film_bytes) // max(1, self.holdings.frames))
        if image.tables is None:
            lossless = self.holdings.lossless or self.file.format == "GIF"
            return Coding(lossless=lossless, size=size, webp=self.file.format == "WEBP" and not lossless)
        tables = image.tables.quantisation
        luma = tuple(tables[min(tables)])
        chroma = None if image.grey or len(tables) < 2 else tuple(tables[sorted(tables)[1]])
        return Coding(luma=luma, chroma=chroma, size=size)


def opened(file: CatalogedFile) -> Opened:
    """Read a file whole.

    Raises:
        Unproven: it is too large, cannot be read, or is not what was scanned.
    """
    if file.stamp.size > MOST_BYTES:
        raise Unproven("too large to be compared at full size")
    try:
        with open_image(file.path) as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, UnreadableImage) as exc:
        raise Unproven(os_reason(exc) if isinstance(exc, OSError) else str(exc)) from exc
    if content_digest(data) != file.digest:
        raise Unproven("changed since it was scanned")
    return Opened(file, data)


def over(image: WholeImage, ground: int) -> NDArray[np.uint8]:
    """Lay a frame over a grey ground; an opaque one stays as it is."""
    if image.alpha is None:
        return image.rgb
    share = image.alpha.astype(np.uint16)[..., None]
    laid = (image.rgb.astype(np.uint16) * share + np.uint16(ground) * (255 - share) + 127) // 255
    return laid.astype(np.uint8)
