"""Why a file is not acted upon, in one line for people."""

from __future__ import annotations

import errno

INSIDE_APP_FOLDER = "inside an application's own folder"

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


class Gone(Refused):
    """What an undo would bring back is there no more."""


def named(path: bytes) -> str:
    """Return a path as reasons have it, which JSON and databases hold: stray bytes become escapes."""
    return path.decode("utf-8", "backslashreplace")


def reason_of(exc: Refused | OSError) -> str:
    """Say why, in one line."""
    if isinstance(exc, Refused):
        return str(exc)
    words = _WORDS.get(exc.errno) if exc.errno is not None else None
    return words or (exc.strerror or "cannot be used").lower()
