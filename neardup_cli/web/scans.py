"""A scan as a job: one at a time, in a thread, watched by whoever likes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import NeardupError
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.scans import ScanSummary
from neardup_cli.web.board import Stopped, Watch
from neardup_cli.web.problems import Refusal

log = logging.getLogger("neardup.web")


class ScanState(StrEnum):
    """How far a scan is."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ScanView:
    """What a watcher sees of the last scan; `total` is None while nobody knows how much there is."""

    state: ScanState
    task: str = ""
    done: int = 0
    total: int | None = None
    summary: ScanSummary | None = None
    error: str | None = None


class Scans:
    """Runs scans of the catalog's own roots.

    Other folders have to be scanned from the command line first: what a browser can reach must not be
    able to have a new part of the disk read.
    """

    def __init__(self, catalog: Catalog, options: ScanOptions, on_end: Callable[[], None]) -> None:
        self._catalog = catalog
        self._options = options
        self._on_end = on_end
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._watch = Watch(lambda: self._stopping)
        self._ended = ScanView(ScanState.IDLE)

    def view(self) -> ScanView:
        """Return how far the last scan is."""
        if self._thread is None or not self._thread.is_alive():
            return self._ended
        watch = self._watch
        return ScanView(ScanState.RUNNING, watch.task, watch.done, watch.total)

    def start(self, paths: Sequence[bytes]) -> ScanView:
        """Begin a scan of some roots, or of all.

        Raises:
            Refusal: one is under way, or a path is no root of this catalog.
        """
        with self._catalog.read() as connection:
            roots = [root.path for root in queries.root_statuses(connection)]
        if not set(paths) <= set(roots):
            raise Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "only folders that `neardup scan` has seen can be scanned again",
            )
        with self._lock:
            if self.view().state is ScanState.RUNNING:
                raise Refusal(HTTPStatus.CONFLICT, "a scan is under way")
            self._stopping = False
            self._watch = Watch(lambda: self._stopping)
            self._thread = threading.Thread(
                target=self._run, args=(list(paths) or roots,), name="scan-job", daemon=True
            )
            self._thread.start()
        return self.view()

    def stop(self) -> None:
        """End a scan that is under way; what it has read is in the catalog."""
        self._stopping = True

    def close(self) -> None:
        """End it and wait until it has."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self, paths: list[bytes]) -> None:
        try:
            summary = scan(self._catalog, paths, self._options, self._watch)
            self._ended = ScanView(ScanState.DONE, summary=summary)
        except Stopped:
            self._ended = ScanView(ScanState.STOPPED)
        except NeardupError as exc:
            self._ended = ScanView(ScanState.FAILED, error=str(exc))
        except Exception:
            log.exception("the scan failed")
            self._ended = ScanView(ScanState.FAILED, error="the scan failed: the server's log has more")
        self._on_end()
