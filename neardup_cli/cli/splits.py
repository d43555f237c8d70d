"""Splits of a data set as they are named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neardup_cli.cli.output import raw_path
from neardup_cli.errors import BadInput

if TYPE_CHECKING:
    from neardup_cli.pipeline.splits import Split


def parsed_split(entry: str) -> Split:
    """Take NAME=DIR apart.

    Raises:
        BadInput: it is something else.
    """
    from neardup_cli.pipeline.splits import Split

    name, equals, folder = entry.partition("=")
    if not (name and equals and folder):
        raise BadInput(f"--split takes NAME=DIR, as in --split train=data/train; not {entry}")
    return Split(name, raw_path(Path(folder)))
