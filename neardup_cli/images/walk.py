"""Walking folders for image files, in the byte order of their paths.

The order is that of the catalog's index on paths, so that a scan can compare the two side by side
without holding either in memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from operator import attrgetter

from neardup_cli.images import members, remote
from neardup_cli.images.app_folders import in_app_folder, is_app_folder
from neardup_cli.images.deep import DeepEntry, entries_of, open_path
from neardup_cli.images.extras import lacking
from neardup_cli.images.formats import (
    NOT_AN_IMAGE,
    RAW_EXTENSIONS,
    SNIFFED_BYTES,
    USUAL_ENDINGS,
    extension_of,
    has_image_extension,
    looks_like_image,
    reason_not_to_read,
)
from neardup_cli.records.files import FileStamp, Skipped
from neardup_cli.records.members import is_container, is_member

_DOT = ord(".")
_KIND = stat.S_IFMT(0o777777)  # the bits of a mode that say what a file is

HIDDEN = "hidden"
EXCLUDED = "excluded"
LIKE_A_MEMBER = "named like a member of a container"
CONTAINER = "archive: not read without --containers, unless it is named itself"
LINK = "symbolic link"
SPECIAL = "not a regular file"
APP_FOLDER = "folder of an application"
RAW_BESIDE = "raw file: goes with the image of its name beside it"

type Entry = os.DirEntry[bytes] | DeepEntry


@dataclass(slots=True)
class FileRun:
    """Files that follow each other in path order below one root, and what was passed over among them.

    Attributes:
        root: the folder given to the walk, or the mount point below it that holds these files.
        files: path and `lstat` of each; plain pairs, for a quiet collection has a million of them.
    """

    root: bytes
    files: list[tuple[bytes, os.stat_result]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(slots=True)
class _Level:
    """A folder on the way down, with those of its entries that are still to come."""

    root: bytes
    device: int
    entries: Iterator[Entry]


@dataclass(slots=True)
class Walker:
    """How to walk, and the targets of the links met on the way.

    Attributes:
        exclude: glob patterns; one with a slash is matched against the path below the root, one without
            against each name. A folder that matches is not entered.
        hidden: take names that begin with a dot.
        follow_links: collect what symbolic links point at in `link_targets` instead of skipping them.
            Each is then walked under its real path, so that no file is recorded under two names and
            no loop can be entered.
        app_folders: enter the folders of applications too, hidden or not; see `app_folders`.
        containers: read the containers that are met; a root that is one is read in any case.
        sniffs: open each file whose name says nothing, to see whether it is an image. Without it they are all
            taken, for a caller that knows most of them from before.
        walked: roots that have been walked before; they are not entered again from a folder around them.
    """

    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_links: bool = False
    app_folders: bool = False
    containers: bool = False
    sniffs: bool = True
    link_targets: list[bytes] = field(default_factory=list)
    walked: set[bytes] = field(default_factory=set)
    _stems: tuple[bytes, frozenset[bytes]] = (b"", frozenset())

    def walk(self, root: bytes) -> Iterator[FileRun]:
        """Yield every file at or below `root` (absolute, real path), in the order of its path's bytes.

        A file that lies on another device than `root` is given its mount point as root, so that the
        catalog can tell an unplugged disk from deleted files.
        """
        run = FileRun(root)
        if remote.is_remote(root):
            yield self._walk_remote(root, run)
            return
        try:
            status = os.lstat(root)
        except OSError as exc:
            run.skipped.append(Skipped(root, os_reason(exc), unreadable=True))
            yield run
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._walk_folder(root, status.st_dev)
        elif stat.S_ISREG(status.st_mode):
            if is_container(root):
                self._take_members(root, run)
            else:
                run.files.append((root, status))
            yield run
        else:
            run.skipped.append(Skipped(root, SPECIAL))
            yield run

    def _walk_remote(self, root: bytes, run: FileRun) -> FileRun:
        """Take the objects below an address; folders are but a part of their names."""
        app_folders: set[bytes] = set()
        try:
            for path, status in remote.find(root):
                below = path[len(root) :].lstrip(b"/")
                folder = None if self.app_folders else in_app_folder(b"/" + below)
                if folder is not None:
                    app_folders.add(root + folder)
                elif reason := self._reason_to_leave(path, os.fsdecode(below)):
                    run.skipped.append(Skipped(path, reason))
                else:
                    run.files.append((path, status))
        except OSError as exc:
            run.skipped.append(Skipped(root, os_reason(exc), unreadable=True))
        run.skipped += [Skipped(folder, APP_FOLDER) for folder in sorted(app_folders)]
        return run

    def _take_members(self, container: bytes, run: FileRun) -> None:
        """Take the images in a container; what is no image is not even named: shards have as much of it."""
        try:
            found, trouble = members.find(container)
        except OSError as exc:
            run.skipped.append(Skipped(container, os_reason(exc), unreadable=True))
            return
        if trouble:
            run.skipped.append(Skipped(container, trouble, unreadable=True))
        start = len(container) + 1
        for path, status in found:
            below = path[start:]
            if not self.app_folders and in_app_folder(b"/" + below) is not None:
                continue
            reason = self._reason_to_leave(path, os.fsdecode(below))
            if reason is None:
                run.files.append((path, status))
            elif reason != NOT_AN_IMAGE:
                run.skipped.append(Skipped(path, reason))

    def _reason_to_leave(self, path: bytes, below: str) -> str | None:
        """Say why an object is not taken; its name alone decides, for opening it would fetch it."""
        names = below.split("/")
        if not self.hidden and any(name.startswith(".") for name in names):
            return HIDDEN
        for pattern in self.exclude:
            if fnmatchcase(below, pattern) if "/" in pattern else _any_matches(names, pattern):
                return EXCLUDED
        if has_image_extension(path):
            return lacking(path)
        return reason_not_to_read(path) or NOT_AN_IMAGE

    def _walk_folder(self, top: bytes, device: int) -> Iterator[FileRun]:
        """Walk a folder of any depth: the folders on the way are a list, not calls in each other."""
        run = FileRun(top)
        levels = [_Level(top, device, self._entries(top, run))]
        while levels:
            entered = self._go_through(levels[-1], top, run)
            yield run
            if entered is None:
                levels.pop()
                run = FileRun(levels[-1].root if levels else top)
                continue
            folder, below, own_device = entered
            run = FileRun(below)
            levels.append(_Level(below, own_device, self._entries(folder, run)))

    def _entries(self, folder: bytes, run: FileRun) -> Iterator[Entry]:
        """Go through the entries of a folder as the paths at or below them are sorted."""
        return _in_path_order(folder, run, containers=self.containers)

    def _go_through(self, level: _Level, top: bytes, run: FileRun) -> tuple[bytes, bytes, int] | None:
        """Take the files of a folder up to the next folder in it; return that, its root and its device."""
        choosy, files = bool(self.exclude or self.walked), run.files
        for entry in level.entries:
            # Nearly every entry is an ordinary image file, and there may be a million: asked little, without
            # a call.
            name = entry.name
            if not choosy and name.endswith(USUAL_ENDINGS) and name[0] != _DOT and b"!" not in name:
                try:
                    status = entry.stat(follow_symlinks=False)
                    if status.st_mode & _KIND == stat.S_IFREG:
                        files.append((entry.path, status))
                        continue
                except OSError:
                    pass  # it is asked again below, by what reports it
            if self._passes_over(entry, top, run):
                continue
            if not entry.is_dir(follow_symlinks=False):
                self._take(entry, run)
                continue
            try:
                device = entry.stat(follow_symlinks=False).st_dev
            except OSError as exc:
                run.skipped.append(Skipped(entry.path, os_reason(exc), unreadable=True))
                continue
            return entry.path, level.root if device == level.device else entry.path, device
        return None

    def _passes_over(self, entry: Entry, top: bytes, run: FileRun) -> bool:
        """Return True if an entry is not for this walk, and put down why."""
        if entry.path in self.walked:
            return True
        of_app = entry.is_dir(follow_symlinks=False) and is_app_folder(entry.path)
        if of_app and not self.app_folders:
            run.skipped.append(Skipped(entry.path, APP_FOLDER))
        elif not (self.hidden or of_app) and entry.name.startswith(b"."):
            run.skipped.append(Skipped(entry.path, HIDDEN))
        elif self.exclude and self._is_excluded(entry, top):
            run.skipped.append(Skipped(entry.path, EXCLUDED))
        elif entry.is_symlink():
            run.skipped.append(Skipped(entry.path, LINK))
            if self.follow_links:
                self.link_targets.append(os.path.realpath(entry.path))
        else:
            return False
        return True

    def _is_excluded(self, entry: Entry, top: bytes) -> bool:
        name = os.fsdecode(entry.name)
        below = os.fsdecode(entry.path[len(top) :].lstrip(b"/"))
        return any(fnmatchcase(below if "/" in pattern else name, pattern) for pattern in self.exclude)

    def _take(self, entry: Entry, run: FileRun) -> None:
        """Put a file into the run, or say why not; the cheap questions first, what is in it last."""
        path = entry.path
        if is_member(path):
            run.skipped.append(Skipped(path, LIKE_A_MEMBER))
            return
        if is_container(path) and entry.is_file(follow_symlinks=False):
            if self.containers:
                self._take_members(path, run)
            else:
                run.skipped.append(Skipped(path, CONTAINER))
            return
        promises = has_image_extension(path)
        is_raw = not promises and extension_of(path) in RAW_EXTENSIONS
        promises = promises or is_raw
        if is_raw and self._has_image_beside(path):
            reason: str | None = RAW_BESIDE
        else:
            reason = lacking(path) if promises else reason_not_to_read(path)
        if reason:
            run.skipped.append(Skipped(path, reason))
            return
        try:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and not promises and self.sniffs and not is_image_inside(path):
                run.skipped.append(Skipped(path, NOT_AN_IMAGE))
                return
        except OSError as exc:
            run.skipped.append(Skipped(path, os_reason(exc), unreadable=promises))
            return
        if stat.S_ISREG(status.st_mode):
            run.files.append((path, status))
        else:
            run.skipped.append(Skipped(path, SPECIAL if promises else NOT_AN_IMAGE))

    def _has_image_beside(self, path: bytes) -> bool:
        """Return True if an image of the same stem lies in the folder of a raw file: the two are one.

        `cleanup.companions` goes by the same names. A folder is listed once, at its first raw file.
        """
        folder, name = os.path.split(path)
        if self._stems[0] != folder:
            try:
                names = [entry.name for entry in entries_of(folder)]
            except OSError:
                names = []
            stems = frozenset(os.path.splitext(name)[0] for name in names if has_image_extension(name))
            self._stems = folder, stems
        return os.path.splitext(name)[0] in self._stems[1]


def is_image_inside(path: bytes) -> bool:
    """Return True if a regular file begins like an image, whatever its name; little of it is read.

    Raises:
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = open_path(path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and looks_like_image(
            os.read(descriptor, SNIFFED_BYTES)
        )
    finally:
        os.close(descriptor)


def outermost(paths: Sequence[bytes]) -> list[bytes]:
    """Sort paths and drop those that lie below another one."""
    kept: list[bytes] = []
    for path in sorted(
        set(paths), key=lambda path: path + b"!" if is_container(path) else path.rstrip(b"/") + b"/"
    ):
        if not kept or not is_below(path, kept[-1]):
            kept.append(path)
    return kept


def is_below(path: bytes, folder: bytes) -> bool:
    """Return True if `path` is `folder` or lies in it; a member lies in its container."""
    if path == folder or path.startswith(folder.rstrip(b"/") + b"/"):
        return True
    return is_container(folder) and path.startswith(folder + b"!")


def file_stamp(status: os.stat_result) -> FileStamp:
    """Take from `stat` what tells that a file has not changed."""
    # Some file systems use all 64 bits of these numbers; the catalog's integers are signed.
    device, inode = _signed(status.st_dev), _signed(status.st_ino)
    return FileStamp(status.st_size, status.st_mtime_ns, device, inode, status.st_ctime_ns)


def _in_path_order(folder: bytes, run: FileRun, *, containers: bool) -> Iterator[Entry]:
    """Go through the entries of a folder as the paths below them are sorted, byte by byte.

    One that cannot be listed has none, and is put down as such.
    """
    try:
        found = entries_of(folder)
    except OSError as exc:
        run.skipped.append(Skipped(folder, os_reason(exc), unreadable=True))
        return iter(())
    has_folders = any(entry.is_dir(follow_symlinks=False) for entry in found)
    # Most folders hold files only: these are sorted in half the time.
    if containers and any(is_container(entry.name) for entry in found):
        return iter(sorted(found, key=_sort_key_with_containers))
    return iter(sorted(found, key=_sort_key if has_folders else attrgetter("name")))


def _sort_key(entry: Entry) -> bytes:
    """With its slash, a folder stands exactly where the paths below it belong."""
    return entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name


def _sort_key_with_containers(entry: Entry) -> bytes:
    """With the sign before its members, a container stands where these belong."""
    if entry.is_dir(follow_symlinks=False):
        return entry.name + b"/"
    return entry.name + b"!" if is_container(entry.name) else entry.name


def _any_matches(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def os_reason(exc: OSError) -> str:
    """Say in a few words why the system refused a path."""
    return (exc.strerror or "cannot be read").lower()
