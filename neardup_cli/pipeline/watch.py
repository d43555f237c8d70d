"""`watch`: taking new and changed files in as they come.

The system says that something below a root has changed; what it was, a scan finds out, by the rules that all
scans have. A scan of a large, quiet collection costs little more than a walk; it begins when nothing has
changed for a while, and rests behind it, so that files that never stop coming do not keep a core busy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import CatalogBusy, NeardupError
from neardup_cli.images.formats import reason_not_to_read
from neardup_cli.installation import missing_extra
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.scans import ScanSummary, Watched

_STEP_MS = 500
_PATIENCE = 12  # times the settling: files that never stop coming are taken in all the same
_REST = 19  # times what a scan took: the least pause behind it, but not of the first one, which reads all
_LONGEST_REST = 300.0  # seconds: after much was read nobody waits for hours


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to watch.

    Attributes:
        scan: how what has changed is scanned.
        settle: seconds without a change before a scan: files that are being copied are not read yet.
        every: seconds after which a scan is due without any change: shares of other machines tell of none.
    """

    scan: ScanOptions
    settle: float = 5.0
    every: float = 3600.0


def watch(
    location: Path | str,
    roots: Sequence[bytes],
    options: WatchOptions,
    told: Callable[[ScanSummary], None],
    watched: Watched,
) -> None:
    """Scan the roots, and again whenever something in them changes, until interrupted.

    Args:
        location: of the catalog, which is open while a scan runs and not in between.
        roots: real paths of folders and files.
        options: see there.
        told: is given the first scan, and each that found something new.
        watched: is filled in as it goes on.

    Raises:
        MissingExtra: the package watchfiles is not there.
        KeyboardInterrupt: somebody has stopped it.
        NeardupError: see `scan`; a catalog that is busy is waited for.
    """
    began = time.monotonic()
    try:
        due = _Due(options, began)
        for paths in _changes(roots):
            now = time.monotonic()
            if any(_matters(path, location) for path in paths):
                due.changed(now)
            if not due.at(now):
                continue
            summary = _scanned(location, roots, options.scan)
            due.scanned(now, time.monotonic(), done=summary is not None)
            if summary is not None:
                first = not watched.scans
                watched.count(summary)
                watched.unreadable = len(summary.unreadable)
                if first or summary.added or summary.changed or summary.moved or summary.missing:
                    told(summary)
    finally:
        watched.seconds = time.monotonic() - began


class _Due:
    """When the next scan is due."""

    def __init__(self, options: WatchOptions, now: float) -> None:
        self._settle, self._every = options.settle, options.every
        self._first: float | None = now - options.settle * _PATIENCE  # what came while nobody watched
        self._last = self._scanned_at = now
        self._not_before = now
        self._before_any = True

    def changed(self, now: float) -> None:
        """Something has changed."""
        self._last = now
        self._first = now if self._first is None else self._first

    def at(self, now: float) -> bool:
        """Return True if it is time."""
        if now < self._not_before:
            return False
        if now - self._scanned_at >= self._every:
            return True
        if self._first is None:
            return False
        return now - self._last >= self._settle or now - self._first >= self._settle * _PATIENCE

    def scanned(self, began: float, now: float, *, done: bool) -> None:
        """A scan has ended; one that could not begin is due again after the same pause."""
        rest = 0.0 if self._before_any else min(_LONGEST_REST, _REST * (now - began))
        self._not_before = now + max(self._settle, rest)
        if done:
            self._first, self._scanned_at, self._before_any = None, now, False


def demand_watcher() -> None:
    """Make sure that changes can be told of.

    Raises:
        MissingExtra: the package watchfiles is not there.
    """
    try:
        import watchfiles  # noqa: F401
    except ImportError as exc:
        raise missing_extra("`neardup watch` needs watchfiles", "watch") from exc


def _changes(roots: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the paths that have changed, every half a second, none among them."""
    demand_watcher()
    import watchfiles

    try:
        for changes in watchfiles.watch(
            *map(os.fsdecode, roots),
            watch_filter=None,
            step=50,
            debounce=_STEP_MS,
            rust_timeout=_STEP_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            ignore_permission_denied=True,
        ):
            yield [os.fsencode(path) for _, path in changes]
    except (OSError, RuntimeError) as exc:
        raise NeardupError(f"the folders cannot be watched: {exc}; run `neardup scan` now and then") from exc


def _matters(path: bytes, location: Path | str) -> bool:
    """Return True if a change may concern an image: what a scan itself writes must not ask for the next."""
    if isinstance(location, Path):
        own = os.fsencode(location)
        if path.startswith(own) and os.path.dirname(path) == os.path.dirname(own):
            return False
    return reason_not_to_read(path) is None


def _scanned(location: Path | str, roots: Iterable[bytes], options: ScanOptions) -> ScanSummary | None:
    """Scan what is there; None where another process writes to the catalog now, or nothing is there."""
    there = [root for root in roots if os.path.lexists(root)]
    if not there:
        return None
    try:
        with Catalog.open(location, create=True) as opened:
            return scan(opened, there, replace(options, rehash=False))
    except CatalogBusy:
        return None
