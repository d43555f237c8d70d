"""A process that reads uploads, one after the other: `python -m neardup_cli.web.decoder`.

A file of half a megabyte can hold a hundred megapixels, and decoders hold Python's lock for as long as they
take. So no upload is decoded where questions are answered: that is done here, with as much memory and time as
one upload is worth. What goes back is what a look-up needs of it: its hashes, its preview, what the network
takes. What needs more than a photograph does is read in a child, which ends with its answer; and who has
grown all the same is ended by `decoders`. So all memory goes back to the system, whatever a decoder has done.

In: four bytes, the length of a line of JSON (`Asked`), that line, the file's bytes. Out: a line of JSON, then
the parts whose sizes stand in it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from neardup_cli.embedders.base import resize_to_input
from neardup_cli.embedders.regions import prepare_regions
from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.images.decode import CANONICAL_SHORT_SIDE, decode, opened_header
from neardup_cli.images.holdings import read_holdings
from neardup_cli.pipeline.picture import hashes_of, preview_of
from neardup_cli.records.holdings_json import holdings_facts
from neardup_cli.system.limits import Limit, allow, cpu_seconds
from neardup_cli.web.memory import return_large_blocks, trim

MEMORY_BYTES = 800_000_000
"""What one upload may take at most."""
SECONDS = 20
"""Of a core, for one upload."""
LITTLE_BYTES = 64_000_000
"""What an upload is given that has not said yet how much it needs: enough for any ordinary photograph."""
_SPARE_BYTES = 96_000_000  # asked for by libraries and hardly touched: stacks, arenas of threads
_SPARE_BYTES_A_CORE = 10_000_000
_BYTES_A_PIXEL = 12  # the image, what is laid under it, its grey and its colours
_BYTES_A_COEFFICIENT = 7  # of a pixel of a progressive JPEG, which is decoded whole before it is made small
_COPIES = 2  # of a file: some decoders hold it themselves
_MOST_PIXELS_BACK = 4_000_000
_LENGTH = 4
_COUNTS = sys.platform == "linux"  # elsewhere who has read something large ends, and another one begins
_RESIDENT, _DATA = 1, 5  # in /proc/self/statm; the second is what RLIMIT_DATA counts
_MOST_GROWN = 24_000_000
_TOO_MUCH = "decoding it takes more memory or time than an upload is given"


class Asked(NamedTuple):
    """What is to be done with a file.

    Attributes:
        size: of the file, bytes.
        granted: memory that it may take.
        max_pixels: larger images are refused.
        side: input size of the network; None without one.
        regions: prepare the regions too, and give the pixels back.
        holdings: read what it holds beside its pixels, and nothing else.
        alpha: whether any of it is see-through, where that is known already.
    """

    size: int
    granted: int
    max_pixels: int
    side: int | None = None
    regions: bool = False
    holdings: bool = False
    alpha: bool | None = None


class Answer(NamedTuple):
    """What there is to say, as JSON has it, and bytes that follow it."""

    told: dict[str, Any]
    parts: tuple[bytes, ...] = ()


def main() -> None:
    """Read what comes on stdin until it ends."""
    source = os.fdopen(0, "rb", buffering=0)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    return_large_blocks()
    _warm_up()
    at_rest = _resident()
    while (length := source.read(_LENGTH)) and len(length) == _LENGTH:
        asked = Asked(**json.loads(_exactly(source, int.from_bytes(length))))
        if _COUNTS and asked.granted > LITTLE_BYTES:
            if not _is_done(os.fork(), asked, source, out):
                return
            continue
        with _limited(asked):
            answer = _answered(asked, _exactly(source, asked.size))
        grown = _grown(at_rest)
        last = asked.granted > LITTLE_BYTES or grown > _MOST_GROWN
        _write(out, answer._replace(told={**answer.told, "grown": grown, "last": last}))
        if last:
            return


def _grown(at_rest: int) -> int:
    """Return by how many bytes this process has grown, after what is free has been given back."""
    if _resident() - at_rest > _MOST_GROWN // 4:
        trim()
    return max(0, _resident() - at_rest)


def _is_done(child: int, asked: Asked, source: BinaryIO, out: BinaryIO) -> bool:
    """Let a child answer, of which nothing is left but its answer; return False if it did not get so far."""
    if child:
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        with _limited(asked):
            answer = _answered(asked, _exactly(source, asked.size))
        _write(out, answer._replace(told={**answer.told, "grown": 0, "last": False}))
        code = 0
    finally:
        os._exit(code)


def _write(out: BinaryIO, answer: Answer) -> None:
    sizes = [len(part) for part in answer.parts]
    out.write(json.dumps({**answer.told, "parts": sizes}).encode() + b"\n")
    for part in answer.parts:
        out.write(part)
    out.flush()


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: there are not so many.
    """
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        some = stream.readinto(view[got:])  # type: ignore[attr-defined]
        if not some:
            raise EOFError("ended")
        got += some
    return bytes(data)


def _warm_up() -> None:
    """Do everything once, so that no child has to load it, with as few threads as that takes."""
    import cv2
    import pillow_heif  # noqa: F401

    cv2.setNumThreads(1)
    out = BytesIO()
    Image.linear_gradient("L").resize((700, 700)).convert("RGB").save(out, "JPEG")
    _read(Asked(out.tell(), LITTLE_BYTES, 1 << 20, side=288, regions=True), out.getvalue())


