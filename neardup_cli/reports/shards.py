"""WebDataset shards: tar files in which the files of a sample follow each other under one key."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Self

from neardup_cli.images.formats import IMAGE_EXTENSIONS, RAW_EXTENSIONS, extension_of
from neardup_cli.records.rows import ImageRow
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.row_lines import row_document

_ENDINGS = {"JPEG": "jpg", "TIFF": "tif", "JPEG2000": "jp2", "HEIF": "heic"}


class ShardWriter:
    """Writes samples into numbered tar files of a bounded size; the same samples give the same bytes."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Take the folder, which is there and empty, and the size of a shard."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._shard: tarfile.TarFile | None = None
        self._room = 0
        self.shards = 0
        self.samples = 0

    def add(self, row: ImageRow[str], data: bytes) -> None:
        """Write an image: `KEY.jpg` as it is, `KEY.json` with its row, `KEY.txt` with its label if any."""
        described = dump(row_document(row), one_line=True).encode()
        key = f"{self.samples:09d}"
        members = [(f"{key}.{ending(row)}", data), (f"{key}.json", described)]
        if row.label is not None:
            members.append((f"{key}.txt", str(row.label).encode()))
        size = sum(len(content) + 2 * tarfile.BLOCKSIZE for _, content in members)
        if self._shard is None or size > self._room:
            self._next_shard()
        self._room -= size
        assert self._shard is not None
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            self._shard.addfile(member, io.BytesIO(content))
        self.samples += 1

    def close(self) -> None:
        """End the last shard."""
        if self._shard is not None:
            self._shard.close()
            self._shard = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_shard(self) -> None:
        self.close()
        name = self._folder / f"{self.shards:06d}.tar"
        self._shard = tarfile.TarFile(name, "w", format=tarfile.USTAR_FORMAT)
        self._room = self._most_bytes
        self.shards += 1


def ending(row: ImageRow[str]) -> str:
    """Return what an image's member ends in: what it holds, but for a raw file, which ends as its name."""
    if row.format is not None and (named := _ENDINGS.get(row.format, row.format.lower())):
        if named.encode() in IMAGE_EXTENSIONS:
            return named
        own = extension_of(os.fsencode(row.id))
        if own in RAW_EXTENSIONS:
            return own.decode()
    return "img"
