"""Small pictures of catalogued files: upright, without metadata, made once and kept in bounded memory."""

from __future__ import annotations

import io
import os
import threading
from collections import OrderedDict
from enum import IntEnum
from typing import BinaryIO, NamedTuple

from PIL import Image

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import PathNotFound
from neardup_cli.images.files import open_regular
from neardup_cli.images.preview import PREVIEW_SIDE
from neardup_cli.images.remote import is_far, read, status_of
from neardup_cli.images.thumbnail import shrunk_to
from neardup_cli.images.walk import file_stamp
from neardup_cli.pipeline.stored_image import shown_preview
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.members import is_member
from neardup_cli.reports.paths import parse_data_path
from neardup_cli.web.metrics import Metrics

_QUALITY = 82
_ABSENT = "the catalog has no such file"
_CHANGED = "the file is not what it was when it was scanned: scan again"


# A preview of a larger image is not enlarged where that would show.
_ENLARGED = 1.05


class Side(IntEnum):
    """Longest side of a preview, pixels: a few fixed sizes, so that each is made once."""

    THUMBNAIL = 320
    SCREEN = 1280
    DETAIL = 2560


class Shown(NamedTuple):
    """A picture as a JPEG; not `lasting` where there will be more to see when its file comes back."""

    jpeg: bytes
    lasting: bool = True


class Previews:
    """Makes previews of catalogued files, and of nothing else."""

    def __init__(self, catalog: Catalog, max_pixels: int, kept_bytes: int, metrics: Metrics) -> None:
        self._catalog = catalog
        self._max_pixels = max_pixels
        self._kept = _Kept(kept_bytes)
        self._metrics = metrics

    def tag(self, file: CatalogedFile, side: Side) -> str:
        """Return the ETag of a preview: the content's, so that it is right wherever the file moves."""
        return f'"{file.digest.hex()[:24]}-{side.value}"'

    def jpeg(self, file: CatalogedFile, side: Side) -> Shown:
        """Return a preview as a JPEG: the one that the catalog keeps, where it suffices or there is no other.

        Raises:
            PathNotFound: the file is another one than was scanned, or gone, and no preview of it is kept.
            UnreadableImage: it cannot be decoded.
        """
        key = (file.digest, side.value)
        kept = self._kept.get(key)
        if kept is not None:
            self._metrics.previews.labels("memory").inc()
            return Shown(kept)
        picture, lasting = self._picture(file, side)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=_QUALITY)
        if lasting:
            self._kept.put(key, out.getvalue())
        return Shown(out.getvalue(), lasting)

    def _picture(self, file: CatalogedFile, side: Side) -> tuple[Image.Image, bool]:
        """Return the pixels, and whether there are no better ones to be had when the file comes back."""
        if is_changed(file):
            raise PathNotFound(_CHANGED)
        kept = shown_preview(self._catalog, file)
        suffices = side is Side.THUMBNAIL or max(file.width, file.height) <= _ENLARGED * PREVIEW_SIDE
        if kept is not None and suffices:
            self._metrics.previews.labels("catalog").inc()
            kept.thumbnail((side.value, side.value), Image.Resampling.LANCZOS)
            return kept, True
        try:
            with open_as_scanned(file) as stream:
                self._metrics.previews.labels("file").inc()
                return shrunk_to(stream, side=side.value, max_pixels=self._max_pixels), True
        except PathNotFound:
            if kept is None:
                raise
            self._metrics.previews.labels("catalog").inc()
            return kept, False


def catalogued(catalog: Catalog, path: str) -> CatalogedFile:
    """Return the catalogued file that a request names, its path written as in every JSON document.

    The path is compared with the catalog's byte by byte and never with the file system: what the catalog
    does not hold is never looked at.

    Raises:
        PathNotFound: the catalog has no such file.
    """
    try:
        raw = parse_data_path(path)
    except UnicodeEncodeError:
        raise PathNotFound(_ABSENT) from None
    with catalog.read() as connection:
        file = queries.file_at(connection, raw)
    if file is None:
        raise PathNotFound(_ABSENT)
    return file


def is_changed(file: CatalogedFile) -> bool:
    """Return True if another file than was scanned stands at a path; one that is away has not changed.

    An object in a store is not asked about: that takes longer than all the rest.
    """
    if is_far(file.path):
        return False
    try:
        now = status_of(file.path) if is_member(file.path) else os.stat(file.path)
    except (OSError, ValueError):
        return False
    return (now.st_size, now.st_mtime_ns) != (file.stamp.size, file.stamp.mtime_ns)


def open_as_scanned(file: CatalogedFile) -> BinaryIO:
    """Open a catalogued file, if it still is the file that was scanned.

    Whatever stands there is asked only once it is open, so nobody can put a link in between. Where the
    path leads over a symbolic link by now, it has to lead to the very inode that was scanned.

    Raises:
        PathNotFound: it is gone or another one.
    """
    if is_member(file.path):
        return _member_as_scanned(file)
    try:
        straight = os.path.realpath(file.path) == file.path
        stream = open_regular(file.path)
    except (OSError, ValueError):
        raise PathNotFound("the file is gone, or cannot be read: scan again") from None
    now = file_stamp(os.fstat(stream.fileno()))
    same_file = straight or (now.device, now.inode) == (file.stamp.device, file.stamp.inode)
    same_state = (now.size, now.mtime_ns) == (file.stamp.size, file.stamp.mtime_ns)
    if not (same_file and same_state):
        stream.close()
        raise PathNotFound(_CHANGED)
    return stream


def _member_as_scanned(file: CatalogedFile) -> BinaryIO:
    """Open a member of a container, if it still is what was scanned.

    Raises:
        PathNotFound: it is gone or another one.
    """
    try:
        data, now = read(file.path), status_of(file.path)
    except OSError:
        raise PathNotFound("the image is gone, or cannot be read: scan again") from None
    if (now.st_size, now.st_mtime_ns) != (file.stamp.size, file.stamp.mtime_ns):
        raise PathNotFound(_CHANGED)
    return io.BytesIO(data)


class _Kept:
    """The pictures used last, up to a number of bytes; safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pictures: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[bytes, int]) -> bytes | None:
        with self._lock:
            if (picture := self._pictures.get(key)) is not None:
                self._pictures.move_to_end(key)
            return picture

    def put(self, key: tuple[bytes, int], picture: bytes) -> None:
        with self._lock:
            if key in self._pictures:
                return
            self._pictures[key] = picture
            self._bytes += len(picture)
            while self._bytes > self._limit:
                _, dropped = self._pictures.popitem(last=False)
                self._bytes -= len(dropped)
