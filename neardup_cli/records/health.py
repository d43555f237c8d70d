"""The state of a catalog: `status` and `doctor`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from neardup_cli.records.files import ModelIdentity


@dataclass(frozen=True, slots=True)
class RootStatus:
    """A scanned folder or file, and whether it can be reached now."""

    path: bytes
    files: int
    bytes: int
    online: bool


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the catalog, how many contents have a vector of it, and the state of its index file.

    `regions` counts the contents with vectors of their regions, `compared` those that `dups` has compared
    with all others.
    """

    identity: ModelIdentity
    vectors: int
    index: str
    regions: int = 0
    compared: int = 0


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """What a catalog holds; `previews` counts the images whose small versions it keeps."""

    location: str
    schema: str
    catalog_bytes: int
    index_bytes: int
    files: int
    missing: int
    contents: int
    unreadable: int
    image_bytes: int
    roots: tuple[RootStatus, ...] = ()
    models: tuple[ModelStatus, ...] = ()
    last_scan: datetime | None = None
    previews: int = 0
    preview_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of `doctor`: what was checked, whether it holds, and what to do if not."""

    check: str
    ok: bool
    detail: str = ""
    repaired: bool = field(default=False)
