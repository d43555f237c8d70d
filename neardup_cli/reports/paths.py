"""Paths, which are bytes, as text.

In data (JSON, CSV) a path that is UTF-8 stands as it is. One that is not is written as its `file:` URI
(RFC 8089), every byte that needs it percent-encoded: absolute paths begin with a slash, so the two cannot
be mistaken for each other, and any language can turn the URI back into bytes. For people, control
characters and stray bytes are shown as escapes, so that no file name can draw on the terminal.
"""

from __future__ import annotations

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

_SCHEME = "file://"


def data_path(path: bytes) -> str:
    """Return a path for machines: as it is, or as a `file:` URI where it is not UTF-8."""
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        return _SCHEME + quote_from_bytes(path)


def parse_data_path(text: str) -> bytes:
    """Return the path that `data_path` wrote."""
    if text.startswith(_SCHEME):
        return unquote_to_bytes(text.removeprefix(_SCHEME))
    return os.fsencode(text)


def shown_path(path: bytes) -> str:
    """Return a path for people, on one line, with nothing in it that a terminal would obey."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
