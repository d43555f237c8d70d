"""Memory that strangers' images may take: lent, counted, and given back to the system afterwards.

glibc keeps freed blocks of up to 32 MB, in an arena for each thread, for as long as the process lives. A
server that decoded a few large images would hold hundreds of megabytes from then on. With another library of
the system's the functions here that know glibc do nothing.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_MMAP_THRESHOLD = -3  # mallopt's M_MMAP_THRESHOLD
_LARGE_BLOCK = 1 << 20


class Room:
    """Bytes that are lent, first come, first served; for one event loop.

    Args:
        size: how many there are.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._turn = asyncio.Lock()
        self._returned = asyncio.Condition()

    @asynccontextmanager
    async def lent(self, size: int) -> AsyncIterator[None]:
        """Wait until there are so many, and have them while the block runs; more than there are is all."""
        size = min(size, self._size)
        async with self._turn, self._returned:  # whoever wants much is not overtaken by all others
            await self._returned.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            async with self._returned:
                self._free += size
                self._returned.notify_all()


def return_large_blocks() -> None:
    """Have blocks from a megabyte on go back to the system when they are freed; for the whole process."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)


def trim() -> None:
    """Let the system have what is free now, of all threads."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
