"""Paths, which are bytes, as text.

In data (JSON, CSV) a path that is UTF-8 stands as it is. One that is not is written as its `file:` URI
(RFC 8089), every byte that needs it percent-encoded: absolute paths begin with a slash, so the two cannot
be mistaken for each other, and any language can turn the URI back into bytes. For people, control
characters and stray bytes are shown as escapes, so that no file name can draw on the terminal.
"""

from __future__ import annotations

from urllib.parse import quote_from_bytes, unquote_to_bytes

_SCHEME = "file://"
_RAW_SCHEME = _SCHEME.encode()


def data_path(path: bytes) -> str:
    """Return a path for machines: as it is, or as a `file:` URI where it is not UTF-8.

    A relative path that looks like such a URI becomes one too, so that every path can be told back.
    """
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return _SCHEME + quote_from_bytes(path)
    return _SCHEME + quote_from_bytes(path) if path.startswith(_RAW_SCHEME) else text


def parse_data_path(text: str) -> bytes:
    """Return the path that `data_path` wrote."""
    if text.startswith(_SCHEME):
        return unquote_to_bytes(text.removeprefix(_SCHEME))
    return text.encode("utf-8")


def shown_path(path: bytes) -> str:
    """Return a path for people, on one line, with nothing in it that a terminal would obey."""
    text = path.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def shown_text(text: str) -> str:
    """Return a message, which may hold paths, in the same way; tabs stay."""
    parts = text.encode("utf-8", "surrogateescape").split(b"\t")
    return "\t".join(map(shown_path, parts))
