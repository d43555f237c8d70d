"""Uploads on their way to the look-up: what is large is decoded in a process of its own, see `decoder`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import BinaryIO, NamedTuple

from starlette.concurrency import run_in_threadpool

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.images.decode import DecodedImage, opened_header
from neardup_cli.pipeline.probe import AlreadyDecoded, Source
from neardup_cli.web import decoder
from neardup_cli.web.memory import Room, trim

IN_PROCESS_PIXELS = 16_000_000
"""Up to here an upload is decoded where it is looked up."""
MEMORY_BYTES = 900_000_000
"""What all uploads together may take at once, by the estimates below; others wait."""
_DECODER_BYTES = 700_000_000  # its limit, less what it shares with other processes
_BYTES_A_PIXEL = 12  # the image, what is laid under it, its grey and its colours
_BYTES_A_JPEG_PIXEL = 4  # is decoded at a smaller size; a progressive one keeps its coefficients
_HEADERS_AT_ONCE = 2  # some decoders read a whole file before they say how large its image is
_WALL_SECONDS = 45.0  # the decoder itself may take `decoder.SECONDS` of a core


class Uploads:
    """Sees to it that uploads take a bounded amount of memory, however many there are."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._room = Room(MEMORY_BYTES)
        self._headers = asyncio.Semaphore(_HEADERS_AT_ONCE)
        self._underway = 0

    @asynccontextmanager
    async def underway(self) -> AsyncIterator[Upload]:
        """Surround all that is done with one upload; behind the last of them memory is given back."""
        self._underway += 1
        try:
            async with AsyncExitStack() as until_done:
                yield Upload(self, until_done)
        finally:
            self._underway -= 1
            if not self._underway:
                await run_in_threadpool(trim)

    async def source(self, stream: BinaryIO, until_done: AsyncExitStack) -> Source:
        """See `Upload.source`."""
        async with self._headers:
            header = await run_in_threadpool(_header, stream)
        if header.pixels > self._max_pixels:
            raise ImageTooLarge(f"too many pixels: {header.pixels:,}, the limit is {self._max_pixels:,}")
        if header.pixels <= IN_PROCESS_PIXELS:
            each = _BYTES_A_JPEG_PIXEL if header.format == "JPEG" else _BYTES_A_PIXEL
            await until_done.enter_async_context(self._room.lent(header.pixels * each))
            return stream
        async with self._room.lent(_DECODER_BYTES):
            image = await self._decode(await run_in_threadpool(_whole, stream))
        digest = await run_in_threadpool(_digest, stream)
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


class Upload:
    """One upload, for as long as something is done with it."""

    def __init__(self, uploads: Uploads, until_done: AsyncExitStack) -> None:
        self._uploads = uploads
        self._until_done = until_done

    async def source(self, stream: BinaryIO) -> Source:
        """Return what the look-up takes for an upload: the stream itself, or its pixels at a smaller size.

        It waits until there is memory for it.

        Raises:
            ImageTooLarge: its pixels are too many, or cost more than an upload is worth.
            UnreadableImage: it cannot be decoded.
        """
        return await self._uploads.source(stream, self._until_done)


class _Header(NamedTuple):
    pixels: int = 0
    format: str = ""


def _header(stream: BinaryIO) -> _Header:
    """Return what a header announces; of what has none, nothing: the decoder will refuse it."""
    try:
        with opened_header(stream) as image:
            return _Header(image.width * image.height, image.format or "")
    except UnreadableImage:
        return _Header()


def _whole(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read()


def _digest(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream_digest(stream)
