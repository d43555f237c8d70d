"""A part of a catalog that was listed file by file, as the few places that hold it and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput

_MOST = 300
"""Places that one question to a catalog can name: SQLite's limit on nested conditions is 1,000."""


def scope(catalog: Catalog, wanted: Collection[bytes]) -> tuple[bytes, ...]:
    """Return what to look under, so that of all present files exactly the wanted ones take part.

    Nothing where the catalog has no others.

    Raises:
        BadInput: others lie among the wanted ones in more places than can be named.
    """
    with catalog.read() as connection:
        others = [path for path in queries.present_paths(connection) if path not in wanted]
    if not others:
        return ()
    mixed = {folder for path in others for folder in _above(path)} | set(others)
    places = {next((folder for folder in _above(path) if folder not in mixed), path) for path in wanted}
    if len(places) > _MOST:
        raise BadInput(
            f"{catalog.name} has {len(others):,} other images among these, in too many places: "
            "name a catalog of their own"
        )
    return tuple(sorted(places))


def _above(path: bytes) -> Iterator[bytes]:
    """Yield the folders that a path lies in, the outermost first."""
    place = path.find(b"/", 1)
    while place >= 0:
        if not path[:place].endswith((b":", b"/")):
            yield path[:place]
        place = path.find(b"/", place + 1)
