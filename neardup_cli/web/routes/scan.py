"""Bringing the catalog up to date, and what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from neardup_cli.errors import PathNotFound
from neardup_cli.reports.json_report import scan_document, status_document
from neardup_cli.reports.paths import parse_data_path
from neardup_cli.web.documents import Progress, Root, ScanRequest, ScanResult, ScanStatus, Stats
from neardup_cli.web.problems import responses
from neardup_cli.web.scans import ScanState, ScanView
from neardup_cli.web.service import Served, Service

_EVENT_SECONDS = 0.25
_EVENT = {
    "type": "object",
    "properties": {"data": {"type": "string", "description": "A `ScanStatus` as JSON."}},
    "required": ["data"],
}

router = APIRouter(prefix="/api", tags=["catalog"])


@router.get("/stats", responses=responses(HTTPStatus.SERVICE_UNAVAILABLE))
def stats(served: Served) -> Stats:
    """Return what the catalog and its groups hold, as of the last time the groups were computed."""
    snapshot = served.snapshot()
    status, summary = status_document(snapshot.status), snapshot.report.summary
    return Stats(
        files=snapshot.status.files,
        bytes=snapshot.status.image_bytes,
        missing=snapshot.status.missing,
        contents=snapshot.status.contents,
        unreadable=snapshot.status.unreadable,
        model=snapshot.report.parameters["model"],
        last_scan=status["last_scan"],
        roots=[Root.model_validate(root) for root in status["roots"]],
        groups=summary["groups"],
        redundant_files=summary["redundant_files"],
        reclaimable_bytes=summary["reclaimable_bytes"],
        doubtful_files=summary["doubtful_files"],
        doubtful_bytes=summary["doubtful_bytes"],
        kinds=snapshot.kinds,
        version=snapshot.version,
        updating=served.board.computing,
        error=served.board.error,
    )


@router.get("/progress")
def progress(served: Served) -> Progress:
    """Return how far the computation of the groups is; an empty task when nothing is computed."""
    if not served.board.computing:
        return Progress(task="", done=0, total=None)
    watch = served.board.progress
    return Progress(task=watch.task or "Looking for copies", done=watch.done, total=watch.total)


@router.post(
    "/scan",
    status_code=HTTPStatus.ACCEPTED,
    responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def start_scan(served: Served, request: ScanRequest) -> ScanStatus:
    """Scan the catalog's roots again, in the background; one scan at a time."""
    try:
        paths = [parse_data_path(path) for path in request.paths]
    except UnicodeEncodeError:
        raise PathNotFound("no path holds such a character") from None
    return _status(served.scans.start(paths))


@router.get("/scan")
def scan(served: Served) -> ScanStatus:
    """Return how far the last scan is."""
    return _status(served.scans.view())


@router.delete("/scan", status_code=HTTPStatus.ACCEPTED)
def stop_scan(served: Served) -> ScanStatus:
    """Stop the scan; what it has read stays, and the next one goes on from there."""
    served.scans.stop()
    return _status(served.scans.view())


@router.get(
    "/scan/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
)
async def scan_events(served: Served) -> StreamingResponse:
    """Send a `ScanStatus` whenever it changes, as server-sent events, until the scan has ended."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(served), media_type="text/event-stream", headers=headers)


async def _events(served: Service) -> AsyncIterator[str]:
    said = ""
    while True:
        view = served.scans.view()
        text = _status(view).model_dump_json(by_alias=True)
        if text != said:
            yield f"data: {text}\n\n"
            said = text
        if view.state is not ScanState.RUNNING:
            return
        await asyncio.sleep(_EVENT_SECONDS)


def _status(view: ScanView) -> ScanStatus:
    running = view.state is ScanState.RUNNING
    return ScanStatus(
        state=view.state,
        progress=Progress(task=view.task, done=view.done, total=view.total) if running else None,
        result=None if view.summary is None else ScanResult.model_validate(scan_document(view.summary)),
        error=view.error,
    )
