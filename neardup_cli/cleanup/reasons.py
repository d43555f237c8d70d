"""Why a file is not acted upon, in one line for people."""

from __future__ import annotations

import errno
import os

_WORDS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted here",
    errno.EROFS: "the disk is mounted read-only",
    errno.ENOSPC: "no room left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EXDEV: "on another device",
    errno.EEXIST: "the name is taken there",
    errno.ENOENT: "no longer there",
    errno.ELOOP: "a symbolic link stands there now",
    errno.ENAMETOOLONG: "the name would be too long there",
    errno.EMLINK: "the file has as many hard links as the disk allows",
    errno.EBUSY: "in use",
}


class Refused(Exception):
    """A file must not be acted upon, or cannot be; the message is the reason. Never leaves this room."""


def reason_of(exc: Refused | OSError) -> str:
    """Say why, in words that a database can hold: stray bytes of a path become escapes."""
    if isinstance(exc, Refused):
        return os.fsencode(str(exc)).decode("utf-8", "backslashreplace")
    words = _WORDS.get(exc.errno) if exc.errno is not None else None
    return words or (exc.strerror or "cannot be used").lower()
