"""Errors as the API answers them: a code for programs, one line for people, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from neardup_cli.errors import (
    BadInput,
    CatalogBusy,
    CatalogError,
    DiskFull,
    ImageTooLarge,
    ModelError,
    NeardupError,
    PathNotFound,
    UnreadableImage,
)
from neardup_cli.reports.paths import shown_text

log = logging.getLogger("neardup.web")

_STATUS: tuple[tuple[type[NeardupError], HTTPStatus], ...] = (
    (PathNotFound, HTTPStatus.NOT_FOUND),
    (ImageTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnreadableImage, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (CatalogBusy, HTTPStatus.CONFLICT),
    (ModelError, HTTPStatus.CONFLICT),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (CatalogError, HTTPStatus.SERVICE_UNAVAILABLE),
)

_CODES = {
    400: "bad_request",
    401: "token_needed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    410: "gone",
    413: "too_large",
    422: "bad_input",
    500: "internal",
    503: "not_ready",
    507: "disk_full",
}


class Problem(BaseModel):
    """Why a request got no answer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"error": "not_found", "message": "the catalog has no such file"}]}
    )

    error: str
    message: str


class Refusal(NeardupError):
    """A request that cannot be answered now or at all, and the status that says so."""

    def __init__(self, status: HTTPStatus, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return what an operation has to say of its errors in the OpenAPI document; bad input always is."""
    named = {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, *statuses}
    return {status.value: {"model": Problem, "description": status.phrase} for status in sorted(named)}


def problem(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error as a response."""
    body = Problem(error=_CODES.get(status.value, "failed"), message=shown_text(message))
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(body.model_dump(), status.value, headers=kept)


def install(app: FastAPI) -> None:
    """Have every error of the application answered as a `Problem`."""
    app.add_exception_handler(NeardupError, _foreseen)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _foreseen(_: Request, exc: Exception) -> Response:
    if isinstance(exc, Refusal):
        headers = {} if exc.retry_after is None else {"Retry-After": str(exc.retry_after)}
        return problem(exc.status, str(exc), headers)
    for kind, status in _STATUS:
        if isinstance(exc, kind):
            return problem(status, str(exc))
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(exc))


async def _invalid(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    said = "; ".join(
        f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors()
    )
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, said)


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    headers = dict(exc.headers or {})
    if exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return problem(HTTPStatus(exc.status_code), str(exc.detail), headers)


def _methods(request: Request) -> set[str]:
    """Return the methods of all operations at a path; the first of them alone has answered."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return found


async def _unforeseen(request: Request, exc: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=exc)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the server's log has more")
