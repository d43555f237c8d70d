"""The first half of a scan: what is on disk, side by side with what the catalog knows."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from neardup_cli.catalog.scanning import KnownFile, KnownFolder, KnownRow
from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.images.app_folders import in_app_folder
from neardup_cli.images.formats import NOT_AN_IMAGE, has_image_extension, is_raw
from neardup_cli.images.remote import is_remote, is_there, real_place
from neardup_cli.images.walk import (
    FileRun,
    Walker,
    file_stamp,
    is_below,
    is_image_inside,
    os_reason,
    outermost,
)
from neardup_cli.pipeline.work import Cause, ToRead
from neardup_cli.records.files import Skipped

type Lookup = Callable[[bytes], KnownFolder]
"""Gives what the catalog knows below a folder."""


@dataclass(slots=True)
class Survey:
    """What a scan has to do.

    Attributes:
        to_read: new and changed files, and those of whose content something is missing.
        unchanged: files that cost a `stat` and nothing more.
        returned: ids of files that were missing and are back as they were.
        vanished: files of the catalog that were not met; those still on disk (excluded now) among them.
        devices: each root that was met, with its device.
        ctimes: by file id, of unchanged files whose ctime the catalog does not have yet.
    """

    seen: int = 0
    unchanged: int = 0
    to_read: list[ToRead] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    vanished: list[KnownFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    devices: dict[bytes, int] = field(default_factory=dict)
    ctimes: dict[int, int] = field(default_factory=dict)


def real_roots(paths: Sequence[bytes]) -> list[bytes]:
    """Resolve the paths that the user gave; of two that lie in each other the outer one stays.

    Raises:
        PathNotFound: one of them is not there.
        BadInput: none of them is a file or a folder, only devices, sockets and the like.
    """
    for path in paths:
        if not _exists(path):
            raise PathNotFound(f"no such file or folder: {os.fsdecode(path)!s}")
    roots = outermost([real_place(path.rstrip(b"/") if is_remote(path) else path) for path in paths])
    special = [what for root in roots if (what := _special(root)) is not None]
    if roots and len(special) == len(roots):
        raise BadInput(
            f"{os.fsdecode(roots[0])} is {special[0]}, neither a file nor a folder: nothing to look at"
        )
    return roots


def refuse_app_folders(roots: Sequence[bytes]) -> None:
    """Make sure that no root is, or lies in, a folder that belongs to an application.

    Raises:
        BadInput: one does.
    """
    for root in roots:
        folder = None if is_remote(root) else in_app_folder(root)
        if folder is not None:
            raise BadInput(
                f"{os.fsdecode(folder)} is an application's own folder: export its images with that "
                "application and scan those, or add --app-folders to look inside (nothing there is ever "
                "acted upon)"
            )


_SPECIAL = (
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _special(root: bytes) -> str | None:
    """Say what stands under a path that is neither a file nor a folder; None if it is one of these."""
    if is_remote(root):
        return None
    try:
        mode = os.lstat(root).st_mode
    except OSError:  # the walk says why
        return None
    return next((what for is_it, what in _SPECIAL if is_it(mode)), None)


def _exists(path: bytes) -> bool:
    if not is_remote(path):
        return os.path.lexists(path)
    try:
        return is_there(path)
    except OSError as exc:
        raise PathNotFound(f"{os.fsdecode(path)} cannot be reached: {os_reason(exc)}") from exc


def survey(
    roots: Sequence[bytes],
    walker: Walker,
    known: Lookup,
    *,
    rehash: bool = False,
    watch: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Walk the roots and compare each file with the catalog.

    Args:
        roots: absolute real paths, none inside another.
        walker: how to walk; the targets of links that it collects are walked after the roots.
        known: asks the catalog.
        rehash: read every file again, whatever its stamp says.
        watch: told of every few files that were seen.
    """
    result = Survey()
    pending = list(roots)
    while pending:
        for root in pending:
            # A link may lead to a folder around a root that has been compared already.
            inside = [walked for walked in walker.walked if is_below(walked, root)]
            _compare(walker.walk(root), _without(inside, known(root)), result, rehash=rehash, watch=watch)
        walker.walked.update(pending)
        targets = outermost([target for target in walker.link_targets if os.path.lexists(target)])
        walker.link_targets.clear()
        pending = [target for target in targets if not any(is_below(target, root) for root in walker.walked)]
    return result


def _without(folders: Sequence[bytes], known: KnownFolder) -> KnownFolder:
    if not folders:
        return known
    rows = (row for row in known.rows if not any(is_below(row[0], folder) for folder in folders))
    return known._replace(rows=rows)


