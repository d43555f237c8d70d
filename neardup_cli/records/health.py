"""The state of a catalog: `status` and `doctor`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from neardup_cli.records.files import ModelIdentity, Skipped


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


@dataclass(frozen=True, slots=True)
class BugReport:
    """What a bug report needs, by name, in the order in which it is shown; no path and no name of the user's.

    Attributes:
        versions: of neardup, what it stands on and the system.
        settings: "default" where nothing was set, "set" where the value is nobody's business.
        catalog: its counts; `opened` says why there are none.
    """

    versions: dict[str, str]
    settings: dict[str, str]
    catalog: dict[str, str]


@dataclass(frozen=True, slots=True)
class RottenFile:
    """A file whose bytes changed while its size and time did not, and a sound file with what it held."""

    path: bytes
    copy: bytes | None = None


@dataclass(frozen=True, slots=True)
class VerifiedFiles:
    """What `doctor --verify-files` found.

    Attributes:
        checked: files that were read, and `read_bytes` in them.
        spared: files that had been read recently enough.
        rotten: whose bytes are others, though nobody seems to have written to them.
        unreadable: that the system could not read, and why.
        changed: of another size or time than scanned: the next scan reads them.
        away: no longer there, or on a disk that is not.
        resumed: it went on with a run that had been interrupted.
    """

    checked: int
    read_bytes: int
    spared: int
    rotten: tuple[RottenFile, ...]
    unreadable: tuple[Skipped, ...]
    changed: tuple[bytes, ...]
    away: int
    resumed: bool
    seconds: float

    @property
    def sound(self) -> bool:
        """Return True if nothing is wrong with what could be read."""
        return not self.rotten and not self.unreadable
