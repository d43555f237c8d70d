"""Formats that are read with an extra alone: which one, whether it is there, and the command that brings it.

Nothing is imported to find out: a scan that meets none of these files must not wait for a decoder.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from neardup_cli.images.formats import RAW_EXTENSIONS, USUAL_ENDINGS, extension_of
from neardup_cli.installation import install_command

WITHOUT_EXTRA = "not read without an extra"
"""Words of every reason that `lacking` gives."""

_JXL, _RAW = ("jxl", "pillow_jxl"), ("raw", "rawpy")  # the extra, and the module that it brings
_NEEDED = {b"jxl": _JXL, **dict.fromkeys(RAW_EXTENSIONS, _RAW)}
_KINDS = {"jxl": "JPEG XL", "raw": "raw file"}


def can_read_raw() -> bool:
    """Return True if the extra that reads camera raw files is installed."""
    return _is_there(_RAW[1])


def can_read_jxl() -> bool:
    """Return True if the extra that reads JPEG XL is installed."""
    return _is_there(_JXL[1])


def lacking(path: bytes) -> str | None:
    """Say why a file is not read for want of an extra, by its name; None if it wants none that is missing."""
    if path.endswith(USUAL_ENDINGS):  # nearly all files of a library, which want none
        return None
    needed = _NEEDED.get(extension_of(path))
    if needed is None or _is_there(needed[1]):
        return None
    return _reason(needed[0])


@cache
def _is_there(module: str) -> bool:
    return find_spec(module) is not None


@cache
def _reason(extra: str) -> str:
    return f"{_KINDS[extra]}: {WITHOUT_EXTRA}: run {install_command(extra)}"