def _compare(
    runs: Iterator[FileRun],
    known: KnownFolder,
    result: Survey,
    *,
    rehash: bool,
    watch: Callable[[int], None],
) -> None:
    """Go through disk and catalog together: both come in the order of their paths.

    This loop is what scanning a large, quiet collection costs, hence the bare tuples.
    """
    rows, special = known.rows, known.errors.keys() | known.incomplete
    head = next(rows, None)
    for run in runs:
        result.skipped += run.skipped
        result.seen += len(run.files)
        if run.files:
            result.devices[run.root] = file_stamp(run.files[0][1]).device
        for path, status in run.files:
            if head is not None and not rehash:
                known_path, size, mtime_ns, file_id, _, missing, ctime_ns, _ = head
                if (
                    known_path == path
                    and size == status.st_size
                    and mtime_ns == status.st_mtime_ns
                    and ctime_ns == status.st_ctime_ns
                    and missing is None
                    and file_id not in special
                ):  # nearly all of them
                    result.unchanged += 1
                    head = next(rows, None)
                    continue
            while head is not None and head[0] < path:
                _set_aside(head, result)
                head = next(rows, None)
            if head is None or head[0] != path:
                said_by_name = has_image_extension(path) or is_raw(path)  # by which the walk has decided
                if not said_by_name and _left_out(path, run.root, result):
                    continue
                result.to_read.append(ToRead(path, run.root, status.st_size, Cause.NEW))
                continue
            _put_down(head, status, run.root, known, result, rehash=rehash)
            head = next(rows, None)
        watch(len(run.files))
    while head is not None:
        _set_aside(head, result)
        head = next(rows, None)


def _left_out(path: bytes, root: bytes, result: Survey) -> bool:
    """Return True if a new file whose name says nothing is no image, and put that down.

    A file that is a root itself was named by the user, who is told when it cannot be read.
    """
    if path == root or is_remote(path):
        return False
    try:
        if is_image_inside(path):
            return False
        reason = NOT_AN_IMAGE
    except FileNotFoundError:  # gone since: whoever reads it says so
        return False
    except OSError as exc:
        reason = os_reason(exc)
    result.seen -= 1
    result.skipped.append(Skipped(path, reason))
    return True


def _put_down(
    row: KnownRow,
    status: os.stat_result,
    root: bytes,
    known: KnownFolder,
    result: Survey,
    *,
    rehash: bool,
) -> None:
    """Put a known file that is there where it belongs."""
    path, size, mtime_ns, file_id, _, missing, ctime_ns, inode = row
    if size != status.st_size or mtime_ns != status.st_mtime_ns:
        result.to_read.append(ToRead(path, root, status.st_size, Cause.CHANGED))
    elif not rehash and _is_suspect(status, ctime_ns, inode):
        result.to_read.append(ToRead(path, root, status.st_size, Cause.SUSPECT))
    elif rehash or file_id in known.incomplete:
        result.to_read.append(ToRead(path, root, status.st_size, Cause.INCOMPLETE))
    else:
        if missing is not None:
            result.returned.append(file_id)
        if ctime_ns is None and status.st_ctime_ns is not None:
            result.ctimes[file_id] = status.st_ctime_ns
        if file_id in known.errors:
            result.skipped.append(Skipped(path, known.errors[file_id], unreadable=True))
        else:
            result.unchanged += 1


def _is_suspect(status: os.stat_result, ctime_ns: int | None, inode: int | None) -> bool:
    """Return True if a file of the size and time that it had may hold something else all the same.

    The number of its inode counts only where no ctime was noted: some file systems give new numbers with each
    mount, and a file that takes another one's place gets another ctime.
    """
    if ctime_ns is not None:
        return ctime_ns != status.st_ctime_ns
    return inode is not None and inode != file_stamp(status).inode


def _set_aside(row: KnownRow, result: Survey) -> None:
    file = KnownFile(*row)
    if file.missing_scan_id is None:
        result.vanished.append(file)


def still_there(path: bytes) -> bool:
    """Return True if a file that the walk did not meet exists: it is excluded or hidden now, or out of reach.

    A path that is a link now, or leads through one, is no file of its own any more.
    """
    try:
        if is_remote(path):
            return is_there(path)
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # a folder without permission hides its files, it does not delete them
        return True
    return stat.S_ISREG(status.st_mode) and os.path.realpath(path) == path


def is_offline(root: bytes, device: int) -> bool:
    """Return True if a root is a mount point without its disk, rather than a folder whose files were deleted.

    Args:
        root: the root's path.
        device: the device it was on when it was last scanned.
    """
    if is_remote(root):
        try:
            return not is_there(root)
        except OSError:
            return True
    try:
        if _is_folder(root):
            return file_stamp(os.stat(root)).device != device and not os.listdir(root)
        ancestor = os.path.dirname(root)
        while not _is_folder(ancestor):
            ancestor = os.path.dirname(ancestor)
        return file_stamp(os.stat(ancestor)).device != device
    except OSError:  # what cannot be looked at has lost nothing
        return True


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
