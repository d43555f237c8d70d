"""What lives as long as the server: the open catalog and everything that is kept ready over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from neardup_cli.catalog.database import Catalog
from neardup_cli.web.board import Board, Snapshot
from neardup_cli.web.lookup import Lookup
from neardup_cli.web.metrics import Metrics
from neardup_cli.web.options import ServeOptions
from neardup_cli.web.planning import Planning
from neardup_cli.web.plans import Plans
from neardup_cli.web.previews import Previews
from neardup_cli.web.problems import Refusal
from neardup_cli.web.scans import Scans
from neardup_cli.web.uploads import Uploads

_RETRY_SECONDS = 2


class Service:
    """The parts of a running server."""

    def __init__(self, location: Path | str, options: ServeOptions, metrics: Metrics) -> None:
        """Open the catalog and begin to find its groups.

        Raises:
            CatalogMissing, CatalogTooNew, CatalogCorrupt: it cannot be opened.
        """
        self.options = options
        self.metrics = metrics
        self.catalog = Catalog.open(location)
        self._threads = ThreadPoolExecutor(options.workers, thread_name_prefix="pictures")
        self.lookup = Lookup(self.catalog, options.query, options.workers, metrics)
        self.previews = Previews(self.catalog, options.scan.max_pixels, options.limits.preview_bytes, metrics)
        self.board = Board(self.catalog, options.dups, metrics, on_change=self.lookup.refresh)
        self.plans = Plans()
        self.planning = Planning()
        self.uploads = Uploads(options.query.max_pixels, options.workers)
        self.scans = Scans(self.catalog, options.scan, on_end=self.board.refresh)

    def snapshot(self) -> Snapshot:
        """Return the groups as they were computed last.

        Raises:
            Refusal: they never were, yet.
        """
        if (snapshot := self.board.snapshot) is not None:
            return snapshot
        if self.board.error is not None:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, self.board.error)
        raise Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE, "the groups are being computed", retry_after=_RETRY_SECONDS
        )

    async def in_thread[T](self, work: Callable[[], T]) -> T:
        """Run something that decodes pictures, a bounded number at a time."""
        return await self.in_time(asyncio.get_running_loop().run_in_executor(self._threads, work))

    async def in_time[T](self, answer: Awaitable[T]) -> T:
        """Wait for an answer as long as one may take.

        Raises:
            Refusal: it took longer.
        """
        try:
            async with asyncio.timeout(self.options.limits.answer_seconds):
                return await answer
        except TimeoutError:
            message = "this took too long: the server is busy, or the picture is too large"
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_after=_RETRY_SECONDS) from None

    def close(self) -> None:
        """End all threads, then close the catalog."""
        self.planning.close()
        self.scans.close()
        self.board.close()
        self.lookup.close()
        self.uploads.close()
        self._threads.shutdown(cancel_futures=True)
        self.catalog.close()


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]
"""The parameter by which an operation gets at the service."""
