"""The one way to write a file whole: beside its place, which it takes when all of it is on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

EVERYBODY, OWNER_ALONE = 0o666, 0o600
"""Who may read and write a new file, as far as the umask lets them."""

_LONGEST = 100  # bytes of a name that are kept: with what is added it has to be a name still


def beside(target: str | bytes | Path) -> bytes:
    """Return a hidden name in the folder of a target, which nothing has yet."""
    folder, name = os.path.split(os.fsencode(target))
    return os.path.join(folder, b".%s.%s.partial" % (name[:_LONGEST], token_hex(4).encode()))


@contextmanager
def replacing(
    target: str | bytes | Path, *, mode: int = EVERYBODY, durably: bool = True
) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of a target when the block ends well, and goes if it does not.

    Whoever opens the target meanwhile finds what was there before, or all of the new file.

    Args:
        target: where it is to be; its folder is there.
        mode: of the new file, before the umask.
        durably: wait until it is on the disk, so that a power cut leaves one or the other. What can be made
            again, and is known by a checksum, need not wait.

    Raises:
        OSError: it cannot be written; nothing is left of it, and the target is as it was.
    """
    partial = beside(target)
    try:
        with open(partial, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as stream:
            yield stream
            stream.flush()
            if durably:
                os.fsync(stream.fileno())
        os.replace(partial, os.fsencode(target))
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise
