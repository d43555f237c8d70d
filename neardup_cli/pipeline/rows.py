"""All images that `dups` compared, as rows: also those without a copy, and those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.pipeline.splits import Split, place_in
from neardup_cli.records.matches import DupsReport
from neardup_cli.records.rows import ImageRow
from neardup_cli.reports.paths import data_path
from neardup_cli.reports.rows import image_rows


def rows_of_images(
    catalog: Catalog,
    report: DupsReport,
    under: Sequence[bytes] = (),
    splits: Sequence[Split] = (),
    *,
    labels: bool = True,
) -> list[ImageRow[str]]:
    """Return a row an image, by path.

    Args:
        catalog: open.
        report: what `dups` found in it, without a limit.
        under: where it looked.
        splits: which images are in which split; none of them lies in another one.
        labels: the folder directly below a split is the label.
    """
    return sorted(_with_splits(_rows(catalog, report, under), splits, labels=labels), key=attrgetter("id"))


def _rows(
    catalog: Catalog, report: DupsReport, under: Sequence[bytes]
) -> Iterator[tuple[bytes, ImageRow[str]]]:
    with catalog.read() as connection:
        ids = queries.fingerprints(connection, under).ids.tolist()
        files = queries.files_of_contents(connection, ids, under)
        unreadable = queries.unreadable_files(connection, under)
    rows = image_rows(files, report.groups, data_path)
    yield from zip((file.path for file in files), rows, strict=True)
    for path, reason in unreadable:
        yield path, ImageRow(data_path(path), error=reason)


def _with_splits(
    rows: Iterator[tuple[bytes, ImageRow[str]]], splits: Sequence[Split], *, labels: bool
) -> Iterator[ImageRow[str]]:
    for path, row in rows:
        place = place_in(path, splits, labels=labels)
        if place is None:
            yield row
        else:
            label = None if place.label is None else data_path(place.label)
            yield replace(row, split=place.split, label=label)
