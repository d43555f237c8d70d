"""Image files of every format: decoded, looked into, shrunk and read at full size, as scans and proofs do."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from functools import cache

from PIL import Image

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.integrity import damage_of
from neardup_cli.images.thumbnail import webp_thumbnail
from neardup_cli.images.whole import decode_whole
from neardup_cli.pipeline.picture import hashes_of
from tests.e2e.test_mutated import heif, picture, saved, valid_files
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.mutate import changed_directory, changed_part
from tests.fuzz.told import check_holdings

MOST_PIXELS = 4_000_000


def bomb_png(width: int, height: int) -> bytes:
    """A PNG of one bit a pixel that unpacks to a thousand times its size."""
    rows = zlib.compress(bytes((width // 8 + 2) * min(height, 4000)), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def with_size(data: bytes, width: int, height: int) -> bytes:
    """A HEIC or AVIF that says that it has another size (its `ispe` properties)."""
    out, at = bytearray(data), 0
    while (at := data.find(b"ispe", at)) >= 0:
        out[at + 8 : at + 16] = struct.pack(">II", width, height)
        at += 4
    return bytes(out)


def bomb_tiff(width: int, height: int) -> bytes:
    """A TIFF whose one deflated strip unpacks to far more than its size."""
    strip = zlib.compress(bytes(3_000_000), 9)
    tags = (
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1),
        (273, 4, 200), (277, 3, 1), (278, 4, height), (279, 4, len(strip)),
    )  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + strip


@cache
def bombs() -> list[bytes]:
    """Small files that announce, or unpack to, far more than they are."""
    flat = Image.new("L", (8192, 8192), 200)
    avif, heic = saved(picture("RGB"), "AVIF"), heif(picture("RGB"))
    sizes = ((16_384, 16_384), (2**31 - 1, 2**31 - 1), (1 << 30, 1))
    return [
        bomb_png(60_000, 60_000),
        bomb_png(8_000, 4_000),
        bomb_tiff(40_000, 40_000),
        bomb_tiff(3_000, 1_000),
        *(with_size(data, *size) for data in (avif, heic) for size in sizes),
        saved(flat, "GIF"),
        saved(flat, "TIFF", compression="tiff_adobe_deflate"),
        saved(flat.convert("RGB").resize((4096, 4096)), "WEBP", lossless=True, quality=0, method=0),
    ]


@cache
def polyglots() -> list[bytes]:
    """Files that are two things at once, and some that are no image."""
    jpeg, png, gif = (saved(picture("RGB"), kind) for kind in ("JPEG", "PNG", "GIF"))
    html = b"<html><script>alert(1)</script></html>"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    entities = b'<!DOCTYPE s [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;&b;</svg>'
    return [
        svg, entities, html, b"%PDF-1.7\n" + jpeg, jpeg + b"PK\x03\x04" + html, png + html,
        b"GIF89a/*" + html + b"*/=1;" + gif[8:], jpeg[:2] + b"\xff\xfe\0\x28" + html + jpeg[2:],
        b"\xff\xd8\xff" + png, png[:8] + jpeg, b"%!PS-Adobe-3.0 EPSF-3.0\n" + png,
        b"RIFF" + bytes(4) + b"WEBP" + png,
    ]  # fmt: skip


class Images:
    """See above."""

    name = "image"
    seconds = 8.0
    inputs_a_child = 300

    def seeds(self) -> Sequence[bytes]:
        """Return a small file of each format and kind, bombs and polyglots."""
        valid = [content for _, content in valid_files()]
        return [*valid * 4, *polyglots(), *bombs()]

    def mutators(self) -> Sequence[Mutator]:
        """Return those that know chunks, segments, boxes and directories."""
        return (changed_part, changed_part, changed_directory)

    def prepare(self) -> None:
        """Nothing is needed."""

    def check(self, data: bytes) -> str:
        """Look at a file in every way; what one calls an image, no other may die of."""
        refused = None
        try:
            image = decode(data, max_pixels=MOST_PIXELS)
        except UnreadableImage as exc:
            refused = exc
            if not str(exc).isprintable() or len(str(exc)) > 200:
                raise WrongAnswer(f"the reason is no short line: {exc!r}") from exc
        try:
            check_holdings(read_holdings(io.BytesIO(data), max_pixels=MOST_PIXELS))
            decode_whole(data, max_pixels=MOST_PIXELS)
        except UnreadableImage:
            pass
        if refused is not None:
            return "too large" if "too many" in str(refused) else "refused"
        _check_image(data, image.luma, image.width, image.height)
        hashes_of(image)
        damage_of(data, image.format)
        webp_thumbnail(data, side=64, most_bytes=2_000, max_pixels=MOST_PIXELS)
        return "damaged" if image.damage else "taken"


def _check_image(data: bytes, luma: Image.Image, width: int, height: int) -> None:
    """Check what `decode` promises of an image."""
    if not 1 <= width * height <= MOST_PIXELS or luma.width > width or luma.height > height:
        raise WrongAnswer(f"sizes: {width} x {height}, of which {luma.size} are shown")
    grey = decode(data, colour=False, max_pixels=MOST_PIXELS)
    if grey.luma.tobytes() != luma.tobytes() or (grey.width, grey.height) != (width, height):
        raise WrongAnswer("the luma depends on whether colour is asked for")


TARGET = Images()
