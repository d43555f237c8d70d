"""Files that belong to a picture: its raw file, its sidecars, the film of a Live Photo.

They are known by their name beside it: `IMG_1.CR2`, `IMG_1.xmp`, `IMG_1.jpg.xmp`, `IMG_1.AAE`, `IMG_1.MOV`
belong to `IMG_1.jpg`. What two pictures share by name (`IMG_1.jpg` and `IMG_1.heic`) stays where it is.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from typing import NamedTuple

from neardup_cli.images.formats import IMAGE_EXTENSIONS
from neardup_cli.plans import Companion

RAW_EXTENSIONS = frozenset(
    b"3fr arw cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw"
    b" x3f".split()
)
SIDECAR_EXTENSIONS = frozenset((b"xmp", b"aae"))
FILM_EXTENSIONS = frozenset((b"mov",))
_FILMED = frozenset(b"heic heif jpg jpeg".split())  # what a Live Photo's still picture can be


class _Belonging(NamedTuple):
    """A companion's name, and the one picture that it names in full, if it does."""

    name: bytes
    picture: bytes | None


class Companions:
    """Finds the companions of pictures; each folder is listed once, and only what matters is remembered."""

    def __init__(self) -> None:
        self._folders: dict[bytes, dict[bytes, list[_Belonging]]] = {}

    def of(self, path: bytes) -> tuple[Companion, ...]:
        """Return the companions of a picture by name; a folder that cannot be listed has none."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = _belongings(folder)
        if not (belongings := self._folders[folder]):  # nearly always, and there may be a million pictures
            return ()
        stem, extension = _split(name)
        found = []
        for belonging in belongings.get(stem, ()):
            if belonging.picture not in (None, name):
                continue
            if _split(belonging.name)[1] in FILM_EXTENSIONS and extension not in _FILMED:
                continue
            other = os.path.join(folder, belonging.name)
            try:
                status = os.lstat(other)
            except OSError:  # gone since the folder was listed
                continue
            if stat.S_ISREG(status.st_mode):
                found.append(Companion(other, status.st_size, status.st_mtime_ns))
        return tuple(found)


def _belongings(folder: bytes) -> dict[bytes, list[_Belonging]]:
    """List a folder's companions by the stem of their pictures, without those that several share."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    owned: dict[bytes, list[_Belonging]] = {}
    for name in sorted(names):
        if (owner := _owner(name)) is not None:
            owned.setdefault(owner[0], []).append(_Belonging(name, owner[1]))
    if not owned:
        return {}
    pictures = Counter(
        stem for stem, extension in map(_split, names) if stem in owned and extension in IMAGE_EXTENSIONS
    )
    return {
        stem: [one for one in belongings if one.picture is not None or pictures[stem] == 1]
        for stem, belongings in owned.items()
    }


def _owner(name: bytes) -> tuple[bytes, bytes | None] | None:
    """Return the stem that a companion belongs to, and the picture it names in full; None if it is none."""
    stem, extension = _split(name)
    if extension in RAW_EXTENSIONS or extension in FILM_EXTENSIONS:
        return stem, None
    if extension not in SIDECAR_EXTENSIONS:
        return None
    inner_stem, inner_extension = _split(stem)
    if inner_extension in IMAGE_EXTENSIONS:
        return inner_stem, stem
    return (inner_stem, None) if inner_extension in RAW_EXTENSIONS else (stem, None)


def _split(name: bytes) -> tuple[bytes, bytes]:
    """Split a name into its stem and its extension, in lower case without the dot."""
    stem, extension = os.path.splitext(name)
    return stem, extension[1:].lower()
