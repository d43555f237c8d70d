"""`report`: the groups of copies as one HTML file with their pictures inside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from neardup_cli import __version__
from neardup_cli.catalog.database import Catalog
from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS, deep
from neardup_cli.images.files import open_image
from neardup_cli.images.remote import status_of
from neardup_cli.images.thumbnail import webp_thumbnail
from neardup_cli.images.walk import os_reason
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.output import real_target, replacing
from neardup_cli.pipeline.stored_image import shown_preview
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, DupsReport
from neardup_cli.records.members import is_member
from neardup_cli.reports.html import MARK, Album, Presence, Thumbnail, files_by_content, page_chunks

THUMBNAIL_SIDE = 176
"""Longest side of a thumbnail, pixels."""
THUMBNAIL_BYTES = 8000
"""Size of a thumbnail, at most."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Which groups go into a report, and onto what it may be written.

    Attributes:
        dups: which groups; `look` in them opens files at full size, which a report can do without.
        force: replace a file that is no report.
        max_pixels: larger images are not decoded.
    """

    dups: DupsOptions = field(default_factory=DupsOptions)
    force: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS


def write_report(
    catalog: Catalog, path: bytes, options: ReportOptions, progress: Progress | None = None
) -> DupsReport:
    """Find the groups of copies and write them to an HTML file, whole or not at all.

    An existing report is replaced, any other file only by force, and a catalogued picture never.

    Raises:
        BadInput: something that is no report is in the place, or it cannot be written there.
        PathNotFound: there is no such folder.
        DiskFull: no room for the file; nothing is left of it.
        ModelMismatch: see `find_duplicates`.
    """
    watch = progress or Silent()
    target = _free_place(catalog, path, force=options.force)
    report = find_duplicates(catalog, options.dups, watch)
    album = Album(
        report=report,
        presence={file.path: _presence(file) for group in report.groups for file in group.members},
        made_at=datetime.now(),
        version=__version__,
    )
    thumbnails = _thumbnails(catalog, report.groups, options, watch)
    with replacing(target) as stream:
        for chunk in page_chunks(album, thumbnails):
            stream.write(chunk)
        _free_place(catalog, path, force=options.force)  # minutes may have passed
    return report


def _free_place(catalog: Catalog, path: bytes, *, force: bool) -> bytes:
    """Return the real path to write to, before any work is done for it."""
    target, mode = real_target(catalog, path, "report")
    if mode is None:
        return target
    if not stat.S_ISREG(mode):
        raise BadInput(f"{os.fsdecode(path)} is no file: give the report another name")
    if not force and not _is_report(target):
        raise BadInput(f"{os.fsdecode(path)} exists and is no neardup report: give another name, or --force")
    return target


def _is_report(path: bytes) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(len(MARK)) == MARK
    except OSError:
        return False


def _presence(file: CatalogedFile) -> Presence:
    try:
        status = status_of(file.path) if is_member(file.path) else deep.status_of(file.path)
    except OSError:
        return Presence.GONE
    same = (status.st_size, status.st_mtime_ns) == (file.stamp.size, file.stamp.mtime_ns)
    return Presence.SAME if same else Presence.CHANGED


def _thumbnails(
    catalog: Catalog, groups: Sequence[DuplicateGroup], options: ReportOptions, watch: Progress
) -> Iterator[Thumbnail]:
    """Yield a thumbnail of each content, made by several threads, in the order the page wants."""
    contents = list(files_by_content(groups).values())
    watch.start("making thumbnails", len(contents))

    def make(files: Sequence[CatalogedFile]) -> Thumbnail:
        small = shown_preview(catalog, files[0])
        if small is not None:
            return Thumbnail(webp_thumbnail(small, side=THUMBNAIL_SIDE, most_bytes=THUMBNAIL_BYTES))
        return _thumbnail(files, options.max_pixels)

    for thumbnail in LocalEngine(options.dups.workers).map(make, contents):
        watch.advance()
        yield thumbnail


def _thumbnail(files: Iterable[CatalogedFile], max_pixels: int) -> Thumbnail:
    """Make a thumbnail of a content from the first of its files that still holds it."""
    reason = "gone"
    for file in files:
        if (state := _presence(file)) is not Presence.SAME:
            reason = "changed since the scan" if state is Presence.CHANGED else reason
            continue
        try:
            with open_image(file.path) as stream:
                webp = webp_thumbnail(
                    stream, side=THUMBNAIL_SIDE, most_bytes=THUMBNAIL_BYTES, max_pixels=max_pixels
                )
            return Thumbnail(webp)
        except UnreadableImage as exc:
            reason = str(exc)
        except OSError as exc:
            reason = os_reason(exc)
    return Thumbnail(reason=reason)
