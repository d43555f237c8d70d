"""`export`: what `dups` found, as the files that other programs for data sets take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_from_bytes

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.images.files import open_image
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.output import free_file, free_folder, replacing, replacing_folder
from neardup_cli.pipeline.rows import rows_of_images
from neardup_cli.pipeline.splits import Split, rooted
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DupsReport
from neardup_cli.records.rows import FamilyRow, ImageRow, PairRow
from neardup_cli.reports.fiftyone import metadata_document, samples_document
from neardup_cli.reports.issues import IssueRow, issue_rows
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.paths import data_path, parse_data_path
from neardup_cli.reports.row_lines import csv_rows, jsonl_rows
from neardup_cli.reports.rows import family_rows, pair_rows
from neardup_cli.reports.shards import ShardWriter
from neardup_cli.reports.tables import demand_arrow, table_bytes

TABLE_ENDINGS = (".parquet", ".arrow", ".csv", ".jsonl")
"""What a table's file may be called; its ending says how it is written."""

_OF_ARROW = (".parquet", ".arrow")
_SHARD_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is written, and where; None where it is not.

    Attributes:
        dups: what counts as a copy; `limit` is of no use here.
        images, pairs, groups: tables.
        issues: a table with the issue columns of CleanVision and cleanlab.
        drop_list, keep_list: paths, a line each.
        webdataset: folder of shards with the images that stay.
        fiftyone: folder of a data set for FiftyOne.
        shard_bytes: size of a shard, at most, unless one image is larger.
        splits: which images are in which split.
        labels: the folder directly below a split is the label.
        force: replace files that are there.
    """

    dups: DupsOptions = field(default_factory=DupsOptions)
    images: bytes | None = None
    pairs: bytes | None = None
    groups: bytes | None = None
    issues: bytes | None = None
    drop_list: bytes | None = None
    keep_list: bytes | None = None
    webdataset: bytes | None = None
    fiftyone: bytes | None = None
    shard_bytes: int = _SHARD_BYTES
    splits: Sequence[Split] = ()
    labels: bool = True
    force: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A file or folder that was written, and how many entries it has."""

    what: str
    path: bytes
    entries: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to.

    Attributes:
        found: what `dups` found.
        written: the files, in the order of `ExportOptions`.
        left_out: images that should be in a shard and are away, or have changed since the scan.
    """

    found: DupsReport
    written: tuple[Written, ...]
    left_out: tuple[bytes, ...] = ()


def export(catalog: Catalog, options: ExportOptions, progress: Progress | None = None) -> Exported:
    """Find the groups of copies and write them to files, each whole or not at all.

    Raises:
        BadInput: nothing is to be written, a file is there already or has an ending that says nothing.
        PathNotFound: there is no folder for a file.
        MissingExtra: Parquet and Arrow need pyarrow.
        DiskFull: no room for a file; nothing is left of it.
    """
    watch = progress or Silent()
    targets = _targets(catalog, options)
    splits = rooted(options.splits)
    wants_pairs = bool({"pairs", "issues"} & targets.keys())
    asked = replace(options.dups, limit=None, every_pair=options.dups.every_pair or wants_pairs)
    found = find_duplicates(catalog, asked, watch)
    images = rows_of_images(catalog, found, asked.folders, splits, labels=options.labels)
    written: list[Written] = []
    left_out: tuple[bytes, ...] = ()
    for name, target in targets.items():
        if name == "webdataset":
            entries, left_out = _write_shards(catalog, target, images, options.shard_bytes, watch)
        elif name == "fiftyone":
            entries = _write_fiftyone(target, images)
        else:
            entries = _write_file(name, target, images, found)
        written.append(Written(name, target, entries))
    return Exported(found, tuple(written), left_out)


def _targets(catalog: Catalog, options: ExportOptions) -> dict[str, bytes]:
    """Return where each thing that is wanted goes, before any work is done for it."""
    tables = ("images", "pairs", "groups", "issues")
    found: dict[str, bytes] = {}
    for name in (*tables, "drop_list", "keep_list", "webdataset", "fiftyone"):
        path: bytes | None = getattr(options, name)
        if path is None:
            continue
        option = f"--{name.replace('_', '-')}"
        if name in ("webdataset", "fiftyone"):
            target = free_folder(catalog, path, f"folder of {option}")
        else:
            if name in tables and _ending(path) not in TABLE_ENDINGS:
                raise BadInput(
                    f"{option} {os.fsdecode(path)}: its name has to end in one of {', '.join(TABLE_ENDINGS)}"
                )
            if _ending(path) in _OF_ARROW:
                demand_arrow()
            target = free_file(catalog, path, f"file of {option}", force=options.force)
        if target in found.values():
            raise BadInput(f"{os.fsdecode(path)} is named twice")
        found[name] = target
    if not found:
        raise BadInput("name what to write: --images FILE, --drop-list FILE, --webdataset DIR or another one")
    return found


def _ending(path: bytes) -> str:
    return os.path.splitext(os.fsdecode(path))[1].lower()


# --- tables and lists ------------------------------------------------------------------------------------


def _write_file(name: str, target: bytes, images: Sequence[ImageRow[str]], found: DupsReport) -> int:
    rows: Sequence[Any]
    match name:
        case "images":
            return _write_table(target, ImageRow, images)
        case "pairs":
            return _write_table(target, PairRow, list(pair_rows(found, data_path)))
        case "groups":
            return _write_table(target, FamilyRow, list(family_rows(found.groups, data_path)))
        case "issues":
            readable = [row for row in images if row.error is None]
            rows = list(issue_rows(readable, pair_rows(found, data_path)))
            return _write_table(target, IssueRow, rows)
        case "drop_list":
            return _write_lines(target, (row.id for row in images if not row.keep))
        case _:
            return _write_lines(target, (row.id for row in images if row.keep and row.error is None))


def _write_table(target: bytes, kind: type[Any], rows: Sequence[Any]) -> int:
    ending = _ending(target)
    if ending in _OF_ARROW:
        data = table_bytes(kind, rows, parquet=ending == ".parquet")
        with replacing(target) as stream:
            stream.write(data)
        return len(rows)
    lines: Iterable[str] = csv_rows(kind, rows) if ending == ".csv" else jsonl_rows(rows)
    with replacing(target) as stream:
        stream.writelines(f"{line}\n".encode("utf-8", "surrogateescape") for line in lines)
    return len(rows)


def _write_lines(target: bytes, names: Iterable[str]) -> int:
    """Write paths, a line each; one that would be two lines stands as its `file:` URI."""
    number = 0
    with replacing(target) as stream:
        for name in names:
            broken = "\n" in name or "\r" in name
            shown = f"file://{quote_from_bytes(parse_data_path(name))}" if broken else name
            stream.write(shown.encode() + b"\n")
            number += 1
    return number


# --- folders ---------------------------------------------------------------------------------------------


def _write_fiftyone(target: bytes, images: Sequence[ImageRow[str]]) -> int:
    samples = samples_document(images)
    with replacing_folder(target) as folder:
        (folder / "metadata.json").write_text(dump(metadata_document()), encoding="utf-8")
        (folder / "samples.json").write_text(dump(samples), encoding="utf-8")
    return len(samples["samples"])


def _write_shards(
    catalog: Catalog, target: bytes, images: Sequence[ImageRow[str]], most_bytes: int, watch: Progress
) -> tuple[int, tuple[bytes, ...]]:
    kept = [row for row in images if row.keep and row.error is None]
    paths = [parse_data_path(row.id) for row in kept]
    with catalog.read() as connection:
        files = queries.files_at(connection, paths)
    left_out = []
    watch.start("Writing shards", len(kept))
    with replacing_folder(target) as folder, ShardWriter(folder, most_bytes) as writer:
        for row, path in zip(kept, paths, strict=True):
            data = _as_scanned(files[path]) if path in files else None
            if data is None:
                left_out.append(path)
            else:
                writer.add(row, data)
            watch.advance()
    return writer.samples, tuple(left_out)


def _as_scanned(file: CatalogedFile) -> bytes | None:
    """Return the bytes of a file; None where it is away, or holds something else than was scanned."""
    with suppress(OSError, UnreadableImage), open_image(file.path) as stream:
        data = stream.read()
        return data if content_digest(data) == file.digest else None
    return None
