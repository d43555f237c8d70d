"""What is known of a file, of its content, and of the model that looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from neardup_cli.records.holdings import Holdings
from neardup_cli.records.previews import Preview


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What `stat` says of a file: enough to tell, without reading it, that it has not changed.

    `ctime_ns` is what programs that keep the times of files cannot set; it changes with permissions and
    names, too, so that a file with another one has to be read. None where it is not known.
    """

    size: int
    mtime_ns: int
    device: int
    inode: int
    ctime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that the scan did not take, and why.

    `unreadable` separates what the user would want to know about (a photograph that cannot be
    opened) from what was never meant to be scanned (a text file, a hidden folder).
    """

    path: bytes
    reason: str
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """What one decoded content gives: all that later questions need.

    Attributes:
        dhash: 64-bit difference hash as a signed integer (SQLite has no unsigned ones).
        flatness: share in [0, 1] of the hash's 64 comparisons that noise decides.
        vector: float16 little-endian unit vector as raw bytes, or None where it was not asked for.
        regions: the same of each region, one after the other; see `embedders/regions.py`.
        damage: what its decoder complained of while it decoded it all the same; empty for a sound one.
        preview: its small version, or None where it was not asked for.
        holdings: what its file holds beside its first image, where that may be asked of every pair.
    """

    format: str
    width: int
    height: int
    dhash: int
    flatness: float
    captured_at: datetime | None
    vector: bytes | None
    regions: bytes | None = None
    damage: str = ""
    preview: Preview | None = None
    holdings: Holdings | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a content cannot be decoded; kept, so that it is not tried again at every scan."""

    reason: str


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What makes two vectors comparable: the same weights fed in the same way.

    Attributes:
        name: what the user called it (`sscd`, or a file name).
        fingerprint: BLAKE3 of the model file, hexadecimal.
        dimension: length of its vectors.
        preprocessing: how an image becomes the network's input, in words.
    """

    name: str
    fingerprint: str
    dimension: int
    preprocessing: str


@dataclass(frozen=True, slots=True)
class CatalogedFile:
    """One present file of the catalog with what is known of its content; `damage` as in `Features`."""

    path: bytes
    stamp: FileStamp
    content_id: int
    digest: bytes
    width: int
    height: int
    format: str
    captured_at: datetime | None
    damage: str = ""
