"""Google Takeout's `.json` files: which image each belongs to, by their names alone.

Takeout writes `NAME.json` beside an image; since 2024 `NAME.supplemental-metadata.json`. What stands before
`.json` is cut to 46 characters, anywhere: in the middle of `.supplemental-metadata`, of the extension, of the
name. The number of `IMG(1).jpg` goes to the end and is never cut: `IMG.jpg(1).json`,
`IMG.jpg.supplemental-metadata(1).json`. What an editor made of an image (`IMG-edited.jpg`) has none of its
own: that of the original is theirs in common. Google documents nothing of this; it was gathered by
https://github.com/ente/ente/pull/4956, https://github.com/simulot/immich-go and
https://github.com/TheLastGimbus/GooglePhotosTakeoutHelper (issue 353, pull request 449).
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_SUFFIX = b".supplemental-metadata"
_CUT_TO = range(46, 52)  # characters or bytes; some count what follows, too
_NUMBER = re.compile(rb"^(.+?)(\(\d+\))$", re.DOTALL)
_EDITED = tuple(
    f"-{word}".encode()
    for word in (
        *("edited", "effects", "smile", "mix"),  # then the same word in the languages of Google Photos
        *("edytowane", "bearbeitet", "modifié", "editado", "editada", "modificato", "bewerkt", "redigerad"),
        *("redigeret", "muokattu", "upravené", "upraveno", "düzenlendi", "編集済み", "已修改", "已编辑"),
        *("수정됨", "изменено"),
    )
)

type _Title = tuple[bytes, bytes]
"""A name as it is before `.json`, without and with the number that goes behind it."""


class Takeout:
    """Finds the images of a folder that a `.json` file is about."""

    def __init__(self, images: Iterable[bytes]) -> None:
        """Take the names of the images."""
        self._by_title: dict[_Title, set[bytes]] = {}
        for image in images:
            for title in _titles(image):
                self._by_title.setdefault(title, set()).add(image)
        self._sorted = sorted(self._by_title)

    def images_of(self, name: bytes) -> set[bytes]:
        """Return the images that a file `NAME.json` is about; several where they have it in common."""
        stem = os.path.splitext(name)[0]
        found: set[bytes] = set()
        for title, number in _with_and_without_number(stem):
            for named in _before_suffix(title):
                found |= self._by_title.get((named, number), set())
            if not found and (_is_cut(title) or _is_cut(title + number)):
                found |= self._beginning_with(title, number)
        return found

    def _beginning_with(self, title: bytes, number: bytes) -> set[bytes]:
        """Return the images of the titles that were cut to this one."""
        found: set[bytes] = set()
        for place in range(bisect_left(self._sorted, (title, b"")), len(self._sorted)):
            full = self._sorted[place]
            if not full[0].startswith(title):
                break
            if full[1] == number:
                found |= self._by_title[full]
        return found


def _titles(image: bytes) -> Iterator[_Title]:
    """Yield what may stand in the place of NAME for an image."""
    stem, extension = os.path.splitext(image)
    numbered = list(_with_and_without_number(stem))
    for name, number in numbered:
        yield name + extension, number
    for name, number in numbered:
        if (original := _before_edit(name)) is not None:
            yield original + extension, number
            if number:
                yield original + number + extension, b""


def _with_and_without_number(stem: bytes) -> Iterator[_Title]:
    yield stem, b""
    if (match := _NUMBER.match(stem)) is not None:
        yield match[1], match[2]


def _before_edit(stem: bytes) -> bytes | None:
    """Return the stem of the original of an edited image; the word itself may have been cut."""
    for word in _EDITED:
        if stem.endswith(word):
            return stem[: -len(word)] or None
    if _is_cut(stem):
        for word in _EDITED:
            for length in range(len(word) - 1, 1, -1):
                if stem.endswith(word[:length]):
                    return stem[:-length]
    return None


def _before_suffix(title: bytes) -> Iterator[bytes]:
    """Yield a title without what is there of `.supplemental-metadata`, be it nothing."""
    yield title
    for length in range(1, len(_SUFFIX) + 1):
        if title.endswith(_SUFFIX[:length]):
            yield title[:-length]


def _is_cut(title: bytes) -> bool:
    return len(title) in _CUT_TO or len(title.decode("utf-8", "replace")) in _CUT_TO
