"""`folders`: which folders of a catalog hold the same images."""

from __future__ import annotations

import os

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.folders import FoldersReport, HeldImage
from neardup_cli.rules.folders import alike_folders


def find_folders(
    catalog: Catalog, options: DupsOptions, *, exact: bool = False, progress: Progress | None = None
) -> FoldersReport:
    """Find the folders that hold the same images.

    Args:
        catalog: open.
        options: how families are found, and below which folders.
        exact: compare bytes alone; no images are looked at.
        progress: watches.

    Raises:
        ModelMismatch: see `find_duplicates`.
    """
    watch = progress or Silent()
    families: dict[int, int] = {}
    untold = 0
    if not exact:
        report = find_duplicates(catalog, options, watch)
        untold = report.summary["cannot_tell"]
        for group in report.groups:
            first = group.members[0].content_id
            families.update((member.content_id, first) for member in group.members)
    with catalog.read() as connection:
        files = queries.image_files(connection, options.folders)
    images = [HeldImage(path, content, families.get(content, content), size) for path, content, size in files]
    watch.start("Comparing folders", None)
    pairs = alike_folders(images)
    folders = len({os.path.dirname(image.path) for image in images})
    return FoldersReport(tuple(pairs), folders, len(images), untold)
