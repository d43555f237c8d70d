"""Walking folders for image files, in the byte order of their paths.

The order is that of the catalog's index on paths, so that a scan can compare the two side by side
without holding either in memory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from operator import attrgetter

from neardup_cli.images import remote
from neardup_cli.records.files import FileStamp, Skipped

IMAGE_EXTENSIONS = frozenset(
    b"jpg jpeg jpe jfif mpo png apng webp gif bmp dib tif tiff avif avifs"
    b" heic heif heics heifs hif jp2 j2k j2c jpc jpf jpx".split()
)
"""Extensions that are opened; what is in the file decides what it is."""

_USUAL_ENDINGS = (b".jpg", b".JPG", b".jpeg", b".png", b".heic", b".HEIC", b".webp", b".gif", b".bmp")

_DOT = ord(".")
_KIND = stat.S_IFMT(0o777777)  # the bits of a mode that say what a file is

NOT_AN_IMAGE = "not an image file"
HIDDEN = "hidden"
EXCLUDED = "excluded"
LINK = "symbolic link"
SPECIAL = "not a regular file"


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
class Walker:
    """How to walk, and the targets of the links met on the way.

    Attributes:
        exclude: glob patterns; one with a slash is matched against the path below the root, one without
            against each name. A folder that matches is not entered.
        hidden: take names that begin with a dot.
        follow_links: collect what symbolic links point at in `link_targets` instead of skipping them.
            Each is then walked under its real path, so that no file is recorded under two names and
            no loop can be entered.
        walked: roots that have been walked before; they are not entered again from a folder around them.
    """

    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_links: bool = False
    link_targets: list[bytes] = field(default_factory=list)
    walked: set[bytes] = field(default_factory=set)

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
            yield from self._walk_folder(root, root, root, status.st_dev)
        elif stat.S_ISREG(status.st_mode):
            run.files.append((root, status))
            yield run
        else:
            run.skipped.append(Skipped(root, SPECIAL))
            yield run

    def _walk_remote(self, root: bytes, run: FileRun) -> FileRun:
        """Take the objects below an address; folders are but a part of their names."""
        try:
            for path, status in remote.find(root):
                below = os.fsdecode(path[len(root) :].lstrip(b"/"))
                names = below.split("/")
                if not self.hidden and any(name.startswith(".") for name in names):
                    run.skipped.append(Skipped(path, HIDDEN))
                elif any(
                    fnmatchcase(below, pattern) if "/" in pattern else _any_matches(names, pattern)
                    for pattern in self.exclude
                ):
                    run.skipped.append(Skipped(path, EXCLUDED))
                elif not has_image_extension(path):
                    run.skipped.append(Skipped(path, NOT_AN_IMAGE))
                else:
                    run.files.append((path, status))
        except OSError as exc:
            run.skipped.append(Skipped(root, os_reason(exc), unreadable=True))
        return run

    def _walk_folder(self, folder: bytes, top: bytes, root: bytes, device: int) -> Iterator[FileRun]:
        run = FileRun(root)
        try:
            with os.scandir(folder) as entries:
                ordered = _in_path_order(entries)
        except OSError as exc:
            run.skipped.append(Skipped(folder, os_reason(exc), unreadable=True))
            yield run
            return
        choosy, files = bool(self.exclude or self.walked), run.files
        for entry in ordered:
            # Nearly every entry is an ordinary image file, and there may be a million: asked little, without
            # a call.
            name = entry.name
            if not choosy and name.endswith(_USUAL_ENDINGS) and name[0] != _DOT:
                try:
                    status = entry.stat(follow_symlinks=False)
                    if status.st_mode & _KIND == stat.S_IFREG:
                        files.append((entry.path, status))
                        continue
                except OSError:
                    pass  # it is asked again below, by what reports it
            if self._passes_over(entry, top, run):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield run
                yield from self._enter(entry, top, root, device)
                run = FileRun(root)
                files = run.files
            else:
                _take(entry, run)
        yield run

    def _enter(self, entry: os.DirEntry[bytes], top: bytes, root: bytes, device: int) -> Iterator[FileRun]:
        try:
            own_device = entry.stat(follow_symlinks=False).st_dev
        except OSError as exc:
            yield FileRun(root, skipped=[Skipped(entry.path, os_reason(exc), unreadable=True)])
            return
        below = root if own_device == device else entry.path
        yield from self._walk_folder(entry.path, top, below, own_device)

    def _passes_over(self, entry: os.DirEntry[bytes], top: bytes, run: FileRun) -> bool:
        """Say whether an entry is not for this walk, and put down why."""
        if entry.path in self.walked:
            return True
        if not self.hidden and entry.name.startswith(b"."):
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

    def _is_excluded(self, entry: os.DirEntry[bytes], top: bytes) -> bool:
        name = os.fsdecode(entry.name)
        below = os.fsdecode(entry.path[len(top) :].lstrip(b"/"))
        return any(fnmatchcase(below if "/" in pattern else name, pattern) for pattern in self.exclude)


def has_image_extension(path: bytes) -> bool:
    """Say whether a name ends like an image file, whatever its case."""
    if path.endswith(_USUAL_ENDINGS):  # nearly all of them, at a third of the cost
        return True
    _, dot, extension = path.rpartition(b".")
    return bool(dot) and extension.lower() in IMAGE_EXTENSIONS


def outermost(paths: Sequence[bytes]) -> list[bytes]:
    """Sort paths and drop those that lie below another one."""
    kept: list[bytes] = []
    for path in sorted(set(paths), key=lambda path: path.rstrip(b"/") + b"/"):
        if not kept or not is_below(path, kept[-1]):
            kept.append(path)
    return kept


def is_below(path: bytes, folder: bytes) -> bool:
    """Say whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def file_stamp(status: os.stat_result) -> FileStamp:
    """Take from `stat` what tells that a file has not changed."""
    # Some file systems use all 64 bits of these numbers; the catalog's integers are signed.
    return FileStamp(status.st_size, status.st_mtime_ns, _signed(status.st_dev), _signed(status.st_ino))


def _take(entry: os.DirEntry[bytes], run: FileRun) -> None:
    """Put a file into the run, or say why not; the cheap question first, `stat` last."""
    path = entry.path
    if not has_image_extension(path):
        run.skipped.append(Skipped(path, NOT_AN_IMAGE))
        return
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as exc:
        run.skipped.append(Skipped(path, os_reason(exc), unreadable=True))
        return
    if stat.S_ISREG(status.st_mode):
        run.files.append((path, status))
    else:
        run.skipped.append(Skipped(path, SPECIAL))


def _in_path_order(entries: Iterable[os.DirEntry[bytes]]) -> list[os.DirEntry[bytes]]:
    """Sort the entries of a folder as the paths below them are sorted, byte by byte."""
    found = list(entries)
    folders = [entry for entry in found if entry.is_dir(follow_symlinks=False)]
    # Most folders hold files only: these are sorted in half the time.
    return sorted(found, key=_sort_key if folders else attrgetter("name"))


def _sort_key(entry: os.DirEntry[bytes]) -> bytes:
    """With its slash, a folder stands exactly where the paths below it belong."""
    return entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name


def _any_matches(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def os_reason(exc: OSError) -> str:
    """Say in a few words why the system refused a path."""
    return (exc.strerror or "cannot be read").lower()
