"""`manifest.csv`: what was done to which picture, beside the copies that `neardup eval attacks` makes.

    copy,source,attack,seed,edits,shows
    jpeg-50/lisbon.jpg.jpg,lisbon.jpg,jpeg-50,0,"[{""kind"":""jpeg"",""quality"":50}]",[]

`copy` is relative to the manifest's folder, `source` to the folder of the originals; `shows` lists the other
originals that can be seen in the copy. Paths that are not UTF-8 are `file:` URIs, see `reports/paths.py`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neardup_cli.errors import BadInput
from neardup_cli.reports.csv_row import csv_row
from neardup_cli.reports.paths import data_path, parse_data_path

MANIFEST_NAME = "manifest.csv"
COLUMNS = ("copy", "source", "attack", "seed", "edits", "shows")


@dataclass(frozen=True, slots=True)
class AttackedCopy:
    """One line of a manifest.

    Attributes:
        copy: path below the folder of the copies.
        source: path below the folder of the originals.
        edits: what was done, in order: each edit's kind and parameters.
        shows: other originals that can be seen in it (the ground of an overlay, the rest of a collage).
    """

    copy: bytes
    source: bytes
    attack: str
    seed: int
    edits: tuple[dict[str, Any], ...] = ()
    shows: tuple[bytes, ...] = ()


def write_manifest(path: Path, copies: Iterable[AttackedCopy]) -> None:
    """Write a manifest, in the order of the copies' paths: the same copies give the same bytes."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(csv_row(COLUMNS) + "\n")
        for entry in sorted(copies, key=lambda one: one.copy):
            cells = (
                data_path(entry.copy),
                data_path(entry.source),
                entry.attack,
                entry.seed,
                json.dumps(entry.edits, separators=(",", ":")),
                json.dumps([data_path(shown) for shown in entry.shows], ensure_ascii=False),
            )
            stream.write(csv_row(cells) + "\n")


def read_manifest(path: Path) -> list[AttackedCopy]:
    """Return the lines of a manifest.

    Raises:
        BadInput: it cannot be read, or is no manifest; the message names the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise BadInput(f"{path} is no manifest of `neardup eval attacks`: it lacks columns")
            return [_copy(row, f"{path}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise BadInput(f"{path} cannot be read: {exc}") from exc


def _copy(row: dict[str, str], place: str) -> AttackedCopy:
    try:
        return AttackedCopy(
            parse_data_path(row["copy"]),
            parse_data_path(row["source"]),
            row["attack"],
            int(row["seed"]),
            tuple(json.loads(row["edits"])),
            tuple(parse_data_path(shown) for shown in json.loads(row["shows"])),
        )
    except (ValueError, TypeError, AttributeError) as exc:
        raise BadInput(f"{place}: no line of a manifest") from exc
