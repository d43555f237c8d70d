"""What a question is confined to has to be known: a slip in a folder's name must not answer "no copies"."""

from __future__ import annotations

import os
from collections.abc import Sequence

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, PathNotFound


def demand_catalogued(catalog: Catalog, folders: Sequence[bytes], option: str = "--under") -> None:
    """Make sure that the catalog knows something of each folder or file, which may be away.

    Raises:
        PathNotFound: neither the disk nor the catalog has it.
        BadInput: it is there, and nothing in it was ever scanned.
    """
    with catalog.read() as connection:
        unknown = [folder for folder in folders if not queries.knows_of(connection, folder)]
    for folder in unknown:
        name = os.fsdecode(folder)
        if not os.path.lexists(folder):
            raise PathNotFound(f"{option}: no such path, on the disk or in the catalog: {name}")
        raise BadInput(f"{option}: nothing in {name} is in the catalog: run `neardup scan` on it first")
