"""Uploads on their way to the look-up: each is read in a process, with memory that is lent to it.

The server itself never holds the pixels of an upload, nor decodes anything of it: see `decoder`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from math import prod
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from starlette.concurrency import run_in_threadpool

from neardup_cli.embedders.base import Pixels
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import DecodedImage
from neardup_cli.pipeline.probe import Prepared
from neardup_cli.pipeline.query import Wanted
from neardup_cli.records.files import Features
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.holdings_json import holdings_of_facts
from neardup_cli.records.previews import Preview
from neardup_cli.web.decoder import LITTLE_BYTES, MEMORY_BYTES, Answer, Asked
from neardup_cli.web.decoders import Decoders
from neardup_cli.web.memory import Room, trim

ALL_BYTES = 900_000_000
"""What all uploads together may take at once; others wait."""
_COPIES = 3  # of a file in a process: as it came, and what decoders make of it before they know its size


class Uploads:
    """Sees to it that uploads take a bounded amount of memory, however many there are."""

    def __init__(self, max_pixels: int, workers: int) -> None:
        self._max_pixels = max_pixels
        self._room = Room(ALL_BYTES)
        self._decoders = Decoders(workers)
        self._underway = 0

    def close(self) -> None:
        """End all processes."""
        self._decoders.close()

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

    async def prepared(self, stream: BinaryIO, wanted: Wanted, until_done: AsyncExitStack) -> Prepared:
        """See `Upload.prepared`."""
        size = await run_in_threadpool(stream.seek, 0, io.SEEK_END)
        asked = _asked(size, wanted, self._max_pixels)
        answer = await self._read(asked, stream)
        if (more := _with_more(asked, answer)) is not None:
            answer = await self._read(more, stream)
        await until_done.enter_async_context(self._room.lent(sum(len(part) for part in answer.parts)))
        return _prepared(answer, wanted, partial(_held, self._decoders, asked, answer, stream))

    async def _read(self, asked: Asked, stream: BinaryIO) -> Answer:
        """Have a file read, in memory that is lent until whoever reads it has let go of it."""
        async with self._room.lent(asked.granted + _COPIES * asked.size):
            reading = self._decoders.read(asked, stream)
            answer = asyncio.wrap_future(reading.answer)
            try:
                return await asyncio.shield(answer)
            except asyncio.CancelledError:
                reading.stop()
                await asyncio.wait([answer])
                if not answer.cancelled():
                    answer.exception()  # nobody asks for it any more, and the log is not told of it
                raise


class Upload:
    """One upload, for as long as something is done with it."""

    def __init__(self, uploads: Uploads, until_done: AsyncExitStack) -> None:
        self._uploads = uploads
        self._until_done = until_done

    async def prepared(self, stream: BinaryIO, wanted: Wanted) -> Prepared:
        """Return what the look-up takes for an upload; it waits until there is memory for it.

        Raises:
            ImageTooLarge: its pixels are too many, or cost more than an upload is worth.
            UnreadableImage: it cannot be decoded.
        """
        return await self._uploads.prepared(stream, wanted, self._until_done)


def prepared_alone(decoders: Decoders, stream: BinaryIO, wanted: Wanted, max_pixels: int) -> Prepared:
    """Return what the look-up takes for an image where they come one at a time; see `Upload.prepared`.

    Args:
        decoders: one process of theirs is as much as all uploads together may take.
        stream: the image; it stays open until the answer to the look-up is there.
        wanted: what is asked of it.
        max_pixels: larger ones are refused.
    """
    asked = _asked(stream.seek(0, io.SEEK_END), wanted, max_pixels)
    answer = decoders.read(asked, stream).answer.result()
    if (more := _with_more(asked, answer)) is not None:
        answer = decoders.read(more, stream).answer.result()
    return _prepared(answer, wanted, partial(_held, decoders, asked, answer, stream))


def _asked(size: int, wanted: Wanted, max_pixels: int) -> Asked:
    return Asked(size, LITTLE_BYTES, max_pixels, wanted.side, wanted.regions)


def _with_more(asked: Asked, answer: Answer) -> Asked | None:
    """Return a request with as much memory as reading turned out to take; None if what it had was enough."""
    if "wants" not in answer.told:
        return None
    return asked._replace(granted=min(int(answer.told["wants"]), MEMORY_BYTES))


def _held(decoders: Decoders, asked: Asked, answer: Answer, stream: BinaryIO) -> Holdings:
    """Have read what a file holds beside its pixels, once that is asked for."""
    alpha = None if answer.told["frame"] else bool(answer.told["alpha"])
    held = decoders.read(asked._replace(holdings=True, alpha=alpha), stream)
    return holdings_of_facts(held.answer.result().told["holdings"], "")


def _prepared(answer: Answer, wanted: Wanted, hold: Callable[[], Holdings]) -> Prepared:
    told = answer.told
    if "wants" in told:
        raise UnreadableImage("cannot be decoded")
    digest, pixels_digest, preview, alpha, *parts = answer.parts
    when = told["captured_at"]
    features = Features(
        told["format"],
        told["width"],
        told["height"],
        told["dhash"],
        told["flatness"],
        None if when is None else datetime.fromisoformat(when),
        None,
        preview=Preview(preview, pixels_digest, alpha if told["alpha"] else None, told["ground"]),
    )
    inputs = [_array(part, shape) for part, shape in zip(parts, told["inputs"], strict=False)]
    whole = inputs.pop(0) if wanted.side is not None else None
    image = None if told["pixels"] is None else _image(parts[-1], told, features)
    return Prepared(digest, features, whole, inputs, image, hold)


def _array(part: bytes, shape: list[int]) -> Pixels:
    if len(shape) != 3 or prod(shape) != len(part):
        raise UnreadableImage("cannot be decoded")
    return np.frombuffer(part, np.uint8).reshape(shape)


def _image(part: bytes, told: dict[str, Any], features: Features) -> DecodedImage:
    mode, width, height = told["pixels"]
    colour = Image.frombytes(mode, (width, height), part)
    grey = colour if mode == "L" else colour.getchannel(0) if mode == "YCbCr" else colour.convert("L")
    return DecodedImage(
        luma=grey,
        colour=None if mode == "L" else colour,
        width=features.width,
        height=features.height,
        format=features.format,
        captured_at=features.captured_at,
        frame=told["frame"],
    )
