"""Which groups were printed last, for a shell that completes their names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from neardup_cli.catalog import named_groups
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import NeardupError


def remember_groups(catalog: Catalog, names: Sequence[str]) -> None:
    """Remember what was printed; a catalog that can only be read, or is written to, goes without."""
    with catalog.read() as connection:
        known = named_groups.named_groups(connection)
    if known != list(names):
        with suppress(NeardupError), catalog.write() as connection:
            named_groups.store_named_groups(connection, names)


def remembered_groups(catalog: Catalog) -> list[str]:
    """Return what was printed last."""
    with catalog.read() as connection:
        return named_groups.named_groups(connection)
