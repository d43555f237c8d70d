"""Images inside containers: WebDataset's shards and other `.tar` files, `.zip` and `.cbz`.

A member is called `CONTAINER!MEMBER`, by the path of its container and its name in it. Nothing is unpacked: a
member is read from where it lies. It counts as unchanged while its container is, by size and time: what wrote
that anew may have put another image of the same size under the same name.
"""

from __future__ import annotations

import errno
import os
import tarfile
import threading
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from neardup_cli.images.deep import open_path
from neardup_cli.records.members import split_member

_MOST_BYTES = 512 << 20
"""A larger member is not read: it is held as a whole."""

_KEPT = 32
"""Containers whose lists of members are kept: those of shards of 10,000 take 2 MB each."""

_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member lies: its bytes in the file as they are, or for `zipfile` to unpack."""

    offset: int
    size: int
    packed: zipfile.ZipInfo | None = None


@dataclass(slots=True)
class _Container:
    """An open container and its members, by name in the order of their bytes.

    Attributes:
        trouble: why not all of it can be listed; empty where all can.
    """

    handle: int
    status: os.stat_result
    members: dict[bytes, _Member]
    trouble: str = ""
    unpacker: zipfile.ZipFile | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __del__(self) -> None:
        """Close the file when the last one who reads from it is done."""
        if self.unpacker is not None:
            self.unpacker.close()
        os.close(self.handle)


def find(container: bytes) -> tuple[list[tuple[bytes, os.stat_result]], str]:
    """Return all members of a container, each with what `lstat` would say, in the order of their paths.

    Returns:
        The members, and why there may be more; an empty text where all are there.

    Raises:
        OSError: it cannot be read, or is no such container.
    """
    opened = _opened(container)
    found = [
        (container + b"!" + name, _status(opened.status, member.size))
        for name, member in opened.members.items()
    ]
    return found, opened.trouble


def status_of(path: bytes) -> os.stat_result:
    """Return what `stat` would say of a member: its size, and the times of its container.

    Raises:
        OSError: it is not there, or its container cannot be read.
    """
    container, member = _found(path)
    return _status(container.status, member.size)


def is_there(path: bytes) -> bool:
    """Return True if a container has a member.

    Raises:
        OSError: its container is there and cannot be read.
    """
    try:
        _found(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def read(path: bytes) -> bytes:
    """Return the bytes of a member.

    Raises:
        OSError: it is not there, cannot be unpacked, or is larger than what is read at once.
    """
    container, member = _found(path)
    if member.size > _MOST_BYTES:
        raise OSError(errno.EFBIG, "too large a member of a container")
    if member.packed is None:
        return _read_at(container.handle, member.offset, member.size)
    if member.packed.flag_bits & _ENCRYPTED:
        raise OSError(errno.EACCES, "encrypted")
    assert container.unpacker is not None
    try:
        with container.lock, container.unpacker.open(member.packed) as stream:
            return stream.read(member.size)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as exc:
        raise OSError(errno.EIO, f"cannot be unpacked: {exc}") from exc


def real_member(path: bytes) -> bytes:
    """Return a member with the real path of its container."""
    container, name = split_member(path) or (path, b"")
    return os.path.realpath(container) + b"!" + name


# --- open containers ---------------------------------------------------------------------------------------

_open: OrderedDict[bytes, _Container] = OrderedDict()
_lock = threading.Lock()


def _found(path: bytes) -> tuple[_Container, _Member]:
    container, name = split_member(path) or (path, b"")
    opened = _opened(container)
    member = opened.members.get(name)
    if member is None:
        raise FileNotFoundError(errno.ENOENT, "no such member in its container")
    return opened, member


def _opened(path: bytes) -> _Container:
    """Return a container as it is now; its list of members is kept while the file is the same."""
    now = os.stat(path)
    with _lock:
        known = _open.get(path)
        if known is not None and _same(known.status, now):
            _open.move_to_end(path)
            return known
    # Two threads may list the same one at once: that costs less than waiting for each other.
    opened = _listed(path)
    with _lock:
        _open[path] = opened
        while len(_open) > _KEPT:
            _open.popitem(last=False)
    return opened


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino, one.st_dev) == (
        other.st_size,
        other.st_mtime_ns,
        other.st_ctime_ns,
        other.st_ino,
        other.st_dev,
    )


def _listed(path: bytes) -> _Container:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    container = _Container(handle := open_path(path, flags), os.fstat(handle), {})
    if path.lower().endswith(b".tar"):
        _list_tar(container)
    else:
        _list_zip(container)
    container.members = dict(sorted(container.members.items()))
    return container


def _list_tar(container: _Container) -> None:
    """List a tar file; of two members with one name the last one counts, as for those who unpack it."""
    size = container.status.st_size
    try:
        with open(container.handle, "rb", closefd=False) as stream, tarfile.TarFile(fileobj=stream) as shard:
            for info in _each(shard, container):
                if not info.isreg() or info.sparse is not None:
                    continue
                if info.offset_data + info.size > size:
                    container.trouble = "ends in the middle of a member"
                    break
                name = os.fsencode(info.name)
                container.members[name] = _Member(info.offset_data, info.size)
    except tarfile.TarError as exc:
        raise OSError(errno.EINVAL, f"no tar file: {exc}") from exc


def _each(shard: tarfile.TarFile, container: _Container) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar file up to where it is damaged."""
    try:
        while (info := shard.next()) is not None:
            yield info
            vars(shard)["members"] = []  # it would keep them all
    except (tarfile.TarError, ValueError, OverflowError) as exc:
        container.trouble = f"damaged: {exc}"


def _list_zip(container: _Container) -> None:
    try:
        stream = os.fdopen(container.handle, "rb", closefd=False)
        container.unpacker = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as exc:
        raise OSError(errno.EINVAL, f"no zip file: {exc}") from exc
    for info in container.unpacker.infolist():
        if not info.is_dir():
            container.members[os.fsencode(info.filename)] = _Member(0, info.file_size, info)


def _read_at(handle: int, offset: int, size: int) -> bytes:
    parts, left = [], size
    while left and (data := os.pread(handle, left, offset + size - left)):
        parts.append(data)
        left -= len(data)
    if left:
        raise OSError(errno.EIO, "its container has become shorter")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _status(of_container: os.stat_result, size: int) -> os.stat_result:
    mode, inode, device = 0o100444, of_container.st_ino, of_container.st_dev
    whole = int(of_container.st_mtime)
    times = {"st_mtime_ns": of_container.st_mtime_ns, "st_ctime_ns": of_container.st_ctime_ns}
    return os.stat_result((mode, inode, device, 1, 0, 0, size, whole, whole, whole), times)
