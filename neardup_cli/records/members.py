"""What a member of a container is called: `CONTAINER!MEMBER`, told by the path alone."""

from __future__ import annotations

import re

_ENDINGS = rb"\.(?:tar|zip|cbz)"
_MEMBER = re.compile(rb"(?si)(.+?" + _ENDINGS + rb")!(.+)")
_CONTAINER = re.compile(rb"(?si).+" + _ENDINGS)


def split_member(path: bytes) -> tuple[bytes, bytes] | None:
    """Return the container and the name of a member; None for any other path."""
    if b"!" not in path:
        return None
    found = _MEMBER.fullmatch(path)
    return None if found is None else (found[1], found[2])


def is_member(path: bytes) -> bool:
    """Return True if a path is that of a member of a container."""
    return b"!" in path and _MEMBER.fullmatch(path) is not None


def is_container(path: bytes) -> bool:
    """Return True if a file is a container by its name."""
    return _CONTAINER.fullmatch(path) is not None


def name_below(path: bytes, folder: bytes) -> bytes | None:
    """Return what a path is called below a folder, or in a container; None where it lies elsewhere."""
    if is_container(folder) and path.startswith(folder + b"!"):
        return path[len(folder) + 1 :]
    inside = folder.rstrip(b"/") + b"/"
    return path[len(inside) :] if path.startswith(inside) else None


def member_range(container: bytes) -> tuple[bytes, bytes]:
    """Return the half-open range of the paths of a container's members; a quote is the byte after "!"."""
    return container + b"!", container + b'"'