def _answered(asked: Asked, data: bytes) -> Answer:
    """Do what is asked; nothing that a file holds makes this raise."""
    try:
        return _held(asked, data) if asked.holdings else _read(asked, data)
    except (ImageTooLarge, MemoryError) as exc:
        spent = isinstance(exc, MemoryError) or isinstance(exc.__cause__, MemoryError)
        if spent and asked.granted < MEMORY_BYTES:
            return Answer({"wants": MEMORY_BYTES})
        return Answer({"error": _TOO_MUCH if spent else str(exc), "too_large": True})
    except UnreadableImage as exc:
        return Answer({"error": str(exc), "too_large": False})


def _read(asked: Asked, data: bytes) -> Answer:
    """Return what a question needs of an image, or how much memory that would take.

    Raises:
        ImageTooLarge, UnreadableImage: it cannot be had.
    """
    wants = min(MEMORY_BYTES, _needed(data, asked.max_pixels))
    if wants > asked.granted:
        return Answer({"wants": wants})
    image = decode(data, max_pixels=asked.max_pixels)
    features, preview = hashes_of(image), preview_of(image)
    colour = image.colour or image.luma
    inputs = [] if asked.side is None else [resize_to_input(colour, asked.side)]
    inputs += prepare_regions(colour) if asked.regions else []
    given = _at_size(colour) if asked.regions else None
    told = {
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "captured_at": None if image.captured_at is None else image.captured_at.isoformat(),
        "frame": image.frame,
        "dhash": features.dhash,
        "flatness": features.flatness,
        "ground": preview.ground,
        "alpha": preview.alpha is not None,
        "inputs": [list(one.shape) for one in inputs],
        "pixels": None if given is None else [given.mode, *given.size],
    }
    parts = [content_digest(data), preview.pixels_digest, preview.pixels, preview.alpha or b""]
    parts += [np.ascontiguousarray(one).tobytes() for one in inputs]
    parts += [] if given is None else [given.tobytes()]
    return Answer(told, tuple(parts))


def _needed(data: bytes, max_pixels: int) -> int:
    """Return the bytes that decoding an image takes, by what its header says.

    Raises:
        ImageTooLarge: it has more pixels than that.
        UnreadableImage: it is no image.
    """
    with opened_header(BytesIO(data)) as image:
        pixels, shortest = image.width * image.height, min(image.size)
        in_parts = image.format == "JPEG" and "progressive" in image.info
        scale = 1
        while image.format == "JPEG" and scale < 8 and shortest // (2 * scale) >= CANONICAL_SHORT_SIDE:
            scale *= 2
    if pixels > max_pixels:
        raise ImageTooLarge(f"too many pixels: {pixels:,}, the limit is {max_pixels:,}")
    return pixels * _BYTES_A_PIXEL // scale**2 + (pixels * _BYTES_A_COEFFICIENT if in_parts else 0)


def _at_size(image: Image.Image) -> Image.Image:
    """Return an image as small as a JPEG would be decoded: both sides still twice the network's input."""
    factor = min(image.size) // CANONICAL_SHORT_SIDE
    while image.width * image.height > _MOST_PIXELS_BACK * max(1, factor) ** 2:
        factor = max(1, factor) + 1
    return image.reduce(factor) if factor > 1 else image


def _held(asked: Asked, data: bytes) -> Answer:
    """Return what a file holds; what it would cost too much to look at counts as its header says.

    Raises:
        UnreadableImage: it cannot be opened.
    """
    try:
        held = read_holdings(data, max_pixels=asked.granted // _BYTES_A_PIXEL, alpha=asked.alpha)
    except MemoryError:
        held = read_holdings(data, max_pixels=1, alpha=asked.alpha)
    return Answer({"holdings": holdings_facts(held)})


# --- what a system counts ---------------------------------------------------------------------------------


@contextmanager
def _limited(asked: Asked) -> Iterator[None]:
    """Take so much memory more than this process has, and so much time, where the system counts them."""
    if not _COUNTS:  # whoever started us still counts the seconds
        yield
        return
    allow(Limit.CPU, int(cpu_seconds()) + 1 + SECONDS)
    allow(Limit.CORE, 0)
    spare = _SPARE_BYTES + _SPARE_BYTES_A_CORE * (os.cpu_count() or 1)
    allow(Limit.DATA, _pages(_DATA) + asked.granted + _COPIES * asked.size + spare)
    try:
        yield
    finally:
        allow(Limit.DATA, None)


def _resident() -> int:
    return _pages(_RESIDENT) if _COUNTS else 0


def _pages(field: int) -> int:
    return int(Path("/proc/self/statm").read_text().split()[field]) * os.sysconf("SC_PAGE_SIZE")


# --- what is made of an answer, by whoever has asked ------------------------------------------------------


def write_request(stream: IO[bytes], asked: Asked, source: BinaryIO) -> None:
    """Send a file, from its start; it stays open.

    Raises:
        OSError: whoever reads has ended.
        EOFError: the file has become shorter.
    """
    line = json.dumps(asked._asdict()).encode()
    stream.write(len(line).to_bytes(_LENGTH) + line)
    left = asked.size
    source.seek(0)
    while left:
        some = source.read(min(left, 1 << 20))
        if not some:
            raise EOFError("a file has become shorter")
        stream.write(some)
        left -= len(some)
    stream.flush()


def read_answer(stream: IO[bytes]) -> Answer:
    """Take an answer.

    Raises:
        EOFError: the process has ended before its answer.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError("ended")
    told = json.loads(line)
    parts = []
    for size in told["parts"]:
        parts.append(stream.read(size))
        if len(parts[-1]) < size:
            raise EOFError("ended")
    return Answer(told, tuple(parts))


if __name__ == "__main__":
    main()
