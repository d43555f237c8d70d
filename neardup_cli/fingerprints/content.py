"""Content hash: bytes to BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs)."""

from __future__ import annotations

from typing import BinaryIO

from blake3 import blake3

DIGEST_BYTES = 32
_CHUNK = 1 << 20


def content_digest(data: bytes) -> bytes:
    """Return the 32-byte BLAKE3 digest of `data`."""
    return blake3(data).digest()


def stream_digest(stream: BinaryIO) -> bytes:
    """Return the 32-byte BLAKE3 digest of what is left in `stream`, a megabyte at a time."""
    hasher = blake3()
    while chunk := stream.read(_CHUNK):
        hasher.update(chunk)
    return hasher.digest()
