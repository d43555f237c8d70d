"""The paths that a program gives, of any type, as the catalog stores them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from neardup_cli.errors import BadInput
from neardup_cli.images.given import AnyPath
from neardup_cli.images.remote import real_place

type AnyPaths = AnyPath | Iterable[AnyPath]
"""A path, or several."""


def one_path(path: AnyPath) -> bytes:
    """Return a path as bytes.

    Raises:
        BadInput: it is no path.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise BadInput(f"{type(path).__name__} is no path: give a str, a Path or bytes")
    return os.fsencode(path)


def many_paths(paths: AnyPaths) -> list[bytes]:
    """Return paths as bytes; one that stands alone is a list of one.

    Raises:
        BadInput: something is no path.
    """
    if isinstance(paths, str | bytes | os.PathLike):
        return [one_path(paths)]
    return [one_path(path) for path in paths]


def real_places(paths: AnyPaths) -> tuple[bytes, ...]:
    """Return where paths really lead, from the working folder on; addresses stay as they are."""
    return tuple(map(real_place, many_paths(paths)))
