"""The progress bar: on stderr, only on a terminal, with rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from neardup_cli.progress import Progress, Silent


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Draw progress while the block runs; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from neardup_cli.cli.bar import Bar

    with Bar() as bar:
        yield bar
