"""Real files on disk, as a catalog knows them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.fingerprints.content import content_digest
from neardup_cli.images.decode import decode
from neardup_cli.images.integrity import damage_of
from neardup_cli.records.files import CatalogedFile, FileStamp
from tests.photographed import photographed

type Put = Callable[[str, bytes], CatalogedFile]


def encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def jpeg(image: Image.Image, quality: int = 92, **how: object) -> bytes:
    return encoded(image, "JPEG", quality=quality, **how)


def reopened(data: bytes) -> Image.Image:
    """What a program has in memory that opens a file, without what stands beside the pixels."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert("RGB")
    pixels.info.clear()
    return pixels


@pytest.fixture(scope="session")
def photograph() -> Image.Image:
    """A photograph of 600 × 400 pixels."""
    return photographed("coffee")


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """A function that writes a file and returns it as a scan would have found it."""
    ids: dict[bytes, int] = {}

    def write(name: str, data: bytes) -> CatalogedFile:
        path = tmp_path / name
        path.write_bytes(data)
        status, digest = path.stat(), content_digest(data)
        decoded = decode(io.BytesIO(data))
        stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)
        content = ids.setdefault(digest, len(ids) + 1)
        return CatalogedFile(
            path=os.fsencode(path),
            stamp=stamp,
            content_id=content,
            digest=digest,
            width=decoded.width,
            height=decoded.height,
            format=decoded.format,
            captured_at=None,
            damage=damage_of(data, decoded.format),
        )

    return write
