"""The images of the catalog as questions need them: from what a scan has kept, and else from their files.

A file that is away, or another one than was scanned, says nothing about its content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from PIL import Image

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import stored_holdings
from neardup_cli.catalog.previews import stored_preview
from neardup_cli.errors import UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.decode import DecodedImage
from neardup_cli.images.preview import open_preview, preview_pixels
from neardup_cli.pipeline.held import holdings_of_file
from neardup_cli.pipeline.picture import Picture, decode_file, preview_of, stamp_now
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.previews import Preview


def preview_of_content(
    catalog: Catalog, files: Sequence[CatalogedFile], max_pixels: int = DEFAULT_MAX_PIXELS
) -> Preview:
    """Return the preview of a content: the catalog's, or one that is made now, and not kept.

    Args:
        catalog: the catalog.
        files: of the content.
        max_pixels: larger images are not decoded for it.

    Raises:
        UnreadableImage: it has none, and no file that can be read holds the content any more.
    """
    kept = kept_preview(catalog, files)
    return preview_of(original_of(files, max_pixels)) if kept is None else kept


def kept_preview(catalog: Catalog, files: Sequence[CatalogedFile]) -> Preview | None:
    """Return the preview that the catalog has of a content, None where it has none."""
    if not files:
        return None
    with catalog.read() as connection:
        return stored_preview(connection, files[0].content_id)


def shown_preview(catalog: Catalog, file: CatalogedFile) -> Image.Image | None:
    """Return the preview of a file in RGB, None where the catalog has none, or none that is whole."""
    kept = kept_preview(catalog, [file])
    if kept is not None:
        with suppress(UnreadableImage):  # `doctor` says more of it
            return preview_pixels(kept)
    return None


def opened_preview(preview: Preview, file: CatalogedFile, *, colour: bool = True) -> DecodedImage:
    """Return the image of a file as its preview shows it.

    Raises:
        UnreadableImage: the preview is damaged.
    """
    return open_preview(preview, (file.width, file.height), file.format, file.captured_at, colour=colour)


def original_of(files: Sequence[CatalogedFile], max_pixels: int = DEFAULT_MAX_PIXELS) -> DecodedImage:
    """Decode the first of a content's files that still holds it.

    Raises:
        UnreadableImage: none that can be read does.
    """
    return _of_first(files, lambda path: decode_file(path, max_pixels))


def holdings_of(files: Sequence[CatalogedFile]) -> Holdings:
    """Read from the first of a content's files that still holds it what it holds beside its pixels.

    Raises:
        UnreadableImage: none that can be read does.
    """
    return _of_first(files, holdings_of_file)


def picture_of(
    catalog: Catalog, files: Sequence[CatalogedFile], max_pixels: int = DEFAULT_MAX_PIXELS
) -> Picture:
    """Return a content as something to be laid on others; nothing is read before it is asked for."""

    def held() -> Holdings:
        with catalog.read() as connection:
            known = stored_holdings(connection, [files[0].content_id])
        return known[files[0].content_id] if known else holdings_of(files)

    def preview() -> DecodedImage | None:
        kept = kept_preview(catalog, files)
        if kept is not None:
            with suppress(UnreadableImage):
                return opened_preview(kept, files[0])
        return None

    return Picture(files[0].digest, lambda: original_of(files, max_pixels), hold=held, preview=preview)


def _of_first[T](files: Sequence[CatalogedFile], read: Callable[[bytes], T]) -> T:
    for file in files:
        # What is found is kept for good: it must not be about what a file has become since the scan.
        with suppress(UnreadableImage, OSError):
            found = read(file.path)
            if is_unchanged(file):
                return found
    raise UnreadableImage("no file of this content can be read any more")


def is_unchanged(file: CatalogedFile) -> bool:
    """Return True if a file is what was scanned, by its size and time.

    Raises:
        OSError: it is not there, or out of reach.
    """
    now = stamp_now(file.path)
    return (now.size, now.mtime_ns) == (file.stamp.size, file.stamp.mtime_ns)
