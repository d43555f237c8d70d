"""Pictures that are no files of their own.

They are in object stores and other places that fsspec reaches (`s3://bucket/folder`, `gs://…`, `file://…`),
members of containers (`images.members`), or given by a program (`images.given`). Such an address stands in
the catalog as its bytes, like a path. It can be scanned, its pictures take part in `dups` and `query` with
all stages, and nothing is ever written, moved or deleted there: `clean` has no file to act upon. An object
has no inode; it counts as unchanged while its size and its time are.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from neardup_cli.images import given, members
from neardup_cli.installation import missing_extra
from neardup_cli.records.members import is_member

_SCHEME = re.compile(rb"[a-z][a-z0-9+.-]+://")
_TIMES = ("LastModified", "mtime", "last_modified", "updated", "created")  # what the file systems call it


def is_remote(path: bytes) -> bool:
    """Whether a path is an address and not that of a file: of absolute paths, only a member's is one."""
    if path.startswith(b"/"):
        return is_member(path)
    return _SCHEME.match(path) is not None or is_member(path)


def is_far(path: bytes) -> bool:
    """Whether reading an address takes long, or is possible only now."""
    return is_remote(path) and not is_member(path)


def real_place(path: bytes) -> bytes:
    """Return where a path really leads; of a member, where its container lies. An address stays as it is."""
    if not is_remote(path):
        return os.path.realpath(path)
    return members.real_member(path) if is_member(path) else path


def find(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Yield every object at or below an address, with what `lstat` would say, in the order of its bytes.

    Raises:
        OSError: it cannot be listed.
        MissingExtra: what reads such an address is not installed.
    """
    if given.is_given(root) or is_member(root):
        if is_there(root):
            yield root, status_of(root)
        return
    system, place = _system(root)
    with_details = system.find(place, detail=True)
    objects = {os.fsencode(system.unstrip_protocol(name)): info for name, info in with_details.items()}
    for path in sorted(objects):
        yield path, _status(objects[path])


def status_of(path: bytes) -> os.stat_result:
    """Return what `stat` would say of an object.

    Raises:
        OSError: it is not there, or out of reach.
    """
    if given.is_given(path):
        return given.status_of(path)
    if is_member(path):
        return members.status_of(path)
    system, place = _system(path)
    return _status(system.info(place))


def is_there(path: bytes) -> bool:
    """Whether there is an object, or anything below it.

    Raises:
        OSError: the place is out of reach.
    """
    if given.is_given(path):
        return given.is_there(path)
    if is_member(path):
        return members.is_there(path)
    system, place = _system(path)
    return bool(system.exists(place))


def read(path: bytes) -> bytes:
    """Return an object.

    Raises:
        OSError: it is not there, or out of reach.
    """
    if given.is_given(path):
        return given.read(path)
    if is_member(path):
        return members.read(path)
    system, place = _system(path)
    data: bytes = system.cat_file(place)
    return data


def _system(path: bytes) -> tuple[Any, str]:
    """Return the file system of an address, which fsspec keeps, and the place in it."""
    address = os.fsdecode(path)
    try:
        import fsspec

        system, place = fsspec.core.url_to_fs(address)
    except ImportError as exc:
        need = f"{address} is read by fsspec and what that needs (s3fs for s3://, gcsfs for gs://)"
        raise missing_extra(need, "ray") from exc
    except ValueError as exc:
        raise OSError(0, f"no such kind of place ({exc})") from exc
    return system, place


def _status(info: dict[str, Any]) -> os.stat_result:
    """Make a `stat` of what fsspec says; device and inode are 0 throughout."""
    modified = next((info[name] for name in _TIMES if info.get(name) is not None), 0)
    seconds = modified.timestamp() if isinstance(modified, datetime) else float(modified)
    kind = stat.S_IFREG if info.get("type", "file") == "file" else stat.S_IFDIR
    whole = int(seconds)
    numbers = (kind | 0o444, 0, 0, 1, 0, 0, int(info.get("size") or 0), whole, whole, whole)
    return os.stat_result(numbers, {"st_mtime_ns": round(seconds * 1_000_000) * 1000})
