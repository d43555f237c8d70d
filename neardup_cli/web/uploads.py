"""Uploads on their way to the look-up: what is large is decoded in a process of its own, see `decoder`."""

from __future__ import annotations

import asyncio
import ctypes
import json
import sys
from contextlib import suppress
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.images.decode import DecodedImage, opened_header
from neardup_cli.pipeline.probe import AlreadyDecoded, Source
from neardup_cli.web import decoder

IN_PROCESS_PIXELS = 16_000_000
"""Up to here an upload is decoded where it is looked up: 64 MB for as long as that takes."""
_AT_ONCE = 1
_WALL_SECONDS = 45.0  # the decoder itself may take `decoder.SECONDS` of a core


class Uploads:
    """Decodes large uploads, one at a time: their memory is bounded however many there are."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def source(self, stream: BinaryIO) -> Source:
        """Return what the look-up takes for an upload: the stream itself, or its pixels at a smaller size.

        Raises:
            ImageTooLarge: its pixels are too many, or cost more than an upload is worth.
            UnreadableImage: it cannot be decoded.
        """
        pixels = await run_in_threadpool(_pixels, stream)
        if pixels > self._max_pixels:
            raise ImageTooLarge(f"too many pixels: {pixels:,}, the limit is {self._max_pixels:,}")
        if pixels <= IN_PROCESS_PIXELS:
            return stream
        async with self._places:
            image = await self._decode(await run_in_threadpool(_whole, stream))
        digest = await run_in_threadpool(_digest, stream)
        await run_in_threadpool(_give_back)
        return AlreadyDecoded(stream, digest, image)

    async def _decode(self, data: bytes) -> DecodedImage:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            decoder.__name__,
            str(self._max_pixels),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_WALL_SECONDS):
                written, _ = await process.communicate(data)
        except TimeoutError:
            written = b""
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        line, newline, pixels = written.partition(b"\n")
        if process.returncode != 0 or not newline:  # the system has ended it
            raise ImageTooLarge("decoding it takes more memory or time than an upload is given")
        return await run_in_threadpool(decoder.read_answer, json.loads(line), pixels)


def _pixels(stream: BinaryIO) -> int:
    """Return how many pixels a header announces; what has none is left to the decoder to refuse."""
    try:
        with opened_header(stream) as image:
            return image.width * image.height
    except UnreadableImage:
        return 0


def _give_back() -> None:
    """Let the system have what was freed; glibc keeps it for a next time."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _whole(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read()


def _digest(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream_digest(stream)
