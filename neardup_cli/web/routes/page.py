"""The page itself, and whether the server is up."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from neardup_cli.web.documents import Health
from neardup_cli.web.service import Served

STATIC = Path(str(files("neardup_cli.web") / "static"))

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Return the review page."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


@router.get("/healthz", tags=["server"])
async def healthz() -> Health:
    """Say that the server is up; needs no token."""
    return Health()


@router.get(
    "/metrics",
    tags=["server"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "OK"}},
)
def metrics(served: Served) -> Response:
    """Return counters and timings in Prometheus' format."""
    return Response(generate_latest(served.metrics.registry), media_type=CONTENT_TYPE_LATEST)
