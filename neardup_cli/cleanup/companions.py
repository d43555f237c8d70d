"""Files that belong to an image: its raw file, its sidecars, the film of a Live Photo, a voice note.

They are known by their name beside it:

- `IMG_1.CR2`, `IMG_1.xmp`, `IMG_1.AAE`, `IMG_1.MOV`, `IMG_1.WAV` belong to `IMG_1.jpg`, by its stem;
- `IMG_1.jpg.xmp`, `IMG_1.jpg.dop`, darktable's versions `IMG_1_01.jpg.xmp`, `IMG_1.jpg.json` name it in full;
- Apple's `IMG_O0001.AAE` is what was done to `IMG_0001`, Google's `PXL_1.MP` is the film of `PXL_1.MP.jpg`;
- Takeout's `.json` files have rules of their own: see `takeout.py`.

What two images share by name (`IMG_1.jpg` and `IMG_1.heic` an `IMG_1.xmp`) stays where it is.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator

from neardup_cli.cleanup.takeout import Takeout
from neardup_cli.images.formats import (
    IMAGE_EXTENSIONS,
    RAW_EXTENSIONS,
    has_image_extension,
    reason_not_to_read,
)
from neardup_cli.plans import Companion

SIDECAR_EXTENSIONS = frozenset(b"xmp aae pp3 dop vrd cos cop cof on1 onphoto nksc nka arp rpp thm".split())
"""What says something of an image, or what was done to it: Adobe, Apple, RawTherapee and ART, DxO, Canon,
Capture One, ON1, Nikon; `.thm` is a camera's own thumbnail."""

FILM_EXTENSIONS = frozenset(b"mov mp4 mp m4v".split())
_VOICE_EXTENSIONS = frozenset((b"wav",))
_FILMED = frozenset(b"heic heif hif jpg jpeg avif".split())  # what a phone's still image can be
_LONGEST_FILM = 100 << 20  # bytes; some seconds of film have a tenth: more is a film with a poster beside it

_VERSION = re.compile(rb"^(.+)_\d{2,}$", re.DOTALL)
_APPLE_ORIGINAL = re.compile(rb"^(IMG_)O(\d+)$")


class Companions:
    """Finds the companions of images; each folder is listed once, and only what matters is remembered."""

    def __init__(self) -> None:
        self._folders: dict[bytes, dict[bytes, list[bytes]]] = {}

    def of(self, path: bytes) -> tuple[Companion, ...]:
        """Return the companions of an image by name; a folder that cannot be listed has none."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = _listed(folder)
        found = []
        for companion in self._folders[folder].get(name, ()):
            other = os.path.join(folder, companion)
            try:
                status = os.lstat(other)
            except OSError:  # gone since the folder was listed
                continue
            too_long = is_film(companion) and status.st_size > _LONGEST_FILM
            if stat.S_ISREG(status.st_mode) and not too_long:
                found.append(Companion(other, status.st_size, status.st_mtime_ns))
        return tuple(found)


def is_film(name: bytes) -> bool:
    """Return True if a name is that of a film."""
    return _split(name)[1] in FILM_EXTENSIONS


def is_sidecar(name: bytes) -> bool:
    """Return True if a name is that of a file that says something of an image."""
    extension = _split(name)[1]
    return extension in SIDECAR_EXTENSIONS or extension == b"json"


def _listed(folder: bytes) -> dict[bytes, list[bytes]]:
    try:
        return owned(os.listdir(folder))
    except OSError:
        return {}


def owned(names: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """Return the companions of each image among the names in a folder, in their order.

    Args:
        names: of all that is there; what belongs to several images belongs to none.
    """
    names = sorted(names)
    others = [name for name in names if may_belong(name)]
    if not others:  # nearly always, and there may be a million images
        return {}
    images = _Images(names)
    found: dict[bytes, list[bytes]] = {}
    for name in others:
        owners = images.of(name) - {name}
        if len(owners) == 1:
            found.setdefault(owners.pop(), []).append(name)
    return found


class _Images:
    """The images of a folder, by what their companions call them."""

    def __init__(self, names: Iterable[bytes]) -> None:
        # What has an odd name may be an image, and has companions that name it in full.
        self._names = {
            name for name in names if has_image_extension(name) or reason_not_to_read(name) is None
        }
        self._by_stem: dict[bytes, set[bytes]] = {}
        for name in self._names:
            if has_image_extension(name):
                self._by_stem.setdefault(_split(name)[0], set()).add(name)
        self._takeout: Takeout | None = None

    def of(self, companion: bytes) -> set[bytes]:
        """Return the images that a companion belongs to."""
        stem, extension = _split(companion)
        if extension in FILM_EXTENSIONS:
            filmed = self._by_stem.get(stem, set()) | self._by_stem.get(companion, set())
            return {image for image in filmed if _split(image)[1] in _FILMED}
        if extension in RAW_EXTENSIONS or extension in _VOICE_EXTENSIONS:
            return self._by_stem.get(stem, set())
        if extension == b"json":
            if self._takeout is None:
                self._takeout = Takeout(sorted(self._names))
            return self._takeout.images_of(companion) or self._by_stem.get(stem, set())
        return next((images for images in self._named_by(stem) if images), set())

    def _named_by(self, stem: bytes) -> Iterator[set[bytes]]:
        """Yield what the stem of a sidecar may mean, the most exact meaning first."""
        yield {stem} & self._names
        inner, extension = _split(stem)
        version = _VERSION.match(inner)
        if extension in RAW_EXTENSIONS:
            yield self._by_stem.get(inner, set())
            if version is not None:
                yield self._by_stem.get(version[1], set())
        elif extension in IMAGE_EXTENSIONS:
            if version is not None:
                yield {version[1] + stem[len(inner) :]} & self._names
        else:
            yield self._by_stem.get(stem, set())
            if (original := _APPLE_ORIGINAL.match(stem)) is not None:
                yield self._by_stem.get(original[1] + original[2], set())


def may_belong(name: bytes) -> bool:
    """Return True if a name is that of something that may belong to an image."""
    extension = _split(name)[1]
    return (
        extension in SIDECAR_EXTENSIONS
        or extension in RAW_EXTENSIONS
        or extension in FILM_EXTENSIONS
        or extension in _VOICE_EXTENSIONS
        or extension == b"json"
    )


def _split(name: bytes) -> tuple[bytes, bytes]:
    """Split a name into its stem and its extension, in lower case without the dot."""
    stem, extension = os.path.splitext(name)
    return stem, extension[1:].lower()
