"""Saving a plan to a file."""

from __future__ import annotations

import errno
import os

from neardup_cli.atomic import replacing
from neardup_cli.cleanup.files import is_there
from neardup_cli.errors import BadInput, DiskFull

_MARK = b'"schema": "neardup.plan/'


def save_document(text: str, path: bytes) -> None:
    """Write a plan, whole or not at all; of the files that are there, only another plan is replaced.

    Raises:
        BadInput: something else has the name, or it cannot be written there.
        DiskFull: no room; nothing is left of it.
    """
    shown = os.fsdecode(path)
    try:
        if is_there(path) and not _is_plan(path):
            raise BadInput(f"{shown} is there, and is no plan: choose another name")
        with replacing(path) as stream:
            stream.write(text.encode("utf-8") + b"\n")
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise DiskFull(f"no room left to write {shown}: free some and run the command again") from exc
        raise BadInput(f"{shown} cannot be written: {exc.strerror}") from exc


def _is_plan(path: bytes) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        return _MARK in stream.read(200)
